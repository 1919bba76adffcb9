"""Options and arguments that several commands have, and what they become."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tabular_dl.errors import UserError

__all__ = [
    "Id",
    "MetricName",
    "Pipeline",
    "Run",
    "Target",
    "TestFile",
    "TrainFile",
    "check_values",
    "quiet_console",
    "quoted",
    "seconds_of",
]

Pipeline = Annotated[
    str, typer.Argument(help="A pipeline by name (see `list`), or a YAML file.", metavar="NAME|FILE.yaml")
]
Run = Annotated[str, typer.Argument(help="A run's id or name.", metavar="RUN")]
TrainFile = Annotated[
    Path | None, typer.Option("--train", help="A table to learn from, instead of a pipeline.", metavar="FILE")
]
TestFile = Annotated[
    Path | None, typer.Option("--test", help="The table to predict; test.csv beside it.", metavar="FILE")
]
Target = Annotated[str | None, typer.Option(help="The column to predict, if the tables do not say.", metavar="COLUMN")]
Id = Annotated[str | None, typer.Option("--id", help="The column that names rows.", metavar="COLUMN")]
MetricName = Annotated[str | None, typer.Option("--metric", help="What runs are scored by.", metavar="NAME")]


def quoted(path: Path) -> str:
    """Write a path as a YAML value, absolute, so that a run's specification says where its tables were."""
    import json

    return json.dumps(str(path.resolve()), ensure_ascii=False)


def check_values(settings: Mapping[str, Any]) -> None:
    """Check hyperparameters for `load_spec`; scikit-learn loads only when all else in a pipeline file is right."""
    from tabular_dl.spec import check_network

    check_network(settings)


def quiet_console(quiet: bool) -> Any:
    """Return a console that prints to standard output, or nowhere."""
    from rich.console import Console

    return Console(quiet=quiet)


def seconds_of(text: str | None) -> float | None:
    """Read a duration like 90s, 10m or 1h."""
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise UserError(f"--timeout: expected a time like 90s, 10m or 1h, found {text!r}.")
    return seconds
