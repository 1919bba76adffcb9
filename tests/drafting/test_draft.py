"""A drafted pipeline loads, its rules name existing columns, and its comments give the reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.stats import skew

from tabular_dl.drafting.draft import Draft, draft_pipeline
from tabular_dl.errors import DataError, SpecError, UserError
from tabular_dl.profiling.target_and_id import Roles, find_roles
from tabular_dl.spec.reader import load_spec
from tabular_dl.spec.yaml_io import read_value
from tests.competitions import COMPETITIONS

RANDOM = np.random.default_rng(0)
X = pd.DataFrame({"a": RANDOM.normal(size=60), "b": ["x", "y", "z"] * 20})


def drafted(y: Any, metric: str | None = None, sample: pd.DataFrame | None = None) -> Draft:
    roles = Roles("y", "", None, "")
    return draft_pipeline("own", {"source": "folder"}, roles, X.assign(y=y), None, sample, metric)


@pytest.mark.parametrize("name", COMPETITIONS)
def test_a_draft_of_tables_like_real_ones_loads_and_names_every_column(name: str, tmp_path: Path) -> None:
    made = COMPETITIONS[name]()
    roles = find_roles(made.train, made.test, made.sample)
    draft = draft_pipeline(name, {"source": "here"}, roles, made.train, made.test, made.sample)
    assert draft.problem.name == made.problem
    path = tmp_path / f"{name}.yaml"
    path.write_text(draft.text, encoding="utf-8")
    spec = load_spec(path)
    assert read_value(draft.text) == draft.content
    assert (spec.data.target, spec.data.id, spec.rest) == (made.target, made.id, "drop")
    used = {column for rule in spec.columns for column in rule.columns} - {*spec.features}
    used |= {feature["from"] for feature in spec.features.values()}
    dropped = {column for columns in draft.treatments.dropped.values() for column in columns}
    assert used | dropped == {*made.train.columns} - {made.target, made.id}
    assert not used & dropped
    # Rules use every feature, and comments name every column that is left out.
    assert {*spec.features} <= {column for rule in spec.columns for column in rule.columns}
    assert all(column in draft.text for column in dropped)


def test_what_the_problem_and_metric_are_follows_from_the_target() -> None:
    labels, numbers, codes = ["p", "q", "r"] * 20, RANDOM.normal(size=60), [1, 2, 3] * 20
    drafts = {
        "labels": drafted(labels),
        "numbers": drafted(numbers),
        "codes": drafted(codes),
        "codes as numbers": drafted(codes, "rmse"),
        "many codes as labels": drafted(list(range(30)) * 2, "accuracy"),
        "two codes": drafted([0, 1] * 30, "roc_auc"),
        "grades": drafted(codes, "qwk"),
    }
    assert {name: (draft.content["problem"], draft.content["metric"]) for name, draft in drafts.items()} == {
        "labels": ("multiclass", "accuracy"),
        "numbers": ("regression", "rmse"),
        "codes": ("multiclass", "accuracy"),
        "codes as numbers": ("regression", "rmse"),
        "many codes as labels": ("multiclass", "accuracy"),
        "two codes": ("binary", "roc_auc"),
        "grades": ("regression", "qwk"),
    }
    assert "y has 3 different values in 60 rows; rmse scores numbers." in drafts["codes as numbers"].text


def test_a_metric_that_cannot_score_the_target_is_refused() -> None:
    with pytest.raises(SpecError, match="metric: accuracy cannot score a regression problem"):
        drafted(RANDOM.normal(size=60), "accuracy")
    with pytest.raises(SpecError, match="metric: rmse cannot score a multiclass problem"):
        drafted(["p", "q", "r"] * 20, "rmse")
    with pytest.raises(SpecError, match="There is no metric 'rsme'"):
        drafted(RANDOM.normal(size=60), "rsme")


@pytest.mark.parametrize(
    ("sample", "metric"),
    [
        (pd.DataFrame({"id": [1, 2], "y": [0, 1]}), "accuracy"),
        (pd.DataFrame({"id": [1, 2], "y": [0.5, 0.5]}), "log_loss"),
        (pd.DataFrame({"id": [1, 2], "p": [1, 0], "q": [0, 1]}), "log_loss"),
        (pd.DataFrame({"RowNumber": [1, 2], "Y": [0, 0]}), "accuracy"),
        (pd.DataFrame({"RowNumber": [1, 2], "p": [0.5, 0.5]}), "log_loss"),
    ],
)
def test_a_sample_submission_of_probabilities_is_scored_by_log_loss(sample: pd.DataFrame, metric: str) -> None:
    roles = Roles("y", "", "id", "")
    rows = X.assign(id=range(60), y=[0, 1] * 30)
    assert draft_pipeline("own", {"source": "x"}, roles, rows, None, sample).content["metric"] == metric


def test_a_target_scored_by_its_logarithm_is_learned_by_its_logarithm() -> None:
    prices = RANDOM.lognormal(10, 1, 60)
    assert drafted(prices, "rmsle").content["training"]["target_transform"] == "log1p"
    draft = drafted(prices)
    assert (draft.content["metric"], draft.content["training"]["target_transform"]) == ("rmsle", "log1p")
    statistics = f"from {prices.min():.3g} to {prices.max():.3g}, skewness {skew(prices):.1f}; that of log"
    assert f"y is skewed, so that errors count by their share of it: {statistics}" in draft.comments["metric",]
    assert f"The logarithm of y is learned: {statistics}" in draft.comments["training",]
    assert "# The logarithm of y is learned: from" in draft.text
    assert drafted(prices, "rmse").content["training"]["target_transform"] == "log1p", "whose mean fit corrects"
    assert "target_transform" not in drafted(prices, "gini").content["training"]


@pytest.mark.parametrize(
    "y",
    [
        RANDOM.normal(100, 10, 60),
        RANDOM.lognormal(10, 1, 60) - 5000,  # some are negative
        RANDOM.lognormal(0, 0.5, 60),  # skewed, but the logarithm of 1 + y is as well
        RANDOM.lognormal(10, 0.2, 60),  # hardly skewed
        -RANDOM.lognormal(10, 1, 60),
    ],
)
def test_other_numbers_are_learned_as_they_are(y: Any) -> None:
    draft = drafted(y)
    assert draft.content["metric"] == "rmse"
    assert "target_transform" not in draft.content["training"]


def test_folds_are_fewer_where_a_class_is_rare_and_the_file_says_why() -> None:
    draft = drafted(["p"] * 30 + ["q"] * 27 + ["r"] * 3)
    assert draft.content["ensemble"]["folds"] == 3
    assert "# The rarest class has 3 rows, and every fold needs one.\nensemble: {folds: 3" in draft.text


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            ["p"] * 30 + ["q"] * 28 + ["r", "s"],
            "2 of 4 classes with a single row: 'r', 's'.*remove these rows, or join",
        ),
        ([f"text {number}" for number in range(60)], "target 'y' cannot be learned.*60 different texts in 60 rows"),
        (
            list(pd.date_range("2020-01-01", periods=20).strftime("%Y-%m-%d")) * 3,
            "target 'y' consists of dates, like '2020-01-01'.*number",
        ),
        ([1] * 60, "target 'y' cannot be learned.*single value 1"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused_with_what_to_do(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        drafted(y)


def test_a_table_with_nothing_to_learn_from_is_refused_with_the_reasons() -> None:
    train = pd.DataFrame({"same": [1] * 30, "row": range(30), "y": [0, 1] * 15})
    with pytest.raises(
        DataError, match=r"No column is left to learn from\. same: every training row has '1'; row: its "
    ):
        draft_pipeline("own", {"source": "x"}, Roles("y", "", None, ""), train)


def visits(table: pd.DataFrame, letter: str) -> pd.DataFrame:
    return table.assign(patient=[f"{letter}{row // 3}" for row in range(len(table))])


def test_rows_of_one_value_share_a_fold_where_test_rows_have_other_values() -> None:
    y = np.repeat(RANDOM.permutation([0, 1] * 10), 3)
    train, test = visits(X, "p").assign(y=y), visits(X, "q")
    roles = Roles("y", "", None, "")
    draft = draft_pipeline("own", {"source": "folder"}, roles, train, test)
    assert draft.content["ensemble"]["group"] == "patient"
    assert "Test rows have other values of patient: rows of the same value share a fold" in draft.text
    assert draft.treatments.dropped["it groups the folds, and test rows have other values"] == ["patient"]
    for others in (None, visits(X, "p")):
        assert "group" not in draft_pipeline("own", {"source": "folder"}, roles, train, others).content["ensemble"]
    rare = train.assign(y=np.repeat([0] * 17 + [1] * 3, 3))  # three folds would have no row of class 1
    assert "group" not in draft_pipeline("own", {"source": "folder"}, roles, rare, test).content["ensemble"]


def test_rows_of_one_id_share_a_fold() -> None:
    train = visits(X, "p").assign(y=[0, 1] * 30)
    draft = draft_pipeline("own", {"source": "folder"}, Roles("y", "", "patient", ""), train)
    assert draft.content["ensemble"]["group"] == draft.content["data"]["id"] == "patient"
    assert "Several rows have the same id: they share a fold." in draft.text


def test_columns_that_the_test_table_lacks_are_left_out_and_named() -> None:
    train = X.assign(y=[0, 1] * 30, later=RANDOM.normal(size=60))
    draft = draft_pipeline("own", {"source": "x"}, Roles("y", "", None, ""), train, X)
    assert "# Left out:\n# later: the test table lacks it.\nrest: drop" in draft.text
    assert "later" not in str(draft.content)


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
CELLS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=24, max_size=24),
    st.lists(st.one_of(st.none(), st.floats(width=32)), min_size=24, max_size=24),
    st.lists(st.one_of(st.none(), st.text(max_size=8)), min_size=24, max_size=24),
    st.lists(st.dates().map(str), min_size=24, max_size=24),
    st.just([f"Mr No {number} of it" for number in range(24)]),
    st.just([f"A{number}" for number in range(12)] + [f"B{number}" for number in range(12)]),
)


@pytest.mark.slow
@given(st.dictionaries(NAMES, CELLS, min_size=1, max_size=6), NAMES, st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_table_a_draft_loads_and_its_rules_name_columns_that_are_there(
    tmp_path: Path, columns: dict[str, list[Any]], target: str, numeric: bool
) -> None:
    assume(target not in columns)
    y = [number / 3 for number in range(24)] if numeric else ["no", "yes"] * 12
    train = pd.DataFrame({**columns, target: y})
    try:
        draft = draft_pipeline("own", {"source": "x"}, Roles(target, "", None, ""), train)
    except UserError as error:
        assert "No column is left to learn from" in str(error)  # noqa: PT017
        return
    path = tmp_path / "own.yaml"
    path.write_text(draft.text, encoding="utf-8")
    spec = load_spec(path)
    assert read_value(draft.text) == draft.content
    assert spec.data.target == target
    assert {feature["from"] for feature in spec.features.values()} <= {*columns}
    assert {name for rule in spec.columns for name in rule.columns} <= {*columns, *spec.features}


@pytest.mark.parametrize(
    ("metric", "weight", "threshold"),
    [
        ("balanced_accuracy", "balanced", None),
        ("f1_macro", None, "auto"),
        ("f_beta:0.5", None, "auto"),
        ("mcc", None, "auto"),
        ("accuracy", None, None),
        ("log_loss", None, None),
        ("roc_auc", None, None),
    ],
)
def test_rare_classes_have_what_helps_the_metric(metric: str, weight: str | None, threshold: str | None) -> None:
    draft = drafted(["rare"] * 8 + ["usual"] * 52, metric)
    assert (draft.content["training"].get("class_weight"), draft.content.get("threshold")) == (weight, threshold)
    text = " ".join(draft.text.replace("#", " ").split())
    helped = weight is not None or threshold is not None
    assert ("depends on each class, and 'rare' has 13 % of the rows" in text) == helped
    both = "" if threshold is None else ", class_weight: balanced"
    assert (f"to try: training: {{loss: binary_focal_crossentropy, focal_gamma: 2{both}}}" in text) == helped
    even = drafted(["p"] * 25 + ["q"] * 35, metric)
    assert "class_weight" not in even.content["training"]
    assert "threshold" not in even.content
    assert "focal" not in even.text


def test_a_rare_class_of_three_has_weights_for_the_balanced_accuracy_only() -> None:
    target = ["rare"] * 6 + ["some"] * 20 + ["usual"] * 34
    draft = drafted(target, "f1_macro")
    assert "threshold" not in draft.content
    assert "class_weight" not in draft.content["training"]
    assert "loss: categorical_focal_crossentropy, focal_gamma: 2" in " ".join(draft.text.replace("#", " ").split())
    assert drafted(target, "balanced_accuracy").content["training"]["class_weight"] == "balanced"
