"""Folds: every row is tested once, classes are spread, and whole groups stay together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

from tabular_dl.errors import DataError
from tabular_dl.estimators import RowTimes
from tabular_dl.model_selection.folds import fewest_times, folds_by_time, group_codes, make_folds, read_folds

NUMBERS = np.linspace(0, 1, 40)
LABELS = np.arange(40) % 3


@pytest.mark.parametrize(("y", "stratified", "kind"), [(NUMBERS, False, KFold), (LABELS, True, StratifiedKFold)])
def test_without_groups_they_are_those_of_scikit_learn(y: np.ndarray, stratified: bool, kind: type) -> None:
    expected = kind(4, shuffle=True, random_state=7).split(NUMBERS[:, None], y)
    for found, known in zip(make_folds(4, y, stratified=stratified, seed=7), expected, strict=True):
        np.testing.assert_array_equal(found[0], known[0])
        np.testing.assert_array_equal(found[1], known[1])


@pytest.mark.parametrize(("cv", "folds"), [(4, 4), (np.int64(4), 4), (None, 5)])
@pytest.mark.parametrize(
    ("y", "classification", "kind"),
    [
        (np.sort(LABELS), True, StratifiedKFold),
        (NUMBERS, False, KFold),
        (LABELS, False, KFold),
        (np.column_stack([NUMBERS, NUMBERS]), False, KFold),
    ],
    ids=["labels", "numbers", "whole numbers", "several numbers"],
)
def test_a_number_of_folds_is_one_whatever_its_type(
    cv: Any, folds: int, y: np.ndarray, classification: bool, kind: type
) -> None:
    expected = kind(folds, shuffle=True, random_state=7).split(NUMBERS[:, None], y)
    found = read_folds(cv, NUMBERS[:, None], y, classification=classification, seed=7)
    for (train, test), known in zip(found, expected, strict=True):
        np.testing.assert_array_equal(train, known[0])
        np.testing.assert_array_equal(test, known[1])


def test_rows_with_several_labels_are_stratified_by_the_rarest_of_them() -> None:
    random = np.random.default_rng(0)
    y = (random.random((200, 3)) < [0.5, 0.1, 0.03]).astype(int)
    y[:8, 2] = 1
    for classes in (y, np.where(y == 1, "yes", "no")):
        folds = [test for _, test in read_folds(4, np.zeros((200, 1)), classes, classification=True, seed=0)]
        for column in y.T:
            counts = [int(column[test].sum()) for test in folds]
            assert min(counts) >= 1, counts
        assert max(counts) - min(counts) <= 1  # of the rarest label
    one_each = np.eye(3, dtype=int)[[0, 1, 2, 2]]
    found = read_folds(2, np.zeros((4, 1)), np.hstack([one_each, 1 - one_each]), classification=True, seed=0)
    assert sorted(np.concatenate([test for _, test in found])) == [0, 1, 2, 3]


def test_what_splits_by_itself_does() -> None:
    for cv in (KFold(4), list(KFold(4).split(NUMBERS))):
        found = read_folds(cv, NUMBERS[:, None], LABELS, classification=True, seed=7)
        assert [test.tolist() for _, test in found] == [list(range(k, k + 10)) for k in range(0, 40, 10)]
    with pytest.raises(ValueError, match="Expected `cv` as an integer, a cross-validation object"):
        read_folds("five", NUMBERS[:, None], LABELS, classification=True, seed=7)


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=4, max_size=20), folds=st.integers(2, 4), seed=st.integers(0, 2**31 - 1)
)
def test_whole_groups_are_tested_once_and_together(sizes: list[int], folds: int, seed: int) -> None:
    groups = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    splits = make_folds(folds, np.zeros(len(groups)), groups, stratified=False, seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(len(groups)))
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == len(groups)


def test_classes_are_spread_over_folds_of_whole_groups() -> None:
    groups = np.repeat(np.arange(60), 3)
    y = (groups % 3 == 0).astype(int)
    splits = make_folds(5, y, groups, stratified=True, seed=0)
    assert [float(y[test].mean()) for _, test in splits] == pytest.approx([1 / 3] * 5, abs=0.1)
    again = make_folds(5, y, groups, stratified=True, seed=0)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(splits, again, strict=True))
    other = make_folds(5, y, groups, stratified=True, seed=1)
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(splits, other, strict=True))


@pytest.mark.parametrize(
    ("y", "groups", "stratified", "message"),
    [
        (NUMBERS, np.arange(40) % 3, False, r"^3 groups are fewer than the 5 folds: take fewer folds"),
        (np.arange(40) // 30, np.arange(40) // 5, True, r"^With whole groups, fold \d of 5 would have no row of the"),
    ],
)
def test_groups_that_make_no_folds_are_refused(
    y: np.ndarray, groups: np.ndarray, stratified: bool, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        make_folds(5, y, groups, stratified=stratified, seed=0)


def test_groups_are_numbered_whatever_their_type() -> None:
    expected = [0, 1, 0, 2]
    for values in (["b", "a", "b", "c"], [2.0, 1.0, 2.0, 0.5], pd.to_datetime(["2020", "2021", "2020", "2022"])):
        assert group_codes(pd.Series(values), "t.csv, column g").tolist() == expected
    holes = pd.Series(["b", None, None], index=[1, 2, 3])
    with pytest.raises(DataError, match=r"^t\.csv, column g \(ensemble\.group\), row 2: the value is missing \(2 such"):
        group_codes(holes, "t.csv, column g")


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(1, 6), min_size=4, max_size=30),
    folds=st.integers(2, 5),
    gap=st.integers(0, 4),
    seed=st.integers(0, 2**31 - 1),
)
def test_no_row_is_trained_on_that_is_later_than_the_first_of_the_fold_minus_the_gap(
    counts: list[int], folds: int, gap: int, seed: int
) -> None:
    times = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)) * 10, counts))
    if len(counts) < fewest_times(folds, gap):
        with pytest.raises(DataError, match=r"different times are fewer than the \d+ that"):
            folds_by_time(folds, RowTimes.of(times, gap))
        return
    splits = folds_by_time(folds, RowTimes.of(times, gap))
    assert len(splits) == folds
    for (train, test), following in zip(splits, [*splits[1:], None], strict=True):
        # Times are tens: between the latest training row and the first test row are `gap` of them.
        assert times[train].max() == times[test].min() - 10 * (gap + 1)
        np.testing.assert_array_equal(np.sort(train), np.flatnonzero(times <= times[train].max()))
        assert len(np.unique(times[train])) >= gap + 2  # one to train on and one to hold out, a gap apart
        if following is not None:
            assert times[test].max() < times[following[1]].min()
    tested = np.concatenate([test for _, test in splits])
    np.testing.assert_array_equal(np.sort(tested), np.flatnonzero(times >= times[splits[0][1]].min()))


def test_times_without_ties_are_divided_as_by_scikit_learn() -> None:
    times = np.random.default_rng(0).permutation(60).astype(float)
    order = np.argsort(times)
    expected = TimeSeriesSplit(4, gap=2).split(times)
    for (train, test), (known_train, known_test) in zip(folds_by_time(4, RowTimes.of(times, 2)), expected, strict=True):
        np.testing.assert_array_equal(np.sort(train), np.sort(order[known_train]))
        np.testing.assert_array_equal(np.sort(test), np.sort(order[known_test]))


def test_folds_by_time_have_every_class_and_learn_two() -> None:
    times = RowTimes.of(np.arange(12))
    with pytest.raises(DataError, match=r"^By time, fold 3 of 3 would have no row of the class 'b'"):
        make_folds(3, np.array(list("ababababaaaa")), times, stratified=True, seed=0)
    with pytest.raises(DataError, match=r"^By time, fold 1 of 3 would be trained on rows of the class 'a' only"):
        make_folds(3, np.array(list("aaaabababaab")), times, stratified=True, seed=0)
