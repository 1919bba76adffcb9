"""Fitted models as files: skops archives, loaded against a fixed list of types.

skops stores values, not code, and refuses every type that is not on the reader's list. The list that comes with a file
is no protection, since whoever made the file wrote it; so models are read here with this module's own list only.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from tabular_dl.errors import DataError

__all__ = ["TRUSTED_TYPES", "load_model"]

_MODELS = (
    "tabular_dl.model_selection.blended_models.BlendedClassifier",
    "tabular_dl.model_selection.blended_models.BlendedRegressor",
    "tabular_dl.model_selection.crossfit.CrossFitClassifier",
    "tabular_dl.model_selection.crossfit.CrossFitRegressor",
)
# What a fitted cross-fit is made of, beyond the types that skops itself trusts.
TRUSTED_TYPES = [
    *_MODELS,
    "numpy.dtype",
    "tabular_dl.model_selection.blending.Blend",
    "tabular_dl.preprocessing.column_patterns.ColumnSelection",
    "tabular_dl.preprocessing.scalers.ConstantScaler",
    "tabular_dl.preprocessing.encoders.EncodingFolds",
    "tabular_dl.preprocessing.encoders.FrequencyEncoder",
    "tabular_dl.preprocessing.encoders.RareCategories",
    "tabular_dl.estimators.keras_estimators.KerasClassifier",
    "tabular_dl.estimators.keras_estimators.KerasRegressor",
    "tabular_dl.preprocessing.derived_features.DerivedFeatures",
    "tabular_dl.preprocessing.column_readers.CategoryColumns",
    "tabular_dl.preprocessing.column_readers.MissingFlags",
    "tabular_dl.preprocessing.column_readers.NumericColumns",
    "tabular_dl.preprocessing.scalers.NormalQuantiles",
    "tabular_dl.preprocessing.scalers.QuantileClipper",
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
        A fitted cross-fit, or a blend of some.

    Raises
    ------
    DataError
        If the file is not there, is damaged, or holds types that no model of this package has.
    """
    try:
        model = skops.io.load(path, trusted=TRUSTED_TYPES)
    except FileNotFoundError:
        raise DataError(f"There is no model at {path}. Give a run's id or name, or a model's folder.") from None
    except UntrustedTypesFoundException as error:
        raise DataError(
            f"{path} was not loaded: it holds types that no model of this package has ({str(error).splitlines()[0]}). "
            "Use it only if you know where it is from, and not through this package."
        ) from None
    # What skops, zipfile, json and numpy raise for a file that is not what its name says.
    except (BadZipFile, zlib.error, OSError, EOFError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not a model, or is damaged: {error}. Take another copy, or fit again.") from None
    found = f"{type(model).__module__}.{type(model).__qualname__}"
    if found not in _MODELS:
        raise DataError(f"{path} holds a {found}, not a model of this package. Give a run's id, or a model's folder.")
    return model
