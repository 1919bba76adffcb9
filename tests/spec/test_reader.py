"""A pipeline file becomes the spec it describes, is written back to an equal one, and a mistake names its place."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tabular_dl.errors import SpecError
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.preprocessing.column_rules import BIN_STRATEGIES, ENCODERS, NUMERIC_ENCODERS, SCALERS
from tabular_dl.problems.metrics import METRICS
from tabular_dl.problems.problem_types import PROBLEMS
from tabular_dl.spec.pipeline_files import list_pipelines
from tabular_dl.spec.reader import (
    EnsembleSpec,
    PipelineSpec,
    dump_spec,
    hyperparameters,
    leaves,
    load_spec,
)

PIPELINES = list_pipelines()

FLOWERS = """\
name: flowers
problem: auto
data: {source: iris, target: kind, id: Id}
metric: accuracy
features:
  Area:
    eval: A * B
columns:
  - columns: [A, B]
    scale: standard
  - {columns: [Area], scale: minmax}
network:
  hidden: [4]
  dropout: 0.1
training: {epochs: 3}
ensemble: {folds: 2, members: 1}
seed: 7
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spec") / "flowers.yaml"


def load(file: Path, text: str = FLOWERS, *overrides: str) -> PipelineSpec:
    file.write_text(text, encoding="utf-8", newline="")
    return load_spec(file, overrides)


def refusal(file: Path, text: str = FLOWERS, *overrides: str) -> str:
    with pytest.raises(SpecError) as refused:
        load(file, text, *overrides)
    return str(refused.value).replace(str(file), "flowers.yaml")


# What a file says


def test_a_file_says_what_a_spec_holds_and_the_rest_is_default(file: Path) -> None:
    spec = load(file)
    assert spec == PipelineSpec(
        name="flowers",
        data={"source": "iris", "target": "kind", "id": "Id"},
        metric="accuracy",
        features={"Area": {"eval": "A * B"}},
        columns=[{"columns": ["A", "B"], "scale": "standard"}, {"columns": ["Area"], "scale": "minmax"}],
        network={"hidden": [4], "dropout": 0.1},
        training={"epochs": 3},
        ensemble={"folds": 2, "members": 1},
        seed=7,
    )
    least = load(file, "name: t\ndata: {source: a, target: y}\ncolumns: [{columns: [x]}]\n")
    assert (least.problem, least.metric, least.rest, least.seed) == ("auto", None, "error", 0)
    assert (least.features, least.network, least.training) == ({}, {}, {})
    assert (least.ensemble.folds, least.ensemble.members, least.data.id, least.data.kaggle) == (5, 4, None, None)


def test_a_spec_is_frozen(file: Path) -> None:
    spec = load(file)
    for part, name in ((spec, "seed"), (spec.data, "target"), (spec.ensemble, "folds"), (spec.columns[0], "scale")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, 3)


# Round trips


@pytest.mark.parametrize("name", PIPELINES)
def test_a_shipped_pipeline_loads_under_its_own_name_and_round_trips(name: str, tmp_path: Path) -> None:
    spec = load_spec(name)
    assert spec.name == name
    assert load_spec(PIPELINES[name]) == spec
    (tmp_path / "again.yaml").write_text(dump_spec(spec), encoding="utf-8")
    again = load_spec(tmp_path / "again.yaml")
    assert again == spec
    assert dump_spec(again) == dump_spec(spec)


WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_ .-]{0,6}", fullmatch=True)
# Texts that some YAML reader takes for something else, as names of columns and as values.
TEXTS = WORDS | st.sampled_from(
    ["no", "1e5", "1e-4", "true", "null", "2024-01-01", "007", "1:30", "é", "a\nb", "#", "'"]
)
NUMBERS = st.integers(-9, 9) | st.floats(-1e9, 1e9) | st.booleans()
COLUMNS = st.lists(TEXTS, min_size=1, max_size=3, unique=True)
JOINED = [name for name in ENCODERS if name not in (*NUMERIC_ENCODERS, "hash", "text")]
SMOOTHINGS = st.integers(0, 100) | st.floats(0, 1e6)
RULES = st.one_of(
    st.fixed_dictionaries(
        {
            "columns": COLUMNS,
            "scale": st.sampled_from([*SCALERS, "none"])
            | st.fixed_dictionaries({"constant": st.floats(0, 1e9, exclude_min=True)}),
        },
        optional={
            "impute": st.sampled_from(["median", "mean", "most_frequent", "none", None])
            | st.fixed_dictionaries({"constant": NUMBERS}),
            "missing_flag": st.booleans(),
            "clip": st.sampled_from([0, 0.01, 0.1]),
        },
    ),
    st.fixed_dictionaries(
        {"columns": COLUMNS, "encode": st.sampled_from(JOINED)},
        optional={
            "impute": st.just("most_frequent") | st.fixed_dictionaries({"constant": TEXTS | NUMBERS}),
            "rare": st.integers(1, 20),
        },
    ),
    st.fixed_dictionaries(
        {"columns": COLUMNS, "encode": st.sampled_from(["hash", "embedding"])}, optional={"buckets": st.integers(2, 99)}
    ),
    st.fixed_dictionaries(
        {"columns": COLUMNS, "encode": st.just("target")},
        optional={"smoothing": SMOOTHINGS | st.lists(SMOOTHINGS, min_size=1, max_size=3, unique=True) | st.none()},
    ),
    st.fixed_dictionaries(
        {"columns": COLUMNS, "encode": st.just("text")}, optional={"components": st.integers(1, 99) | st.none()}
    ),
    st.fixed_dictionaries(
        {"columns": COLUMNS, "encode": st.just("piecewise")},
        optional={
            "impute": st.just("mean") | st.fixed_dictionaries({"constant": NUMBERS}),
            "bins": st.integers(2, 50) | st.none(),
            "bin_strategy": st.sampled_from([*BIN_STRATEGIES, None]),
        },
    ),
)
FEATURES = st.fixed_dictionaries(
    {"from": TEXTS},
    optional={
        "date": st.sampled_from(["month", "elapsed"]),
        "extract": st.sampled_from([r", ([^.]+)\.", "^[A-Z]", "'", "1e5"]),
        "map": st.dictionaries(TEXTS | NUMBERS, TEXTS | NUMBERS | st.none(), min_size=1, max_size=3),
        "fill": TEXTS | NUMBERS,
        "rare": st.integers(1, 99),
        "count": st.booleans(),
    },
)
NETWORKS = {
    "hidden": st.lists(st.integers(1, 64), max_size=3),
    "dropout": st.floats(0, 0.9),
    "l2": st.floats(0, 1),
    "activation": st.sampled_from(["relu", "no"]),
}
TRAININGS = {
    "epochs": st.integers(1, 9),
    "early_stopping": st.none() | st.integers(1, 9),
    "learning_rate": st.floats(0, 1),
}
SPECS = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,6}", fullmatch=True),
        "data": st.fixed_dictionaries(
            {"source": TEXTS, "target": TEXTS},
            optional=dict.fromkeys(("id", "kaggle", "train", "test", "sample"), TEXTS),
        ).filter(lambda data: data.get("id") != data["target"]),
        "columns": st.lists(RULES, min_size=1, max_size=3),
    },
    optional={
        "problem": st.sampled_from(["auto", *PROBLEMS]),
        "metric": st.sampled_from([*METRICS]) | st.none(),
        "features": st.dictionaries(TEXTS, FEATURES, max_size=2),
        "rest": st.sampled_from(["error", "drop"]),
        "network": st.fixed_dictionaries({}, optional=NETWORKS),
        "training": st.fixed_dictionaries({}, optional=TRAININGS),
        "ensemble": st.fixed_dictionaries({}, optional={"folds": st.integers(2, 9), "members": st.integers(1, 9)}),
        "seed": st.integers(0, 2**32 - 1),
    },
).map(PipelineSpec.model_validate)


