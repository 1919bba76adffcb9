"""Regular expressions of pipeline files: the results of Python's `re`, and an end in time."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.limits import VARIABLE
from tabular_dl.preprocessing import DerivedFeatures
from tabular_dl.preprocessing.feature_rules import first_mistake
from tabular_dl.preprocessing.text_patterns import first_groups, pattern_problem

TEXTS = ["Braund, Mr. Owen", "C85", "sold 2019-03-01\n", "", "née Müller", "x1 x22", "AAA bb", "line\nline", "ß9", "_"]


@pytest.mark.parametrize(
    "pattern",
    [
        *("^([A-Z])", r", ([^.]+)\.", "([0-9]{4})", r"\w+", r"(\d+)$", r"(?i)m(r|ü)", r"x(?=22)", r"(.)\1", "$", r"\Z"),
        *("(?m)^line$", "(?s)e.l", r"(a)|b", r"\bb", "[^a-z]", "(?P<year>[0-9]{4})-", r"(?<=x)\d", "a*?", "(?:ab?)+"),
    ],
)
def test_the_first_group_is_that_of_pythons_own_module(pattern: str) -> None:
    expected = []
    for text in TEXTS:
        match = re.search(pattern, text)
        expected.append(None if match is None else match.group(1 if match.re.groups else 0))
    found = first_groups(pattern, [*TEXTS, None, 3.5], "a feature")
    assert [value if isinstance(value, str) else None for value in found] == [*expected, None, None]


def test_a_pattern_that_would_take_for_ever_ends_with_its_feature_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0.1")
    table = pd.DataFrame({"name": ["a" * 5000 + "b"] * 3})
    features = DerivedFeatures({"Ends": {"from": "name", "extract": "(a|a)*$"}})
    with pytest.raises(DataError, match=r"'Ends', key 'extract': '\(a\|a\)\*\$' takes more than 1 s.*--limits") as told:
        features.fit(table)
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a" * 1001, "1,001 characters"),
        ("((a{1000}){1000}){1000}", "repeats its parts 1,000,000,000 times"),
        ("a{100000001}", "--limits"),
        ("a{99999999999999999999}", "repeats its parts"),
        ("(" * 400 + ")" * 400, "not a regular expression"),
        ("(?R)", "not a regular expression"),
        ("[a-", "not a regular expression"),
        (3, "in quotes, found 3"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_before_it_is_compiled(pattern: object, reason: str) -> None:
    assert reason in str(pattern_problem(pattern))


def test_dates_that_are_counted_are_no_repeats() -> None:
    assert pattern_problem("([0-9]{4})-[0-9]{2}-[0-9]{2}T[0-9]{2}") is None
    assert pattern_problem("a{0}b{1,}") is None


def test_a_format_with_a_part_twice_is_refused() -> None:
    key, message = first_mistake("Year", {"from": "day", "date": "year", "format": "%Y %Y"}) or (None, "")
    assert key == "format"
    assert "redefinition" in message
