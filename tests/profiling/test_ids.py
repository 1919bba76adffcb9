"""Columns that identify rows are distinguished from those that describe them, alike for drafts and for checks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.checks.columns import column_findings
from tabular_dl.profiling.column_kinds import column_kinds
from tabular_dl.profiling.ids import id_reason, may_identify, names_an_id
from tabular_dl.profiling.target_and_id import find_roles
from tabular_dl.spec.reader import PipelineSpec

NAN = float("nan")
RANDOM = np.random.default_rng(0)
FAR = RANDOM.permutation(10**6)[:100] * 7 + 1  # all different, of a wide range
NEAR = RANDOM.permutation(500)[:100]  # all different, though of a narrow range


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pd.Series(range(7, 107)), "its whole numbers rise row by row"),
        (pd.Series(range(100, 0, -1)).astype(float), "its whole numbers fall row by row"),
        (pd.Series(RANDOM.permutation(100)), "its 100 whole numbers are all different, from 0 to 99"),
        (pd.Series([f"n{row}" for row in range(100)]), "100 of its 100 values are different"),
        (
            pd.Series(RANDOM.permutation(10**6)[:100] * 7919, name="customer_id"),
            "its 100 whole numbers are all different, and its name is that of an id",
        ),
        (
            pd.Series(RANDOM.permutation(10**6)[:100] * 7919, name="userId"),
            "its 100 whole numbers are all different, and its name is that of an id",
        ),
    ],
    ids=["rising", "falling", "dense", "text", "by name", "by a name in camel case"],
)
def test_what_names_rows(column: pd.Series, reason: str) -> None:
    assert id_reason(column) == reason


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(RANDOM.permutation(10**6)[:100], name="income"),
        pd.Series(np.sort(RANDOM.normal(size=100))),
        pd.Series(RANDOM.normal(size=100), name="id"),
        pd.Series([*range(50), *range(50)]),
        pd.Series(range(19)),
        pd.Series(["a", "b"] * 50),
        pd.Series([NAN] * 100),
        pd.Series(RANDOM.permutation(10**6)[:100], name="paid"),
    ],
    ids=["incomes", "floats that rise", "floats", "repeated", "few rows", "categories", "missing", "no id in its name"],
)
def test_what_describes_rows(column: pd.Series) -> None:
    assert id_reason(column) is None


@settings(max_examples=50)
@given(st.lists(st.floats(allow_infinity=False), min_size=20, max_size=40))
def test_numbers_that_repeat_name_no_rows(values: list[float]) -> None:
    column = pd.Series(values, dtype="float64")
    assert id_reason(column) is None or column.nunique() == column.count()


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("account", FAR, True),
        ("serial", FAR, True),
        ("row", FAR, True),
        ("amount", FAR, False),
        ("amount", NEAR, True),
        ("amount", np.sort(FAR), True),
        ("amount", NEAR // 2, False),
        ("account", FAR // 10**5, False),
    ],
)
def test_drafts_and_checks_agree_on_what_is_an_id(name: str, values: np.ndarray, expected: bool) -> None:
    table = pd.DataFrame({name: values})
    (kind,) = column_kinds(table)
    content = {"name": "p", "data": {"source": "p", "target": "y"}, "columns": [{"columns": [name]}]}
    findings = column_findings(PipelineSpec.model_validate(content), table, None, ("train.csv", "test.csv"))
    assert (kind.kind == "id") == ("id" in [finding.code for finding in findings]) == expected
    reason = id_reason(table[name])
    assert (reason is not None) == expected
    if reason is not None:
        assert kind.reason == reason
        assert any(reason in finding.message for finding in findings)


def test_few_numbers_may_be_all_different_by_chance() -> None:
    # Of 20 numbers out of 200, all are different in about 38 of 100 tables; of 60 out of 200 in one of 20,000.
    few, many = RANDOM.permutation(200)[:20], RANDOM.permutation(200)[:60]
    assert id_reason(pd.Series(few)) is None
    assert id_reason(pd.Series(many)) is not None


def test_numbers_of_training_and_test_rows_are_judged_together() -> None:
    train, test = pd.Series(RANDOM.permutation(np.arange(0, 100, 2) * 2)), pd.Series(np.arange(1, 100, 2) * 2)
    assert id_reason(train, test) == "its 50 whole numbers are all different, from 0 to 198"
    assert id_reason(train) is None
    assert id_reason(train, train) is None


MEASURED = np.random.default_rng(1).normal(25, 4, 100).round(3)  # all different, most of them with a fraction


@pytest.mark.parametrize("name", ["BodyMassIndex", "WingKey", "SerialNumber", "id", "Body Mass Index"])
@pytest.mark.parametrize("as_text", [False, True], ids=["numbers", "text"])
def test_numbers_with_fractions_name_no_rows_whatever_they_are_called(name: str, as_text: bool) -> None:
    assert len(np.unique(MEASURED)) == 100
    column = pd.Series(MEASURED.astype(str).astype(object) if as_text else MEASURED, name=name)
    assert not may_identify(column)
    assert id_reason(column) is None
    table = pd.DataFrame({name: column, "y": np.arange(100) % 2})
    assert [kind.kind for kind in column_kinds(table[[name]])] == ["numeric"]
    assert find_roles(table, table[[name]]).id is None
    for rule in ({"scale": "standard"}, {"encode": "onehot"}):
        content = {"name": "p", "data": {"source": "p", "target": "y"}, "columns": [{"columns": [name], **rule}]}
        read = table[[name]].astype("float64" if "scale" in rule else str).astype(object if "encode" in rule else float)
        findings = column_findings(PipelineSpec.model_validate(content), read, None, ("train.csv", "test.csv"))
        assert "id" not in [finding.code for finding in findings]


def test_an_id_may_be_any_value_that_no_other_row_has() -> None:
    assert may_identify(pd.Series(["a1", "b2", "2020-01-01"]))
    assert may_identify(pd.Series(pd.date_range("2020-01-01", periods=3)))
    assert may_identify(pd.Series([3.0, 1.0, 2.0]))
    assert not may_identify(pd.Series(["a", "a"]))
    assert not may_identify(pd.Series(["a", None]))
    assert not may_identify(pd.Series(["1.5", "2"]))
    assert may_identify(pd.Series(["1.5", "2", "x"]))


def test_names_of_ids() -> None:
    assert all(names_an_id(name) for name in ("id", "PassengerId", "order key", "UUID", "Unnamed: 0", "row"))
    assert not any(names_an_id(name) for name in ("width", "paid", "Idaho", "keyboard", "rooms", "browser"))
