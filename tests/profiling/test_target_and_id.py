"""Target and id are found from the tables; the message about an unclear target lists the candidates."""

from __future__ import annotations

import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.profiling.target_and_id import find_roles
from tests.competitions import COMPETITIONS

TRAIN = pd.DataFrame({"Id": [1, 2, 3], "a": [1.5, 2.5, 3.5], "b": ["x", "y", "y"], "y": [0, 1, 1], "z": [5, 6, 7]})
TEST = TRAIN[["Id", "a", "b"]].assign(Id=[4, 5, 6])


@pytest.mark.parametrize("name", COMPETITIONS)
def test_target_and_id_of_tables_like_real_ones(name: str) -> None:
    made = COMPETITIONS[name]()
    roles = find_roles(made.train, made.test, made.sample)
    assert (roles.target, roles.id) == (made.target, made.id)


def test_the_sample_submission_says_both() -> None:
    roles = find_roles(TRAIN, TEST, TEST[["b"]].assign(y=0))
    assert (roles.target, roles.id) == ("y", "b")
    assert (roles.target_reason, roles.id_reason) == (
        "a column of the sample submission",
        "the sample submission has it",
    )
    without_test = find_roles(TRAIN, None, TEST[["Id"]].assign(z=0))
    assert (without_test.target, without_test.id) == ("z", "Id")


def test_a_sample_submission_of_one_column_a_class_leaves_the_target_to_the_tables() -> None:
    roles = find_roles(TRAIN.drop(columns="z"), TEST, TEST[["Id"]].assign(zero=0.5, one=0.5))
    assert (roles.target, roles.id) == ("y", "Id")


def test_without_a_sample_submission_the_target_is_what_the_test_table_lacks() -> None:
    roles = find_roles(TRAIN.drop(columns="z"), TEST)
    assert (roles.target, roles.target_reason) == ("y", "the only column that the test table lacks")
    assert (roles.id, roles.id_reason) == ("Id", "its name is usual for ids, and its values are unique")


def test_an_id_needs_a_value_of_its_own_in_every_row_of_both_tables() -> None:
    train = TRAIN.drop(columns="z")
    for other in (TEST.assign(Id=[4, 4, 5]), TEST.assign(Id=[4, None, 5])):
        assert find_roles(train, other).id is None


def test_the_id_of_the_sample_may_be_a_column_that_only_test_rows_have() -> None:
    train = TRAIN.drop(columns=["z", "Id"])
    roles = find_roles(train, TEST, TEST[["Id"]].assign(y=0))
    assert (roles.target, roles.id) == ("y", "Id")
    assert roles.id_reason == "the sample submission has it; training rows have none"
    assert find_roles(train, TEST).id is None


def test_the_user_wins() -> None:
    roles = find_roles(TRAIN, TEST, TEST[["Id"]].assign(y=0), target="z", id_column="b")
    assert (roles.target, roles.target_reason, roles.id, roles.id_reason) == (
        "z",
        "given by --target",
        "b",
        "given by --id",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"test": TEST},
            r"The test table lacks 2 columns of the training table, .* the target: y, z\. Name it with --target",
        ),
        ({}, r"Without a test table or a sample submission, any column may be the target: Id, a, b, y, z\. Name it"),
        ({"id_column": "Id"}, "any column may be the target: a, b, y, z"),
        ({"test": TRAIN}, r"the target is unclear\. Name it with --target: Id, a, b, y, z\."),
        ({"target": "yy"}, "--target yy: the training table has no such column. Did you mean 'y'?"),
        ({"target": "y", "id_column": "id"}, "--id id: the training table has no such column. Did you mean 'Id'?"),
        ({"target": "y", "id_column": "y"}, "--id y: it is the target"),
    ],
)
def test_what_is_not_clear_is_refused_with_the_candidates(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_roles(TRAIN, **arguments)  # type: ignore[arg-type]


def test_a_sample_may_ask_for_several_targets_in_its_own_order() -> None:
    roles = find_roles(TRAIN, TEST, TRAIN[["Id", "z", "y"]])
    assert (roles.target, roles.target_reason, roles.id) == (["z", "y"], "columns of the sample submission", "Id")
    roles = find_roles(TRAIN, TEST, target="y, z")
    assert (roles.target, roles.target_reason) == (["y", "z"], "given by --target")


def test_of_very_many_candidates_the_first_are_listed() -> None:
    wide = pd.DataFrame({f"c{number}": [1, 2] for number in range(100)})
    with pytest.raises(DataError, match=r"c0, c1, .*, c11 and 88 more\."):
        find_roles(wide)
