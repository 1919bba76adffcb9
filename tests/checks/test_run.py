"""Each check finds a planted fault and nothing in clean tables, and its fix removes the fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.run import run_checks
from tabular_dl.competition.competition import Competition, load_competition
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.build import problem_of
from tabular_dl.spec.reader import PipelineSpec, load_spec

NAN = float("nan")
Change = Callable[[pd.DataFrame], pd.DataFrame]


def rows(seed: int, count: int) -> pd.DataFrame:
    """Rows with two columns of numbers, one of categories, an id, and a target that needs both numbers."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "Id": [f"{seed}-{row}" for row in range(count)],
            "size": random.normal(10, 2, count).round(3),
            "width": random.normal(0, 1, count).round(3),
            "colour": random.choice(["red", "green", "blue"], count),
        },
        index=range(1, count + 1),
    )
    noise = random.normal(0, 2, count)
    return table.assign(y=(table["size"] - 10 + table["width"] + noise > 0).astype(int))


def flowers(**changes: Any) -> PipelineSpec:
    content: dict[str, Any] = {
        "name": "flowers",
        "problem": "binary",
        "data": {"source": "flowers", "target": "y", "id": "Id"},
        "columns": [{"columns": ["size", "width"], "scale": "minmax"}, {"columns": ["colour"], "encode": "onehot"}],
    }
    return PipelineSpec.model_validate(content | changes)


def check(
    spec: PipelineSpec | None = None, train: Change | None = None, test: Change | None = None, count: int = 300
) -> list[Finding]:
    """Check a pipeline and its tables, of which something was changed."""
    spec = spec or flowers()
    one, other = rows(0, count), rows(1, count // 2).drop(columns="y")
    one, other = train(one) if train else one, test(other) if test else other
    competition = Competition(Path("flowers"), "y", "Id", one, other, None, "", "")
    return list(run_checks(competition, spec, problem_of(spec, one["y"])))


def assert_tells(message: str, facts: list[str]) -> None:
    """Assert that a message begins with the first fact and contains the others in their order."""
    assert re.match(".*".join(map(re.escape, facts)), message), message


def the_only(findings: list[Finding], code: str) -> Finding:
    assert [finding.code for finding in findings] == [code], findings
    return findings[0]


def with_column(name: str, values: Callable[[pd.DataFrame], Any]) -> Change:
    return lambda table: table.assign(**{name: values(table)})


def with_rule(*names: str, **words: Any) -> PipelineSpec:
    """The pipeline with one more rule, about more columns."""
    return flowers(columns=[*flowers().columns, {"columns": [*names], **words}])


def mended(spec: PipelineSpec, fix: str) -> PipelineSpec:
    """Do what the line says, as a user would: its YAML, and what the comment says of rules."""
    content = spec.model_dump(exclude_defaults=True)
    rules = [{**rule, "columns": list(rule["columns"])} for rule in content["columns"]]
    line, _, comment = fix.partition("#")
    place = re.search(r"in place of rule (\d+)", comment)
    if place:
        rules[int(place[1]) - 1] = {"columns": []}
    gone = re.search(r"take (.+?) out of rule", comment)
    for rule in rules:
        rule["columns"] = [name for name in rule["columns"] if not gone or name not in gone[1].split(", ")]
    changes = yaml.safe_load(line) or {}
    if isinstance(changes, list):
        rules, changes = rules + changes, {}
    return PipelineSpec.model_validate({**content, "columns": [rule for rule in rules if rule["columns"]], **changes})


# Clean tables


def test_nothing_is_found_in_clean_tables() -> None:
    assert check() == []


def test_nothing_is_found_in_clean_tables_of_a_regression() -> None:
    spec = flowers(problem="regression")
    assert check(spec, with_column("y", lambda t: t["size"] + t["width"] * 3)) == []


@pytest.mark.parametrize(("name", "expected"), [("titanic", ["missing"]), ("wine", []), ("boston", [])])
def test_no_false_alarm_on_the_shipped_tables(name: str, expected: list[str]) -> None:
    spec = load_spec(name)
    competition = load_competition(spec.data.source, spec.data.target, spec.data.id)
    findings = run_checks(competition, spec, problem_of(spec, competition.train[spec.data.target]))
    assert [finding.code for finding in findings] == expected
    assert {finding.level for finding in findings} <= {"note"}


def test_without_a_test_table_the_training_table_is_checked_alone() -> None:
    train = rows(0, 300).assign(again=lambda t: t["colour"])
    spec = with_rule("again", encode="onehot")
    competition = Competition(Path("flowers"), "y", "Id", train, None, None, "", "")
    assert the_only(list(run_checks(competition, spec, get_problem("binary"))), "duplicate-column").level == "warning"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t, None),
        (lambda t: t.sample(frac=1, random_state=0), None),
        (lambda t: t.rename(columns={"y": "y_yes"}), None),
        (lambda t: pd.DataFrame({"Id": t["Id"], "0": 0.5, "1": 0.5}), None),
        (lambda t: t.head(9), r"The ids of test\.csv and given\.csv differ in 141 rows: 1-9 is only in test\.csv"),
        (lambda t: t.assign(Id=t["y"].astype(str)), r"given\.csv, column Id: the id 0 appears more than once"),
        (lambda t: t.drop(columns="y"), r"given\.csv has the columns Id; expected Id and one column"),
        (lambda t: t.assign(z=0), r"given\.csv has the 2 columns y, z beside the id; .*the classes of y are 0, 1"),
    ],
)
def test_a_sample_submission_that_cannot_be_filled_is_found_before_a_fit(change: Change, message: str | None) -> None:
    train, test, spec = rows(0, 300), rows(1, 150).drop(columns="y"), flowers()
    sample = change(pd.DataFrame({"Id": test["Id"], "y": 0}))
    competition = Competition(
        Path("flowers"), "y", "Id", train, test, sample, "", "", sample_file=Path("flowers/given.csv")
    )
    findings = list(run_checks(competition, spec, get_problem("binary")))
    if message is None:
        assert findings == []
    else:
        text = the_only(findings, "sample").message
        assert re.match(f"No submission could be made: {message}", text), text


