"""Files that fitted models were read from, for messages about models that are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["file_of", "keep_file"]

# Not attributes of the models, since blends store their models again.
_FILES: WeakKeyDictionary[Any, Path] = WeakKeyDictionary()


def keep_file(model: Any, file: Path) -> None:
    """Remember the file that a model was read from.

    Parameters
    ----------
    model : cross-fit or blend
        Model.
    file : Path
        Archive.

    Examples
    --------
    >>> class Model: ...
    >>> model = Model()
    >>> keep_file(model, Path("model.skops"))
    >>> file_of(model)
    PosixPath('model.skops')
    """
    _FILES[model] = file


def file_of(model: Any) -> Path | None:
    """Return the file that `open_model` has read a model from; None for a model that was fitted.

    Parameters
    ----------
    model : cross-fit or blend
        Model.

    Returns
    -------
    Path or None
        Archive.

    Examples
    --------
    >>> class Model: ...
    >>> print(file_of(Model()))
    None
    """
    return _FILES.get(model)
