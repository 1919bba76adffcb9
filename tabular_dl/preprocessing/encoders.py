"""What scikit-learn's encoders lack: by frequency, rare categories as one, seeded folds for target encoding.

A category is the text that `tabular_dl.tables.values.category_text` makes of a value.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import DataError
from tabular_dl.tables import read_categories, read_table

__all__ = ["RARE", "EncodingFolds", "FrequencyEncoder", "RareCategories"]

RARE = "(rare)"


class _ReadsCategories(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """A transformer that reads each column of a table as categories."""

    def _texts(self, X: Any, *, reset: bool) -> list[np.ndarray[Any, Any]]:
        table = read_table(self, X, reset=reset)
        return [read_categories(table[name]) for name in table]

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that values may be missing, and text."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


class FrequencyEncoder(_ReadsCategories):
    """Replace each category by its share of the training rows; one that training did not have by 0.

    A missing value is a category like others.

    Attributes
    ----------
    shares_ : list of dict of str to float
        For each column the share of each category.
    missing_ : list of float
        For each column the share of missing values.

    Examples
    --------
    >>> ports = pd.DataFrame({"Embarked": ["S", "S", "C", None]})
    >>> later = pd.DataFrame({"Embarked": ["S", "C", "Q", None]})
    >>> FrequencyEncoder().fit(ports).transform(later).ravel().tolist()
    [0.5, 0.25, 0.0, 0.25]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def fit(self, X: pd.DataFrame, y: object = None) -> FrequencyEncoder:  # noqa: ARG002
        """Count the categories of columns of shape ``(n, columns)``."""
        columns = self._texts(X, reset=True)
        rows = len(columns[0])
        counts = [_counts(texts) for texts in columns]
        self.shares_ = [{text: count / rows for text, count in each.items()} for each in counts]
        self.missing_ = [(rows - sum(each.values())) / rows for each in counts]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the shares of the rows' categories, float64 of shape ``(n, columns)``."""
        check_is_fitted(self)
        return np.column_stack(
            [
                [shares.get(text, 0.0) if isinstance(text, str) else missing for text in texts]
                for texts, shares, missing in zip(self._texts(X, reset=False), self.shares_, self.missing_, strict=True)
            ]
        )


class RareCategories(_ReadsCategories):
    """Make one category, ``(rare)``, of all that have fewer than so many training rows.

    A category that training did not have is rare too, if training had rare ones to learn from; otherwise it stays, for
    the encoder to call unknown. Missing values stay missing.

    Parameters
    ----------
    min_rows : int, default=10
        Training rows that a category needs to be kept.

    Attributes
    ----------
    kept_ : list of list of str
        For each column the categories that are kept.
    folded_ : list of bool
        For each column whether training had rare ones.

    Examples
    --------
    >>> titles = pd.DataFrame({"Title": ["Mr", "Mr", "Don", None]})
    >>> RareCategories(min_rows=2).fit_transform(titles).ravel().tolist()
    ['Mr', 'Mr', '(rare)', nan]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, min_rows: int = 10) -> None:
        self.min_rows = min_rows

    def fit(self, X: pd.DataFrame, y: object = None) -> RareCategories:  # noqa: ARG002
        """Count the categories of columns of shape ``(n, columns)``."""
        counts = [_counts(texts) for texts in self._texts(X, reset=True)]
        self.kept_ = [[text for text, count in each.items() if count >= self.min_rows] for each in counts]
        self.folded_ = [len(kept) < len(each) for kept, each in zip(self.kept_, counts, strict=True)]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the categories, objects of shape ``(n, columns)``."""
        check_is_fitted(self)
        columns = []
        for texts, kept, folded in zip(self._texts(X, reset=False), self.kept_, self.folded_, strict=True):
            known = {*kept}
            rare = [folded and isinstance(text, str) and text not in known for text in texts]
            columns.append(np.where(rare, np.array(RARE, dtype=object), texts))
        return np.column_stack(columns)


def _counts(texts: np.ndarray[Any, Any]) -> dict[str, int]:
    return dict(Counter(text for text in texts if isinstance(text, str)))


class EncodingFolds(KFold):
    """The folds inside which scikit-learn's `TargetEncoder` encodes training rows by other rows' targets.

    Five, shuffled, stratified by the classes of a target of labels; fewer where there are fewer rows.

    Parameters
    ----------
    stratified : bool
        Whether the target is made of labels.
    random_state : int or None, default=None
        Fixes the shuffling.

    Examples
    --------
    >>> folds = EncodingFolds(stratified=True, random_state=0)
    >>> [test.tolist() for _, test in folds.split(np.zeros((4, 1)), ["a", "b", "a", "b"])]
    [[1, 2], [0, 3]]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, stratified: bool, random_state: int | None = None) -> None:
        super().__init__(5, shuffle=True, random_state=random_state)
        self.stratified = stratified

    def split(self, X: Any, y: Any, groups: object = None) -> Iterator[tuple[Any, Any]]:  # noqa: ARG002
        """Yield row numbers: those to learn from, and those to encode."""
        rows = len(y)
        if rows < 2:
            raise DataError(f"encode: target needs two training rows or more, found {rows}. Use encode: frequency.")
        largest = np.unique(np.asarray(y), return_counts=True)[1].max() if self.stratified else 1
        folds: Any = KFold(min(self.n_splits, rows), shuffle=True, random_state=self.random_state)
        if largest > 1:
            folds = StratifiedKFold(min(self.n_splits, int(largest)), shuffle=True, random_state=self.random_state)
        with warnings.catch_warnings():
            # The encoder knows all classes, so a fold may do without a rare one.
            warnings.filterwarnings("ignore", "The least populated class")
            parts = list(folds.split(np.zeros((rows, 1)), y))
        return iter(parts)
