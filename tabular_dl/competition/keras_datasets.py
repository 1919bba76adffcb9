"""Data sets that Keras brings: ``source: keras:mnist``, ``keras:fashion_mnist`` and ``keras:imdb``.

==================  ================================================================  ==========================
source              a row                                                             the target
==================  ================================================================  ==========================
keras:mnist         28 x 28 pixels of 0 to 255, row by row: ``pixel0``..``pixel783``  the digit, 0 to 9
keras:fashion_mnist the same, of a piece of clothing                                  its kind, 0 to 9
keras:imdb          which of the 10,000 commonest words are in a film review,         1 if it praises, 0 if not
                    0 or 1: ``word0``..``word9999``
==================  ================================================================  ==========================

All features are uint8, 60,000 x 784 or 25,000 x 10,000 bytes in memory. Words are numbered as Keras numbers them: 1 is
the start of a review, 2 stands for all rarer words, and word w of `keras.datasets.imdb.get_word_index` is w + 3.

Keras downloads a data set when it is first asked for, into ``KERAS_HOME`` (``~/.keras``), and reads it from there ever
after. imdb.npz holds lists, which NumPy can store as pickles only: Keras holds the file's SHA-256 against a known one
before it reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, did_you_mean

__all__ = ["Loaded", "is_loaded", "load", "load_answers"]

PREFIX = "keras:"
WORDS = 10_000


@dataclass(frozen=True)
class Loaded:
    """The tables of a data set.

    Attributes
    ----------
    train, test : DataFrame
        Rows count from 1; test has no target.
    digest, test_digest : str
        SHA-256 of features and targets, in hexadecimal.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    digest: str
    test_digest: str


def is_loaded(source: str) -> bool:
    """Say whether a source is one of Keras's, not a folder.

    Examples
    --------
    >>> is_loaded("keras:mnist"), is_loaded("titanic")
    (True, False)
    """
    return source.startswith(PREFIX)


def load(source: str, target: str, id_column: str | None = None) -> Loaded:
    """Read a data set of Keras's, from its cache or by a download.

    Parameters
    ----------
    source : str
        Like "keras:mnist".
    target, id_column : str
        What to call the target, and a column that numbers the rows from 1, the test rows after the others.

    Raises
    ------
    DataError
        If Keras has no such data set, it is not there and cannot be downloaded, or a name is one of a feature.

    Examples
    --------
    >>> load("keras:mnst", "label")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: source: there is no keras:mnst. Did you mean 'keras:mnist'?
    """
    name = _known(source)
    (X_train, y_train), (X_test, y_test) = _read(source)
    encode, prefix = _FORMS[name]
    tables = []
    for X, y, first in ((X_train, y_train, 1), (X_test, y_test, len(X_train) + 1)):
        features = encode(X)
        columns = [f"{prefix}{number}" for number in range(features.shape[1])]
        clash = {target, id_column} & set(columns)
        if clash:
            raise DataError(f"data: {clash.pop()!r} is a feature of {source}: call the target and the id otherwise.")
        table = pd.DataFrame(features, columns=columns, index=pd.RangeIndex(1, len(X) + 1))
        if id_column is not None:
            table.insert(0, id_column, _ids(first, len(X)))
        tables.append((table, np.asarray(y, np.int64), _digest(features, y)))
    (train, labels, digest), (test, _, test_digest) = tables
    return Loaded(train.assign(**{target: labels}), test, digest, test_digest)


def load_answers(source: str, target: str, id_column: str) -> pd.DataFrame:
    """Read the true targets of the test rows, which Keras hands out too; for the scorer of a submission alone."""
    (X_train, _), (_, y_test) = _read(source)
    ids = _ids(len(X_train) + 1, len(y_test))
    return pd.DataFrame({id_column: ids, target: np.asarray(y_test, np.int64)}, index=pd.RangeIndex(1, len(ids) + 1))


def _ids(first: int, count: int) -> pd.Series:
    numbers = pd.RangeIndex(first, first + count)
    return pd.Series(numbers.astype("str"), index=pd.RangeIndex(1, count + 1))


def _known(source: str) -> str:
    name = source.removeprefix(PREFIX)
    if name not in _FORMS:
        known = [PREFIX + each for each in _FORMS]
        raise DataError(f"source: there is no {source}. {did_you_mean(source, known)}")
    return name


def _read(source: str) -> Any:
    """Return what Keras's own loader returns: ``(X_train, y_train), (X_test, y_test)``."""
    name = _known(source)
    settings = {"num_words": WORDS} if name == "imdb" else {}
    from keras import datasets  # here, as a table in a folder is read without TensorFlow

    try:
        return getattr(datasets, name).load_data(**settings)
    except Exception as error:  # noqa: BLE001 (what Keras raises where a download fails)
        raise DataError(
            f"{source} could not be read: {' '.join(str(error).split())}. It is downloaded once, into KERAS_HOME "
            f"(~/.keras). Where there is a network: tabular-dl data get {name} --source keras."
        ) from None


def _flat(images: np.ndarray) -> np.ndarray:
    """Lay the pixels of each image out as one row, (images, rows x columns), uint8."""
    return np.ascontiguousarray(images.reshape(len(images), -1), dtype=np.uint8)


def _multi_hot(sequences: Sequence[Iterable[int]]) -> np.ndarray:
    """Mark the words of each sequence, (sequences, words), uint8."""
    marks = np.zeros((len(sequences), WORDS), np.uint8)
    for row, sequence in zip(marks, sequences, strict=True):
        row[list(sequence)] = 1
    return marks


def _digest(X: np.ndarray, y: Any) -> str:
    digest = hashlib.sha256(X.data)
    digest.update(np.asarray(y, np.int64).tobytes())
    return digest.hexdigest()


# How the rows of each become features, and what the columns are called before their numbers.
_FORMS: dict[str, tuple[Callable[[Any], np.ndarray], str]] = {
    "mnist": (_flat, "pixel"),
    "fashion_mnist": (_flat, "pixel"),
    "imdb": (_multi_hot, "word"),
}
