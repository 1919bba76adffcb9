"""Units are converted inside one dimension, and nowhere else."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.tables.units import DIMENSIONS, conversion, dimensions, number_problem, unit_key

KNOWN = [spelling for units in DIMENSIONS.values() for names in units for spelling in names.split("|")]


@pytest.mark.parametrize(
    ("unit", "to", "factor"),
    [
        ("km", "m", 1000),
        ("lb", "kg", 0.45359237),
        ("ft", "in", 12),
        ("h", "min", 60),
        ("days", "hours", 24),
        ("yrs", "months", 12),
        ("GB", "MB", 1024),
        ("CC", "L", 0.001),
        ("sqm", "sq. ft", 10.763910417),
        ("mph", "km/h", 1.609344),
        ("m", "min", 1),
        ("m", "cm", 100),
    ],
)
def test_units_of_one_dimension_are_converted(unit: str, to: str, factor: float) -> None:
    assert conversion(unit, to) == pytest.approx(factor)
    assert conversion(to, unit) == pytest.approx(1 / factor)


@pytest.mark.parametrize(("unit", "to"), [("kmpl", "km/kg"), ("kg", "km"), ("$", "€"), ("m", "kg"), ("M", "m")])
def test_units_without_a_common_dimension_are_not(unit: str, to: str) -> None:
    assert conversion(unit, to) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("KMPL", "kmpl"), ("Bedrooms", "Bedroom"), ("yrs.", "year"), ("Sq.Ft.", "sq ft"), ("USD", "$"), ("cc", "CC")],
)
def test_spellings_of_one_unit_are_equal(one: str, other: str) -> None:
    assert conversion(one, other) == 1


def test_each_spelling_belongs_to_one_unit_of_a_dimension() -> None:
    for units in DIMENSIONS.values():
        keys = [{unit_key(spelling) for spelling in names.split("|")} for names in units]
        assert not [pair for pair in combinations(keys, 2) if pair[0] & pair[1]]
    assert all(dimensions(spelling) for spelling in KNOWN)


@given(st.sampled_from(KNOWN), st.sampled_from(KNOWN))
def test_there_and_back_is_where_one_was(unit: str, to: str) -> None:
    factor, back = conversion(unit, to), conversion(to, unit)
    assert (factor is None) == (back is None)
    assert factor is None or back is None or factor * back == pytest.approx(1)


@pytest.mark.parametrize("value", ["kmpl", "$", "%", "km/kg", True, ["kmpl", "km/kg"], "sq ft", "°C"])
def test_a_unit_a_list_and_true_are_valid(value: object) -> None:
    assert number_problem(value) is None


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (False, "found False"),
        ("", "found ''"),
        ("12 kg", "found '12 kg'"),
        ([], "found []"),
        (3, "found 3"),
        (["kg", True], "found ['kg', True]"),
        (["kg", "g"], "one unit is enough for 'kg' and 'g'"),
    ],
)
def test_other_values_are_refused(value: object, part: str) -> None:
    assert part in str(number_problem(value))
