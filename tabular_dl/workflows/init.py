"""`tabular-dl init`: from the files of a competition to a commented pipeline file that `fit` takes."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from tabular_dl.atomic_files import write_text
from tabular_dl.drafting import Draft, Tables, draft_from_files
from tabular_dl.errors import SpecError, UserError
from tabular_dl.spec import read_spec
from tabular_dl.workflows.console import print_notes

__all__ = ["init"]

MOST_NAMES = 6  # columns in one line of the table


def init(name: str, tables: Tables, *, force: bool = False, console: Console | None = None) -> Path:
    """Write ``pipelines/NAME.yaml`` for a competition, and print what was decided.

    Parameters
    ----------
    name : str
        The pipeline's.
    tables : Tables
        The files, and what the user knows better than the rules.
    force : bool
        Whether a file of that name is written over.
    console : Console, optional
        Where to print.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        If the file is there already, or the tables cannot be used; nothing has been written then.
    """
    console = console or Console()
    path = Path("pipelines") / f"{name}.yaml"
    if path.exists() and not force:
        raise SpecError(f"{path} is there already: name another pipeline, or write over it with --force.")
    draft, competition = draft_from_files(name, tables)
    read_spec(draft.content, (), path)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {path.parent} cannot be made: {error.strerror}.") from None
    write_text(path, draft.text)
    print_notes(competition.notes, console)
    console.print(decisions(draft))
    console.print(
        f"Written to {escape(str(path))}, with the reason for each decision.", highlight=False, soft_wrap=True
    )
    console.print(f"Next: [bold]tabular-dl fit {escape(name)}[/]", highlight=False, soft_wrap=True)
    return path


def decisions(draft: Draft) -> Grid:
    """Lay out what a draft has decided: target and metric, then what becomes of which columns."""
    content = draft.content
    grid = Grid(title=f"{content['name']}: {content['problem']}", title_justify="left")
    for heading in ("", "decided"):
        grid.add_column(heading, overflow="fold")
    grid.add_row("target", Text(content["data"]["target"]))
    grid.add_row("id", Text(content["data"].get("id", "none")))
    grid.add_row("metric", content["metric"])
    grid.add_section()
    becomes: dict[str, list[str]] = {}
    for name, what in draft.treatments.used.items():
        # How many categories differs from column to column.
        becomes.setdefault(what.lstrip("0123456789 "), []).append(name)
    for what, names in becomes.items():
        grid.add_row(Text(what), Text(_listed(names)))
    dropped = [name for names in draft.treatments.dropped.values() for name in names]
    if dropped:
        grid.add_row("left out", Text(_listed(dropped)))
    grid.add_section()
    network, ensemble = content["network"], content["ensemble"]
    grid.add_row("network", f"{'-'.join(map(str, network['hidden']))}, dropout {network['dropout']}")
    by = f", by {escape(ensemble['group'])}" if "group" in ensemble else ""
    grid.add_row("folds x members", f"{ensemble['folds']} x {ensemble['members']}{by}")
    return grid


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"
