"""Findings are ordered by their level and by what they may cost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.checks.finding import LEVELS, Finding, by_level


@given(st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from("abc")), max_size=8))
def test_errors_come_first_and_findings_of_a_level_stay_in_order(content: list[tuple[str, str]]) -> None:
    findings = [Finding(level, code, "") for level, code in content]
    expected = [finding for level in ("error", "warning", "note") for finding in findings if finding.level == level]
    assert list(by_level(findings)) == expected


def test_of_a_level_what_misleads_most_comes_first() -> None:
    codes = ["outliers", "drift", "group", "id", "time", "leak"]
    findings = [Finding(level, code, "") for level in ("note", "warning") for code in codes]
    ordered = ["leak", "time", "group", "drift", "outliers", "id"]
    assert [(finding.level, finding.code) for finding in by_level(findings)] == [
        (level, code) for level in ("warning", "note") for code in ordered
    ]
    errors = [Finding("error", code, "") for code in codes]
    assert list(by_level(errors)) == errors, "errors are told in the order of the tables"
