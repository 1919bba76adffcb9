"""`tabular-dl data get`: a data set from Kaggle, OpenML or Keras, complete in its place or not there at all."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl.competition import Download, download
from tabular_dl.spec import list_pipelines

__all__ = ["get"]


def get(
    name: str, source: str, folder: Path | None = None, *, force: bool = False, console: Console | None = None
) -> Download:
    """Download a data set, and print what came and what to do next.

    Parameters
    ----------
    name : str
        As the source calls it.
    source : {"kaggle", "openml", "keras"}
        Where from.
    folder : Path, optional
        Where to, instead of ``data/NAME``.
    force : bool
        Whether to replace what is there.
    console : Console, optional
        Where to print.

    Returns
    -------
    Download

    Raises
    ------
    DataError
        If it cannot be had; nothing has changed then.
    """
    console = console or Console()
    # The clients of the others draw their own bars.
    waiting = console.status(f"OpenML: {escape(name)}") if source == "openml" else nullcontext()
    with waiting:
        made = download(name, source, folder, force=force)
    lines = [f"{digest}  {escape(file)}" for file, digest in made.digests.items()]
    lines += [escape(remark) for remark in made.remarks]
    lines.append(f"[bold]{escape(str(made.path))}[/] is complete; the SHA-256 of each file is above.")
    if (made.path / "train.csv").exists():
        lines.append(f"Next: [bold]{escape(_next(name, made))}[/]")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    return made


def _next(name: str, made: Download) -> str:
    """Return the command for what was downloaded: to fit by the pipeline of this name, or to write one."""
    if name in list_pipelines():
        return shlex.join(["tabular-dl", "fit", name, "--data", str(made.path)])
    files = {"--train": "train.csv", "--test": "test.csv", "--sample": "sample_submission.csv"}
    found = [(option, made.path / file) for option, file in files.items() if (made.path / file).exists()]
    target = ["--target", made.target] if made.target else []
    return shlex.join(["tabular-dl", "init", name, *(str(part) for pair in found for part in pair), *target])