@pytest.mark.parametrize(
    ("labels", "submission", "level", "message"),
    [
        (["No", "Yes"], {}, "note", "y: the submission has 0 as No, 1 as Yes."),
        (["cat", "dog"], {}, "error", "No submission could be made: .*the values cat, dog are none of the classes"),
        (["cat", "dog"], {"values": {0: "dog", 1: "cat"}}, "note", "y: the submission has 0 as dog, 1 as cat."),
        ([0, 1], {"values": {0: "No"}}, "error", "No submission could be made: submission.values has no label for 1"),
        (None, {"values": {0: "No"}}, "error", "No submission could be made: submission.values has no label for 1"),
        ([0, 1], {"top_k": 3}, "error", "No submission could be made: 3 labels in a cell are more than the 2 classes"),
    ],
)
def test_labels_of_the_sample_are_understood_or_refused(
    labels: list[Any] | None, submission: dict[str, Any], level: str, message: str
) -> None:
    train, test, spec = rows(0, 300), rows(1, 150).drop(columns="y"), flowers(submission=submission)
    sample = None if labels is None else pd.DataFrame({"Id": test["Id"], "y": labels * 75})
    competition = Competition(Path("flowers"), "y", "Id", train, test, sample, "", "")
    finding = the_only(list(run_checks(competition, spec, get_problem("binary"))), "sample")
    assert finding.level == level
    assert re.match(message, finding.message), finding.message
    if finding.fix:  # of the pipeline without the key
        assert finding.fix == "submission: {values: {0: cat, 1: dog}}"
        assert mended(spec, finding.fix).submission.values == {0: "cat", 1: "dog"}  # noqa: PD011 (no frame)


def test_a_name_that_is_mistyped_is_told_once_with_the_line_that_was_meant() -> None:
    spec = flowers(
        columns=[{"columns": ["sise", "width"], "scale": "minmax"}, {"columns": ["colour"], "encode": "onehot"}]
    )
    finding = the_only(check(spec), "table")
    assert "Did you mean 'size'?" in finding.message
    assert finding.fix == "- {columns: [size, width], scale: minmax}  # in place of rule 1"
    assert check(mended(spec, finding.fix)) == []
    far = flowers(columns=[{"columns": ["size", "width", "unheard"]}, {"columns": ["colour"], "encode": "onehot"}])
    finding = the_only(check(far), "table")
    assert check(mended(far, finding.fix)) == []
    feature = flowers(
        features={"wide": {"from": "widht", "fill": 0}}, columns=[*flowers().columns, {"columns": ["wide"]}]
    )
    finding = the_only(check(feature), "table")
    assert finding.fix == "# in features write width for widht"


