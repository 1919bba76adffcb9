"""Encoded rows with a permuted column are those that permuted raw rows are encoded as."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import FunctionTransformer

from tabular_dl.preprocessing import DerivedFeatures, build_preprocessing
from tabular_dl.preprocessing.permuted_rows import PermutedRows

RNG = np.random.default_rng(0)
ROWS = 40
TABLE = pd.DataFrame(
    {
        "a": np.where(RNG.random(ROWS) < 0.2, np.nan, RNG.lognormal(size=ROWS)),
        "b": RNG.integers(0, 9, ROWS),
        "kind": RNG.choice(["x", "y", "z w"], ROWS),
        "place": np.where(RNG.random(ROWS) < 0.2, None, RNG.choice(["N", "S"], ROWS)),
        "day": pd.date_range("2024-01-01", periods=ROWS).astype(str),
    }
)
CLASSES = RNG.integers(0, 3, ROWS)
LATER = TABLE.iloc[25:]  # rows that steps are fitted without
FEATURES: dict[str, dict[str, Any]] = {
    "half": {"eval": "b / 2"},
    "ratio": {"eval": "half / (b + 1)"},
    "product": {"eval": "half * a"},
    "b": {"eval": "a + 1"},  # replaces the column that the features before it read
    "after": {"eval": "b * 2"},
    "group": {"from": "a", "by": ["kind", "place"], "statistic": "mean"},
    "both": {"cross": ["kind", "place"]},
    "often": {"from": "kind", "count": True},
    "elapsed": {"from": "day", "date": "elapsed"},
}
NUMBERS, TEXTS = ["a", "b", "half", "ratio", "product", "after", "group", "often", "elapsed"], ["kind", "place", "both"]
RULES: list[dict[str, Any]] = [
    {"scale": "standard"},
    {"scale": "quantile", "missing_flag": True},
    {"clip": 0.1, "scale": "power"},
    {"encode": "piecewise", "bins": 3},
]
ENCODED: list[dict[str, Any]] = [
    {"encode": "onehot"},
    {"encode": "onehot", "rare": 12},
    {"encode": "target", "scale": "standard"},
    {"encode": "target", "smoothing": [1.0, 20.0]},
    {"encode": "frequency"},
    {"encode": "embedding"},
    {"encode": "hash", "buckets": 4},
    {"encode": "text", "components": 2},
]


def subsets(names: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True)


def permuted(rows: PermutedRows, table: pd.DataFrame, column: str, seed: int = 0) -> tuple[np.ndarray, pd.DataFrame]:
    order = np.random.default_rng(seed).permutation(len(table))
    return rows.permuted(column, order), table.assign(**{column: table[column].array.take(order)})


@settings(max_examples=15)
@given(st.data(), st.integers(0, 5))
def test_only_what_depends_on_the_column_is_encoded_again(data: st.DataObject, seed: int) -> None:
    kept = data.draw(st.sets(st.sampled_from([*FEATURES])))
    if "ratio" in kept or "product" in kept:
        kept |= {"half"}
    derived = {name: feature for name, feature in FEATURES.items() if name in kept}
    numbers = [name for name in NUMBERS if name in kept or name in TABLE]
    texts = [name for name in TEXTS if name in kept or name in TABLE]
    rules = [
        {**rule, **more, "columns": data.draw(subsets(names))}
        for names, known, more in ((numbers, RULES, {"impute": "median"}), (texts, ENCODED, {}))
        for rule in data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=2))
    ]
    features = DerivedFeatures(derived).fit(TABLE.iloc[:25])
    preprocessing = build_preprocessing(rules, random_state=0)
    preprocessing.fit_transform(features.transform(TABLE.iloc[:25]), CLASSES[:25])
    rows = PermutedRows(features, preprocessing, LATER)
    for column in TABLE:
        assert rows.serves(column)
        found, raw = permuted(rows, LATER, column, seed)
        np.testing.assert_allclose(found, preprocessing.transform(features.transform(raw)), rtol=1e-12, atol=1e-12)


def test_a_column_that_no_rule_reads_changes_nothing() -> None:
    features = DerivedFeatures({"half": {"eval": "b / 2"}}).fit(TABLE)
    preprocessing = build_preprocessing([{"columns": ["a"]}]).fit(TABLE[["a"]])
    rows = PermutedRows(features, preprocessing, LATER)
    for column in ("b", "half", "kind"):
        np.testing.assert_array_equal(rows.permuted(column, np.arange(len(LATER))[::-1]), rows.matrix)


def test_a_column_of_an_unknown_step_is_left_to_all_steps() -> None:
    preprocessing = build_preprocessing([{"columns": ["a", "b"]}, {"columns": ["kind"], "encode": "onehot"}])
    name, _, columns = preprocessing.transformers[0]
    preprocessing.transformers[0] = (name, FunctionTransformer(lambda X: X - X.max()), columns)
    rows = PermutedRows(DerivedFeatures({}).fit(TABLE), preprocessing.fit(TABLE), LATER)
    assert [rows.serves(column) for column in ("a", "b", "kind", "day")] == [False, False, True, True]


def test_features_of_earlier_rows_and_other_steps_are_refused() -> None:
    past = {"before": {"from": "b", "time": "day", "lag": 1}}
    plain = build_preprocessing([{"columns": ["a"]}]).fit(TABLE)
    with pytest.raises(TypeError, match="earlier rows"):
        PermutedRows(DerivedFeatures(past).fit(TABLE), plain, LATER)
    scaler: Any = FunctionTransformer().fit(TABLE)
    with pytest.raises(TypeError, match="column rules"):
        PermutedRows(DerivedFeatures({}).fit(TABLE), scaler, LATER)
