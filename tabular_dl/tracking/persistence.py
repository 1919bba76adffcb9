"""Loading of fitted models from skops archives, restricted to a fixed list of types.

skops stores values instead of code, and loads only the types on a list that the caller gives. A list stored with a file
would be no protection, since the author of a malicious file could change it; so only the list of this module is used.

An archive names each type by its module. Types that are stored have public paths, ``tabular_dl.PACKAGE.NAME``, which do
not change when files move; `OLD_PATHS` translates those of models stored before there were packages.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import numpy as np
from sklearn.base import clone

from tabular_dl.errors import DataError, SpecError, UserError, listed
from tabular_dl.estimators import MODELS, ModelEstimator, boosting_rounds, model_named
from tabular_dl.tracking.archive_checks import check_archive, check_size
from tabular_dl.tracking.booster_checks import BOOSTERS
from tabular_dl.tracking.model_checks import check_parts
from tabular_dl.tracking.python_code import permit, python_steps
from tabular_dl.tracking.tree_checks import check_trees

__all__ = ["OLD_PATHS", "TRUSTED_TYPES", "check_storable", "describe", "load_model"]

_MODELS = (
    "tabular_dl.model_selection.BlendedClassifier",
    "tabular_dl.model_selection.BlendedRegressor",
    "tabular_dl.model_selection.CrossFitClassifier",
    "tabular_dl.model_selection.CrossFitRegressor",
    "tabular_dl.model_selection.ImportedClassifier",
    "tabular_dl.model_selection.ImportedRegressor",
)
# Types that a fitted model consists of, in addition to those that skops trusts by default. A partial function is
# trusted only if its function is.
TRUSTED_TYPES = [
    *_MODELS,
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._kd_tree.KDTree64",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
    "tabular_dl.estimators.KerasClassifier",
    "tabular_dl.estimators.KerasRegressor",
    "tabular_dl.estimators.ModelClassifier",
    "tabular_dl.estimators.ModelRegressor",
    "tabular_dl.model_selection.Blend",
    "tabular_dl.model_selection.MetaModel",
    "tabular_dl.model_selection.Stack",
    "tabular_dl.preprocessing.CategoryColumns",
    "tabular_dl.preprocessing.ColumnSelection",
    "tabular_dl.preprocessing.ConstantScaler",
    "tabular_dl.preprocessing.DerivedFeatures",
    "tabular_dl.preprocessing.EncodingFolds",
    "tabular_dl.preprocessing.FrequencyEncoder",
    "tabular_dl.preprocessing.HashedCategories",
    "tabular_dl.preprocessing.MissingFlags",
    "tabular_dl.preprocessing.NormalQuantiles",
    "tabular_dl.preprocessing.NumericColumns",
    "tabular_dl.preprocessing.OneHotEncoder",
    "tabular_dl.preprocessing.OrdinalEncoder",
    "tabular_dl.preprocessing.PiecewiseEncoder",
    "tabular_dl.preprocessing.PythonDefinition",
    "tabular_dl.preprocessing.PythonFeatures",
    "tabular_dl.preprocessing.PythonMetric",
    "tabular_dl.preprocessing.PythonSource",
    "tabular_dl.preprocessing.PythonTransformer",
    "tabular_dl.preprocessing.QuantileClipper",
    "tabular_dl.preprocessing.RareCategories",
    "tabular_dl.preprocessing.TargetEncoder",
    "tabular_dl.preprocessing.TextEncoder",
]
# Present public paths of the modules that are named in models stored by version 0.1.0 and before.
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
FEW_ROUNDS = 3
_MODULE = re.compile(r'("__module__":\s*")(tabular_dl\.\w+)(?=")')


def load_model(path: Path, *, trust: bool = False, weights: bool = True) -> Any:
    """Return the fitted model of a skops archive.

    Parameters
    ----------
    path : Path
        Archive, ``model.skops`` in the folder of a model.
    trust : bool, default=False
        Whether Python in the model may be executed that was not stored by this user on this machine. Loading executes
        nothing; the first prediction does.
    weights : bool, default=True
        Whether to compare the weights of networks with their architecture, as for `check_parts`.

    Returns
    -------
    estimator
        Fitted cross-fit, or blend of several.

    Raises
    ------
    DataError
        If the file does not exist, is damaged, or contains types that no model of this package has, or Python of others
        without `trust`.
    """
    # Imported here, since it imports all of scikit-learn, and fits begin by a check of what can be stored.
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        check_size(path.stat().st_size)
        file = io.BytesIO(path.read_bytes())
        schema = check_archive(file)
        model = skops.io.load(_with_new_paths(file, schema), trusted=TRUSTED_TYPES)
        name = f"{type(model).__module__}.{type(model).__qualname__}"
        if name in _MODELS:
            check_parts(model, weights=weights)
    except FileNotFoundError:
        raise DataError(f"There is no model at {path}. Give a run's id or name, or a model's folder.") from None
    except UntrustedTypesFoundException as error:
        raise DataError(
            f"{path} was not loaded: it has types that no model of this package has ({str(error).splitlines()[0]}). "
            "Load it only if you trust its source, and by other means."
        ) from None
    except DataError as error:
        raise DataError(f"{path} was not loaded: {error}") from None
    except Exception as error:  # skops, zipfile, json, numpy and scikit-learn raise any type for files of other kinds
        raise DataError(
            f"{path} is not a model, or is damaged: {describe(error)}. Take another copy, or fit again."
        ) from error
    if name not in _MODELS:
        raise DataError(f"{path} contains {name}, not a model of this package. Give a run's id, or a model's folder.")
    permit(python_steps(model), path.parent, trusted=trust)
    return model


def check_storable(estimator: Any) -> None:
    """Raise an error for a model whose fitted parts could not be stored, before it is trained.

    A clone is fitted on a few made-up rows, and stored; models of boosted trees with a few rounds, and only if they
    have parameters.

    Parameters
    ----------
    estimator : estimator
        Unfitted last step of a pipeline. Networks and named models can always be stored, except neighbours by some
        metrics.

    Raises
    ------
    SpecError
        If the fitted estimator has parts that skops cannot store, or of types that are not trusted.
    """
    if not isinstance(estimator, ModelEstimator):
        return
    boosted = model_named(estimator.name).library in BOOSTERS
    if estimator.name in MODELS and not ((boosted or estimator.name == "knn") and estimator.parameters):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            probe = _probe(estimator, boosted=boosted)
        except UserError:
            return  # it cannot be fitted to these rows, but perhaps to those of the table
        if boosted:
            _check_boosted(probe)
            return
        import skops.io  # imported here for the same reason

        try:
            content = skops.io.dumps(probe)
        except Exception as error:  # noqa: BLE001 (skops raises its own for each kind of object)
            reason = f"skops does not store it ({describe(error)})"
        else:
            unknown = set(skops.io.get_untrusted_types(data=content)) - {*TRUSTED_TYPES}
            reason = f"it consists of {listed(sorted(unknown))}, which no stored model may have" if unknown else ""
    if reason:
        raise SpecError(
            f"model: {estimator.name} cannot be stored without pickle: {reason}. Take another model, or fit it "
            "elsewhere on the folds that tabular-dl folds writes, and import its predictions: tabular-dl import --help."
        )


def _probe(estimator: ModelEstimator, *, boosted: bool) -> ModelEstimator:
    """Return a clone of a model that is fitted on a few made-up rows, of boosted trees with a few rounds."""
    rng = np.random.default_rng(0)
    probe = clone(estimator).set_params(
        categorical_features=None, problem="auto", class_weight=None, bounds=None, members=1
    )
    classification = hasattr(probe, "predict_proba")
    if boosted:
        rounds = boosting_rounds(probe.name, probe.parameters, classification=classification)
        probe.set_params(parameters={**probe.parameters, **({} if rounds is None else {rounds[0]: FEW_ROUNDS})})
    labels = np.arange(60) % (3 if boosted else 2)
    return probe.fit(rng.normal(size=(60, 3)), labels if classification else rng.random(60))


def _check_boosted(probe: ModelEstimator) -> None:
    """Raise an error for boosted trees that would be rejected when they are loaded."""
    try:
        check_trees(probe)
    except ValueError as error:
        names = listed(sorted(set(probe.parameters or {})))
        raise SpecError(
            f"model.parameters: {probe.name} with {names} makes a model that would be refused when it is loaded: "
            f"{describe(error)}. Leave out the parameter that does."
        ) from None


def describe(error: Exception) -> str:
    """Return the first line of an error, or its type if it has no text.

    Parameters
    ----------
    error : Exception
        Error of a library.

    Returns
    -------
    str
        At most 300 characters, without a full stop.
    """
    lines = str(error).splitlines()
    return lines[0][:300].rstrip(".") if lines else type(error).__name__


def _with_new_paths(file: BinaryIO, schema: str) -> BinaryIO:
    """Return an archive with old paths replaced by new ones; the same file if there are no old paths."""
    renewed = _MODULE.sub(lambda match: match[1] + OLD_PATHS.get(match[2], match[2]), schema)
    if renewed == schema:
        return file
    content = io.BytesIO()
    with ZipFile(file) as archive, ZipFile(content, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, renewed if name == "schema.json" else archive.read(name))
    return content
