"""The column of the query is found by the order of its values, and by those that test rows lack."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabular_dl.profiling.query_columns import find_query_column

QUERY = np.repeat(np.arange(20), 6)
TRAIN = pd.DataFrame({"query": QUERY, "pair": np.arange(120) // 2, "place": np.tile(np.arange(6), 20)})


def test_of_several_columns_whose_rows_follow_each_other_the_one_with_the_fewest_values_is_taken() -> None:
    assert find_query_column(TRAIN, None) == "query"
    assert find_query_column(TRAIN.assign(query="q" + TRAIN["query"].astype(str)), None) == "query"


def test_test_rows_have_queries_of_their_own() -> None:
    test = TRAIN.assign(pair=TRAIN["pair"] + 60)
    assert find_query_column(TRAIN, test) == "pair", "test rows share the values of the other column"
    assert find_query_column(TRAIN, TRAIN) is None
    assert find_query_column(TRAIN, test[["place"]]) is None


def test_rows_in_any_order_and_missing_values_are_no_evidence() -> None:
    shuffled = TRAIN.sample(frac=1, random_state=0)[["query"]]
    assert find_query_column(shuffled, None) is None
    assert find_query_column(TRAIN[["query"]].astype(float).mask(TRAIN["query"] == 3), None) is None
