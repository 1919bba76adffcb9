"""Predictions of fitted models, and the files of predictions of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tabular_dl.atomic_files import write_text
from tabular_dl.competition import Competition, prediction_table
from tabular_dl.errors import DataError, UserError
from tabular_dl.model_selection import lacks_test_predictions, predicted_rows
from tabular_dl.problems import apply_cut_points
from tabular_dl.reporting import Model
from tabular_dl.spec import PipelineSpec
from tabular_dl.tracking import file_of
from tabular_dl.workflows.stored_predictions import TEST_FILE, test_tag

__all__ = ["predict_rows", "write_predictions"]


def predict_rows(model: Model, rows: pd.DataFrame) -> np.ndarray:
    """Return a classifier's probabilities, or a regressor's values, which are labels if it has cut points.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.
    rows : DataFrame of shape (rows, columns)
        Raw rows.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows,)
        Probabilities or values.

    Raises
    ------
    UserError
        If the rows cannot be predicted, or the model was opened from a file and fails.
    """
    try:
        return model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows)
    except UserError:
        raise
    except (
        Exception
    ) as error:  # steps of a damaged model may raise any type; errors of a model just fitted are raised again
        file = file_of(model)
        if file is None:
            raise
        raise DataError(
            f"{file} cannot predict these rows: {type(error).__name__}: {str(error)[:300]}. If the file was changed "
            "since its fit, take another copy, or fit again. If not, this is a mistake in tabular-dl: please report it."
        ) from error


def write_predictions(model: Model, spec: PipelineSpec, competition: Competition, folder: Path) -> dict[str, str]:
    """Write out-of-fold predictions to ``oof.csv`` and predictions of the test rows, if any, to ``test.csv``.

    Rows that no fold predicts are left out.

    Models with a part that was imported without predictions of test rows have none.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.
    spec : PipelineSpec
        Specification of the pipeline.
    competition : Competition
        Tables.
    folder : Path
        Existing folder to write to.

    Returns
    -------
    dict of str to str
        Tag of the run, if a submission may use the stored predictions of the test rows.
    """
    predicted, thresholds, oof = predicted_rows(model), getattr(model, "oof_thresholds_", None), model.oof_predictions_
    cut_points, labels = getattr(model, "oof_cut_points_", None), getattr(model, "labels_", None)
    if cut_points is not None and labels is not None:
        oof = apply_cut_points(oof, cut_points, labels)
    threshold_of_rows = None if thresholds is None else thresholds[predicted]
    tables = {"oof": (competition.train.iloc[predicted], oof[predicted], threshold_of_rows)}
    if competition.test is not None and not lacks_test_predictions(model):
        test = predict_rows(model, competition.test)
        tables["test"] = (competition.test, test, getattr(model, "threshold_", None))
    for name, (rows, predictions, threshold) in tables.items():
        # Rows without a target are left out of training; the others keep their numbers. Training rows may have no id.
        ids = rows.get(spec.data.id)
        ids = pd.Series(rows.index, name="row") if ids is None else ids
        classes = getattr(model, "classes_", None)
        table = prediction_table(ids, spec.data.target, predictions, classes, threshold)
        write_text(folder / f"{name}.csv", table.to_csv(index=False))
    return test_tag(folder / TEST_FILE, tables["test"][1], model, competition) if "test" in tables else {}
