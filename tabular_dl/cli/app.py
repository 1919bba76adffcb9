"""The `tabular-dl` command.

Each command reads its options and calls one workflow. It imports the workflow only when it is called, so that `--help`,
`--version`, `list` and messages about mistakes in a pipeline file appear at once.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from tabular_dl.cli import predictions, runs, tables, training
from tabular_dl.errors import UserError, listed
from tabular_dl.limits import VARIABLE, limit

__all__ = ["app", "main"]

# New objects before a garbage collection, and collections before one of older objects. A full collection visits the
# millions of objects of the libraries: Python's own numbers make importing them take a quarter longer.
COLLECTIONS = (50_000, 100, 10)

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
for part in (tables, training, runs, predictions):
    app.add_typer(part.app)


def _print_version(requested: bool) -> None:
    if requested:
        from tabular_dl import __version__

        typer.echo(f"tabular-dl {__version__}")
        raise typer.Exit


def _raise_limits(factor: float | None) -> None:
    if factor is not None:
        os.environ[VARIABLE] = str(factor)
    limit(1)  # raises an error for a factor that is not valid, of the option or the environment variable


def _print_left_behind(command: str | None) -> None:
    """Print the folders of earlier results that are not in the store yet."""
    if command == "recover":
        return
    from tabular_dl.workflows.outputs import left_behind

    folders = left_behind()
    if folders:
        count = "1 folder of results is" if len(folders) == 1 else f"{len(folders)} folders of results are"
        message = f"Note: {count} not in the store yet ({listed(folders, 2)}): tabular-dl recover"
        typer.secho(message, fg=typer.colors.YELLOW, err=True)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    limits: Annotated[
        float | None,
        typer.Option(
            metavar="FACTOR",
            callback=_raise_limits,
            help="Raise the limits of size and time of files, tables, models and patterns, which hold off hostile "
            "ones. Also: `TABULAR_DL_LIMITS`.",
        ),
    ] = None,
) -> None:
    """Neural networks for Kaggle-style tables: from train.csv to a tracked ensemble and a checked submission.

    Start with `tabular-dl fit titanic`, then `tabular-dl submit titanic` and `tabular-dl ui`. For your own tables,
    start with `tabular-dl init NAME --train train.csv`.
    """
    del version, limits
    _print_left_behind(context.invoked_subcommand)


def main() -> None:
    """Run a command. A `UserError` is printed without a traceback, with exit code 2 or 3."""
    gc.set_threshold(*COLLECTIONS)
    try:
        app(prog_name="tabular-dl")
    except UserError as error:
        typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
