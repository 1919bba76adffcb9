"""Models with inconsistent parts are refused when they are opened, and changed files give no traceback."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from tabular_dl.errors import DataError, UserError
from tabular_dl.model_selection import Blend, BlendedClassifier
from tabular_dl.problems import get_metric
from tabular_dl.resources import bundled
from tabular_dl.spec import PipelineSpec
from tabular_dl.tracking import model_checks, model_files, stored_model
from tabular_dl.tracking.model_checks import check_parts, check_predicts
from tabular_dl.tracking.persistence import load_model
from tabular_dl.workflows.predictions import predict_rows
from tests.torture.models import mutations

pytestmark = pytest.mark.slow

OLD = Path(__file__).parent / "models" / "blend_before_packages.skops"
ROWS = pd.read_csv(bundled("data") / "titanic" / "test.csv").head(40)


@pytest.fixture(scope="module")
def whole() -> Any:
    return load_model(OLD)


@pytest.fixture
def blend(whole: Any) -> Any:
    return copy.deepcopy(whole)


def network(blend: Any) -> Any:
    return blend.models[0].pipelines_[0][-1]


def test_a_model_as_it_was_stored_passes(blend: Any) -> None:
    check_parts(blend)
    check_predicts(blend)


def replaced_weight(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], None]:
    def damage(blend: Any) -> None:
        network(blend).weights_[name] = change(network(blend).weights_[name])

    return damage


def set_attribute(name: str, value: object, of: Callable[[Any], Any] = lambda blend: blend.models[0]) -> Any:
    return lambda blend: setattr(of(blend), name, value)


FAULTS: list[tuple[Callable[[Any], None], str]] = [
    (replaced_weight("dense_0.kernel", lambda kernel: kernel[:, 1:]), "dense_0.kernel should be floats of shape"),
    (replaced_weight("head.kernel", lambda kernel: kernel[:, :, [0, 0]]), "head.kernel should be floats of shape"),
    (replaced_weight("head.bias", lambda bias: bias[:, :, 1:]), "head.bias should be floats of shape"),
    (replaced_weight("head.bias", lambda bias: bias[:0]), "different numbers of members"),
    (replaced_weight("dense_0.kernel", lambda kernel: kernel * np.nan), "dense_0.kernel is not finite"),
    (replaced_weight("dense_0.kernel", lambda kernel: kernel.astype(str)), "dense_0.kernel should be floats"),
    (set_attribute("mc_dropout", 10**12, network), "mc_dropout 1000000000000 needs"),
    (set_attribute("classes_", np.arange(5), network), "classes_"),
    (set_attribute("pipelines_", []), "pipelines_ is empty"),
    (set_attribute("pipelines_", [1, 2]), "not a pipeline"),
    (set_attribute("test_rows_", [np.array([0])]), "test_rows_ are not those of"),
    (set_attribute("oof_thresholds_", np.ones(3)), "oof_thresholds_ should be floats of shape"),
    (set_attribute("models", [], lambda blend: blend), "the blend has no models"),
    (set_attribute("models", ["a"], lambda blend: blend), "neither a cross-fit"),
    (set_attribute("weights_", np.ones(7), lambda blend: blend.blend_), "weights_ of the blend should be floats"),
    (set_attribute("oof_predictions_", np.ones((1, 2)), lambda blend: blend), "test_rows_"),
]


@pytest.mark.parametrize(("damage", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_parts_of_other_shapes_are_refused_when_a_file_is_loaded(
    damage: Callable[[Any], None], fault: str, blend: Any, tmp_path: Path
) -> None:
    damage(blend)
    skops.io.dump(blend, tmp_path / "model.skops")
    with pytest.raises(DataError) as refused:
        load_model(tmp_path / "model.skops")
    assert str(tmp_path / "model.skops") in str(refused.value)
    assert fault in str(refused.value)
    assert "fit again" in str(refused.value)


@pytest.fixture
def stacked(blend: Any) -> Any:
    """Blend of a model with itself by boosted trees."""
    model, y = blend.models[0], np.random.default_rng(0).integers(0, 2, len(blend.oof_predictions_))
    whole = BlendedClassifier([model, model], Blend("stack", meta="hist_gradient_boosting"))
    return whole.fit_blend(y, get_metric("log_loss"))


def test_meta_models_are_checked_as_other_models_are(stacked: Any, tmp_path: Path) -> None:
    file, meta = tmp_path / "model.skops", stacked.blend_.stack_.last_
    skops.io.dump(stacked, file)
    opened = load_model(file)
    check_predicts(opened)
    np.testing.assert_array_equal(opened.predict_proba(ROWS), stacked.predict_proba(ROWS))
    nodes = meta.model_.models_[0]._predictors[0][0].nodes
    left = nodes["left"].copy()
    for damage, mend, fault in (
        (lambda: nodes["left"].fill(10**6), lambda: nodes["left"].__setitem__(slice(None), left), "a tree of Hist"),
        (lambda: setattr(stacked, "encoder_", 2), lambda: setattr(stacked, "encoder_", None), "encoder_"),
        (lambda: setattr(meta, "model_", None), lambda: None, "a meta model is not"),
    ):
        damage()
        skops.io.dump(stacked, file)
        with pytest.raises(DataError, match=fault):
            load_model(file)
        mend()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a model without a pipeline file that would be read."""
    monkeypatch.setattr(stored_model, "load_spec", lambda file: PipelineSpec.model_construct(name=str(file)))
    (tmp_path / "model" / "extra_files").mkdir(parents=True)
    (tmp_path / "model" / "extra_files" / "spec.yaml").touch()
    return tmp_path / "model"


