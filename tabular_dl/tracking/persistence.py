"""Fitted models as files: skops archives, loaded against a fixed list of types.

skops stores values, not code, and refuses every type that is not on the reader's list. The list that comes with a file
is no protection, since whoever made the file wrote it; so models are read here with this module's own list only.

An archive names each type by its module. Types that are stored have public paths, ``tabular_dl.PACKAGE.NAME``, which
stay when files move; `OLD_PATHS` has those of models that were stored before there were packages.
"""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from tabular_dl.errors import DataError

__all__ = ["OLD_PATHS", "TRUSTED_TYPES", "load_model"]

_MODELS = (
    "tabular_dl.model_selection.BlendedClassifier",
    "tabular_dl.model_selection.BlendedRegressor",
    "tabular_dl.model_selection.CrossFitClassifier",
    "tabular_dl.model_selection.CrossFitRegressor",
)
# What a fitted cross-fit is made of, beyond the types that skops itself trusts.
TRUSTED_TYPES = [
    *_MODELS,
    "numpy.dtype",
    "tabular_dl.estimators.KerasClassifier",
    "tabular_dl.estimators.KerasRegressor",
    "tabular_dl.model_selection.Blend",
    "tabular_dl.preprocessing.CategoryColumns",
    "tabular_dl.preprocessing.ColumnSelection",
    "tabular_dl.preprocessing.ConstantScaler",
    "tabular_dl.preprocessing.DerivedFeatures",
    "tabular_dl.preprocessing.EncodingFolds",
    "tabular_dl.preprocessing.FrequencyEncoder",
    "tabular_dl.preprocessing.MissingFlags",
    "tabular_dl.preprocessing.NormalQuantiles",
    "tabular_dl.preprocessing.NumericColumns",
    "tabular_dl.preprocessing.QuantileClipper",
    "tabular_dl.preprocessing.RareCategories",
]
# Modules that stored models of version 0.1.0 and before name, and the public path that their types have now.
OLD_PATHS = {
    "tabular_dl.blended": "tabular_dl.model_selection",
    "tabular_dl.blending": "tabular_dl.model_selection",
    "tabular_dl.column_patterns": "tabular_dl.preprocessing",
    "tabular_dl.column_readers": "tabular_dl.preprocessing",
    "tabular_dl.constant_scaler": "tabular_dl.preprocessing",
    "tabular_dl.crossfit": "tabular_dl.model_selection",
    "tabular_dl.encoders": "tabular_dl.preprocessing",
    "tabular_dl.features": "tabular_dl.preprocessing",
    "tabular_dl.scalers": "tabular_dl.preprocessing",
}
_MODULE = re.compile(r'("__module__":\s*")(tabular_dl\.\w+)(?=")')


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
        renewed = _with_new_paths(path)
        if renewed is None:
            model = skops.io.load(path, trusted=TRUSTED_TYPES)
        else:
            model = skops.io.loads(renewed, trusted=TRUSTED_TYPES)
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


def _with_new_paths(path: Path) -> bytes | None:
    """Return an archive with new paths in the place of old ones; None if it has no old ones."""
    with ZipFile(path) as archive:
        schema = archive.read("schema.json").decode()
        renewed = _MODULE.sub(lambda match: match[1] + OLD_PATHS.get(match[2], match[2]), schema)
        if renewed == schema:
            return None
        content = io.BytesIO()
        with ZipFile(content, "w") as copy:
            for name in archive.namelist():
                copy.writestr(name, renewed if name == "schema.json" else archive.read(name))
    return content.getvalue()
