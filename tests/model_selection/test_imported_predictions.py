"""Imported predictions: looked up by id, and a member of blends like any cross-fit."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score

from tabular_dl.errors import DataError, SpecError
from tabular_dl.model_selection import (
    Blend,
    BlendedClassifier,
    ImportedClassifier,
    ImportedRegressor,
    fold_scores,
    imported_parts,
    joint_model,
    lacks_test_predictions,
    permutation_importance,
)
from tabular_dl.problems import get_metric
from tabular_dl.tracking.model_checks import check_parts, check_predicts
from tabular_dl.tracking.persistence import TRUSTED_TYPES, load_model

IDS = ["001", "2", "a b", "é", "5", "6"]
TEST_IDS = ["7", "5"]  # 5 is an id of both tables
FOLDS = [np.array([0, 3, 4]), np.array([1, 2, 5])]
P = np.array([0.9, 0.2, 0.6, 0.3, 0.55, 0.1])
TEST_P = np.array([0.8, 0.45])
LABELS = np.array(["no", "yes"])
Y = np.array(["yes", "no", "yes", "no", "no", "no"])


def two_columns(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


def classifier(p: np.ndarray = P) -> ImportedClassifier:
    return ImportedClassifier("Id").fit_predictions(
        IDS, two_columns(p), FOLDS, test_ids=TEST_IDS, test_predictions=two_columns(TEST_P), classes=LABELS
    )


def regressor() -> ImportedRegressor:
    return ImportedRegressor("Id").fit_predictions(IDS, P, FOLDS)


def rows(ids: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"x": range(len(ids)), "Id": ids}, index=range(1, len(ids) + 1))


# Lookup


@given(st.lists(st.sampled_from(range(6)), min_size=1))
def test_rows_in_any_order_have_the_predictions_of_their_ids(places: list[int]) -> None:
    ids = [IDS[place] for place in places]
    np.testing.assert_array_equal(regressor().predict(rows(ids)), P[places])
    np.testing.assert_array_equal(classifier().predict_fold(0, rows(ids)), two_columns(P[places]))


@pytest.mark.parametrize("ids", [["2", "6"], [2, 6], [2.0, 6.0]])
def test_ids_are_compared_as_text_whatever_their_type(ids: list[Any]) -> None:
    np.testing.assert_array_equal(regressor().predict(rows(ids)), [0.2, 0.1])


def test_leading_zeros_belong_to_an_id() -> None:
    with pytest.raises(DataError, match=r"the id '1' is not among them"):
        regressor().predict(rows(["001", 1]))


def test_an_id_of_both_tables_is_a_training_row_in_a_fold_and_a_test_row_elsewhere() -> None:
    both = rows(["5", "7", "2"])
    np.testing.assert_array_equal(classifier().predict_fold(1, both)[:, 1], [0.55, 0.8, 0.2])
    np.testing.assert_array_equal(classifier().predict_proba(both)[:, 1], [0.45, 0.8, 0.2])


def test_other_rows_have_no_predictions() -> None:
    with pytest.raises(DataError) as refused:
        classifier().predict_proba(rows(["2", "9", "10"]))
    message = str(refused.value)
    assert message.startswith("column Id, row 2: this run was imported")
    assert "6 training and 2 test rows" in message
    assert "the id '9' is not among them (2 such rows)" in message
    with pytest.raises(DataError, match=r"row 1: .* the id is missing \(1 such rows\)"):
        classifier().predict(rows([None, "2"]))


def test_rows_without_ids_are_refused() -> None:
    with pytest.raises(DataError, match=r"no column 'Id', by which imported predictions are looked up: add the id"):
        classifier().predict_proba(pd.DataFrame({"x": [1]}))
    with pytest.raises(DataError, match="expected a pandas DataFrame"):
        regressor().predict(np.zeros((2, 1)))


def test_they_are_estimators_of_the_right_kind() -> None:
    assert is_classifier(classifier())
    assert is_regressor(regressor())
    assert [*classifier().feature_names_in_] == ["Id"]
    with pytest.raises(NotFittedError, match="call fit_predictions first"):
        clone(classifier()).predict_proba(rows(["2"]))


# Predictions that do not fit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": IDS[:5]}, r"training rows .* shape \(5,\), found shape \(6,\)"),
        ({"ids": [*IDS[:5], None]}, "id of training row 6 is missing"),
        ({"ids": [*IDS[:5], "2"]}, "id '2' of training row 6 is repeated"),
        ({"predictions": [*P[:5], np.nan]}, "1 missing or infinite"),
        ({"predictions": [*P[:5], np.inf]}, "1 missing or infinite"),
        ({"test_rows": [FOLDS[0], FOLDS[0]]}, "each of the 6 rows once"),
        ({"test_ids": ["7"]}, r"test rows .* shape \(1,\), found shape \(0,\)"),
        ({"test_ids": ["7", "7"], "test_predictions": TEST_P}, "id '7' of test row 2 is repeated"),
        ({"classes": LABELS}, r"shape \(6, 2\)"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    arguments = {"ids": IDS, "predictions": P, "test_rows": FOLDS, **change}
    with pytest.raises(DataError, match=message):
        ImportedRegressor("Id").fit_predictions(**arguments)


# As other models


def test_a_threshold_is_chosen_without_the_fold_that_it_is_used_on() -> None:
    model = classifier().choose_threshold("auto", Y, get_metric("accuracy"))
    assert model.threshold_ == pytest.approx(0.575)  # between 0.55, no, and 0.6, yes
    scores = fold_scores(model, Y, get_metric("accuracy"))
    assert len(scores) == 2
    by_hand = [accuracy_score(Y[fold], LABELS[(P[fold] > model.oof_thresholds_[fold]).astype(int)]) for fold in FOLDS]
    np.testing.assert_allclose(scores, by_hand)
    assert model.predict(rows(["a b", "001"])).tolist() == ["yes", "yes"]
    # New predictions have no threshold that was chosen on the old ones.
    again = model.fit_predictions(IDS, two_columns(P), FOLDS, classes=LABELS)
    assert again.threshold_ is None
    with pytest.raises(SpecError, match="threshold"):
        again.choose_threshold(2, Y, get_metric("accuracy"))


def test_a_blend_combines_them() -> None:
    first, second = classifier(), classifier(P[::-1].copy())
    blend = BlendedClassifier([first, second], Blend("mean")).fit_blend(Y, get_metric("accuracy"))
    np.testing.assert_allclose(blend.predict_proba(rows(["001", "7"]))[:, 1], [(0.9 + 0.1) / 2, 0.8])
    assert imported_parts(blend) == [first, second]
    assert not lacks_test_predictions(blend)


def test_shuffled_columns_change_nothing() -> None:
    table = pd.DataFrame({"x": range(6), "Id": IDS})
    result = permutation_importance(classifier(), table, Y, get_metric("accuracy"), ["x"])
    assert result["importance"].tolist() == [0.0]


def test_without_test_rows_they_say_so() -> None:
    model = regressor()
    assert imported_parts(model) == [model]
    assert lacks_test_predictions(model)
    with pytest.raises(DataError, match="6 training and 0 test rows"):
        model.predict(rows(["7"]))


def test_a_server_looks_them_up_as_they_are() -> None:
    model = classifier()
    assert joint_model(model) is model


# Stored


@pytest.mark.parametrize("model", [classifier(), regressor()], ids=["classifier", "regressor"])
def test_they_are_restored_bit_for_bit(model: Any, tmp_path: Path) -> None:
    skops.io.dump(model, tmp_path / "model.skops")
    assert set(skops.io.get_untrusted_types(file=tmp_path / "model.skops")) <= set(TRUSTED_TYPES)
    restored = load_model(tmp_path / "model.skops")
    check_predicts(restored)
    assert type(restored) is type(model)
    np.testing.assert_array_equal(restored.predict(rows(IDS)), model.predict(rows(IDS)))
    np.testing.assert_array_equal(restored.oof_predictions_, model.oof_predictions_)
    assert restored.ids_.tolist() == IDS


def set_to(name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(model, name, value)


def without(name: str) -> Callable[[Any], None]:
    return lambda model: delattr(model, name)


FAULTS: list[tuple[Callable[[Any], None], str]] = [
    (set_to("ids_", np.array(IDS[:5])), "oof_predictions_ should be floats of shape"),
    (set_to("ids_", np.arange(6)), "ids_ are not texts"),
    (set_to("ids_", IDS), "ids_ are not texts"),
    (set_to("ids_", np.array(["1"] * 6)), "ids_ are not unique"),
    (set_to("test_ids_", np.array(["7"])), "test_predictions_ should be floats of shape"),
    (set_to("test_predictions_", TEST_P), "test_predictions_ should be floats of shape"),
    (set_to("oof_predictions_", two_columns(P * np.nan)), "oof_predictions_ are not finite"),
    (set_to("oof_predictions_", two_columns(P).astype(str)), "oof_predictions_ should be floats"),
    (set_to("test_rows_", [FOLDS[0]]), "test_rows_ are not each"),
    (set_to("classes_", np.array(["a", "b", "c"])), "classes_"),
    (set_to("id_column", 3), "id_column is not a name"),
    (set_to("feature_names_in_", np.array(["x"], dtype=object)), "feature_names_in_"),
    (without("classes_"), "classes_ are missing"),
    (without("test_ids_"), "test_ids_"),
]


@pytest.mark.parametrize(("damage", "fault"), FAULTS)
def test_parts_that_do_not_fit_are_refused_when_a_file_is_loaded(
    damage: Callable[[Any], None], fault: str, tmp_path: Path
) -> None:
    model = copy.deepcopy(classifier())
    damage(model)
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(DataError, match=fault):
        load_model(tmp_path / "model.skops")


def test_a_blend_may_consist_of_them_but_of_nothing_else() -> None:
    blend = BlendedClassifier([classifier(), classifier()], Blend("mean")).fit_blend(Y, get_metric("accuracy"))
    check_parts(blend)
    check_predicts(blend)
    blend.models = [classifier(), "a"]
    with pytest.raises(ValueError, match="neither a cross-fit nor imported predictions"):
        check_parts(blend)