@settings(max_examples=60)
@given(SPECS)
def test_every_spec_is_read_back_as_it_was_written(file: Path, spec: PipelineSpec) -> None:
    again = load(file, dump_spec(spec))
    assert again == spec
    assert repr(again) == repr(spec), "types are kept too: 1 is not True, nor 1.0"


def test_a_dump_says_only_what_is_not_default(file: Path) -> None:
    text = "name: t\ndata:\n  source: a\n  target: b\ncolumns:\n- columns:\n  - x\n"
    assert dump_spec(load(file, text + "seed: 0\nrest: error\nensemble: {folds: 5}\n")) == text


def test_leaves_by_hand(file: Path) -> None:
    assert leaves(load(file)) == {
        "name": "flowers",
        "problem": "auto",
        "data.source": "iris",
        "data.target": "kind",
        "data.id": "Id",
        "metric": "accuracy",
        "features.Area.eval": "A * B",
        "columns.0.columns": ["A", "B"],
        "columns.0.impute": "median",
        "columns.0.missing_flag": False,
        "columns.0.encode": "none",
        "columns.0.rare": 1,
        "columns.0.clip": 0.0,
        "columns.0.scale": "standard",
        "columns.1.columns": ["Area"],
        "columns.1.impute": "median",
        "columns.1.missing_flag": False,
        "columns.1.encode": "none",
        "columns.1.rare": 1,
        "columns.1.clip": 0.0,
        "columns.1.scale": "minmax",
        "rest": "error",
        "network.hidden": [4],
        "network.dropout": 0.1,
        "training.epochs": 3,
        "ensemble.folds": 2,
        "ensemble.members": 1,
        "seed": 7,
    }


# Overrides


@pytest.mark.parametrize("name", PIPELINES)
def test_every_leaf_can_be_overridden_and_its_own_value_changes_nothing(name: str) -> None:
    spec = load_spec(name)
    assert load_spec(name, [f"{leaf}={json.dumps(value)}" for leaf, value in leaves(spec).items()]) == spec


@pytest.mark.parametrize(
    ("override", "leaf", "value"),
    [
        ("network.dropout=0.4", "network.dropout", 0.4),
        ("network.l2=1e-4", "network.l2", 1e-4),
        ("network.hidden=[8, 4]", "network.hidden", [8, 4]),
        ("network={dropout: 0.2}", "network.dropout", 0.2),
        ("data.kaggle=irises", "data.kaggle", "irises"),
        ("columns.1.scale=symmetric", "columns.1.scale", "symmetric"),
        ("columns.0.columns.1=Area", "columns.0.columns", ["A", "Area"]),
        ("columns.0={columns: [A], encode: onehot}", "columns.0.encode", "onehot"),
        ("features.Area.eval=A == 'x=y'", "features.Area.eval", "A == 'x=y'"),
        ("features.2.from=A", "features.2.from", "A"),
        ("features.Area={from: A, map: {1: x}}", "features.Area.map.1", "x"),
    ],
)
def test_an_override_changes_its_leaf_and_nothing_else(file: Path, override: str, leaf: str, value: object) -> None:
    before, after = leaves(load(file)), leaves(load(file, FLOWERS, override))
    assert after[leaf] == value
    for section in {key.partition(".")[0] for key in before} - {leaf.partition(".")[0]}:
        others = [{key: v for key, v in all_.items() if key.startswith(section)} for all_ in (before, after)]
        assert others[0] == others[1]


def test_null_is_a_value_like_any_other(file: Path) -> None:
    spec = load(file, FLOWERS, "training.early_stopping=null", "data.id=")
    assert (spec.training, spec.data.id) == ({"epochs": 3, "early_stopping": None}, None)


def test_overrides_apply_in_turn_and_the_file_stays_as_it_is(file: Path) -> None:
    spec = load(file, FLOWERS, "network={hidden: [1]}", "network.dropout=0.3", "seed=1", "seed=2")
    assert (spec.network, spec.seed) == ({"hidden": [1], "dropout": 0.3}, 2)
    assert file.read_text() == FLOWERS


