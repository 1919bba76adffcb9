"""Importances in the report of a blend with imported predictions: the id stays as it is, the others are shuffled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.competition import Competition
from tabular_dl.model_selection import Blend, BlendedClassifier, ImportedClassifier
from tabular_dl.problems import get_metric, get_problem
from tabular_dl.reporting.fit_report import error_sections
from tabular_dl.reporting.results import Judged
from tabular_dl.spec import read_spec

X = np.arange(40) % 2
TABLE = pd.DataFrame({"Id": [f"{row:02}" for row in range(40)], "x": X, "y": X})
FOLDS = [np.arange(20), np.arange(20, 40)]
SPEC = read_spec(
    {"name": "mine", "data": {"source": "mine", "target": "y", "id": "Id"}, "columns": [{"columns": ["x"]}]},
    (),
    Path("mine.yaml"),
)


class Rule:
    """A model that has learned that y is x."""

    classes_, indicators_, test_rows_ = np.array([0, 1]), False, FOLDS
    oof_predictions_ = np.eye(2)[X]

    def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
        return np.eye(2)[X["x"]]


def sections(models: list[Any], columns: list[str]) -> dict[str, Any]:
    model, metric = models[0], get_metric("log_loss")
    if len(models) > 1:
        model = BlendedClassifier(models, Blend("mean")).fit_blend(X, metric)
    tables = Competition(Path("mine"), "y", "Id", TABLE, None, None, "", "")
    judged = Judged(model, SPEC, tables, get_problem("binary"), metric, columns)
    return {section.title: section for section in error_sections(judged)}


def imported() -> ImportedClassifier:
    p = np.full((40, 2), 0.5)
    return ImportedClassifier("Id").fit_predictions(TABLE["Id"], p, FOLDS, classes=[0, 1])


def test_a_blend_is_explained_by_the_columns_that_its_other_runs_read() -> None:
    # A pipeline may read a part of the id, but imported predictions are looked up by it.
    section = sections([Rule(), imported()], ["Id", "x"])["Importance of the columns"]
    (table,) = section.tables
    assert [row[0] for row in table.rows] == ["x"]
    # Half of the rows lose what the rule says: from 0.75 for the truth to 0.25.
    assert 0.3 * np.log(3) < table.rows[0][1] < 0.7 * np.log(3)
    assert "Imported predictions do not change" in section.paragraphs[0]


def test_imported_predictions_alone_have_no_importances() -> None:
    assert [*sections([imported()], ["x"])] == ["Errors of the predictions", "Rows with the largest errors"]


def test_a_model_without_them_may_be_explained_by_a_part_of_its_id() -> None:
    section = sections([Rule()], ["Id", "x"])["Importance of the columns"]
    assert sorted(row[0] for row in section.tables[0].rows) == ["Id", "x"]
    assert "Imported" not in section.paragraphs[0]
