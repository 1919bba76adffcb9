"""Checks of models of LightGBM, XGBoost and CatBoost before the libraries read them.

The libraries are written for texts of their own, and trust them: a changed number makes them read memory that is not
theirs, or never end, which no handler of errors could stop. So the texts are read here first, by Python and NumPy.
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
    """Raise an error for a stored model that its library could not follow.

    Parameters
    ----------
    library : str
        Key of `BOOSTERS`.
    text : str
        Stored model.
    features : int
        Number of columns that the model is to read.
    classes : int or None
        Number of classes that it was trained on; None for a model of numbers.

    Raises
    ------
    ValueError
        If the text is not one of the library's, or its parts do not fit each other.

    Examples
    --------
    >>> check_booster("xgboost", '{"learner": {}}', 3, None)
    Traceback (most recent call last):
    ...
    ValueError: the model of xgboost lacks a part, or has one of another kind (KeyError: 'gradient_booster')
    """
    require(isinstance(text, str), f"the model of {library} is no text")
    require(type(features) is int and features > 0, "n_features_in_ is no number of columns")
    # Of two classes, libraries predict one probability, or both.
    outputs = {1} if classes is None else {1, 2} if classes == 2 else {classes}
    try:
        BOOSTERS[library](text, features, outputs)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, UnicodeError) as error:
        fault = f"{type(error).__name__}: {error}"[:200]
        raise ValueError(f"the model of {library} lacks a part, or has one of another kind ({fault})") from None
