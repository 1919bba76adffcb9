"""NDCG equals a plain loop over scikit-learn's function for each query, of all rows and of any that are chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from tabular_dl.errors import DataError, SpecError
from tabular_dl.problems.metrics import get_metric
from tabular_dl.problems.queries import (
    check_whole_queries,
    metric_at,
    resampled_rows,
    some_rows,
    with_queries,
)

RNG = np.random.default_rng(0)
ROWS = 60
QUERIES = RNG.permutation(np.repeat(np.arange(12), 5))
RELEVANCE = RNG.integers(0, 5, ROWS)
SCORES = RNG.random(ROWS).round(1)  # with ties


def looped(y: Any, scores: Any, queries: Any, k: int | None = None) -> float:
    """Return the mean of scikit-learn's NDCG over queries; a single row is in the best order, if it is relevant."""
    values = []
    for query in np.unique(queries):
        truth, predicted = y[queries == query], scores[queries == query]
        values.append(float(truth[0] > 0) if len(truth) == 1 else ndcg_score([truth], [predicted], k=k))
    return float(np.mean(values))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=25),
    st.sampled_from([None, 1, 2, 3, 30]),
)
def test_ndcg_is_the_mean_of_scikit_learns_over_the_queries(rows: list[tuple[int, int, int]], k: int | None) -> None:
    queries, relevance, scores = np.array(rows).T
    metric = with_queries(get_metric("ndcg" if k is None else f"ndcg:{k}"), queries)
    expected = looped(relevance, scores, queries, k)
    assert metric(relevance.astype(float), scores.astype(np.float32)) == pytest.approx(expected)


def test_queries_without_relevant_rows_count_0_and_a_single_row_1_if_it_is_relevant() -> None:
    metric = with_queries(get_metric("ndcg"), ["none", "none", "one", "zero"])
    assert metric(np.array([0.0, 0.0, 3.0, 0.0]), np.array([1.0, 2.0, 0.1, 0.1])) == pytest.approx((0 + 1 + 0) / 3)


def test_classes_are_ordered_by_their_expected_relevance() -> None:
    p = RNG.dirichlet(np.ones(5), ROWS)
    metric = with_queries(get_metric("ndcg:3"), QUERIES)
    expected = looped(RELEVANCE, p @ np.arange(5), QUERIES, 3)
    assert metric(RELEVANCE, p, np.arange(5)) == pytest.approx(expected)
    # Labels that the classes lack, as answers may have them, count by their number.
    truth = np.where(RELEVANCE == 4, 9, RELEVANCE)
    assert metric(truth, p, np.arange(5)) == pytest.approx(looped(truth, p @ np.arange(5), QUERIES, 3))


def test_of_two_classes_the_second_is_relevant_and_numbers_count_as_they_are() -> None:
    p = RNG.random(ROWS)
    both, hit = np.stack([1 - p, p], axis=1), RELEVANCE > 2
    metric = with_queries(get_metric("ndcg"), QUERIES)
    expected = looped(hit.astype(int), p, QUERIES)
    assert metric(hit.astype(int), both, np.arange(2)) == pytest.approx(expected)
    assert metric(np.where(hit, "yes", "no"), both, np.array(["no", "yes"])) == pytest.approx(expected)
    from_one = looped(np.where(hit, 3, 1), p, QUERIES)
    assert metric(np.where(hit, 3, 1), both, np.array([1, 3])) == pytest.approx(from_one)


def test_of_several_targets_the_score_is_the_mean() -> None:
    metric = with_queries(get_metric("ndcg"), QUERIES)
    y = np.column_stack([RELEVANCE, RELEVANCE[::-1]]).astype(float)
    each = [looped(column, SCORES, QUERIES) for column in y.T]
    assert metric(y, np.column_stack([SCORES, SCORES])) == pytest.approx(np.mean(each))


