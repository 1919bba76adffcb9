"""Fitted models as files: skops archives, loaded against a fixed list of types.

skops stores values, not code, and refuses every type that is not on the reader's list. The list that comes with a file
is no protection, since whoever made the file wrote it; so models are read here with this module's own list only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from tabular_dl.errors import DataError

__all__ = ["TRUSTED_TYPES", "load_model"]

# What a fitted cross-fit is made of, beyond the types that skops itself trusts.
TRUSTED_TYPES = [
    "numpy.dtype",
    "tabular_dl.crossfit.CrossFitClassifier",
    "tabular_dl.crossfit.CrossFitRegressor",
    "tabular_dl.estimators.KerasClassifier",
    "tabular_dl.estimators.KerasRegressor",
    "tabular_dl.features.DerivedFeatures",
    "tabular_dl.preprocessing.CategoryColumns",
    "tabular_dl.preprocessing.MissingFlags",
    "tabular_dl.preprocessing.NumericColumns",
]


def load_model(path: Path) -> Any:
    """Load a fitted model from a skops archive.

    Parameters
    ----------
    path : Path
        The archive, ``model.skops`` in a model's folder.

    Returns
    -------
    estimator
        A fitted `CrossFitClassifier` or `CrossFitRegressor`.

    Raises
    ------
    DataError
        If the file is not there, is damaged, or holds types that no model of this package has.
    """
    try:
        return skops.io.load(path, trusted=TRUSTED_TYPES)
    except FileNotFoundError:
        raise DataError(f"There is no model at {path}. Give a run's id or name, or a model's folder.") from None
    except UntrustedTypesFoundException as error:
        raise DataError(
            f"{path} was not loaded: it holds types that no model of this package has ({error}). "
            "Use it only if you know where it is from, and not through this package."
        ) from None
    except (BadZipFile, KeyError, EOFError) as error:
        raise DataError(f"{path} is not a model, or is damaged: {error}. Take another copy, or fit again.") from None