def test_an_override_may_open_a_section_that_the_file_lacks(file: Path) -> None:
    text = "name: t\ndata: {source: a, target: y}\ncolumns: [{columns: [x]}]\n"
    assert load(file, text, "network.dropout=0.4").network == {"dropout": 0.4}


SECTIONS = {"features": {}, "network": {}, "training": {}, "ensemble": EnsembleSpec()}


@pytest.mark.parametrize("section", SECTIONS)
def test_an_empty_section_says_nothing(file: Path, section: str) -> None:
    text = "name: t\ndata: {source: a, target: y}\ncolumns: [{columns: [x]}]\n"
    assert getattr(load(file, f"{text}{section}:\n"), section) == SECTIONS[section]
    assert getattr(load(file, text, f"{section}="), section) == SECTIONS[section]


@pytest.mark.parametrize(
    ("section", "override", "value"),
    [
        ("network", "network.dropout=0.4", {"dropout": 0.4}),
        ("training", "training.epochs=3", {"epochs": 3}),
        ("ensemble", "ensemble.folds=3", EnsembleSpec(folds=3)),
        ("features", "features.Area.eval=A * B", {"Area": {"eval": "A * B"}}),
    ],
)
def test_an_override_fills_an_empty_section(file: Path, section: str, override: str, value: object) -> None:
    text = f"name: t\ndata: {{source: a, target: y}}\ncolumns: [{{columns: [x]}}]\n{section}:\n"
    assert getattr(load(file, text, override), section) == value


@pytest.mark.parametrize("section", ["data", "columns"])
def test_a_section_that_is_required_is_not_empty(file: Path, section: str) -> None:
    assert refusal(file, FLOWERS, f"{section}=").startswith(f"--set {section}=: {section}: expected a ")


SCALES = ", ".join(sorted([*SCALERS, "constant", "none"]))
KNOWN = ", ".join(sorted(hyperparameters())[:12]) + f" and {len(hyperparameters()) - 12} more"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.dropuot=1", "network.dropuot: there is no such key. Did you mean 'dropout'?"),
        ("network.zzz=1", f"network.zzz: there is no such key. Known: {KNOWN}."),
        ("netwrk.dropout=1", "netwrk: there is no such key. Did you mean 'network'?"),
        ("sed=1", "sed: there is no such key. Did you mean 'seed'?"),
        ("data.soruce=x", "data.soruce: there is no such key. Did you mean 'source'?"),
        ("columns.1.scael=x", "columns.1.scael: there is no such key. Did you mean 'scale'?"),
        ("columns.1.scale=min_max", "columns.1.scale: there is no 'min_max'. Did you mean 'minmax'?"),
        ("columns.0={columns: [A], scale: x}", f"columns.0.scale: there is no 'x'. Known: {SCALES}."),
        ("columns.2.scale=minmax", "there is no key '2' in columns."),
        ("columns.-1.scale=minmax", "there is no key '-1' in columns."),
        ("columns.²=3", "there is no key '²' in columns."),
        ("columns.first.scale=minmax", "there is no key 'first' in columns."),
        ("name.first=x", "there is no key 'first' in name."),
        ("seed=many", "seed: expected a whole number, found 'many'."),
        ("seed=1.5", "seed: expected a whole number, found 1.5."),
        ("ensemble.folds=1", "ensemble.folds: expected 2 or more, found 1."),
        ("network.members=3", "network.members: there is no such key. Set ensemble.members."),
        ("training.random_state=3", "training.random_state: there is no such key. Set seed."),
        ("training.dropout=0.2", "training.dropout: it is set under network already; keep one of the two."),
        ("features.Area.evl=A", "feature 'Area': unknown key 'evl'. Did you mean 'eval'?"),
        ("network.dropout", "expected key.path=value, like network.dropout=0.4."),
        ("=0.4", "expected key.path=value, like network.dropout=0.4."),
    ],
)  # fmt: skip
def test_a_bad_override_is_quoted_with_what_is_wrong(file: Path, override: str, message: str) -> None:
    assert refusal(file, FLOWERS, override) == f"--set {override}: {message}"