def test_without_the_queries_of_the_very_rows_there_is_no_score() -> None:
    ndcg = get_metric("ndcg")
    with pytest.raises(SpecError, match="60 rows to score, and queries of none"):
        ndcg(RELEVANCE, SCORES)
    bound = with_queries(ndcg, QUERIES)
    with pytest.raises(SpecError, match="30 rows to score, and queries of those of 60 rows"):
        bound(RELEVANCE[:30], SCORES[:30])
    with pytest.raises(SpecError, match="rows have no weights"):
        bound(RELEVANCE, SCORES, None, np.ones(ROWS))
    for classes in (np.array(["bad", "fair", "good"]), np.array([-1, 0, 1])):
        with pytest.raises(DataError, match="ndcg is for classes that are numbers from 0 on"):
            bound(classes[RELEVANCE % 3], np.full((ROWS, 3), 1 / 3), classes)
    with pytest.raises(DataError, match=r"The target, row 0: ndcg is for numbers from 0 on, found -1\."):
        bound(np.full(ROWS, -1.0), SCORES)


def test_rows_take_their_queries_with_them_and_copies_of_a_query_count_as_queries() -> None:
    metric = with_queries(get_metric("ndcg"), QUERIES)
    rows = RNG.permutation(np.flatnonzero(QUERIES < 4))
    expected = looped(RELEVANCE[rows], SCORES[rows], QUERIES[rows])
    assert metric_at(metric, rows)(RELEVANCE[rows], SCORES[rows]) == pytest.approx(expected)
    drawn = resampled_rows(metric, ROWS, np.random.default_rng(3))
    of_queries = [QUERIES[drawn[start]] for start in range(0, ROWS, 5)]  # each has five rows
    assert len(drawn) == ROWS
    assert len({*of_queries}) < 12, "some are drawn several times"
    several = [np.flatnonzero(np.isin(QUERIES, query)) for query in of_queries]
    each = [looped(RELEVANCE[rows], SCORES[rows], QUERIES[rows]) for rows in several]
    assert metric_at(metric, drawn)(RELEVANCE[drawn], SCORES[drawn]) == pytest.approx(np.mean(each))


def test_metrics_of_rows_are_left_as_they_are() -> None:
    rmse = get_metric("rmse")
    assert with_queries(rmse, QUERIES) is rmse
    assert metric_at(rmse, np.arange(3)) is rmse
    check_whole_queries(rmse, [np.arange(7)], "folds.csv")
    again = np.random.default_rng(0)
    assert resampled_rows(rmse, 9, np.random.default_rng(0)).tolist() == again.integers(0, 9, 9).tolist()


def test_some_rows_are_those_of_whole_queries() -> None:
    metric, rng = with_queries(get_metric("ndcg"), QUERIES), np.random.default_rng(0)
    among = np.flatnonzero(QUERIES % 2 == 0)
    rows = some_rows(metric, among, 18, rng)
    assert np.unique(QUERIES[rows], return_counts=True)[1].tolist() == [5, 5, 5]
    assert {*rows} < {*among}
    assert len(some_rows(metric, among, 2, rng)) == 5, "one query at least"
    assert some_rows(metric, among, 30, rng) is among
    assert len(some_rows(get_metric("rmse"), among, 18, rng)) == 18


def test_folds_that_break_a_query_are_refused() -> None:
    metric = with_queries(get_metric("ndcg:10"), QUERIES)
    check_whole_queries(metric, [np.flatnonzero(QUERIES < 6), np.flatnonzero(QUERIES >= 6)], "folds.csv")
    with pytest.raises(
        DataError, match=r"folds\.csv: fold 1 has [1-4] of the 5 rows of a query .* ndcg:10 is the mean"
    ):
        check_whole_queries(metric, [np.arange(30), np.arange(30, 60)], "folds.csv")


def test_a_cut_is_optional_and_a_whole_number() -> None:
    assert (get_metric("ndcg").name, get_metric("ndcg:10").name) == ("ndcg", "ndcg:10")
    with pytest.raises(SpecError, match="ndcg: expected a whole k from 1 to 100000, found 0"):
        get_metric("ndcg:0")
