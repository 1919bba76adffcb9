"""Folders of the data and pipelines that come with the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["bundled"]

_PACKAGE = Path(__file__).parent


def bundled(folder: str) -> Path:
    """Return the path of a folder that comes with the package.

    A wheel has ``data`` and ``pipelines`` inside the package; a checkout has them beside it.

    Parameters
    ----------
    folder : {"data", "pipelines"}
        Name of the folder.

    Returns
    -------
    Path
        Path of the folder.

    Examples
    --------
    >>> (bundled("data") / "titanic" / "train.csv").is_file()
    True
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