def test_an_override_that_is_not_yaml_is_refused(file: Path) -> None:
    expected = "'[1' is not a YAML value; put text with special characters into quotes."
    assert refusal(file, FLOWERS, "network.hidden=[1") == expected
    twice = refusal(file, FLOWERS, "network={hidden: [1], hidden: [2]}")
    assert twice == "'{hidden: [1], hidden: [2]}', line 1: the key 'hidden' appears twice."


# Mistakes in a file


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # Unknown keys.
        ("seed: 7", "sede: 7", "line 17: sede: there is no such key. Did you mean 'seed'?"),
        ("metric:", "metrics:", "line 4: metrics: there is no such key. Did you mean 'metric'?"),
        ("id: Id", "idd: Id", "line 3: data.idd: there is no such key. Did you mean 'id'?"),
        ("members: 1", "member: 1", "line 16: ensemble.member: there is no such key. Did you mean 'members'?"),
        ("    scale", "    scael", "line 10: columns.0.scael: there is no such key. Did you mean 'scale'?"),
        ("dropout: 0.1", "drop_out: 0.1", "line 14: network.drop_out: there is no such key. Did you mean 'dropout'?"),
        ("{epochs", "{epoch", "line 15: training.epoch: there is no such key. Did you mean 'epochs'?"),
        ("dropout: 0.1", "members: 2", "line 14: network.members: there is no such key. Set ensemble.members."),
        ("dropout: 0.1", "random_state: 2", "line 14: network.random_state: there is no such key. Set seed."),
        ("    eval", "    evla", "line 7: feature 'Area': unknown key 'evla'. Did you mean 'eval'?"),
        # Keys twice, in one section or in two.
        ("seed: 7", "name: x", "line 17: the key 'name' appears twice."),
        ("dropout: 0.1", "hidden: [3]", "line 14: the key 'hidden' appears twice."),
        (
            "{epochs: 3}",
            "{epochs: 3, dropout: 0.2}",
            "line 15: training.dropout: it is set under network already; keep one of the two.",
        ),
        # Keys that are missing.
        (", target: kind", "", "line 3: data.target: this key is required."),
        ("columns: [A, B]\n    scale", "scale", "line 9: columns.0.columns: this key is required."),
        # Values of a wrong type, or out of range.
        ("seed: 7", "seed: yes", "line 17: seed: expected a whole number, found 'yes'."),
        ("seed: 7", "seed: true", "line 17: seed: expected a whole number, found True."),
        ("seed: 7", "seed: -1", "line 17: seed: expected 0 or more, found -1."),
        ("folds: 2", "folds: 1", "line 16: ensemble.folds: expected 2 or more, found 1."),
        ("members: 1", "members: 0", "line 16: ensemble.members: expected 1 or more, found 0."),
        ("id: Id", "id: 3", "line 3: data.id: expected text, found 3."),
        ("source: iris", "source: ''", "line 3: data.source: expected text of 1 or more characters, found ''."),
        ("{epochs: 3}", "3", "line 15: training: expected a mapping, found 3."),
        ("    eval: A * B", "    3", "line 6: features.Area: expected a mapping, found 3."),
        ("{source: iris, target: kind, id: Id}", "[1]", "line 3: data: expected a mapping, found [1]."),
        ("{columns: [Area], scale: minmax}", "[1]", "line 11: columns.1: expected a mapping, found [1]."),
        ("[A, B]", "A", "line 9: columns.0.columns: expected a list, found 'A'."),
        ("[A, B]", "[A, 1]", "line 9: columns.0.columns.1: expected text, found 1."),
        ("[A, B]", "[]", "line 9: columns.0.columns: expected a list of 1 or more, found []."),
        (
            "scale: standard",
            "missing_flag: maybe",
            "line 10: columns.0.missing_flag: expected true or false, found 'maybe'.",
        ),
        (
            "scale: standard",
            "impute: {constant: [1]}",
            "line 9: columns.0.fill_value: impute: expected text, a number, true or false as constant, found [1]",
        ),
        ("  Area:", "  3:", "line 5: features.3: expected text, found 3."),
        # The id.
        (
            "id: Id",
            "id: kind",
            "line 3: data.id: 'kind' is the target. Name the column that identifies a row, or leave id out.",
        ),
        (
            "id: Id",
            "id: Id, weight: Id",
            "line 3: data.weight: 'Id' is the id. Name the column with the weights of the rows, or leave weight out.",
        ),
        # Words that are not among the options.
        (": auto", ": binry", "line 2: problem: There is no problem type 'binry'. Did you mean 'binary'?"),
        (": accuracy", ": acuracy", "line 4: metric: There is no metric 'acuracy'. Did you mean 'accuracy'?"),
        ("seed: 7", "rest: keep", "line 17: rest: expected 'error' or 'drop', found 'keep'."),
        (": standard", ": standrd", "line 10: columns.0.scale: there is no 'standrd'. Did you mean 'standard'?"),
        ("[A, B]", "[A, A]", "line 9: columns.0.columns: named twice: A; name each column once in a rule"),
        ("A * B", "A * B)", "line 7: feature 'Area', key 'eval': "),
        ("eval: A * B", "{}", "line 6: feature 'Area': expected one source, `from: column`, `eval: expression`"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_key_and_what_is_expected(file: Path, old: str, new: str, message: str) -> None:
    assert FLOWERS.count(old) == 1
    found = refusal(file, FLOWERS.replace(old, new))
    assert found.startswith(f"flowers.yaml, {message}")
    assert found.count("\n") == 0, "one mistake, one message"


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("accuracy:2", "accuracy has no parameter, found 'accuracy:2': write accuracy."),
        ("{name: f_beta, bta: 2}", "f_beta has no parameter 'bta'. Did you mean 'beta'?"),
        ("{name: f_beta, beta: -1}", "f_beta: expected a beta between 0 and 100, found -1."),
        ("{name: rmse, k: 1}", "rmse has no parameter 'k'. There are none."),
        ("map_at_k:2.5", "map_at_k: expected a whole k from 1 to 1000, found 2.5."),
        ("pinball:high", "pinball: expected a quantile between 0 and 1, found 'high'."),
        ("{beta: 2}", "expected a name, as in {name: f_beta, beta: 2}, found {'beta': 2}."),
        ("3", "expected text, found 3."),
    ],
)
def test_a_mistake_in_a_metric_says_what_is_expected(file: Path, metric: str, message: str) -> None:
    assert refusal(file, FLOWERS.replace(": accuracy", f": {metric}")) == f"flowers.yaml, line 4: metric: {message}"


