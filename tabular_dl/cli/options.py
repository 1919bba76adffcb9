"""Options and arguments that several commands share, and the conversion of their values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tabular_dl.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from tabular_dl.drafting import Effort

__all__ = [
    "ClusterOption",
    "Data",
    "Id",
    "MetricName",
    "Model",
    "Pipeline",
    "Preset",
    "Quiet",
    "Run",
    "Target",
    "TestFile",
    "TrainFile",
    "Trust",
    "check_run",
    "check_values",
    "effort_of",
    "quiet_console",
    "quoted",
    "seconds_of",
]

Pipeline = Annotated[
    str, typer.Argument(help="Name of a pipeline (see `list`), or a YAML file.", metavar="NAME|FILE.yaml")
]
Run = Annotated[str, typer.Argument(help="Id or name of a run.", metavar="RUN")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder with train.csv, test.csv and, optionally, sample_submission.csv.", metavar="DIR"),
]
TrainFile = Annotated[
    Path | None, typer.Option("--train", help="Training table, instead of a pipeline.", metavar="FILE")
]
TestFile = Annotated[
    Path | None,
    typer.Option("--test", help="Table to predict; by default test.csv beside the training table.", metavar="FILE"),
]
Target = Annotated[
    str | None,
    typer.Option(help="Column to predict, or several as a,b,c; detected by default.", metavar="COLUMN"),
]
Id = Annotated[str | None, typer.Option("--id", help="Column that identifies rows.", metavar="COLUMN")]
MetricName = Annotated[str | None, typer.Option("--metric", help="Metric that scores runs.", metavar="NAME")]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Time that networks may take: fast, good (up to three times as long) or best (up to thirty times).",
        metavar="NAME",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Model in place of the networks: hist_gradient_boosting, random_forest, extra_trees, logistic, ridge, "
        "knn, lightgbm, xgboost, catboost, or a class as package.module:Class. Rules are adapted to it.",
        metavar="NAME",
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Execute the Python in a model that was not stored by you on this machine: read it first, in extra_files.",
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Processes that train: local:N (Dask) or loky:N on this machine, or tcp://HOST:PORT of a Dask scheduler.",
        metavar="ADDRESS",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def effort_of(preset: str | None) -> Effort | None:
    """Return the value of ``--preset``, checked.

    Parameters
    ----------
    preset : str or None
        Value of the option; None if it is not used.

    Returns
    -------
    str or None
        The value.

    Raises
    ------
    SpecError
        If there is no such preset; the message names the nearest.
    """
    if preset is None:
        return None
    from tabular_dl.drafting import check_effort

    return check_effort(preset)


def quoted(path: Path) -> str:
    """Return a path as a YAML value.

    The path is absolute, so that the specification stored with a run locates the tables from any folder.

    Parameters
    ----------
    path : Path
        File or folder.

    Returns
    -------
    str
        Path in double quotes.
    """
    import json

    return json.dumps(str(path.resolve()), ensure_ascii=False)


def check_run(run: str | None) -> None:
    """Check that a run with a model exists, before the libraries that load models are imported, which takes seconds.

    Parameters
    ----------
    run : str or None
        Id or name of a run, or ``NAME@alias``; the folder of a model, and None, are taken as they are.

    Raises
    ------
    UserError
        If there is no such run.
    """
    if run is not None and not Path(run).is_dir():
        from tabular_dl.tracking import find_run

        find_run(run)


def check_values(settings: Mapping[str, Any]) -> None:
    """Check hyperparameters as `tabular_dl.spec.check_network` does.

    The check imports scikit-learn, so the import waits until everything else in a pipeline file is valid.

    Parameters
    ----------
    settings : mapping of str to object
        Hyperparameters of the network.

    Raises
    ------
    SpecError
        If a value is not valid.
    """
    from tabular_dl.spec import check_network

    check_network(settings)


def quiet_console(quiet: bool) -> Console:
    """Return a console that prints to standard output, or prints nothing.

    Parameters
    ----------
    quiet : bool
        Whether the console prints nothing.

    Returns
    -------
    Console
        The console.
    """
    from rich.console import Console

    return Console(quiet=quiet)


def seconds_of(text: str | None, option: str = "--timeout") -> float | None:
    """Return a duration in seconds.

    Parameters
    ----------
    text : str or None
        Duration such as 90s, 10m or 1h; a number without a unit is in seconds.
    option : str, default="--timeout"
        Option in messages.

    Returns
    -------
    float or None
        None if there is no duration.

    Raises
    ------
    UserError
        If the text is not a duration, or the duration is not positive and finite.
    """
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise UserError(f"{option}: expected a duration like 90s, 10m or 1h, found {text!r}.")
    return seconds
