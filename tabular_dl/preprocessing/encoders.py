"""Frequency encoding, joining of rare categories, and seeded folds for target encoding.

They complement scikit-learn's encoders. Categories are the texts that `tabular_dl.tables.category_text` returns.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sklearn.preprocessing
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.column_rules import BUCKETS
from tabular_dl.preprocessing.stored_tables import (
    StoresCategories,
    pack_table,
    pack_texts,
    unpack_table,
    unpack_texts,
)
from tabular_dl.tables import read_categories, read_table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

__all__ = [
    "RARE",
    "EncodingFolds",
    "FrequencyEncoder",
    "HashedCategories",
    "OneHotEncoder",
    "OrdinalEncoder",
    "RareCategories",
    "TargetEncoder",
]

RARE = "(rare)"

Rows = np.ndarray[Any, Any]


class _ReadsCategories(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Base class of transformers that read each column as categories."""

    def _texts(self, X: ArrayLike, *, reset: bool) -> list[np.ndarray[Any, Any]]:
        table = read_table(self, X, reset=reset)
        return [read_categories(table[name]) for name in table]

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values and texts are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


class FrequencyEncoder(_ReadsCategories):
    """Replace categories by their share of the training rows.

    Categories without training rows become 0. Missing values count as one category.

    Attributes
    ----------
    shares_ : list of dict of str to float
        Share of each category, for each column.
    missing_ : list of float
        Share of missing values, for each column.

    Examples
    --------
    >>> ports = pd.DataFrame({"Embarked": ["S", "S", "C", None]})
    >>> later = pd.DataFrame({"Embarked": ["S", "C", "Q", None]})
    >>> FrequencyEncoder().fit(ports).transform(later).ravel().tolist()
    [0.5, 0.25, 0.0, 0.25]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def fit(self, X: pd.DataFrame, y: object = None) -> FrequencyEncoder:  # noqa: ARG002
        """Learn the shares from columns of shape ``(rows, columns)``."""
        columns = self._texts(X, reset=True)
        rows = len(columns[0])
        counts = [_counts(texts) for texts in columns]
        self.shares_ = [{text: count / rows for text, count in sizes.items()} for sizes in counts]
        self.missing_ = [(rows - sum(sizes.values())) / rows for sizes in counts]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the shares of the categories, float64 of shape ``(rows, columns)``."""
        check_is_fitted(self)
        return np.column_stack(
            [
                [shares.get(text, 0.0) if isinstance(text, str) else missing for text in texts]
                for texts, shares, missing in zip(self._texts(X, reset=False), self.shares_, self.missing_, strict=True)
            ]
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with shares as arrays."""
        state = dict(super().__getstate__())
        if "shares_" in state:
            state["shares_"] = [pack_table(shares) for shares in state["shares_"]]
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a state, in the present form or as older versions stored it."""
        state = dict(state)
        if "shares_" in state:
            state["shares_"] = [unpack_table(shares) for shares in state["shares_"]]
        super().__setstate__(state)


class RareCategories(_ReadsCategories):
    """Join categories with few training rows into one category, ``(rare)``.

    Categories without training rows also become ``(rare)`` if the training rows had rare categories; otherwise they are
    kept, and the encoder treats them as unknown. Missing values stay missing.

    Parameters
    ----------
    min_rows : int, default=10
        Number of training rows that a category needs to be kept.

    Attributes
    ----------
    kept_ : list of list of str
        Categories that are kept, for each column.
    folded_ : list of bool
        Whether the training rows had rare categories, for each column.

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
        """Learn the frequent categories from columns of shape ``(rows, columns)``."""
        counts = [_counts(texts) for texts in self._texts(X, reset=True)]
        self.kept_ = [[text for text, count in sizes.items() if count >= self.min_rows] for sizes in counts]
        self.folded_ = [len(kept) < len(sizes) for kept, sizes in zip(self.kept_, counts, strict=True)]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the categories, objects of shape ``(rows, columns)``."""
        check_is_fitted(self)
        columns = []
        for texts, kept, folded in zip(self._texts(X, reset=False), self.kept_, self.folded_, strict=True):
            frequent = {*kept}
            rare = [folded and isinstance(text, str) and text not in frequent for text in texts]
            columns.append(np.where(rare, np.array(RARE, dtype=object), texts))
        return np.column_stack(columns)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the categories as arrays."""
        state = dict(super().__getstate__())
        if "kept_" in state:
            state["kept_"] = [pack_texts(kept) for kept in state["kept_"]]
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a state, in the present form or as older versions stored it."""
        state = dict(state)
        if "kept_" in state:
            state["kept_"] = [unpack_texts(kept) for kept in state["kept_"]]
        super().__setstate__(state)


class HashedCategories(_ReadsCategories):
    """Put categories into buckets by a hash, so that their number is bounded and new ones have one too.

    The bucket of a category is the number that its BLAKE2b digest of 8 bytes is, modulo the number of buckets (feature
    hashing, Weinberger and others, ICML 2009). It depends on the text of the category alone: nothing is learned.
    Missing values stay missing.

    Parameters
    ----------
    buckets : int, default=64
        Number of buckets.

    Examples
    --------
    >>> cities = pd.DataFrame({"City": ["Bern", "Rome", "Bern", None]})
    >>> HashedCategories(buckets=8).fit_transform(cities).ravel().tolist()
    ['4', '0', '4', nan]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, buckets: int = BUCKETS) -> None:
        self.buckets = buckets

    def fit(self, X: pd.DataFrame, y: object = None) -> HashedCategories:  # noqa: ARG002
        """Check that columns of shape ``(rows, columns)`` can be read."""
        read_table(self, X, reset=True)
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the numbers of the buckets as texts, of shape ``(rows, columns)``."""
        columns = []
        for texts in self._texts(X, reset=False):
            codes, categories = pd.factorize(texts)
            buckets = [str(_digest(text) % self.buckets) for text in categories]
            columns.append(np.array([*buckets, np.nan], dtype=object)[codes])
        return np.column_stack(columns)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class OneHotEncoder(StoresCategories, sklearn.preprocessing.OneHotEncoder):
    """scikit-learn's `OneHotEncoder`, whose categories are stored as arrays.

    Examples
    --------
    >>> OneHotEncoder(sparse_output=False).fit_transform(pd.DataFrame({"Sex": ["male", "female"]})).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays


class OrdinalEncoder(StoresCategories, sklearn.preprocessing.OrdinalEncoder):
    """scikit-learn's `OrdinalEncoder`, whose categories are stored as arrays.

    Examples
    --------
    >>> OrdinalEncoder().fit_transform(pd.DataFrame({"Sex": ["male", "female"]})).ravel().tolist()
    [1.0, 0.0]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays


class TargetEncoder(StoresCategories, sklearn.preprocessing.TargetEncoder):
    """scikit-learn's `TargetEncoder`, whose categories are stored as arrays.

    Examples
    --------
    >>> decks = pd.DataFrame({"Deck": ["A", "A", "B", "B"]})
    >>> TargetEncoder(smooth=0.0, target_type="continuous").fit(decks, [1.0, 3.0, 7.0, 9.0]).transform(decks)[:, 0]
    array([2., 2., 8., 8.])
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays


def _counts(texts: np.ndarray[Any, Any]) -> dict[str, int]:
    return dict(Counter(text for text in texts if isinstance(text, str)))


class EncodingFolds(KFold):
    """Folds in which scikit-learn's `TargetEncoder` encodes training rows by the targets of other rows.

    There are five shuffled folds, or fewer if there are fewer rows. They are stratified if the target consists of
    labels; then there are no more folds than rows of the largest class.

    Parameters
    ----------
    stratified : bool
        Whether the target consists of labels.
    random_state : int or None, default=None
        Seed of the shuffling.

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

    def split(self, X: object, y: ArrayLike, groups: object = None) -> Iterator[tuple[Rows, Rows]]:  # noqa: ARG002
        """Yield the numbers of the rows to learn from, and of the rows to encode.

        Raises
        ------
        DataError
            If there are fewer than two rows.
        """
        y = np.asarray(y)
        rows = len(y)
        if rows < 2:
            raise DataError(f"encode: target needs two training rows or more, found {rows}. Use encode: frequency.")
        largest = np.unique(y, return_counts=True)[1].max() if self.stratified else 1
        folds: KFold | StratifiedKFold = KFold(min(self.n_splits, rows), shuffle=True, random_state=self.random_state)
        if largest > 1:
            folds = StratifiedKFold(min(self.n_splits, int(largest)), shuffle=True, random_state=self.random_state)
        with warnings.catch_warnings():
            # The encoder gets all classes from the whole target, so folds may lack a rare class.
            warnings.filterwarnings("ignore", "The least populated class")
            parts = list(folds.split(np.zeros((rows, 1)), y))
        return iter(parts)
