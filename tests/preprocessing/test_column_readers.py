"""Columns become numbers, categories or flags; what cannot be read is named by column, row and value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import TransformerMixin, clone

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.column_readers import CategoryColumns, MissingFlags, NumericColumns


@pytest.mark.parametrize("transformer", [NumericColumns(), CategoryColumns(), MissingFlags()])
def test_the_readers_of_columns_follow_the_contract(transformer: TransformerMixin) -> None:
    frame = pd.DataFrame({"a": [1.0, None], "b": [True, False]})
    fit = clone(transformer).fit(frame)
    assert (fit.n_features_in_, fit.feature_names_in_.tolist()) == (2, ["a", "b"])
    framed = clone(transformer).set_output(transform="pandas").fit_transform(frame)
    assert list(framed) == fit.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match="feature names"):
        fit.transform(frame.rename(columns={"a": "c"}))


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["uint8", "uint8"], "uint8"),
        (["int8", "int8"], "int8"),
        (["float32", "float32"], "float32"),
        (["uint8", "int8"], "float64"),
        (["int64", "int64"], "float64"),
        (["bool", "uint8"], "float64"),
        (["uint8", "str"], "float64"),
    ],
)
def test_a_table_of_one_narrow_type_stays_as_narrow(types: list[str], expected: str) -> None:
    frame = pd.DataFrame([[0, 1], [1, 0]], columns=["a", "b"]).astype(dict(zip("ab", types, strict=True)))
    found = NumericColumns().fit_transform(frame)
    assert found.dtype == expected
    np.testing.assert_array_equal(found, [[0, 1], [1, 0]])


def test_an_infinite_value_of_a_wide_table_is_named_as_in_any_other() -> None:
    frame = pd.DataFrame(np.zeros((3, 4), np.float32), columns=list("abcd"), index=[1, 2, 3])
    frame.loc[2, "c"] = np.inf
    with pytest.raises(DataError, match="column 'c', row 2: expected a finite number, found inf"):
        NumericColumns().fit(frame)


def test_categories_are_text_that_is_the_same_for_every_type() -> None:
    whole = pd.DataFrame({"a": [1, 2, 1], "b": [True, False, True]})
    found = CategoryColumns().fit(whole).transform(whole.astype(object))
    assert found.tolist() == [["1", "True"], ["2", "False"], ["1", "True"]]
    gap = CategoryColumns().fit(whole).transform(whole.assign(a=[1.0, None, 2.5]))[:, 0].tolist()
    assert gap[::2] == ["1", "2.5"]
    assert np.isnan(gap[1])


def test_flags_say_what_is_missing_in_columns_of_any_kind() -> None:
    frame = pd.DataFrame({"a": [1.0, None], "b": [None, "x"], "c": pd.to_datetime(["2020-01-01", None])})
    assert MissingFlags().fit(frame).transform(frame).tolist() == [[0, 1, 0], [1, 0, 1]]
