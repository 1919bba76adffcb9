"""Files that are complete or not there at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tabular_dl.errors import UserError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place and rename it, so that nobody ever sees half of it.

    Raises
    ------
    UserError
        If the folder does not exist or cannot be written to.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8", newline=""
        ) as file:
            file.write(text)
        Path(file.name).replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Name another file with -o.") from None
