"""Where the data and pipelines that come with the package lie."""

from __future__ import annotations

from pathlib import Path

__all__ = ["bundled"]

_PACKAGE = Path(__file__).parent


def bundled(folder: str) -> Path:
    """Return the folder of this name that comes with the package.

    A wheel carries ``data`` and ``pipelines`` inside the package; in a checkout they lie beside it.

    Parameters
    ----------
    folder : str
        "data" or "pipelines".

    Examples
    --------
    >>> (bundled("data") / "titanic" / "train.csv").is_file()
    True
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
