"""Download of a data set from Kaggle, OpenML or Keras: `tabular-dl data get`."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl.competition import Download, download
from tabular_dl.spec import list_pipelines
from tabular_dl.workflows.console import print_lines

__all__ = ["get"]


def get(
    name: str, source: str, folder: Path | None = None, *, force: bool = False, console: Console | None = None
) -> Download:
    """Download a data set, and print its files and the next command.

    Parameters
    ----------
    name : str
        Name of the data set at the source.
    source : {"kaggle", "openml", "keras"}
        Source of the data set.
    folder : Path, optional
        Folder to write; by default ``data/NAME``.
    force : bool, default=False
        Whether to replace an existing folder.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    Download
        Folder and files.

    Raises
    ------
    DataError
        If the download fails; nothing has changed then.
    """
    console = console or Console()
    # The clients of Kaggle and Keras draw progress bars.
    progress = console.status(f"OpenML: {escape(name)}") if source == "openml" else nullcontext()
    with progress:
        result = download(name, source, folder, force=force)
    lines = [f"{digest}  {escape(file)}" for file, digest in result.digests.items()]
    lines += [escape(remark) for remark in result.remarks]
    lines.append(f"[bold]{escape(str(result.path))}[/] is complete; the SHA-256 of each file is above.")
    if (result.path / "train.csv").exists():
        lines.append(f"Next: [bold]{escape(_next_command(name, result))}[/]")
    print_lines(console, *lines)
    return result


def _next_command(name: str, result: Download) -> str:
    """Return the command that fits the pipeline of this name to the files, or drafts a pipeline for them."""
    if name in list_pipelines():
        return shlex.join(["tabular-dl", "fit", name, "--data", str(result.path)])
    files = {"--train": "train.csv", "--test": "test.csv", "--sample": "sample_submission.csv"}
    options = [(option, result.path / file) for option, file in files.items() if (result.path / file).exists()]
    target = ["--target", result.target] if result.target else []
    return shlex.join(["tabular-dl", "init", name, *(str(part) for option in options for part in option), *target])
