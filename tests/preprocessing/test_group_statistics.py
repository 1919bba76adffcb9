"""Statistics of groups against a plain loop."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.preprocessing.group_statistics import group_keys, learn_statistics, statistics_of

PLAIN = {"mean": np.mean, "median": statistics.median, "std": np.std, "min": min, "max": max}
ROW = st.tuples(st.floats(-100, 100) | st.just(float("nan")), st.sampled_from("ab") | st.none(), st.sampled_from("xy"))


@pytest.mark.parametrize("name", PLAIN)
@given(st.lists(ROW, min_size=1, max_size=12), st.booleans())
def test_a_groups_statistic_is_that_of_its_known_numbers(name: str, rows: list[tuple], several: bool) -> None:
    columns = [pd.Series([row[place] for row in rows], dtype="str") for place in ((1, 2) if several else (1,))]
    numbers = np.array([row[0] for row in rows])
    keys = group_keys(columns)
    found = statistics_of(keys, learn_statistics(numbers, keys, name))

    def of(chosen: list[float]) -> float | None:
        known = [number for number in chosen if number == number]
        return float(PLAIN[name](known)) if known else None

    overall = of(list(numbers))
    for value, (_, first, second) in zip(found, rows, strict=True):
        together = [n for n, f, s in rows if f == first and (s == second or not several)] if first else []
        expected = of(together) if of(together) is not None else overall
        assert np.isnan(value) if expected is None else value == pytest.approx(expected, abs=1e-9)


def test_groups_are_the_same_text_whatever_type_holds_them() -> None:
    learned = learn_statistics(np.array([1.0, 2.0]), group_keys([pd.Series([1, 2])]), "mean")
    assert statistics_of(group_keys([pd.Series([2.0, None])]), learned).tolist() == [2.0, 1.5]
