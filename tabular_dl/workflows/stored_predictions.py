"""Stored predictions of the test rows of a run, reused as long as the digests of tables and file are the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl import tracking
from tabular_dl.competition import Competition

__all__ = ["TEST_FILE", "stored_predictions", "test_tag"]

TAG = "tabular_dl.test_predictions"
TEST_FILE = "test.csv"  # in the folder "predictions" of a run


def test_tag(file: Path, predictions: np.ndarray, model: Any, competition: Competition) -> dict[str, str]:
    """Return the tag of a file with a model's predictions of a test table; empty if it does not hold them exactly.

    Parameters
    ----------
    file : Path
        Table of predictions that has been written.
    predictions : ndarray of shape (rows, classes) or (rows,)
        Probabilities or values.
    model : cross-fit, blend or imported predictions
        Model that made them.
    competition : Competition
        Tables.

    Returns
    -------
    dict of str to str
        At most one tag.
    """
    read = _read(file, model)
    same = read is not None and read.dtype == predictions.dtype and np.array_equal(read, predictions)
    if not same or not competition.test_digest:
        return {}
    return {TAG: _digests(file, competition)}


def stored_predictions(run: tracking.LoggedRun, model: Any, competition: Competition) -> np.ndarray | None:
    """Return a run's predictions of the test rows as they were made after its training.

    Parameters
    ----------
    run : LoggedRun
        Run.
    model : cross-fit, blend or imported predictions
        Its model.
    competition : Competition
        Present tables.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows,), or None
        Probabilities or values. None if a table or the stored file has changed, or nothing was stored.
    """
    if TAG not in run.tags or competition.test is None:
        return None
    file = tracking.run_file(run, f"predictions/{TEST_FILE}")
    if file is None or run.tags[TAG] != _digests(file, competition):
        return None
    predictions = _read(file, model)
    return predictions if predictions is not None and len(predictions) == len(competition.test) else None


def _digests(file: Path, competition: Competition) -> str:
    predictions = hashlib.sha256(file.read_bytes()).hexdigest()
    return json.dumps({"train": competition.digest, "test": competition.test_digest, "predictions": predictions})


def _read(file: Path, model: Any) -> np.ndarray | None:
    """Return the predictions in a table of one target: its probabilities, or the values in the second column."""
    classes = getattr(model, "classes_", None)
    if isinstance(classes, list):
        return None
    table = pd.read_csv(file, dtype=str)  # read as numbers by pandas, they could differ in the last digit
    columns = table.iloc[:, 1:] if classes is None else table.iloc[:, 2:]
    if columns.shape[1] != (1 if classes is None else len(classes)):
        return None
    try:
        values = columns.to_numpy(dtype=object).astype(np.float64)
    except ValueError:  # labels instead of numbers
        return None
    return values[:, 0] if classes is None else values