def test_a_model_that_predicts_no_row_is_refused_when_it_is_opened(blend: Any, folder: Path) -> None:
    skops.io.dump(blend, folder / "model.skops")
    model, _ = stored_model.open_model(str(folder))
    np.testing.assert_array_equal(predict_rows(model, ROWS), predict_rows(blend, ROWS))
    for pipeline in blend.models[0].pipelines_:
        pipeline.steps = [("network", pipeline[-1])]
    skops.io.dump(blend, folder / "model.skops")
    with pytest.raises(DataError, match=r"model\.skops predicts no row, .*Take another copy, or fit again\."):
        stored_model.open_model(str(folder))


def test_a_failure_of_a_model_from_a_file_names_it_and_one_of_a_fitted_model_stays_as_it_is(
    blend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blend.models[0].pipelines_[0].steps = []
    with pytest.raises(Exception, match=r"pipeline|index|range") as bare:
        predict_rows(blend, ROWS)
    assert not isinstance(bare.value, UserError)
    monkeypatch.setitem(model_files._FILES, blend, tmp_path / "model.skops")
    with pytest.raises(DataError, match=r"model\.skops cannot predict these rows: .* fit again\. If not, this is a m"):
        predict_rows(blend, ROWS)


def test_rows_that_a_model_refuses_do_not_make_it_damaged(whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def refuse(_: Any, value: float) -> None:
        given.append(value)
        raise (ValueError("NaN") if np.isnan(value) else DataError("no date"))

    monkeypatch.setattr(model_checks, "_predict_row", refuse)
    check_predicts(whole)
    np.testing.assert_array_equal(given, [np.nan, 0])


@pytest.mark.filterwarnings("ignore")  # numbers that were changed may overflow
def test_changed_files_are_refused_or_predict(folder: Path) -> None:
    refusals, predictions = [], []
    for _, content in mutations(OLD.read_bytes(), seed=1, count=25):
        (folder / "model.skops").write_bytes(content)
        try:
            model, _ = stored_model.open_model(str(folder))
            predictions.append(predict_rows(model, ROWS))
        except DataError as refused:
            refusals.append(str(refused))
    assert [refusal for refusal in refusals if str(folder) not in refusal] == []
    assert min(len(refusals), len(predictions)) > 3
