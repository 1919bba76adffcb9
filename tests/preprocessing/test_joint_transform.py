"""The steps of several folds as one give, bit for bit, what each fold's own steps give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from tabular_dl.preprocessing import DerivedFeatures, build_preprocessing
from tabular_dl.preprocessing.column_rules import BIN_STRATEGIES, ENCODERS, NUMERIC_ENCODERS, SCALERS
from tabular_dl.preprocessing.joint_transform import JointTransform
from tabular_dl.preprocessing.stacked_steps import of_columns, stacked

RNG = np.random.default_rng(0)
ROWS = 120
TABLE = pd.DataFrame(
    {
        "a": np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.lognormal(size=ROWS)),
        "b": RNG.integers(0, 50, ROWS),
        "kind": RNG.choice(["x", "y", "z", *"pqrstu"], ROWS, p=[0.4, 0.3, 0.18, *[0.02] * 6]),
        "place": np.where(RNG.random(ROWS) < 0.2, None, RNG.choice(["N", "S"], ROWS)),
        "one": 1.0,
        "day": pd.date_range("2024-01-01", periods=ROWS).astype(str),
    }
)
TARGET = (TABLE["b"] % 3).to_numpy()
# Of the same size, as quantiles are as many as rows; and one of another.
ALIKE = [np.arange(ROWS) % 4 != fold for fold in range(4)]
FOLDS = {"alike": ALIKE, "of another size": [*ALIKE[:2], np.arange(ROWS) < 45]}
NUMBERS = [{"columns": ["a", "b"], "impute": "median", "scale": scaler, "clip": 0.02} for scaler in SCALERS]
UNJOINED = ("hash", "text")  # read each category, rare or not
CATEGORIES = [
    {"columns": ["kind", "place"], "encode": encoder} | more
    for encoder in ENCODERS
    if encoder not in NUMERIC_ENCODERS
    for more in ({}, {"rare": 5}, {"impute": "most_frequent"}, {"buckets": 5})
    if encoder not in UNJOINED or not {*more} & {"rare", *(["buckets"] if encoder == "text" else [])}
]
RULES: dict[str, list[dict[str, Any]]] = {
    **{str(rule["scale"]): [rule] for rule in NUMBERS},
    **{f"{rule['encode']} {[*rule][2:]}": [rule] for rule in CATEGORIES},
    **{
        f"bins by {strategy}": [{"columns": ["a", "b"], "encode": "piecewise", "bins": 5, "bin_strategy": strategy}]
        for strategy in BIN_STRATEGIES
    },
    "bins and none of a constant": [{"columns": ["a", "one", "b"], "encode": "piecewise", "missing_flag": True}],
    "constant": [{"columns": ["b"], "scale": "constant", "divisor": 50}],
    "flags": [{"columns": ["a"], "missing_flag": True, "impute": "constant", "fill_value": -1}],
    "all": [{"columns": ["a"]}, {"columns": ["b", "Rare", "Count"]}, {"columns": ["kind"], "encode": "onehot"}],
}
FEATURES: dict[str, dict[str, Any]] = {
    "Group": {"from": "kind", "rare": 4},
    "Rare": {"from": "Group", "count": True},
    "Count": {"eval": "b * Rare + Mean"},
    "Mean": {"from": "a", "statistic": "mean", "by": ["place"]},
    "Since": {"from": "day", "date": "elapsed"},
}
FEATURES = {name: FEATURES[name] for name in ("Group", "Rare", "Mean", "Count", "Since")}


def fitted(rules: list[dict[str, Any]], folds: list[np.ndarray], features: Any) -> tuple[list[Any], list[Any]]:
    derived, steps = [], []
    for rows in folds:
        derived.append(DerivedFeatures(features).fit(TABLE[rows]))
        table = derived[-1].transform(TABLE[rows])
        steps.append(build_preprocessing(rules, random_state=0).fit(table, TARGET[rows]))
    return derived, steps


@pytest.mark.parametrize("folds", FOLDS)
@pytest.mark.parametrize("name", RULES)
def test_all_kinds_of_steps_give_what_each_fold_gives(name: str, folds: str) -> None:
    derived, steps = fitted(RULES[name], FOLDS[folds], FEATURES if name == "all" else {})
    joint = JointTransform(derived, steps)
    later = TABLE.assign(kind=TABLE["kind"].where(TABLE["b"] > 5, "new"), a=3 * TABLE["a"]).sample(frac=1.0)
    for rows in (TABLE, later, later.head(1)):
        expected = [step.transform(part.transform(rows)) for part, step in zip(derived, steps, strict=True)]
        for found, wanted in zip(joint(rows), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    # With folds alike every kind of step is stacked, but for target and text encoding.
    if folds == "alike":
        assert all(branch.steps is not None for branch in joint.branches) is not name.startswith(("target", "text"))


def test_columns_that_the_folds_know_alike_are_transformed_once() -> None:
    derived, steps = fitted([{"columns": ["place"], "encode": "onehot"}, {"columns": ["a"]}], ALIKE, {})
    joint = JointTransform(derived, steps)
    joint(TABLE)
    (same,), (different,) = (branch.plans.values() for branch in joint.branches)
    assert same.distinct == [0]
    assert same.stands_for == [0, 0, 0, 0]
    assert different.distinct == [0] if not different.steps else different.stands_for == [0, 1, 2, 3]


def test_steps_are_refused_that_column_rules_do_not_make() -> None:
    derived, steps = fitted(RULES["standard"], ALIKE, {})
    other = DerivedFeatures({"Twice": {"eval": "2 * b"}}).fit(TABLE)
    with pytest.raises(TypeError, match="features"):
        JointTransform([*derived[:3], other], steps)
    with pytest.raises(TypeError, match="column rules"):
        JointTransform(derived, [*steps[:3], StandardScaler()])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="branches"):
        JointTransform(derived, [*steps[:3], fitted([{"columns": ["a"]}], ALIKE, {})[1][0]])


def test_transformers_that_differ_in_their_settings_are_not_stacked() -> None:
    scalers = [StandardScaler(with_mean=mean).fit([[0.0], [2.0]]) for mean in (True, False)]
    assert stacked(scalers) is None
    assert stacked([scalers[0], object()]) is None
    assert stacked([object()]) is None


def test_a_stack_is_taken_apart_again() -> None:
    parts = [StandardScaler().fit(TABLE[["a", "b"]].to_numpy()[rows]) for rows in ALIKE]
    values = TABLE[["a", "b"]].to_numpy()
    # Column b as the third has learned it, and column a as the second has.
    together = of_columns(stacked(parts), [5, 2]).transform(values[:, ::-1])
    np.testing.assert_array_equal(together[:, 0], parts[2].transform(values)[:, 1])
    np.testing.assert_array_equal(together[:, 1], parts[1].transform(values)[:, 0])
