"""Bins as inputs: components against a plain loop, names, storage, and rules of pipeline files."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from tabular_dl.errors import DataError, SpecError
from tabular_dl.preprocessing import PiecewiseEncoder, build_preprocessing
from tabular_dl.spec import load_spec
from tabular_dl.tables import bin_edges
from tabular_dl.tracking.persistence import TRUSTED_TYPES

NAN = float("nan")
RNG = np.random.default_rng(0)
TABLE = np.column_stack([RNG.normal(size=200), np.full(200, 7.0), RNG.integers(0, 3, 200), RNG.lognormal(size=200)])
LABELS = np.where(TABLE[:, 0] + RNG.normal(size=200) > 0, "yes", "no")


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.integers(0, 2)), min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(-200, 200) | st.just(NAN), st.integers(-1, 4)), min_size=1, max_size=5),
    st.integers(2, 6),
)
def test_components_are_those_of_a_plain_loop(
    training: list[tuple[float, int]], later: list[tuple[float, int]], bins: int
) -> None:
    encoder = PiecewiseEncoder(bins).fit(np.array(training, dtype=float))
    expected = []
    for row in later:
        components: list[float] = []
        for value, column in zip(row, np.array(training, dtype=float).T, strict=True):
            edges = bin_edges(column, bins).tolist()
            for low, high in pairwise(edges):
                part = (value - low) / (high - low)
                components.append(part if part != part else min(1.0, max(0.0, part)))
        expected.append(components)
    np.testing.assert_allclose(encoder.transform(np.array(later, dtype=float)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("strategy", ["quantile", "tree"])
def test_each_column_has_its_own_bins_and_a_constant_has_none(strategy: str) -> None:
    encoder = PiecewiseEncoder(8, strategy, random_state=0).fit(TABLE, LABELS)
    for column, edges in zip(TABLE.T, encoder.edges_, strict=True):
        target = LABELS if strategy == "tree" else None
        np.testing.assert_array_equal(edges, bin_edges(column, 8, target, classification=True))
    assert encoder.widths[1:3] == [0, 2]
    assert encoder.transform(TABLE).shape == (200, sum(encoder.widths))


def test_numbers_as_a_target_are_labels_only_if_they_look_so_and_may() -> None:
    target = RNG.integers(0, 3, 200)
    found = {kind: PiecewiseEncoder(4, "tree", target_type=kind).fit(TABLE, target) for kind in ("auto", "continuous")}
    for kind, encoder in found.items():
        expected = bin_edges(TABLE[:, 0], 4, target, classification=kind == "auto")
        np.testing.assert_array_equal(encoder.edges_[0], expected)
    two_targets = np.column_stack([TABLE[:, 0], TABLE[:, 3] ** 2])
    encoder = PiecewiseEncoder(4, "tree").fit(TABLE, two_targets)
    np.testing.assert_array_equal(encoder.edges_[3], bin_edges(TABLE[:, 3], 4, two_targets))


def test_missing_values_have_no_say_in_the_bins_and_stay_missing() -> None:
    holes = TABLE.copy()
    holes[::3, 0] = NAN
    holes[:, 3] = NAN
    encoder = PiecewiseEncoder(4, "tree").fit(holes, LABELS)
    known = ~np.isnan(holes[:, 0])
    expected = bin_edges(TABLE[known, 0], 4, LABELS[known], classification=True)
    np.testing.assert_array_equal(encoder.edges_[0], expected)
    assert encoder.widths[3] == 0
    components = encoder.transform(holes)
    assert np.isnan(components[::3, : encoder.widths[0]]).all()
    assert not np.isnan(components[known]).any()


def test_many_rows_are_encoded_as_few() -> None:
    encoder = PiecewiseEncoder().fit(TABLE)
    many = np.tile(TABLE, (60, 1))  # more than are computed at once
    np.testing.assert_array_equal(encoder.transform(many), np.tile(encoder.transform(TABLE), (60, 1)))
    narrow = encoder.transform(TABLE.astype(np.float32))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, encoder.transform(TABLE), atol=1e-3)


def test_names_tell_column_and_bin_and_differ() -> None:
    frame = pd.DataFrame({"Age": [0.5, 12.0, 40.0], "Fare": [1234567.0, 1234568.0, 2e6], "One": 1.0, "No": [-1, 0, 1]})
    names = PiecewiseEncoder().fit(frame).get_feature_names_out().tolist()
    fares = ["Fare_1234567_1234568", "Fare_1234568_2000000"]
    assert names == ["Age_0.5_12", "Age_12_40", *fares, "No_-1_0", "No_0_1"]
    times = 1.7e9 + np.arange(0, 4e6, 1e5)[:, None] + 1 / 3
    names = PiecewiseEncoder().fit(times).get_feature_names_out().tolist()
    assert len({*names}) == len(names) == 12


def test_edges_are_stored_as_two_arrays_however_many_columns_there_are() -> None:
    encoder = PiecewiseEncoder().fit(RNG.normal(size=(50, 40)))
    stored = skops.io.dumps(encoder)
    with zipfile.ZipFile(BytesIO(stored)) as archive:
        assert sum(name.endswith(".npy") for name in archive.namelist()) == 2
        assert json.loads(archive.read("schema.json"))["__class__"] == "PiecewiseEncoder"
    restored = skops.io.loads(stored, trusted=TRUSTED_TYPES)
    later = RNG.normal(size=(9, 40))
    np.testing.assert_array_equal(restored.transform(later), encoder.transform(later))
    assert not hasattr(skops.io.loads(skops.io.dumps(clone(encoder)), trusted=TRUSTED_TYPES), "edges_")


def test_arguments_that_mean_nothing_are_refused() -> None:
    with pytest.raises(SpecError, match=r"strategy: there is no 'trees'\. Did you mean 'tree'"):
        PiecewiseEncoder(strategy="trees").fit(TABLE)
    with pytest.raises(ValueError, match="bins: expected 2 or more, found 1"):
        PiecewiseEncoder(1).fit(TABLE)
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        PiecewiseEncoder(strategy="tree").fit(TABLE)


FRAME = pd.DataFrame({"Age": [None, 0.5, 12.0, 40.0, 80.0], "Sex": ["m", "f", "f", "m", "f"]})


def test_a_rule_clips_imputes_and_encodes() -> None:
    rule = {"columns": ["Age"], "clip": 0.25, "impute": {"constant": 40}, "encode": "piecewise", "missing_flag": True}
    preprocessing = build_preprocessing([rule])
    # The quartiles of the four ages are (0.5 + 3 x 12) / 4 and (3 x 40 + 80) / 4; 40 is put in after clipping.
    low = 9.125
    found = preprocessing.fit_transform(FRAME)
    assert preprocessing.get_feature_names_out().tolist() == ["Age_9.125_12", "Age_12_40", "Age_40_50", "Age_missing"]
    expected = [[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]]
    np.testing.assert_array_equal(found, expected)
    later = preprocessing.transform(pd.DataFrame({"Age": [10.0, 26.0, 1e9]}))
    np.testing.assert_allclose(later[:, 0], [(10 - low) / (12 - low), 1, 1])
    np.testing.assert_allclose(later[:, 1:3], [[0.0, 0.0], [0.5, 0.0], [1.0, 1.0]])


def test_a_rule_without_numbers_has_twelve_quantiles() -> None:
    frame = pd.DataFrame({"x": np.arange(121.0)})
    names = build_preprocessing([{"columns": ["x"], "encode": "piecewise"}]).fit(frame).get_feature_names_out().tolist()
    assert names == [f"x_{low}_{low + 10}" for low in range(0, 120, 10)]


def test_trees_of_a_rule_see_the_training_rows_only() -> None:
    frame = pd.DataFrame({"x": np.arange(100.0)})
    target = np.arange(100) >= 70
    rule = {"columns": ["x"], "encode": "piecewise", "bins": 2, "bin_strategy": "tree"}
    preprocessing = build_preprocessing([rule], random_state=0).fit(frame[:80], target[:80])
    assert preprocessing.get_feature_names_out().tolist() == ["x_0_69.5", "x_69.5_79"]
    numbers = build_preprocessing([rule], classification=False).fit(frame, np.arange(100) ** 2)
    expected = bin_edges(frame["x"], 2, np.arange(100) ** 2)
    assert numbers.get_feature_names_out()[0] == f"x_0_{expected[1]:g}"


def test_text_in_a_column_of_bins_is_refused_with_column_and_row() -> None:
    rules: list[dict[str, Any]] = [{"columns": ["Sex"], "encode": "piecewise"}]
    with pytest.raises(DataError, match="column 'Sex', row 0: expected a finite number, found 'm'"):
        build_preprocessing(rules).fit(FRAME)


def test_a_pipeline_file_may_ask_for_bins(tmp_path: Any) -> None:
    path = tmp_path / "bins.yaml"
    path.write_text(
        "name: bins\nproblem: binary\ndata: {source: titanic, target: Survived, id: PassengerId}\nrest: drop\n"
        "columns:\n  - {columns: [Age, Fare], encode: piecewise, bins: 6, bin_strategy: tree}\n"
    )
    (rule,) = load_spec(str(path)).columns
    assert (rule.encode, rule.bins, rule.bin_strategy, rule.impute) == ("piecewise", 6, "tree", "median")
    path.write_text(path.read_text().replace("bins: 6", "bins: 1"))
    with pytest.raises(SpecError, match=r"bins.yaml, line \d+: columns.0.bins: expected 2 or more, found 1"):
        load_spec(str(path))