@pytest.mark.parametrize(
    ("text", "name"),
    [("{name: f_beta, beta: 0.5}", "f_beta:0.5"), ("f_beta", "f_beta:2"), ("{name: pinball}", "pinball:0.5")],
)
def test_a_metric_with_a_parameter_has_a_short_name(file: Path, text: str, name: str) -> None:
    spec = load(file, FLOWERS.replace(": accuracy", f": {text}"))
    assert spec.metric == name
    assert load(file, FLOWERS.replace(": accuracy", f": {name}")) == spec


def test_a_feature_whose_key_is_quoted_in_the_message_of_another_gets_its_own_line(file: Path) -> None:
    text = FLOWERS.replace("    eval: A * B", "    rare: 2\n    from: A\n    fill: {key 'rare': 1}\n")
    assert refusal(file, text).startswith("flowers.yaml, line 9: feature 'Area', key 'fill': ")


def test_several_mistakes_are_named_at_once(file: Path) -> None:
    text = FLOWERS.replace("seed: 7", "sede: 7").replace("folds: 2", "folds: two")
    assert refusal(file, text).splitlines() == [
        "flowers.yaml, line 16: ensemble.folds: expected a whole number, found 'two'.",
        "flowers.yaml, line 17: sede: there is no such key. Did you mean 'seed'?",
    ]


def test_required_keys_that_are_missing_are_named_with_the_file(file: Path) -> None:
    assert refusal(file, "seed: 1\n").splitlines() == [
        "flowers.yaml: name: this key is required.",
        "flowers.yaml: data: this key is required.",
        "flowers.yaml: columns: this key is required.",
    ]


