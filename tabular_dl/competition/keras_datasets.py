"""Keras's data sets as tables: ``source: keras:mnist``, ``keras:fashion_mnist`` and ``keras:imdb``.

==================  ================================================================  ==========================
source              features of a row                                                 target
==================  ================================================================  ==========================
keras:mnist         28 x 28 pixels of 0 to 255, row by row: ``pixel0``..``pixel783``  digit, 0 to 9
keras:fashion_mnist the same, of a piece of clothing                                  type of clothing, 0 to 9
keras:imdb          presence of the 10,000 most frequent words in a film review,      1 if positive, 0 if negative
                    0 or 1: ``word0``..``word9999``
==================  ================================================================  ==========================

All features are uint8, 60,000 x 784 or 25,000 x 10,000 bytes in memory. Words are numbered as in Keras: 1 is the start
of a review, 2 stands for all rarer words, and word w of `keras.datasets.imdb.get_word_index` is w + 3.

Keras downloads a data set once, into ``KERAS_HOME`` (``~/.keras``). imdb.npz contains pickled lists; Keras verifies the
file's SHA-256 before reading it.
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
    """Tables of a data set. Their indices count rows from 1.

    Attributes
    ----------
    train, test : DataFrame
        Training rows, and test rows without the target.
    digest, test_digest : str
        SHA-256 of features and targets, in hexadecimal.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    digest: str
    test_digest: str


def is_loaded(source: str) -> bool:
    """Return whether a source is one of Keras's data sets, not a folder.

    Parameters
    ----------
    source : str
        Source of a pipeline.

    Returns
    -------
    bool
        Whether it starts with "keras:".

    Examples
    --------
    >>> is_loaded("keras:mnist"), is_loaded("titanic")
    (True, False)
    """
    return source.startswith(PREFIX)


def load(source: str, target: str, id_column: str | None = None) -> Loaded:
    """Read one of Keras's data sets, downloading it if necessary.

    Parameters
    ----------
    source : str
        Name such as "keras:mnist".
    target : str
        Name for the target.
    id_column : str, optional
        Name for an added column that numbers the rows from 1, test rows after training rows.

    Returns
    -------
    Loaded
        The tables.

    Raises
    ------
    DataError
        If Keras has no such data set, it cannot be downloaded, or a name is that of a feature.

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
            raise DataError(f"data: {clash.pop()!r} is a feature of {source}: rename the target or the id.")
        table = pd.DataFrame(features, columns=columns, index=pd.RangeIndex(1, len(X) + 1))
        if id_column is not None:
            table.insert(0, id_column, _ids(first, len(X)))
        tables.append((table, np.asarray(y, np.int64), _digest(features, y)))
    (train, labels, digest), (test, _, test_digest) = tables
    return Loaded(train.assign(**{target: labels}), test, digest, test_digest)


def load_answers(source: str, target: str, id_column: str) -> pd.DataFrame:
    """Read the true targets of the test rows. Only the scorer of a submission may call this."""
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
    """Return the arrays of Keras's loader: ``(X_train, y_train), (X_test, y_test)``."""
    name = _known(source)
    settings = {"num_words": WORDS} if name == "imdb" else {}
    from keras import datasets  # imported here, since tables in folders are read without TensorFlow

    try:
        return getattr(datasets, name).load_data(**settings)
    except Exception as error:  # noqa: BLE001 (Keras raises Exception if a download fails)
        raise DataError(
            f"{source} could not be read: {' '.join(str(error).split())}. It is downloaded once, into KERAS_HOME "
            f"(~/.keras). With a network connection, run: tabular-dl data get {name} --source keras."
        ) from None


def _flat(images: np.ndarray) -> np.ndarray:
    """Return the pixels of each image as one row, (images, rows x columns), uint8."""
    return np.ascontiguousarray(images.reshape(len(images), -1), dtype=np.uint8)


def _multi_hot(sequences: Sequence[Iterable[int]]) -> np.ndarray:
    """Return indicators of the words in each sequence, (sequences, words), uint8."""
    marks = np.zeros((len(sequences), WORDS), np.uint8)
    for row, sequence in zip(marks, sequences, strict=True):
        row[list(sequence)] = 1
    return marks


def _digest(X: np.ndarray, y: Any) -> str:
    digest = hashlib.sha256(X.data)
    digest.update(np.asarray(y, np.int64).tobytes())
    return digest.hexdigest()


# Function that converts the rows of each data set to features, and prefix of the columns' names.
_FORMS: dict[str, tuple[Callable[[Any], np.ndarray], str]] = {
    "mnist": (_flat, "pixel"),
    "fashion_mnist": (_flat, "pixel"),
    "imdb": (_multi_hot, "word"),
}
