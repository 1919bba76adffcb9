"""Tables and texts of `tabular-dl list`, `problems`, `spec` and `schema`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tabular_dl.errors import SpecError
from tabular_dl.problems import describe
from tabular_dl.resources import bundled
from tabular_dl.spec import list_pipelines, load_spec

__all__ = ["full_text", "list_all", "list_problems", "schema_text"]


def list_all(console: Console | None = None) -> None:
    """Print each pipeline with its problem, metric, target, data and networks, or the error in its file.

    Parameters
    ----------
    console : Console, optional
        Console to print to; standard output by default.
    """
    grid = Table(caption="tabular-dl fit NAME fits a pipeline; put your own into pipelines/NAME.yaml")
    for heading in ("name", "problem", "metric", "target", "data", "folds x members", "from"):
        grid.add_column(heading)
    for name, path in sorted(list_pipelines().items()):
        origin = "bundled" if path.parent == bundled("pipelines") else str(path)
        try:
            spec = load_spec(path)
        except SpecError as error:
            grid.add_row(Text(name), Text(str(error), style="red"), *[""] * 4, Text(origin))
            continue
        networks = f"{spec.ensemble.folds} x {spec.ensemble.members}"
        metric = spec.metric_name or "the problem's own"
        cells = (name, spec.problem, metric, spec.data.target_names, spec.data.source, networks, origin)
        # Rich would read [a-z] in a plain string as a style.
        grid.add_row(*map(Text, cells))
    (console or Console()).print(grid)


def list_problems(console: Console | None = None) -> None:
    """Print the table of problem types.

    Parameters
    ----------
    console : Console, optional
        Console to print to; standard output by default.
    """
    rows = describe()
    grid = Table(caption="output, loss and metrics can be changed in a pipeline's network section, by Keras's names")
    for heading in rows[0]:
        grid.add_column(heading, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row.values()))
    (console or Console()).print(grid)


def full_text(pipeline: str, overrides: Sequence[str] = ()) -> str:
    """Return a pipeline with all defaults filled in.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    overrides : sequence of str
        Changed values, such as ``"network.dropout=0.4"``.

    Returns
    -------
    str
        Content of a pipeline file.

    Raises
    ------
    SpecError
        If there is no such pipeline, or it is not valid.
    """
    from tabular_dl.spec import fill_defaults, write_yaml

    return write_yaml(fill_defaults(load_spec(pipeline, overrides)))


def schema_text() -> str:
    """Return the JSON schema of pipeline files."""
    from tabular_dl.spec import pipeline_schema

    return json.dumps(pipeline_schema(), indent=2)
