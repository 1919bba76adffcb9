"""Trees get the order of values, the same in all tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.checks.ranks import sample_size, sampled, tree_input

VALUES = st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.none()), min_size=1, max_size=20)


@settings(max_examples=50)
@given(VALUES, VALUES)
def test_places_keep_the_order_of_values_across_tables(one: list, other: list) -> None:
    frames = [pd.DataFrame({"x": pd.Series(values, dtype="float64")}) for values in (one, other)]
    places = np.concatenate(tree_input(*frames))[:, 0]
    known = sorted({0.0 + value for value in one + other if value is not None})
    expected = [np.nan if value is None else known.index(value) for value in one + other]
    np.testing.assert_array_equal(places, np.array(expected, dtype=np.float32))


def test_text_is_in_the_order_of_the_alphabet_and_missing_is_nan() -> None:
    (matrix,) = tree_input(pd.DataFrame({"c": pd.Series(["b", None, "a", "b"], dtype=object)}))
    np.testing.assert_array_equal(matrix[:, 0], [1, np.nan, 0, 1])


def test_a_sample_is_of_different_rows_fixed_by_the_seed_and_smaller_for_wide_tables() -> None:
    table = pd.DataFrame(np.arange(9000).reshape(3000, 3))
    drawn = sampled(table, seed=1)
    assert len(drawn) == len(set(drawn.index)) == sample_size(table) == 1500
    assert drawn.equals(sampled(table, seed=1))
    assert not drawn.equals(sampled(table, seed=2))
    assert sample_size(pd.DataFrame(columns=range(1000))) == 400
    assert sample_size(pd.DataFrame(columns=range(10_000))) == 300
    assert sampled(table.head(9), seed=1) is not None
    assert sampled(table.head(9), seed=1).index.tolist() == list(range(9))
