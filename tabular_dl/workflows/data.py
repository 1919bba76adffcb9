"""`tabular-dl data get`: a data set from Kaggle, OpenML or Keras, complete in its place or not there at all."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl.downloads import Download, download

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
    lines.append(f"{len(made.digests)} files are in [bold]{escape(str(made.path))}[/], their SHA-256 above.")
    if source != "keras":
        target = f" --target {shlex.quote(made.target)}" if made.target else ""
        train = made.path / "train.csv"
        command = f"tabular-dl init {name} --train {train}{target}"
        lines.append(f"Next: [bold]{escape(command)}[/]")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    return made
