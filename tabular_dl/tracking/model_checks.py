"""Checks of a model that has been loaded: its parts are consistent, and it predicts.

A stored model may have been changed so that it still loads, but with arrays of inconsistent shapes. Without these
checks, a prediction would fail with an error of some library.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from tabular_dl.errors import UserError
from tabular_dl.estimators import KerasClassifier, KerasRegressor, ModelEstimator
from tabular_dl.limits import limit
from tabular_dl.model_selection import ImportedClassifier, ImportedRegressor, imported_parts, predicted_rows
from tabular_dl.preprocessing import PythonDefinition, PythonMetric
from tabular_dl.problems import probability_columns, same_classes
from tabular_dl.tracking.python_code import check_step, python_losses, python_steps
from tabular_dl.tracking.tree_checks import check_trees

__all__ = ["check_parts", "check_predicts"]

# Weights of the networks that Monte Carlo dropout draws.
MOST_BYTES = 2_000_000_000
MOST_COLUMNS = 1_000_000
IMPORTED = ImportedClassifier | ImportedRegressor


def check_parts(model: Any, *, weights: bool = True) -> None:
    """Raise an error if the arrays of a model are inconsistent. Nothing is computed.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Loaded model.
    weights : bool, default=True
        Whether to compare the weights of networks with their architecture, which loads TensorFlow.

    Raises
    ------
    ValueError
        If an attribute is missing, of another type, or of another shape.
    """
    if hasattr(model, "models"):
        _require(isinstance(model.models, list | tuple) and len(model.models) > 0, "the blend has no models")
        for part in model.models:
            alone = hasattr(part, "pipelines_") or isinstance(part, IMPORTED)
            _require(alone, "a part of the blend is neither a cross-fit nor imported predictions")
            check_parts(part, weights=weights)
        _require(hasattr(model, "blend_"), "the blend is not fitted")
        _check_blend(model, weights=weights)
    elif isinstance(model, IMPORTED):
        _check_imported(model)
    else:
        _check_folds(model, weights=weights)
        for code in (*python_steps(model), *python_losses(model)):
            check_step(code)
        _require(isinstance(getattr(model, "own_metric_", None), PythonMetric | None), "own_metric_ is not a metric")
    rows, predictions = len(model.oof_predictions_), model.oof_predictions_
    _require_array(predictions, (rows, *np.shape(predictions)[1:2]), "oof_predictions_")
    tested = np.concatenate([_rows(rows_of_fold, rows, "test_rows_") for rows_of_fold in model.test_rows_])
    times = np.bincount(tested, minlength=rows)
    # With folds by time, the earliest rows are in no fold and have no prediction.
    once = len({*times[times > 0]}) == 1 and bool(np.isnan(predictions[times == 0]).all())
    _require(once, f"test_rows_ are not each of {rows} rows once, or equally often")
    if isinstance(model, IMPORTED):
        _require(bool(np.isfinite(predictions[times > 0]).all()), "oof_predictions_ are not finite")
    training = getattr(model, "train_rows_", None)
    if training is not None:
        _require(len(training) == len(model.test_rows_), "train_rows_ are not those of the folds")
        for rows_of_fold in training:
            _rows(rows_of_fold, rows, "train_rows_")
    by_repeat = getattr(model, "repeat_predictions_", None)
    if by_repeat is not None:
        _require_array(by_repeat, (times.max(), *predictions.shape), "repeat_predictions_")
    of_rows = None if hasattr(model, "models") else getattr(model, "sample_weight_", None)
    if of_rows is not None:
        _require_array(of_rows, (rows,), "sample_weight_")
    if getattr(model, "oof_thresholds_", None) is not None:
        _require_array(model.oof_thresholds_, (rows,), "oof_thresholds_")
    if getattr(model, "oof_cut_points_", None) is not None:
        _require(np.ndim(model.labels_) == 1 and len(model.labels_) > 0, "labels_ of the cut points")
        _require_array(model.oof_cut_points_, (rows, len(model.labels_) - 1), "oof_cut_points_")
        _require_array(model.cut_points_, (len(model.labels_) - 1,), "cut_points_")
    if hasattr(model, "classes_"):
        columns = probability_columns(model.classes_)
        _require(predictions.ndim == 2 and predictions.shape[1] == columns, "classes_ and oof_predictions_")


def _check_blend(model: Any, *, weights: bool) -> None:
    """Check the weights, or the meta models, of a blend."""
    blend, models = model.blend_, len(model.models)
    if getattr(blend, "method", None) not in ("stack", "rank"):
        _require_array(blend.weights_, (models,), "weights_ of the blend")
    if getattr(blend, "class_weights_", None) is not None:
        _require_array(blend.class_weights_, (models, model.oof_predictions_.shape[1]), "class_weights_ of the blend")
    encoder = getattr(model, "encoder_", None)
    _require(encoder is None or encoder in range(models), "encoder_ is not the number of a model")
    stack = getattr(blend, "stack_", None)
    if stack is None:
        return
    for meta in stack.meta_models:
        if isinstance(meta.model_, ModelEstimator):
            check_trees(meta.model_)
        else:
            _require(isinstance(meta.model_, KerasClassifier | KerasRegressor), "a meta model is not an estimator")
            _check_network(meta.model_, weights=weights)
    if stack.last_ is None:
        _require_array(stack.weights_, (models + len(stack.first_),), "weights_ of the stack")


def _check_folds(model: Any, *, weights: bool) -> None:
    folds = model.pipelines_
    _require(isinstance(folds, list) and len(folds) > 0, "pipelines_ is empty")
    for name in ("train_rows_", "test_rows_"):
        _require(len(getattr(model, name)) == len(folds), f"{name} are not those of {len(folds)} folds")
    if getattr(model, "fold_smearing_", None) is not None:
        _require_array(model.fold_smearing_, (len(folds),), "fold_smearing_")
        _require(isinstance(model.smearing_, float) and model.smearing_ > 0, "smearing_ is not a positive number")
    classes = getattr(model, "classes_", None)
    for fold in model.fitted_pipelines:
        _require(isinstance(fold, Pipeline) and len(fold.steps) > 0, "a fold is not a pipeline")
        network = fold.steps[-1][1]
        if isinstance(network, ModelEstimator):
            check_trees(network)
        else:
            _require(isinstance(network, KerasClassifier | KerasRegressor), "a fold does not end in a model")
            _check_network(network, weights=weights)
        if classes is not None:
            _require(same_classes(network.classes_, classes), "the folds have different classes_")


def _check_imported(model: ImportedClassifier | ImportedRegressor) -> None:
    """Check the ids of imported predictions, and that each has predictions of the same form."""
    _require(isinstance(model.id_column, str), "id_column is not a name")
    _require(isinstance(model, ImportedRegressor) or hasattr(model, "classes_"), "classes_ are missing")
    columns = np.shape(model.oof_predictions_)[1:]
    for ids, predictions in (("ids_", "oof_predictions_"), ("test_ids_", "test_predictions_")):
        texts = getattr(model, ids)
        _require(isinstance(texts, np.ndarray) and texts.ndim == 1 and texts.dtype.kind == "U", f"{ids} are not texts")
        _require(len(np.unique(texts)) == len(texts), f"{ids} are not unique")
        _require_array(getattr(model, predictions), (len(texts), *columns), predictions)
    _require(bool(np.isfinite(model.test_predictions_).all()), "test_predictions_ are not finite")
    _require([*model.feature_names_in_] == [model.id_column], "feature_names_in_ is not the id")


def _check_network(network: Any, *, weights: bool) -> None:
    """Check the architecture against targets, and the weights against it."""
    settings = network.network_
    _require(isinstance(settings["activation"], str | PythonDefinition), "the activation is neither a name nor Python")
    code = [block[0] for block in settings.get("user_blocks", ())]
    _require(all(isinstance(each, PythonDefinition) for each in code), "a block of the user is not Python")
    if weights:
        _check_weights(network)
    classes = getattr(network, "classes_", None)
    if classes is not None:
        several = isinstance(classes, list)
        units = {probability_columns(classes)} | ({1} if not several and len(classes) == 2 else set())
        flat = all(np.ndim(labels) == 1 for labels in (classes if several else [classes]))
        _require(flat and settings["outputs"] in units, "classes_ are not those of the outputs")
    else:
        for name in ("target_mean_", "target_scale_"):
            _require_array(getattr(network, name), (settings["outputs"],), name)


def _check_weights(network: Any) -> None:
    weights = network.weights_
    _require(isinstance(weights, Mapping) and len(weights) > 0, "weights_ are not a dict of arrays")
    members = {len(weight) if np.ndim(weight) else 0 for weight in weights.values()}
    _require(len(members) == 1 and members != {0}, "weights_ have different numbers of members")
    expected = network.fitted_parts()[0].weights
    _require(set(weights) == set(expected), f"weights_ are {sorted(weights)} instead of {sorted(expected)}")
    for name, weight in expected.items():
        _require_array(weights[name], (*members, weight.inputs, weight.outputs), name)
        _require(bool(np.isfinite(weights[name]).all()), f"{name} is not finite")
    drawn = sum(weight.nbytes for weight in weights.values()) * max(1, int(network.mc_dropout))
    _require(drawn <= limit(MOST_BYTES), f"mc_dropout {network.mc_dropout} needs {drawn:,} bytes of weights")


def _rows(rows: Any, count: int, name: str) -> np.ndarray:
    """Return numbers of rows, checked."""
    valid = isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype.kind in "iu"
    _require(
        valid and (not len(rows) or (rows.min() >= 0 and rows.max() < count)), f"{name} are not among {count} rows"
    )
    return np.asarray(rows)


def _require_array(array: Any, shape: Iterable[int], name: str) -> None:
    """Raise an error unless a value is an array of floats with the given shape."""
    actual = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
    expected = tuple(shape)
    _require(
        isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.shape == expected,
        f"{name} should be floats of shape {expected}, but is {actual}",
    )


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise ValueError(fault)


def check_predicts(model: Any) -> None:
    """Raise an error if a model fails for every row: for one of missing values, and for one of zeros.

    Models without imputation reject rows of missing values, and those that read dates reject zeros. A `UserError`,
    which says what is wrong with the row, counts as a prediction.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Loaded model.

    Raises
    ------
    Exception
        The error of the last row.
    """
    failure: Exception | None = None
    for value in (np.nan, 0):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _predict_row(model, value)
        except UserError:
            return
        except Exception as error:  # noqa: BLE001 (the next row may succeed, and the last error is raised)
            failure = error
        else:
            return
    if failure is not None:
        raise failure


def _predict_row(model: Any, value: float) -> None:
    parts = getattr(model, "models", [model])
    first = parts[0]
    names = getattr(first, "feature_names_in_", None)
    if names is None:
        _require(0 < first.n_features_in_ <= MOST_COLUMNS, f"n_features_in_ is {first.n_features_in_}")
        row: Any = np.full((1, first.n_features_in_), float(value))
    else:
        columns = dict.fromkeys(name for part in parts for name in part.feature_names_in_)
        # Imported predictions exist only for rows with known ids.
        ids = {part.id_column: [part.ids_[predicted_rows(part)[0]]] for part in imported_parts(model) if len(part.ids_)}
        row = pd.DataFrame({name: [value] for name in columns} | ids, dtype=object)
    prediction = model.predict_proba(row) if hasattr(model, "classes_") else model.predict(row)
    _require(prediction.shape == (1, *model.oof_predictions_.shape[1:]), f"it predicts shape {prediction.shape}")
    _require(bool(np.isfinite(prediction).all()), "its prediction is not finite")