def test_training_rows_of_one_id_are_better_kept_in_one_fold() -> None:
    def visits(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(Id=[f"patient {row // 3}" for row in table.index])

    finding = the_only(check(train=visits), "repeated-id")
    assert finding.message.startswith("train.csv, column Id (the id): 199 of 300 rows have the id of an earlier row.")
    assert finding.fix == "ensemble: {split: group, group: Id}"
    assert check(mended(flowers(), finding.fix), visits) == []


def test_patients_of_their_own_in_each_table_are_better_kept_in_one_fold() -> None:
    sick = np.random.default_rng(0).integers(0, 2, 76)

    def train(table: pd.DataFrame) -> pd.DataFrame:
        patient = table.index // 4
        return table.assign(who=[f"a{number}" for number in patient], y=sick[patient])

    def test(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(who=[f"b{row // 4}" for row in table.index])

    spec = flowers(rest="drop")
    finding = the_only(check(spec, train, test), "group")
    assert (finding.level, finding.fix) == ("warning", "ensemble: {split: group, group: who}")
    facts = [
        "train.csv, column who",
        "alike in y (300 rows, 76 values, intraclass correlation 1.00)",
        "100 % of the rows of test.csv have values that train.csv does not have",
        "in one fold",
    ]
    assert_tells(finding.message, facts)
    assert check(mended(spec, finding.fix), train, test) == []
    alone = Competition(Path("flowers"), "y", "Id", train(rows(0, 300)), None, None, "", "")
    assert the_only(list(run_checks(alone, spec, get_problem("binary"))), "group").level == "note"


@pytest.mark.parametrize(
    ("group", "train", "message"),
    [
        ("sise", None, r"train\.csv: there is no column 'sise', which ensemble\.group names\. Did you mean 'size'\?"),
        (
            "colour",
            None,
            r"train\.csv, column colour \(ensemble\.group\): 3 different values are fewer than the 5 folds",
        ),
        (
            "site",
            with_column("site", lambda t: t["size"].where(t.index != 4)),
            r"train\.csv, column site \(ensemble\.group\), row 4: the value is missing \(1 such rows\)",
        ),
        ("y", None, "pipeline flowers: ensemble.group: 'y' is the target"),
    ],
)
def test_a_group_that_makes_no_folds_is_an_error(group: str, train: Change | None, message: str) -> None:
    finding = the_only(check(flowers(ensemble={"group": group}), train), "group")
    assert finding.level == "error"
    assert re.match(message, finding.message), finding.message


def test_the_same_tables_give_the_same_findings() -> None:
    spec = with_rule("price")
    plant = with_column("price", lambda t: t["size"] * 2)
    drifted = with_column("price", lambda t: t["size"] * 2 + 3)
    assert check(spec, plant, drifted) == check(spec, plant, drifted) != []


# Planted faults that one line mends

# Pipeline, changes of the training and the test table; level and code, facts of the message in their order, fix.
PLANTED: dict[str, tuple[PipelineSpec, Change | None, Change | None, str, list[str], str]] = {
    "a category of the test table": (
        flowers(),
        None,
        lambda t: t.assign(colour=t["colour"].mask(t.index <= 9, "pink")),
        "warning category",
        ["test.csv, column colour: 9 of 150 rows", "categories", "become zeros", "pink"],
        "- {columns: [colour], encode: onehot, rare: 10}  # in place of rule 2",
    ),
    "missing in the test table": (
        flowers(),
        None,
        lambda t: t.assign(colour=t["colour"].mask(t.index == 7)),
        "note missing",
        ["test.csv, column colour: 1 of 150 rows have no value", "train.csv all"],
        "- {columns: [colour], impute: most_frequent, encode: onehot}  # in place of rule 2",
    ),
    "no value in the test table": (
        flowers(),
        None,
        lambda t: t.assign(width=NAN),
        "warning missing",
        ["test.csv, column width: 150 of 150 rows have no value", "train.csv all"],
        "rest: drop  # and take width out of rule 1",
    ),
    "a column that the test table lacks": (
        flowers(),
        None,
        lambda t: t.drop(columns="width"),
        "error table",
        ["test.csv lacks columns", "'width'"],
        "rest: drop  # and take width out of rule 1",
    ),
    "a column that no rule names": (
        flowers(),
        lambda t: t.assign(remark=list(range(300, 0, -3)) * 3),
        lambda t: t.assign(remark=1),
        "error unnamed",
        ["train.csv", "no rule", "remark"],
        "rest: drop",
    ),
    "text among numbers": (
        flowers(),
        None,
        lambda t: t.assign(width=np.where(t.index % 2, "wide", "narrow")),
        "error table",
        ["test.csv, column 'width', row 1", "finite number", "found 'wide'", "149 more"],
        "- {columns: [width], encode: onehot}  # and take width out of rule 1",
    ),
    "categories of another kind": (
        with_rule("code", encode="onehot"),
        lambda t: t.assign(code=t.index % 3),
        lambda t: t.assign(code=[f"code {row % 3}" for row in t.index]),
        "error kind",
        ["Column code is numbers in train.csv and text in test.csv", "'code 1'", "no value of test.csv"],
        "rest: drop  # and take code out of rule 3",
    ),
    "a constant column": (
        with_rule("unit", encode="onehot"),
        lambda t: t.assign(unit="cm"),
        lambda t: t.assign(unit="cm"),
        "note constant",
        ["train.csv", "one value in every row", "unit"],
        "rest: drop  # and take unit out of rule 3",
    ),
    "a constant column that varies in the test table": (
        with_rule("flag"),
        lambda t: t.assign(flag=1),
        lambda t: t.assign(flag=(t.index <= 2).astype(int)),
        "warning constant",
        ["train.csv", "one value in every row", "other values in test.csv", "flag"],
        "rest: drop  # and take flag out of rule 3",
    ),
    "a column that is there twice": (
        with_rule("tint", encode="label"),
        lambda t: t.assign(tint=t["colour"].str[0]),
        lambda t: t.assign(tint=t["colour"].str[0]),
        "warning duplicate-column",
        ["train.csv: columns colour and tint", "same", "every row"],
        "rest: drop  # and take tint out of rule 3",
    ),
    "running numbers": (
        with_rule("serial"),
        lambda t: t.assign(serial=np.random.default_rng(2).permutation(450)[:300]),
        lambda t: t.assign(serial=np.random.default_rng(2).permutation(450)[300:]),
        "warning id",
        ["train.csv, column serial", "identify rows", "300 whole numbers", "all different"],
        "rest: drop  # and take serial out of rule 3",
    ),
    "outliers": (
        flowers(),
        lambda t: t.assign(size=t["size"].where(t.index != 5, 5000.0)),
        None,
        "warning outliers",
        ["train.csv, column size: 99 % of the rows lie in 0.", "scale: minmax", "clip: 0.01"],
        "- {columns: [size], scale: robust}  # and take size out of rule 1",
    ),
    "a leak": (
        with_rule("boat"),
        lambda t: t.assign(boat=t["y"].where(t.index % 50 != 0, 1 - t["y"]) + 0.5),
        lambda t: t.assign(boat=np.random.default_rng(3).integers(0, 2, len(t)) + 0.5),
        "warning leak",
        ["train.csv, column boat alone predicts y", "accuracy 0.98"],
        "rest: drop  # and take boat out of rule 3",
    ),
    "drift": (
        flowers(),
        None,
        lambda t: t.assign(width=t["width"] + 1.5),
        "warning drift",
        ["test.csv differs from train.csv", "AUC of 0.8", "width (alone 0.7"],
        "rest: drop  # and take width out of rule 1",
    ),
    "a rare class": (
        flowers(),
        lambda t: t.assign(y=(t.index % 30 == 0).astype(int)),
        None,
        "warning imbalance",
        ["Column y (the target)", "class 1 has 10 of 300 rows (3.3 %)", "guessing 0", "0.967"],
        "metric: balanced_accuracy",
    ),
    "a rare class that a threshold helps": (
        flowers(metric="f1"),
        lambda t: t.assign(y=(t.index % 30 == 0).astype(int)),
        None,
        "warning imbalance",
        ["Column y (the target)", "class 1 has 10 of 300 rows (3.3 %)"],
        "threshold: auto",
    ),
    "a rare class that weights help": (
        flowers(metric="balanced_accuracy"),
        lambda t: t.assign(y=(t.index % 30 == 0).astype(int)),
        None,
        "warning imbalance",
        ["Column y (the target)", "class 1 has 10 of 300 rows (3.3 %)"],
        "training: {class_weight: balanced}",
    ),
    "many folds": (
        flowers(ensemble={"folds": 40, "members": 2}),
        None,
        None,
        "warning folds",
        ["300 training rows in 40 folds", "fewer than 10"],
        "ensemble: {folds: 30, members: 2}",
    ),
    "fewer rows of a class than folds": (
        flowers(metric="roc_auc"),
        lambda t: t.assign(y=(t.index <= 4).astype(int)),
        None,
        "error target",
        ["train.csv, column y (the target)", "class 1 has 4 rows", "5 folds"],
        "ensemble: {folds: 4}",
    ),
    "three classes": (
        flowers(),
        lambda t: t.assign(y=t.index % 3),
        None,
        "error target",
        ["train.csv, column y (the target)", "3 different values", "problem: binary"],
        "problem: multiclass",
    ),
    "a metric of numbers": (
        flowers(metric="rmse"),
        None,
        None,
        "error metric",
        ["metric: rmse", "binary"],
        "metric: accuracy",
    ),
}
NOT_HERE_YET = {"a category of the test table"}  # whose words a rule may not know


@pytest.mark.slow
@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_fault_is_found_and_its_line_mends_it(case: str) -> None:
    spec, train, test, what, facts, fix = PLANTED[case]
    expected = what.split()
    finding = next(finding for finding in check(spec, train, test) if finding.code == expected[1])
    assert [finding.level, finding.code] == expected
    assert_tells(finding.message, facts)
    assert finding.fix == fix
    if case not in NOT_HERE_YET:
        # Under another metric a rare class may still call for other advice.
        assert finding not in check(mended(spec, fix), train, test)


def test_errors_come_first_and_all_of_them_are_told_at_once() -> None:
    spec = with_rule("price", "prcie", impute="none")
    findings = check(
        spec,
        lambda t: t.assign(price=[NAN, *t.index[1:]], width=np.inf, y=t.index % 3),
        lambda t: t.assign(price=1.0, size="big").drop(columns="colour"),
    )
    beginnings = [
        "train.csv, column y (the target) has 3 different values",
        "train.csv lacks columns that the rules name. 'prcie': Did you mean 'price'?",
        "train.csv, column 'width', row 1: expected a finite number, found inf",
        "train.csv, column 'price', row 1: the value is missing, and its rule says `impute: none`.",
        "test.csv lacks columns that the rules name. 'colour':",
        "test.csv, column 'size', row 1: expected a finite number, found 'big'",
    ]
    for finding, beginning in zip(findings, beginnings, strict=True):
        assert finding.level == "error"
        assert finding.message.startswith(beginning)
    assert findings[3].fix == "- {columns: [price], impute: median}  # and take price out of rule 3"


def test_a_feature_that_cannot_be_made_is_told_once_with_the_rules_that_name_it() -> None:
    features = {"Area": {"eval": "size * hight"}, "Twice": {"eval": "Area * 2"}}
    columns = [*flowers().columns, {"columns": ["Area", "Twice"]}]
    spec = flowers(features=features, columns=columns, rest="drop")
    findings = [finding for finding in check(spec) if finding.message.startswith("train.csv")]
    message = "train.csv: feature 'Area' reads column 'hight', which the table does not have."
    assert the_only(findings, "table").message.startswith(message)
    assert findings[0].fix == "# take Area, Twice out of rule 3 and of features"


# Rows that are there twice


def answered_test_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the training rows and all rows of the test table, with an answer and ids of their own."""
    return pd.concat([table, rows(1, 150).assign(Id=lambda t: "x" + t["Id"])]).set_axis(range(1, 451))


def test_test_rows_that_are_training_rows_are_counted() -> None:
    finding = the_only(check(train=answered_test_rows), "overlap")
    assert finding.level == "warning"
    facts = [
        "150 of 150 rows of test.csv are also rows of train.csv",
        "all 3 columns",
        "id and target: row 1 is row 301",
    ]
    assert_tells(finding.message, facts)
    assert finding.fix == "data: {source: FOLDER}  # with a train.csv without these rows"


def test_a_single_test_row_that_is_a_training_row_is_a_note() -> None:
    findings = check(train=lambda t: pd.concat([t, answered_test_rows(t).tail(1)]).set_axis(range(1, 302)))
    assert the_only(findings, "overlap").level == "note"
    assert findings[0].message.startswith("1 of 150 rows of test.csv")


def test_all_of_kaggles_test_rows_are_found_in_a_table_of_all_passengers() -> None:
    spec = load_spec("titanic")
    ours = load_competition("titanic", "Survived", "PassengerId")
    test = ours.test.sample(frac=1, random_state=0).set_axis(ours.test.index)
    # Another file about the same people: nicknames in other quotes, prices with other digits, other ids.
    test = test.assign(
        Name=test["Name"].str.replace("'", '"'),
        Fare=test["Fare"].astype("float32").astype("float64"),
        Pclass=test["Pclass"].astype(float),
        PassengerId=test["PassengerId"] + "b",
    )
    train = pd.concat([ours.train, ours.test.assign(Survived=0)]).set_axis(range(1, 1310))
    table = Competition(Path("all"), "Survived", "PassengerId", train, test, None, "", "")
    findings = {finding.code: finding for finding in run_checks(table, spec, get_problem("binary"))}
    assert findings["overlap"].message.startswith(
        "418 of 418 rows of test.csv are also rows of train.csv, by all 10 col"
    )


def test_equal_rows_of_few_values_are_no_mistake() -> None:
    grid = with_column("size", lambda t: t.index % 4)
    flat = lambda t: grid(t).assign(width=t.index % 3)  # noqa: E731
    findings = check(train=flat, test=flat)
    assert {(finding.level, finding.code) for finding in findings} == {("note", "overlap"), ("note", "twins")}


def test_twins_in_the_training_table_are_counted_and_those_that_disagree() -> None:
    def twins(table: pd.DataFrame) -> pd.DataFrame:
        again = table.head(20).assign(Id=lambda t: "x" + t["Id"])
        again["y"] = np.where(again.index <= 5, 1 - again["y"], again["y"])
        return pd.concat([table, again]).set_axis(range(1, 321))

    finding = the_only(check(train=twins), "twins")
    assert finding.level == "warning"
    facts = [
        "train.csv: 20 of 320 rows",
        "all 3 columns",
        "id and target (row 301 is row 1)",
        "10 equal rows have different targets",
    ]
    assert_tells(finding.message, facts)


def test_rows_of_which_little_is_known_are_not_compared() -> None:
    empty = lambda t: t.assign(**{name: t[name].where(t.index % 3 != 0) for name in ("size", "width", "colour")})  # noqa: E731
    assert check(train=empty, test=empty) == []


def test_a_table_that_holds_all_its_rows_twice_is_a_mistake() -> None:
    def doubled(table: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([table, table.assign(Id="x" + table["Id"])]).set_axis(range(1, 601))

    finding = the_only(check(train=doubled), "twins")
    assert (finding.level, finding.message[:26]) == ("warning", "train.csv: 300 of 600 rows")


# Details


def test_features_that_count_training_rows_are_no_drift() -> None:
    # A training row belongs to the group that is counted, a test row does not.
    plant = with_column("ticket", lambda t: [f"train {row // 3}" for row in t.index])
    spec = flowers(
        features={"Group": {"from": "ticket", "count": True}}, columns=[*flowers().columns, {"columns": ["Group"]}]
    )
    assert check(spec, plant, with_column("ticket", lambda t: [f"test {row // 3}" for row in t.index])) == []


def test_many_findings_of_one_sort_are_told_in_one_line_after_the_first_five() -> None:
    names = [f"c{number}" for number in range(8)]
    random = np.random.default_rng(5)
    values = {name: random.choice(list("abc"), 300) for name in names}
    spec = with_rule(*names, encode="onehot")
    findings = check(
        spec,
        lambda t: t.assign(**values),
        lambda t: t.assign(**{name: random.choice([*"abcd"], 150) for name in names}),
    )
    unknown = [finding for finding in findings if finding.code == "category"]
    assert len(unknown) == 6
    assert unknown[-1].message == "The same in 3 more columns: c5, c6, c7."


def test_a_column_that_only_a_feature_reads_is_left_out_with_the_feature() -> None:
    spec = flowers(
        features={"Group": {"from": "ticket", "count": True}}, columns=[*flowers().columns, {"columns": ["Group"]}]
    )
    findings = check(spec, with_column("ticket", lambda t: t.index // 2), with_column("ticket", lambda t: "none"))
    assert the_only(findings, "kind").fix == "# take Group out of rule 3 and of features"


def test_a_large_table_is_sampled_and_the_finding_says_so() -> None:
    spec = with_rule("boat")
    plant = with_column("boat", lambda t: t["y"] + 0.5)
    findings = check(spec, plant, with_column("boat", lambda t: t.index % 2 + 0.5), count=3000)
    leak = next(finding for finding in findings if finding.code == "leak")
    assert "1,500 of 3,000 rows" in leak.message
