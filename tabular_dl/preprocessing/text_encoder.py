"""Texts as numbers: words and sequences of letters, weighted by how rare they are, reduced to a few components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.column_rules import COMPONENTS
from tabular_dl.preprocessing.stored_tables import pack_texts, unpack_texts
from tabular_dl.tables import read_categories, read_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

__all__ = ["TextEncoder"]

# Terms of a text, by their name: single words and pairs, and three to five letters of a word with its edges.
KINDS: dict[str, dict[str, Any]] = {
    "words": {"analyzer": "word", "ngram_range": (1, 2)},
    "letters": {"analyzer": "char_wb", "ngram_range": (3, 5)},
}
MOST_TERMS = 5_000  # of each kind, the most frequent
FEW_ROWS = 100  # from which on a term that only one row has is left out
MOST_ROWS = 50_000  # from which terms and components are learned
MOST_CHARACTERS = 5_000  # of a text that are read
BLOCK = 10_000  # rows that are encoded at once


class TextEncoder(TransformerMixin, BaseEstimator):
    """Encode texts by their words and sequences of letters.

    A text has the weight tf * idf of each term, with tf = 1 + log(its count in the text) and idf = 1 + log((1 + rows) /
    (1 + rows with the term)), scaled to length 1 for words and for letters each. The weights of both, side by side, are
    projected on the directions of the largest singular values of the training rows (latent semantic analysis,
    Deerwester and others, JASIS 41, 1990). Terms are the 5,000 most frequent words and pairs of words, and the 5,000
    most frequent sequences of three to five letters, in at least two training rows if there are 100 or more. Case is
    ignored.

    Missing texts, and texts without a known term, are zeros. If rows or terms are too few for so many components, the
    last ones are zeros.

    Parameters
    ----------
    components : int, default=50
        Number of components of each column.
    random_state : int, RandomState or None, default=None
        Seed of the 50,000 rows that are learned from if there are more, and of the decomposition.

    Attributes
    ----------
    columns_ : list of dict
        For each column: ``words`` and ``letters``, lists of terms; ``word_weights`` and ``letter_weights``, their idf;
        ``directions``, float32 of shape (components, terms).

    Examples
    --------
    >>> import pandas as pd
    >>> reviews = pd.DataFrame({"Review": ["a good film", "a good play", "no plot at all", None]})
    >>> numbers = TextEncoder(components=2, random_state=0).fit_transform(reviews)
    >>> numbers.shape, numbers.dtype.name
    ((4, 2), 'float32')
    >>> bool(numbers[0] @ numbers[1] > numbers[0] @ numbers[2]), numbers[3].tolist()
    (True, [0.0, 0.0])
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(
        self, components: int = COMPONENTS, *, random_state: int | np.random.RandomState | None = None
    ) -> None:
        self.components = components
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: object = None) -> TextEncoder:  # noqa: ARG002
        """Learn terms, weights and directions from columns of shape ``(rows, columns)``."""
        table = read_table(self, X, reset=True)
        random = check_random_state(self.random_state)
        rows = np.arange(len(table))
        if len(rows) > MOST_ROWS:
            rows = np.sort(random.choice(rows, MOST_ROWS, replace=False))
        seed = int(random.randint(2**31 - 1))
        self.columns_ = [self._learn(_texts(table[name].iloc[rows]), seed) for name in table]
        self._readers = [_readers(column) for column in self.columns_]
        return self

    def _learn(self, texts: list[str], seed: int) -> dict[str, Any]:
        learned: dict[str, Any] = {}
        parts = []
        for kind, settings in KINDS.items():
            vectorizer = TfidfVectorizer(
                **settings,
                max_features=MOST_TERMS,
                min_df=2 if len(texts) >= FEW_ROWS else 1,
                sublinear_tf=True,
                dtype=np.float32,
            )
            try:
                parts.append(vectorizer.fit_transform(texts))
                terms, weights = vectorizer.get_feature_names_out().tolist(), vectorizer.idf_
            except ValueError:  # no text has a term
                parts.append(csr_matrix((len(texts), 0), dtype=np.float32))
                terms, weights = [], np.empty(0)
            learned[kind] = terms
            learned[_weights(kind)] = np.asarray(weights, dtype=np.float32)
        matrix = hstack(parts, format="csr")
        learned["directions"] = np.zeros((self.components, matrix.shape[1]), dtype=np.float32)
        count = min(self.components, *matrix.shape)
        if matrix.shape[1] == 1:  # no decomposition: the one term is the direction
            learned["directions"][0] = 1.0
        elif count:
            components = TruncatedSVD(count, random_state=seed).fit(matrix).components_
            learned["directions"][: len(components)] = components
        return learned

    def transform(self, X: ArrayLike) -> np.ndarray[Any, Any]:
        """Return the components, float32 of shape ``(rows, columns x components)``: those of the first column, ..."""
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        columns = [_texts(table[name]) for name in table]
        blocks = [np.empty((0, len(columns) * self.components), dtype=np.float32)]
        for start in range(0, len(table), BLOCK):
            rows = slice(start, start + BLOCK)
            parts = zip(columns, self._readers, self.columns_, strict=True)
            encoded = [_encoded(texts[rows], readers, learned) for texts, readers, learned in parts]
            blocks.append(np.hstack(encoded, dtype=np.float32))
        return np.concatenate(blocks)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray[Any, Any]:
        """Return the names of the components: the column and a number from 1, such as ``Review_text1``."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array([f"{name}_text{k + 1}" for name in names for k in range(self.components)], dtype=object)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with terms as arrays."""
        state = {name: value for name, value in super().__getstate__().items() if name != "_readers"}
        if "columns_" in state:
            state["columns_"] = [
                {**column, **{kind: pack_texts(column[kind]) for kind in KINDS}} for column in state["columns_"]
            ]
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a state."""
        state = dict(state)
        if "columns_" in state:
            state["columns_"] = [
                {**column, **{kind: list(unpack_texts(column[kind])) for kind in KINDS}} for column in state["columns_"]
            ]
            for column in state["columns_"]:
                _check(column, state["components"])
            state["_readers"] = [_readers(column) for column in state["columns_"]]
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values and texts are allowed, and the result is float32."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def _texts(column: pd.Series) -> list[str]:
    return [text[:MOST_CHARACTERS] if isinstance(text, str) else "" for text in read_categories(column)]


def _weights(kind: str) -> str:
    """Return the key of the weights of a kind of terms."""
    return f"{kind.removesuffix('s')}_weights"


def _readers(learned: Mapping[str, Any]) -> list[TfidfVectorizer]:
    """Return scikit-learn's vectorizers with the terms and weights of a column."""
    readers = []
    for kind, settings in KINDS.items():
        if learned[kind]:
            vocabulary = {term: place for place, term in enumerate(learned[kind])}
            reader = TfidfVectorizer(**settings, vocabulary=vocabulary, sublinear_tf=True, dtype=np.float32)
            reader.idf_ = learned[_weights(kind)]
            readers.append(reader)
    return readers


def _encoded(texts: list[str], readers: Sequence[TfidfVectorizer], learned: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return the components of texts, of shape (rows, components)."""
    if not readers:
        return np.zeros((len(texts), len(learned["directions"])), dtype=np.float32)
    return hstack([reader.transform(texts) for reader in readers], format="csr") @ learned["directions"].T


def _check(learned: Mapping[str, Any], components: int) -> None:
    """Raise an error if the stored arrays of a column do not fit each other."""
    sizes = [len(learned[kind]) for kind in KINDS]
    shapes = [(size,) for size in sizes] + [(components, sum(sizes))]
    arrays = [learned[name] for name in (*map(_weights, KINDS), "directions")]
    if any(array.shape != shape or array.dtype != np.float32 for array, shape in zip(arrays, shapes, strict=True)):
        raise DataError(f"the texts of a column have {sizes} terms, and weights or directions of other shapes")
    if any(len({*learned[kind]}) != size for kind, size in zip(KINDS, sizes, strict=True)):
        raise DataError("the texts of a column have a term twice")
