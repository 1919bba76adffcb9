"""Checks of models of LightGBM, XGBoost and CatBoost before the libraries read them.

The libraries do not validate these texts: a changed number can make them read beyond an array, or loop without end,
which cannot be caught as an exception. So the texts are checked here first, in Python and NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabular_dl.tracking.catboost_checks import check_catboost
from tabular_dl.tracking.lightgbm_checks import check_lightgbm
from tabular_dl.tracking.model_text import require
from tabular_dl.tracking.xgboost_checks import check_xgboost

__all__ = ["BOOSTERS", "check_booster"]

BOOSTERS: dict[str, Callable[[str, int, set[int]], None]] = {
    "lightgbm": check_lightgbm,
    "xgboost": check_xgboost,
    "catboost": check_catboost,
}


def check_booster(library: str, text: Any, features: int, classes: int | None) -> None:
    """Raise an error for a stored model that its library could not read safely.

    Parameters
    ----------
    library : str
        Key of `BOOSTERS`.
    text : str
        Stored model.
    features : int
        Number of columns that the model reads.
    classes : int or None
        Number of classes that it was trained on; None for a regressor.

    Raises
    ------
    ValueError
        If the text is not in the library's format, or its parts are inconsistent.

    Examples
    --------
    >>> check_booster("xgboost", '{"learner": {}}', 3, None)
    Traceback (most recent call last):
    ...
    ValueError: the model of xgboost lacks a part, or has one of another type (KeyError: 'gradient_booster')
    """
    require(isinstance(text, str), f"the model of {library} is not text")
    require(type(features) is int and features > 0, "n_features_in_ is not a number of columns")
    # For two classes, libraries predict one probability, or both.
    outputs = {1} if classes is None else {1, 2} if classes == 2 else {classes}
    try:
        BOOSTERS[library](text, features, outputs)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, UnicodeError) as error:
        fault = f"{type(error).__name__}: {error}"[:200]
        raise ValueError(f"the model of {library} lacks a part, or has one of another type ({fault})") from None
