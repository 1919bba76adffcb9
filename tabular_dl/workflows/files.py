"""Files that are complete or not there at all."""

from __future__ import annotations

import secrets
from contextlib import suppress
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
    # Not by `tempfile`, whose files nobody but their owner may read.
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with partial.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Name another file with -o.") from None
    finally:
        with suppress(OSError):
            partial.unlink()
