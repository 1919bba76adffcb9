"""Distributions are read as they are written, and what cannot be is refused by its leaf."""

from __future__ import annotations

from typing import Any

import pytest

from tabular_dl.errors import SpecError
from tabular_dl.model_selection.search_space import Choice, Range, flatten, read_distribution


@pytest.mark.parametrize("kind", ["log_uniform", "uniform", "int_uniform"])
def test_a_range_is_written_as_it_was_read(kind: str) -> None:
    found = read_distribution("x", {kind: [1, 8]})
    assert found == Range(kind, 1, 8)
    assert found.as_dict() == {kind: [1, 8]}
    assert read_distribution("x", Choice(("a", [1])).as_dict()) == Choice(("a", [1]))


def test_a_place_on_the_scale_is_a_value_again() -> None:
    log = Range("log_uniform", 1e-6, 1e-2)
    assert log.scale(1e-4) == pytest.approx(-4)
    assert log.value(-4) == pytest.approx(1e-4)
    assert Range("int_uniform", 1, 9).value(3.7) == 4


def test_nested_dotted_and_bare_leaves_are_found() -> None:
    leaf = {"uniform": [0, 1]}
    section = {"network": {"dropout": leaf}, "columns.0.scale": {"choice": ["minmax"]}, "l2": leaf}
    assert [name for name, _ in flatten(section)] == ["network.dropout", "columns.0.scale", "l2"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"log_uniform": [1, 0.1]},
            "search.x.log_uniform: expected a lower bound below the upper one, found [1, 0",
        ),
        ({"uniform": [1, 1]}, "search.x.uniform: expected a lower bound below the upper one, found [1, 1]"),
        ({"log_uniform": [0, 1]}, "search.x.log_uniform: a log scale has bounds above 0, found 0. Use uniform"),
        ({"log_uniform": [-1, 1]}, "a log scale has bounds above 0, found -1"),
        ({"uniform": [1]}, "expected two numbers, the lower first, found [1]"),
        ({"uniform": ["a", 2]}, "expected two numbers, the lower first, found ['a', 2]"),
        ({"uniform": [0, float("inf")]}, "expected two numbers"),
        ({"int_uniform": [0.5, 2]}, "expected whole numbers, found [0.5, 2]"),
        ({"choice": []}, "search.x.choice: expected a list of values, found []"),
        ({"loguniform": [1, 2]}, "search.x: there is no distribution 'loguniform'. Did you mean 'log_uniform'"),
        (0.5, "search.x: expected a distribution like {uniform: [0, 0.5]}, found 0.5"),
        ({}, "expected a distribution"),
    ],
)
def test_what_cannot_be_is_named(value: Any, message: str) -> None:
    with pytest.raises(SpecError) as error:
        read_distribution("x", value)
    assert message in str(error.value)