def test_a_pipeline_needs_a_rule(file: Path) -> None:
    text = "name: t\ndata: {source: a, target: y}\ncolumns: []\n"
    assert refusal(file, text) == "flowers.yaml, line 3: columns: expected a list of 1 or more, found []."


@pytest.mark.parametrize("name", ["", "a b", "../a", "-a", "a/b", "é"])
def test_a_name_can_be_a_file_and_an_experiment(file: Path, name: str) -> None:
    text = FLOWERS.replace("name: flowers", f"name: '{name}'")
    assert refusal(file, text) == (
        "flowers.yaml, line 1: name: expected letters, digits, '_', '.' or '-', the first a letter or a digit, "
        f"found {name!r}."
    )


# Which pipelines there are


def test_an_unknown_pipeline_gets_the_nearest_name() -> None:
    with pytest.raises(SpecError) as refused:
        load_spec("titanc")
    message = str(refused.value)
    assert message.startswith("There is no pipeline 'titanc'. Did you mean 'titanic'? ")
    assert "pipelines/NAME.yaml" in message
    assert "path" in message


def test_a_pipeline_unlike_any_other_gets_all_names() -> None:
    with pytest.raises(SpecError, match=r"There is no pipeline 'zzz'. Known: .*boston, .*titanic, .*wine"):
        load_spec("zzz")


@pytest.mark.parametrize("path", ["x.yaml", "x.yml", "folder/x"])
def test_a_path_that_does_not_exist_is_named(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as refused:
        load_spec(path)
    assert str(refused.value) == f"There is no file {path}."


def test_the_users_own_pipelines_are_found_by_name_and_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bundled = list_pipelines()
    assert {"boston", "digits", "fashion_mnist", "imdb", "mnist", "titanic", "wine"} <= set(bundled)
    (tmp_path / "pipelines").mkdir()
    for name in ("flowers", "wine"):
        (tmp_path / "pipelines" / f"{name}.yaml").write_text(FLOWERS)
    assert list_pipelines() == bundled | {name: Path("pipelines") / f"{name}.yaml" for name in ("flowers", "wine")}
    assert load_spec("wine") == load_spec("flowers") == load_spec(Path("pipelines/flowers.yaml"))
    assert load_spec("boston").name == "boston"


# Hyperparameters


@pytest.mark.parametrize("estimator", [KerasClassifier, KerasRegressor])
def test_hyperparameters_are_the_constructors_arguments(estimator: Any) -> None:
    arguments = [*inspect.signature(estimator).parameters]
    assert set(arguments) - set(hyperparameters()) == {"members", "problem", "random_state", "verbose"}
    assert [name for name in arguments if name in hyperparameters()] == [*hyperparameters()]


def test_every_hyperparameter_can_be_set_under_network_and_under_training(file: Path) -> None:
    text = "name: t\ndata: {source: a, target: y}\ncolumns: [{columns: [x]}]\n"
    values = {name: parameter.default for name, parameter in inspect.signature(KerasClassifier).parameters.items()}
    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    wanted = {name: wanted[name] for name in hyperparameters()}
    for section in ("network", "training"):
        assert getattr(load(file, text + yaml.safe_dump({section: wanted})), section) == wanted


# Speed is a matter of what is loaded.


def test_reading_and_refusing_a_pipeline_loads_no_heavy_library() -> None:
    code = """
import sys
from tabular_dl.errors import SpecError
from tabular_dl.spec.pipeline_files import list_pipelines
from tabular_dl.spec.reader import dump_spec, leaves, load_spec
for name in list_pipelines():
    spec = load_spec(name, ["network.dropout=0.4"])
    dump_spec(spec), leaves(spec)
try:
    load_spec("titanic", ["network.dropuot=0.4"])
except SpecError:
    print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tabular_dl" in shown
    heavy = {"keras", "matplotlib", "mlflow", "numpy", "pandas", "scipy", "skops", "sklearn", "tensorflow"}
    assert heavy.isdisjoint(shown)
