"""Stacking: meta models on the predictions of other models, on one or two levels, with unbiased scores.

With one level, a meta model reads the predictions of the models. With two, several meta models do, and what they and
the models predict is blended by weights, or read by one more meta model.

The predictions of a fold come from meta models that were trained on rows of the other folds only. On two levels, what
the last level is trained on is cross-fitted within those rows, so that a meta model of the first level is trained for
each pair of folds that is left out::

    fold k is predicted by    last level of all rows but k, trained on
        fold j of these:      first level of all rows but j and k
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import combinations
from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator

from tabular_dl.errors import SpecError
from tabular_dl.model_selection.blend_weights import optimal_weights, weighted
from tabular_dl.model_selection.meta_models import (
    SMALLEST,
    MetaModel,
    RawColumns,
    check_meta,
    default_meta,
    fit_meta_models,
)
from tabular_dl.model_selection.row_weights import weights_at

__all__ = ["Stack", "by_older_stack", "check_stack", "sources_of"]

BESIDE_LINEAR = ("hist_gradient_boosting", "network")  # meta models of the first of two levels, beside a linear one
LeftOut = tuple[int, ...]  # numbers of the folds that a meta model is not trained on


def check_stack(meta: str | None, levels: int) -> None:
    """Raise an error for settings that no stack has.

    Parameters
    ----------
    meta : str or None
        Name of the meta model, if there is one.
    levels : int
        Number of levels.

    Raises
    ------
    SpecError
        If there is no such meta model, or the levels are not 1 or 2.

    Examples
    --------
    >>> check_stack("ridgee", 1)
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: --meta: there is no 'ridgee'. Did you mean 'ridge'?
    """
    if meta is not None:
        check_meta(meta)
    if levels not in (1, 2):
        raise SpecError(f"--levels: expected 1 or 2, found {levels}.")


class Stack(BaseEstimator):
    """Meta models on the predictions of other models.

    Parameters
    ----------
    meta : {"ridge", "logistic", "network", "hist_gradient_boosting"} or None, default=None
        Meta model of the last level. None is "logistic" for classes and "ridge" for numbers; with two levels it means
        weights with the smallest loss.
    levels : {1, 2}, default=1
        Number of levels. The first of two has a linear meta model, boosted trees and a network.
    settings : mapping or None, default=None
        Settings that the models share, as for `MetaModel`.
    seed : int, default=0
        Seed.

    Attributes
    ----------
    first_ : list of MetaModel
        Meta models of the first of two levels.
    last_ : MetaModel or None
        Meta model of the last level; None if it has weights.
    weights_ : ndarray of shape (models + meta models,) or None
        Weight of each model, then of each meta model of the first level, with sum 1. For linear meta models, the share
        of the absolute coefficients; None for other meta models, which have no weights.
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def __init__(
        self, meta: str | None = None, levels: int = 1, settings: Mapping[str, Any] | None = None, seed: int = 0
    ) -> None:
        self.meta = meta
        self.levels = levels
        self.settings = settings
        self.seed = seed

    def fit_predict(
        self,
        predictions: np.ndarray,
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        classes: np.ndarray | None,
        raw: RawColumns | None = None,
        sources: Sequence[np.ndarray] | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> np.ndarray:
        """Train the levels on all rows, and return predictions of each fold by levels trained on the other folds.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
            Out-of-fold predictions of the models.
        y : ndarray of shape (rows,)
            Target.
        folds : sequence of ndarray
            Rows of each fold; empty if no scores are needed.
        classes : ndarray of shape (classes,) or None
            Label of each column; None for numbers.
        raw : RawColumns, optional
            Raw columns that the meta models read as well.
        sources : sequence of ndarray, optional
            Rows that the levels of each fold are trained on, by default those of the other folds. Without any, as for
            the first fold by time, the mean of the models is predicted.
        sample_weight : ndarray of shape (rows,), optional
            Weight of each row.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows, 1)
            Combined predictions; zeros for rows of no fold.

        Raises
        ------
        SpecError
            If the settings are invalid, or two levels have fewer than three folds.
        """
        check_stack(self.meta, self.levels)
        if self.levels == 2 and len(folds) < 3:
            raise SpecError(f"--levels 2 needs runs of three folds or more, these have {len(folds)}: write --levels 1.")
        rows: dict[LeftOut, np.ndarray] = {(): np.arange(len(y))}
        fold_sources = sources_of(folds, len(y), sources)
        for left_out in [*combinations(range(len(folds)), 1), *combinations(range(len(folds)), 2)]:
            rows[left_out] = reduce(np.intersect1d, [fold_sources[fold] for fold in left_out])
        train = _Training(rows, y, folds, classes, raw, self.settings, self.seed, sample_weight)
        outer: list[LeftOut] = [(), *((fold,) for fold in range(len(folds)))]
        inputs = dict.fromkeys(outer, predictions)
        self.first_: list[MetaModel] = []
        if self.levels == 2:
            self.first_, inputs = train.first_level(predictions, outer)
        if self.levels == 2 and self.meta is None:
            self.last_ = None
            weights = [
                optimal_weights(inputs[key][:, places], y[places], classes, weights_at(sample_weight, places))
                if len(places)
                else np.full(len(inputs[key]), 1 / len(inputs[key]))
                for key, places in ((key, rows[key]) for key in outer)
            ]
            self.weights_: np.ndarray | None = weights[0]
            outputs = [weighted(inputs[key], shares) for key, shares in zip(outer, weights, strict=True)]
        else:
            name = self.meta or default_meta(classification=classes is not None)
            metas, outputs = train.fit(name, [inputs[key] for key in outer], outer)
            self.last_ = metas[0]
            self.weights_ = _shares(self.last_, *inputs[()].shape[::2])
        combined = np.zeros(predictions.shape[1:])
        for fold, output in zip(folds, outputs[1:], strict=True):
            combined[fold] = output[fold]
        return combined

    def combine(self, predictions: np.ndarray, X: Any = None) -> np.ndarray:
        """Return combined predictions.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
            Predictions of the models, in the order of `fit_predict`.
        X : DataFrame of shape (rows, columns), optional
            Raw rows, for meta models that read them.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows, 1)
            Probabilities or numbers.
        """
        if self.first_:
            predictions = np.concatenate([predictions, [meta.combine(predictions, X) for meta in self.first_]])
        if self.last_ is not None:
            return self.last_.combine(predictions, X)
        return weighted(predictions, cast("np.ndarray", self.weights_))

    @property
    def meta_models(self) -> list[MetaModel]:
        """All meta models."""
        return [*self.first_, *([] if self.last_ is None else [self.last_])]


class _Training:
    """Training of meta models on rows without certain folds."""

    def __init__(
        self,
        rows: Mapping[LeftOut, np.ndarray],
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        classes: np.ndarray | None,
        raw: RawColumns | None,
        settings: Mapping[str, Any] | None,
        seed: int,
        sample_weight: np.ndarray | None,
    ) -> None:
        self.sample_weight = sample_weight
        self.rows, self.y, self.folds, self.classes = rows, y, folds, classes
        self.raw, self.settings, self.seed = raw, settings, seed

    def fit(
        self, name: str, inputs: Sequence[np.ndarray], keys: Sequence[LeftOut]
    ) -> tuple[list[MetaModel], list[np.ndarray]]:
        """Return a meta model for each of several sets of left out folds, and its predictions of all rows.

        Sets that leave no rows to train on, as those of the first fold by time, have the mean of the models instead.
        """
        rows = [self.rows[key] for key in keys]
        trainable = [number for number, places in enumerate(rows) if len(places)]
        shared = (self.classes, self.raw, self.settings, self.seed, self.sample_weight)
        metas, predicted = fit_meta_models(
            name, [inputs[number] for number in trainable], self.y, [rows[number] for number in trainable], *shared
        )
        outputs = [predictions.mean(axis=0) for predictions in inputs]
        for number, output in zip(trainable, predicted, strict=True):
            outputs[number] = output
        return metas, outputs

    def first_level(
        self, predictions: np.ndarray, outer: Sequence[LeftOut]
    ) -> tuple[list[MetaModel], dict[LeftOut, np.ndarray]]:
        """Return the meta models of all rows, and what the last level reads when it is trained without some folds."""
        linear = default_meta(classification=self.classes is not None)
        keys = list(self.rows)
        metas, added = [], []
        for name in (linear, *BESIDE_LINEAR):
            trained, outputs = self.fit(name, [predictions] * len(keys), keys)
            metas.append(trained[0])
            by_key = dict(zip(keys, outputs, strict=True))
            added.append({left_out: self._cross_fitted(by_key, left_out) for left_out in outer})
        joined = {
            left_out: np.concatenate([predictions, [cross_fitted[left_out] for cross_fitted in added]])
            for left_out in outer
        }
        return metas, joined

    def _cross_fitted(self, outputs: Mapping[LeftOut, np.ndarray], left_out: LeftOut) -> np.ndarray:
        """Return predictions of each fold by a meta model that was trained neither on it nor on the left out folds."""
        values = np.empty_like(outputs[()])
        for fold, rows in enumerate(self.folds):
            values[rows] = outputs[tuple(sorted({*left_out, fold}))][rows]
        return values


def sources_of(
    folds: Sequence[np.ndarray], count: int, sources: Sequence[np.ndarray] | None = None
) -> Sequence[np.ndarray]:
    """Return the rows that what predicts each fold is learned from: as given, or those of all other folds.

    Examples
    --------
    >>> [rows.tolist() for rows in sources_of([np.array([1]), np.array([0, 2])], 3)]
    [[0, 2], [1]]
    """
    return [np.setdiff1d(np.arange(count), rows) for rows in folds] if sources is None else sources


def _shares(meta: MetaModel, models: int, classes: int) -> np.ndarray | None:
    """Return each model's share of the absolute coefficients of a linear meta model."""
    if meta.coefficients is None:
        return None
    sizes = np.abs(meta.coefficients).sum(axis=0)
    columns = models * (classes if classes > 2 else 1)  # those of raw columns are first
    sizes = sizes[len(sizes) - columns :].reshape(models, -1).sum(axis=1)
    return sizes / max(sizes.sum(), 1e-12)


def by_older_stack(blend: Any, predictions: np.ndarray) -> np.ndarray:
    """Return the predictions of a stack that was stored before there were meta models.

    Parameters
    ----------
    blend : Blend
        Blend, whose attribute ``linear_`` is the linear model.
    predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
        Predictions of the models.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows, 1)
        Combined predictions.
    """
    if not blend.classification_:
        return blend.linear_.predict(np.concatenate(list(predictions), axis=1))[:, np.newaxis]
    clipped = np.clip(predictions, SMALLEST, 1 - SMALLEST)
    logits = np.log(clipped / (1 - clipped))[:, :, 1:] if clipped.shape[2] == 2 else np.log(clipped)
    combined = np.zeros(predictions.shape[1:])
    # The oldest lack columns_: their linear model has every class.
    columns = getattr(blend, "columns_", slice(None))
    combined[:, columns] = blend.linear_.predict_proba(np.concatenate(list(logits), axis=1))
    return combined
