"""Predictions that were made elsewhere, as models: they are looked up by the rows' ids.

Such a model is scored, blended and submitted like a cross-fit. It has learned nothing, and predicts only the rows of
its two tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError

from tabular_dl.errors import DataError
from tabular_dl.model_selection.classification_threshold import Thresholded, forget_threshold
from tabular_dl.model_selection.predicted_rows import predicted_rows
from tabular_dl.model_selection.rounded_numbers import RoundedNumbers
from tabular_dl.model_selection.row_weights import check_fold_weights
from tabular_dl.problems import probability_columns
from tabular_dl.tables import read_categories, require_table

__all__ = ["ImportedClassifier", "ImportedRegressor", "imported_parts", "lacks_test_predictions"]


class _Imported(BaseEstimator):
    """Base class of imported predictions."""

    # Class attributes, because predictions stored by older versions lack them.
    train_rows_: list[np.ndarray] | None = None
    sample_weight_: np.ndarray | None = None  # weights of the training rows

    def __init__(self, id_column: str) -> None:
        self.id_column = id_column

    def fit_predictions(
        self,
        ids: ArrayLike,
        predictions: ArrayLike,
        test_rows: Sequence[np.ndarray],
        *,
        train_rows: Sequence[np.ndarray] | None = None,
        test_ids: ArrayLike = (),
        test_predictions: ArrayLike | None = None,
        classes: ArrayLike | list[np.ndarray] | None = None,
        indicators: bool = False,
        sample_weight: np.ndarray | None = None,
    ) -> Self:
        """Take over predictions.

        Parameters
        ----------
        ids : array-like of shape (rows,)
            Ids of the training rows, each different.
        predictions : array-like of shape (rows, classes) or (rows,) or (rows, targets)
            Out-of-fold probabilities, or values; NaN for rows that no fold predicts.
        test_rows : sequence of ndarray
            Numbers of the rows of each fold; of repeated folds, those of one repeat after those of another.
        train_rows : sequence of ndarray, optional
            Numbers of the rows that each fold was predicted from, by default all rows of the other folds.
        test_ids : array-like of shape (test rows,), default=()
            Ids of the test rows, each different.
        test_predictions : array-like of shape (test rows, classes) or (test rows,), optional
            Predictions of the test rows.
        classes : array-like of shape (classes,), or list of ndarray, optional
            Sorted labels of the columns, or those of each of several targets, for a classifier.
        indicators : bool, default=False
            Whether each column is a label that a row may have beside others.
        sample_weight : ndarray of shape (rows,), optional
            Weight of each training row in scores.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If an id is missing or repeated, a prediction is missing or infinite, numbers of rows or columns differ, or
            the folds hold a row more often than another, or all rows of a fold have zero weight.
        """
        forget_threshold(self)
        oof = np.asarray(predictions, np.float64)
        test = np.zeros((0, *oof.shape[1:])) if test_predictions is None else np.asarray(test_predictions, np.float64)
        several = isinstance(classes, list) and np.ndim(classes[0]) == 1
        labels: Any = classes if classes is None or several else np.asarray(classes)
        columns = oof.shape[1:] if labels is None else (probability_columns(labels),)
        folds = [np.asarray(rows) for rows in test_rows]
        times = np.bincount(np.concatenate(folds), minlength=len(oof))
        predicted = np.flatnonzero(times)
        if len(times) > len(oof) or len({*times[predicted]}) != 1 or (times.max() > 1 and not times.all()):
            raise DataError(f"test_rows: the folds have to hold each of the {len(oof)} rows once, or equally often.")
        tables = {}
        for table, given, values, required in (
            ("training", ids, oof, oof[predicted]),
            ("test", test_ids, test, test),
        ):
            tables[table] = _unique_texts(given, table)
            expected = (len(tables[table]), *columns)
            if values.shape != expected or not np.isfinite(required).all():
                raise DataError(
                    f"The predictions of the {table} rows have to be finite numbers of shape {expected}, found shape "
                    f"{values.shape} with {np.count_nonzero(~np.isfinite(required))} missing or infinite ones."
                )
        if labels is not None:
            self.classes_, self.indicators_ = labels, indicators
        self.ids_, self.test_ids_ = tables["training"], tables["test"]
        check_fold_weights(sample_weight, [(rows, rows) for rows in folds])
        self.oof_predictions_, self.test_predictions_, self.test_rows_ = oof.copy(), test, folds
        self.oof_predictions_[times == 0] = np.nan
        self.train_rows_ = None if train_rows is None else [np.asarray(rows) for rows in train_rows]
        self.sample_weight_ = sample_weight
        self.feature_names_in_ = np.array([self.id_column], dtype=object)
        self.n_features_in_ = 1
        return self

    def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
        """Return the out-of-fold predictions of raw rows.

        Parameters
        ----------
        fold : int
            Number of the fold, from 0; the predictions of its rows are known, and those of other rows are the same in
            each fold.
        X : DataFrame of shape (rows, columns)
            Raw rows with the id column.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows,)
            Probabilities or values. An id of both tables is that of the training row.

        Raises
        ------
        DataError
            If the id column is missing, or an id has no prediction.
        """
        del fold
        return self._look_up(X, training_first=True)

    def _look_up(self, X: Any, *, training_first: bool) -> np.ndarray:
        """Return the predictions of rows; those of ids in both tables are of one or the other table."""
        if not hasattr(self, "ids_"):
            raise NotFittedError("There are no predictions: call fit_predictions first.")
        X = require_table(X)
        if self.id_column not in X:
            raise DataError(
                f"The rows have no column {self.id_column!r}, by which imported predictions are looked up: add the id "
                "of each row."
            )
        ids = read_categories(X[self.id_column])
        predicted = predicted_rows(self)
        places_of_train = pd.Index(self.ids_[predicted], dtype=object).get_indexer(ids)
        train = np.where(places_of_train < 0, -1, predicted[places_of_train])
        test = pd.Index(self.test_ids_, dtype=object).get_indexer(ids)
        test = np.where(test < 0, -1, test + len(self.ids_))
        first, second = (train, test) if training_first else (test, train)
        places = np.where(first < 0, second, first)
        unknown = np.flatnonzero(places < 0)
        if len(unknown):
            row = X.index[unknown[0]]
            reason = "is missing" if pd.isna(ids[unknown[0]]) else f"{ids[unknown[0]]!r} is not among them"
            raise DataError(
                f"column {self.id_column}, row {row}: this run was imported and has predictions only for the rows of "
                f"the files that it was imported from ({len(predicted)} training and {len(self.test_ids_)} test rows); "
                f"the id {reason} ({len(unknown)} such rows). Predict other rows with a run that was fitted."
            )
        return np.concatenate([self.oof_predictions_, self.test_predictions_])[places]


class ImportedClassifier(Thresholded, ClassifierMixin, _Imported):
    """Probabilities that were predicted elsewhere, looked up by id.

    Parameters
    ----------
    id_column : str
        Column that identifies rows.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        Sorted labels.
    ids_, test_ids_ : ndarray of str, shape (rows,) and (test rows,)
        Ids of the training rows and of the test rows; the latter may be empty.
    oof_predictions_, test_predictions_ : ndarray of shape (rows, classes) and (test rows, classes)
        Probabilities.
    test_rows_ : list of ndarray
        Rows of each fold.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    >>> folds = [np.array([0]), np.array([1, 2])]
    >>> model = ImportedClassifier("Id").fit_predictions(["a", "b", "c"], p, folds, classes=["no", "yes"])
    >>> model.predict(pd.DataFrame({"Id": ["c", "a"]})).tolist()
    ['yes', 'no']
    >>> model.predict(pd.DataFrame({"Id": ["d"]}))
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: column Id, row 0: this run was imported and has predictions only ...
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the probabilities of raw rows, (rows, classes); an id of both tables is that of the test row."""
        return self._look_up(X, training_first=False)


class ImportedRegressor(RoundedNumbers, RegressorMixin, _Imported):
    """Values that were predicted elsewhere, looked up by id.

    Parameters
    ----------
    id_column : str
        Column that identifies rows.

    Attributes
    ----------
    ids_, test_ids_, test_rows_
        The same as in `ImportedClassifier`.
    oof_predictions_, test_predictions_ : ndarray of shape (rows,) and (test rows,)
        Values.
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def predict_values(self, X: pd.DataFrame) -> np.ndarray:
        """Return the values of raw rows, (rows,); an id of both tables is that of the test row."""
        return self._look_up(X, training_first=False)


def imported_parts(model: Any) -> list[ImportedClassifier | ImportedRegressor]:
    """Return the imported predictions that a model consists of.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.

    Returns
    -------
    list of ImportedClassifier or ImportedRegressor
        The model itself, or those of the runs of a blend; empty if all was fitted.
    """
    parts = getattr(model, "models", [model])
    return [part for part in parts if isinstance(part, ImportedClassifier | ImportedRegressor)]


def lacks_test_predictions(model: Any) -> bool:
    """Return whether a model, or a part of a blend, was imported without predictions of test rows."""
    return any(not len(part.test_ids_) for part in imported_parts(model))


def _unique_texts(ids: ArrayLike, table: str) -> np.ndarray:
    """Return ids as texts, each present and different."""
    texts = read_categories(pd.Series(ids, dtype=object))
    missing = np.flatnonzero(pd.isna(texts))
    if len(missing):
        raise DataError(f"The id of {table} row {missing[0] + 1} is missing: each row needs one.")
    repeated = np.flatnonzero(pd.Series(texts).duplicated())
    if len(repeated):
        raise DataError(f"The id {texts[repeated[0]]!r} of {table} row {repeated[0] + 1} is repeated: use unique ids.")
    return np.array(texts.tolist(), dtype=str)
