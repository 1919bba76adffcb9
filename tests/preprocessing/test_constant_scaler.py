"""A constant divides, into float32, whatever the numbers were before."""

from __future__ import annotations

import numpy as np
import pytest

from tabular_dl.preprocessing.scalers import ConstantScaler


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_numbers_of_every_type_are_divided_into_float32(kind: type) -> None:
    X = np.arange(6).reshape(2, 3).astype(kind)
    found = ConstantScaler(4).fit(X).transform(X)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[0, 0.25, 0.5], [0.75, 1, 1.25]])


def test_a_missing_value_stays_missing_and_the_input_as_it_was() -> None:
    X = np.array([[np.nan, 8.0]])
    found = ConstantScaler(16).fit_transform(X)
    assert np.isnan(found[0, 0])
    assert found[0, 1] == 0.5
    assert X[0, 1] == 8.0


def test_names_of_columns_are_kept() -> None:
    assert ConstantScaler().fit([[1, 2]]).get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]
