"""Draft of a commented pipeline file from the tables of a competition: `tabular-dl init`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from tabular_dl.atomic_files import write_text
from tabular_dl.drafting import EFFORTS, Draft, Effort, Tables, draft_from_files
from tabular_dl.errors import SpecError, UserError, listed
from tabular_dl.estimators import PRESETS
from tabular_dl.spec import read_spec, unread_numbers
from tabular_dl.tables import name_problem
from tabular_dl.workflows.console import print_lines, print_notes
from tabular_dl.workflows.effort import time_of

__all__ = ["init"]

MOST_NAMES = 6  # columns listed in one line of the table


def init(
    name: str, tables: Tables, *, preset: Effort = "good", force: bool = False, console: Console | None = None
) -> Path:
    """Write ``pipelines/NAME.yaml`` for a competition, and print the decisions.

    Parameters
    ----------
    name : str
        Name of the pipeline.
    tables : Tables
        Files, and the target, id and metric if the user names them.
    preset : {"fast", "good", "best"}
        Time that a fit may take.
    force : bool, default=False
        Whether to overwrite a file of that name.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    UserError
        If the file exists, or the tables cannot be used; nothing is written then.
    """
    console = console or Console()
    path = Path("pipelines") / f"{name}.yaml"
    problem = name_problem(path)
    if problem:
        raise SpecError(f"{path}: {problem}.")
    if path.exists() and not force:
        raise SpecError(f"{path} exists: name another pipeline, or overwrite it with --force.")
    draft, competition = draft_from_files(name, tables, preset)
    spec = read_spec(draft.content, (), path)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {path.parent} cannot be created: {error.strerror}.") from None
    write_text(path, draft.text)
    unread = [cells.message.rstrip(".") for cells in unread_numbers(spec, competition.train, tables.train.name)]
    print_notes([*competition.notes, *unread], console)
    console.print(decisions(draft))
    print_lines(
        console,
        *map(escape, draft.labels),
        f"Written to {escape(str(path))}, with the reason for each decision.",
        f"Next: [bold]tabular-dl fit {escape(name)}[/]",
        f"It takes about {time_of(spec, draft.problem, competition)} on this machine.{_other_presets(preset)}",
    )
    return path


def _other_presets(preset: Effort) -> str:
    """Return a sentence about presets that take less or more time."""
    lesser, greater = EFFORTS[: EFFORTS.index(preset)][-1:], EFFORTS[EFFORTS.index(preset) + 1 :][:1]
    ways = [
        f"--preset {name} is {word}" for names, word in ((lesser, "quicker"), (greater, "better")) for name in names
    ]
    return f" {', '.join(ways)}."


def decisions(draft: Draft) -> Grid:
    """Return the decisions of a draft as a table: target, id and metric, columns, and sizes.

    Parameters
    ----------
    draft : Draft
        Drafted pipeline.

    Returns
    -------
    rich.table.Table
        Table with a title.
    """
    content = draft.content
    grid = Grid(title=f"{content['name']}: {content['problem']}", title_justify="left")
    for heading in ("", "decided"):
        grid.add_column(heading, overflow="fold")
    grid.add_row("target", Text(listed(draft.targets, MOST_NAMES)))
    grid.add_row("id", Text(content["data"].get("id", "none")))
    grid.add_row("metric", content["metric"])
    grid.add_section()
    columns: dict[str, list[str]] = {}
    for name, treatment in draft.treatments.used.items():
        # Without the number of categories, which differs between columns, more columns share a line.
        columns.setdefault(treatment.lstrip("0123456789 "), []).append(name)
    for treatment, names in columns.items():
        grid.add_row(Text(treatment), Text(listed(names, MOST_NAMES)))
    dropped = [name for names in draft.treatments.dropped.values() for name in names]
    if dropped:
        grid.add_row("left out", Text(listed(dropped, MOST_NAMES)))
    grid.add_section()
    network, ensemble = content["network"], content["ensemble"]
    preset = network.get("preset", "mlp")
    grid.add_row("network", f"{preset}, {'-'.join(map(str, network.get('hidden', PRESETS[preset]['hidden'])))}")
    group = f", by {escape(ensemble['group'])}" if "group" in ensemble else ""
    grid.add_row("folds x members", f"{ensemble['folds']} x {ensemble['members']}{group}")
    return grid
