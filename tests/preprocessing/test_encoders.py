"""Encoders of ours, each against a plain count; the folds of target encoding against scikit-learn's."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.encoders import RARE, EncodingFolds, FrequencyEncoder, HashedCategories, RareCategories

VALUES = st.lists(st.sampled_from("abc") | st.none(), min_size=1, max_size=15)


def column(values: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"A": pd.Series(values, dtype="str")})


@given(VALUES, VALUES)
def test_a_frequency_is_the_share_of_training_rows_with_the_value(training: list[object], later: list[object]) -> None:
    found = FrequencyEncoder().fit(column(training)).transform(column(later))
    expected = [training.count(value) / len(training) for value in later]
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-12)


def test_frequencies_of_several_columns_of_any_type() -> None:
    training = pd.DataFrame({"A": [1, 1, 2, 3], "B": ["x", None, None, "y"]})
    later = pd.DataFrame({"A": [1.0, None, 2.0], "B": ["never", None, "x"]})
    np.testing.assert_array_equal(FrequencyEncoder().fit(training).transform(later), [[0.5, 0], [0, 0.5], [0.25, 0.25]])


@given(VALUES, VALUES, st.integers(1, 5))
def test_rare_categories_and_unseen_ones_become_one_and_missing_stays(
    training: list[object], later: list[object], least: int
) -> None:
    counts = Counter(value for value in training if value is not None)
    any_rare = any(count < least for count in counts.values())
    found = RareCategories(least).fit(column(training)).transform(column(later))[:, 0]
    for value, result in zip(later, found, strict=True):
        if value is None:
            assert np.isnan(result)
        else:
            assert result == (RARE if counts[value] < least and any_rare else value)


@settings(max_examples=20)
@given(st.lists(st.text(max_size=4) | st.none(), min_size=1, max_size=12), st.integers(2, 50))
def test_a_bucket_is_a_digest_of_the_text_alone(texts: list[str | None], buckets: int) -> None:
    """Nothing is learned: a category has its bucket whatever was fitted on, in every process and on every machine."""
    hashed = (
        HashedCategories(buckets).fit(column(["other"])).transform(pd.DataFrame({"A": pd.Series(texts, dtype=object)}))
    )
    for text, bucket in zip(texts, hashed[:, 0], strict=True):
        if text is None:
            assert np.isnan(bucket)
            continue
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        assert bucket == str(int(digest, 16) % buckets)


def test_numbers_have_the_bucket_of_their_text_and_many_categories_fill_the_buckets_evenly() -> None:
    numbers = HashedCategories(8).fit_transform(pd.DataFrame({"A": [1, 2, 1], "B": [1.0, None, 2.0]}))
    assert numbers[0, 0] == numbers[2, 0] == numbers[0, 1]
    counts = Counter(HashedCategories(10).fit_transform(pd.DataFrame({"A": range(5000)}))[:, 0])
    assert len(counts) == 10
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_the_folds_of_labels_are_scikit_learns_stratified_ones_and_of_numbers_its_plain_ones() -> None:
    y = np.arange(40) % 4 // 3
    for folds, expected in (
        (EncodingFolds(stratified=True, random_state=3), StratifiedKFold(5, shuffle=True, random_state=3)),
        (EncodingFolds(stratified=False, random_state=3), KFold(5, shuffle=True, random_state=3)),
    ):
        for one, other in zip(folds.split(y, y), expected.split(y, y), strict=True):
            np.testing.assert_array_equal(one[1], other[1])


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=12), st.booleans())
def test_however_few_the_rows_of_a_class_each_row_is_encoded_once(labels: list[str], stratified: bool) -> None:
    parts = list(EncodingFolds(stratified=stratified, random_state=0).split(np.zeros(len(labels)), np.array(labels)))
    assert 2 <= len(parts) <= 5
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(len(labels)))
    for rest, test in parts:
        assert not set(rest) & set(test)
        assert len(rest)


def test_one_row_cannot_be_encoded_by_others() -> None:
    with pytest.raises(DataError, match=r"encode: target needs two training rows or more, found 1. Use encode: freq"):
        EncodingFolds(stratified=False).split(np.zeros(1), np.zeros(1))
