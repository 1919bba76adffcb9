"""Trained model of one member, and the form in which it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["TrainedModel", "bytes_for_texts", "texts_from_bytes"]


@dataclass(frozen=True)
class TrainedModel:
    """Trained model of one member.

    Attributes
    ----------
    stored : object
        The library's text or JSON, or scikit-learn's estimator; None if there is one class only, which needs no model.
    rounds : int or None
        Number of boosting rounds that predict; None for models without rounds.
    classes : ndarray or None
        Numbers of the classes that its training rows had; None for numbers.
    """

    stored: Any
    rounds: int | None
    classes: np.ndarray | None


def bytes_for_texts(models: Sequence[Any]) -> list[Any]:
    """Return models in which texts are arrays of bytes.

    An archive keeps an array in a file of its own. A text would be a part of its schema, which is read as a whole and
    is limited: the trees of one run may have more than 50 MB.

    Parameters
    ----------
    models : sequence
        Models in their stored form.

    Returns
    -------
    list
        Arrays of uint8 in place of texts; anything else as it is.

    Examples
    --------
    >>> bytes_for_texts(["tree", None])
    [array([116, 114, 101, 101], dtype=uint8), None]
    """
    return [np.frombuffer(model.encode(), np.uint8) if isinstance(model, str) else model for model in models]


def texts_from_bytes(models: Sequence[Any]) -> list[Any]:
    """Return models in which arrays of bytes are texts: the opposite of `bytes_for_texts`.

    Raises
    ------
    ValueError
        If an array has other values than the bytes of a text.

    Examples
    --------
    >>> texts_from_bytes(bytes_for_texts(["tree", None]))
    ['tree', None]
    """
    return [_text(model) if isinstance(model, np.ndarray) else model for model in models]


def _text(model: np.ndarray) -> str:
    if model.dtype != np.uint8 or model.ndim != 1:
        raise ValueError(f"a model is an array of {model.dtype} of shape {model.shape}, expected the bytes of a text")
    return model.tobytes().decode()
