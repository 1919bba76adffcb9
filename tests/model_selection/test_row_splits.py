"""Each word of `ensemble.split` is the splitter of scikit-learn that it names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import RowTimes, derived_seed
from tabular_dl.model_selection.folds import folds_by_time
from tabular_dl.model_selection.row_splits import RowKeys, quantile_strata, split_rows

RNG = np.random.default_rng(0)
ROWS = 60
LABELS, NUMBERS, GROUPS = RNG.integers(0, 3, ROWS), RNG.normal(size=ROWS), RNG.integers(0, 15, ROWS)
STRATA = np.argsort(np.argsort(NUMBERS)) // 6  # tenths
KEYS = RowKeys(groups=GROUPS)


def same(found: Any, expected: Any) -> bool:
    pairs = list(zip(found, expected, strict=True))
    return all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in pairs)


@pytest.mark.parametrize(
    ("split", "labels", "keys", "kind", "strata"),
    [
        (None, True, RowKeys(), StratifiedKFold, LABELS),
        (None, False, RowKeys(), KFold, None),
        (None, True, KEYS, StratifiedGroupKFold, LABELS),
        (None, False, KEYS, GroupKFold, None),
        ("group", True, KEYS, StratifiedGroupKFold, LABELS),
        ("group", False, KEYS, GroupKFold, None),
        ("plain", True, RowKeys(), KFold, None),
        ("plain", False, RowKeys(), KFold, None),
        ("stratified", True, RowKeys(), StratifiedKFold, LABELS),
        ("stratified", False, RowKeys(), StratifiedKFold, STRATA),
        ("stratified_group", True, KEYS, StratifiedGroupKFold, LABELS),
        ("stratified_group", False, KEYS, StratifiedGroupKFold, STRATA),
    ],
)
def test_a_split_is_that_of_scikit_learn(
    split: str | None, labels: bool, keys: RowKeys, kind: Any, strata: np.ndarray | None
) -> None:
    y = LABELS if labels else NUMBERS
    expected = kind(4, shuffle=True, random_state=7).split(np.zeros(ROWS), y if strata is None else strata, keys.groups)
    assert same(split_rows(split, 4, y, keys, classification=labels, seed=7), expected)


def test_repeats_are_divided_with_other_seeds_and_the_first_as_without() -> None:
    once = split_rows(None, 3, LABELS, RowKeys(), classification=True, seed=7)
    thrice = split_rows(None, 3, LABELS, RowKeys(), classification=True, seed=7, repeats=3)
    assert len(thrice) == 9
    assert same(thrice[:3], once)
    for repeat in (1, 2):
        own = split_rows(None, 3, LABELS, RowKeys(), classification=True, seed=derived_seed(7, repeat))
        assert same(thrice[3 * repeat : 3 * repeat + 3], own)
        assert not same(own, once)


def test_by_time_and_by_column_rows_go_where_they_are_told() -> None:
    times = RowTimes.of(np.arange(ROWS)[::-1], 1)
    assert same(
        split_rows("time", 4, NUMBERS, RowKeys(times=times), classification=False, seed=0), folds_by_time(4, times)
    )
    own = RowKeys(folds=np.arange(ROWS) % 3)
    found = split_rows("column", 5, NUMBERS, own, classification=False, seed=0)
    assert [test.tolist() for _, test in found] == [list(range(k, ROWS, 3)) for k in range(3)]
    assert [len(train) for train, _ in found] == [40, 40, 40]
    lacking = RowKeys(folds=(LABELS == 2).astype(int))
    with pytest.raises(
        DataError, match=r"^By the column of ensemble\.fold, fold 1 of 2 would have no row of"
    ) as refusal:
        split_rows("column", 5, LABELS, lacking, classification=True, seed=0)
    assert "ensemble.folds)" not in str(refusal.value), "folds of a column are as many as its values"


def test_plain_folds_of_a_rare_class_are_refused() -> None:
    y = (np.arange(ROWS) < 3).astype(int)
    with pytest.raises(DataError, match=r"^With split: plain, fold \d of 5 would have no row of the class 1"):
        split_rows("plain", 5, y, RowKeys(), classification=True, seed=0)


def test_several_targets_are_not_stratified() -> None:
    with pytest.raises(SpecError, match="split: stratified spreads one target over the folds, found 2: write plain"):
        split_rows("stratified", 3, np.zeros((ROWS, 2)), RowKeys(), classification=False, seed=0)


def test_strata_of_numbers_have_rows_for_each_fold_whatever_ties_there_are() -> None:
    for y in (np.zeros(23), np.r_[np.zeros(20), 1.0, 2.0, 3.0], NUMBERS):
        strata = quantile_strata(y, 5)
        assert np.bincount(strata).min() >= 5
        assert all(y[strata == k].max() <= y[strata == k + 1].min() for k in range(strata.max()))


def test_keys_of_some_rows_are_theirs() -> None:
    some = np.array([5, 1])
    keys = RowKeys(GROUPS, RowTimes.of(NUMBERS, 2), LABELS)[some]
    assert (keys.groups == GROUPS[some]).all()
    assert (keys.folds == LABELS[some]).all()
    assert keys.times is not None
    assert keys.times.gap == 2
    assert keys.together is keys.times
    assert RowKeys().together is None
