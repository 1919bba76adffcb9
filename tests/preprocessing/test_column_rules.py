"""Column rules refuse nonsense with a reason; numbers and categories are read the same from every type."""

import datetime

import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tabular_dl.errors import DataError, SpecError
from tabular_dl.preprocessing import encoders, piecewise, scalers, text_encoder
from tabular_dl.preprocessing.column_rules import ENCODERS, IMPUTERS, SCALERS, ColumnRule, read_rules
from tabular_dl.tables.values import category_text, read_categories, read_numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("written", "impute", "fill_value"),
    [
        ({}, "median", None),
        ({"scale": "minmax"}, "median", None),
        ({"impute": None, "encode": "none"}, "median", None),
        ({"impute": "none"}, "none", None),
        ({"impute": {"constant": -1}}, "constant", -1),
        ({"impute": "constant", "fill_value": 0}, "constant", 0),
        ({"encode": "onehot"}, "none", None),
        ({"encode": "label", "impute": {"constant": "none"}}, "constant", "none"),
        ({"encode": "onehot", "impute": {"constant": False}}, "constant", False),
        ({"encode": "target", "rare": 5, "scale": "standard"}, "none", None),
        ({"clip": 0.01, "rare": 1, "scale": "power"}, "median", None),
        ({"encode": "piecewise"}, "median", None),
        (
            {"encode": "piecewise", "bins": 4, "bin_strategy": "tree", "clip": 0.01, "missing_flag": True},
            "median",
            None,
        ),
        ({"encode": "piecewise", "impute": {"constant": -1}}, "constant", -1),
    ],
)
def test_a_rule_writes_out_its_defaults_and_reads_back_as_itself(written, impute, fill_value):
    rule = ColumnRule.model_validate({"columns": ["A"], **written})
    assert (rule.impute, rule.fill_value, type(rule.fill_value)) == (impute, fill_value, type(fill_value))
    assert ColumnRule.model_validate(rule.model_dump()) == rule
    assert ColumnRule.model_validate(rule.model_dump(exclude_defaults=True)) == rule


def test_a_constant_to_scale_by_is_written_in_one_word_and_reads_back():
    rule = ColumnRule.model_validate({"columns": ["pixel*"], "scale": {"constant": 255}})
    assert (rule.scale, rule.divisor) == ("constant", 255.0)
    assert ColumnRule.model_validate(rule.model_dump(exclude_defaults=True)) == rule


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"columns": []}, "expected a list of 1 or more, found"),
        ({"columns": "Age"}, "expected a list, found 'Age'"),
        ({"columns": ["A", "B", "A"]}, "named twice: A"),
        ({"scael": "minmax"}, "rule 1, scael: there is no such key. Did you mean 'scale'"),
        ({"scael": None}, "rule 1, scael: there is no such key"),
        ({"scale": {"constnt": 255}}, "scale: expected {constant: number}, found {'constnt': 255}"),
        ({"scale": {"constant": 0}}, "rule 1: scale: .* above 0, found 0.0"),
        ({"scale": {"constant": float("nan")}}, "rule 1: scale: .* above 0, found nan"),
        ({"scale": {"constant": "pixels"}}, "rule 1, divisor: expected a number, found 'pixels'"),
        ({"scale": "constant"}, "rule 1: scale: constant .* write scale: {constant: 255}"),
        ({"scale": "minmax", "divisor": 2}, "rule 1: scale: constant .* write scale: {constant: 255}"),
        ({"scale": "min_max"}, "rule 1, scale: there is no 'min_max'. Did you mean 'minmax'"),
        ({"encode": "hot"}, "there is no 'hot'. "),
        ({"impute": "medan"}, "Did you mean 'median'"),
        ({"impute": {"constnt": 1}}, "expected {constant: value}"),
        ({"impute": {"constant": 1}, "fill_value": 2}, "expected {constant: value}"),
        ({"impute": "constant"}, "rule 1: impute: constant .* write impute: {constant: value}"),
        ({"fill_value": 3}, "rule 1: impute: constant .* write impute: {constant: value}"),
        ({"impute": {"constant": "x"}}, "rule 1: impute: expected a number .* found 'x'"),
        ({"impute": {"constant": NAN}}, "rule 1: impute: expected a finite .* found nan"),
        (
            {"encode": "onehot", "impute": "median"},
            "impute: median .* encode: onehot reads categories; write most_frequent",
        ),
        ({"encode": "label", "impute": "mean"}, "impute: mean .* encode: label reads categories; write most_frequent"),
        ({"encode": "onehot", "scale": "standard"}, "one-hot columns are 0 and 1 already"),
        ({"encode": "label", "missing_flag": True}, "missing_flag: .* leave the flag out"),
        ({"encode": "target", "impute": "median"}, "impute: median .* encode: target reads categories"),
        ({"encode": "embedding", "scale": "standard"}, "scale: an embedding reads whole numbers that stand for"),
        ({"encode": "embedding", "missing_flag": True}, "missing_flag: .* leave the flag out"),
        ({"encode": "frequency", "clip": 0.01}, "clip: .* encode: frequency reads categories; leave clip out"),
        ({"rare": 10}, "rare: joins categories, but a rule without encode reads numbers; add encode or leave rare"),
        ({"encode": "label", "rare": 0}, "rule 1, rare: expected 1 or more, found 0"),
        ({"encode": "label", "rare": 2.5}, "rule 1, rare: expected a whole number, found 2.5"),
        ({"clip": -0.1}, "rule 1, clip: expected 0.0 or more, found -0.1"),
        ({"clip": 0.5}, "rule 1, clip: expected less than 0.5, found 0.5"),
        ({"clip": "much"}, "rule 1, clip: expected a number, found 'much'"),
        ({"encode": "piecewise", "bins": 1}, "rule 1, bins: expected 2 or more, found 1"),
        ({"encode": "piecewise", "bins": 4.5}, "rule 1, bins: expected a whole number, found 4.5"),
        ({"encode": "piecewise", "bins": "many"}, "rule 1, bins: expected a whole number, found 'many'"),
        ({"encode": "piecewise", "bin_strategy": "trees"}, "rule 1, bin_strategy: .* 'trees'. Did you mean 'tree'"),
        ({"encode": "piecewise", "scale": "standard"}, "scale: piecewise-linear columns are from 0 to 1 already"),
        ({"encode": "piecewise", "rare": 2}, "rare: joins categories, but encode: piecewise reads numbers"),
        ({"encode": "piecewise", "impute": {"constant": "x"}}, "rule 1: impute: expected a number .* found 'x'"),
        ({"bins": 4}, "rule 1: bins: belongs to encode: piecewise, found encode: none; leave bins out or write"),
        ({"encode": "onehot", "bins": 12}, "rule 1: bins: belongs to encode: piecewise, found encode: onehot"),
        ({"encode": "label", "bin_strategy": "tree"}, "rule 1: bin_strategy: belongs to encode: piecewise, found"),
        ({"scale": "quantil"}, "Did you mean 'quantile'"),
        ({"encode": "embeding"}, "Did you mean 'embedding'"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_with_a_reason(written, message):
    with pytest.raises(SpecError, match=message) as refused:
        read_rules([{"columns": ["A"], **written}])
    assert str(refused.value).startswith("columns, rule 1")
    with pytest.raises(ValidationError):
        ColumnRule.model_validate({"columns": ["A"], **written})


def test_rules_may_be_given_checked_or_as_mappings_but_not_none_at_all():
    rule = ColumnRule(columns=("A",), scale="robust")
    assert read_rules([rule, {"columns": ["A"], "scale": "robust"}]) == (rule, rule)
    with pytest.raises(SpecError, match="expected one rule or more"):
        read_rules([])


def test_rules_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        ColumnRule(columns=("A",)).scale = "minmax"


def test_every_name_in_the_tables_is_a_class_of_ours_or_of_scikit_learn_that_takes_the_arguments():
    for name, arguments in [*SCALERS.values(), *ENCODERS.values()]:
        homes = [
            module
            for module in (encoders, piecewise, scalers, text_encoder, sklearn.preprocessing)
            if hasattr(module, name)
        ]
        # Ours come first: where both have a name, ours is scikit-learn's class and stores its categories as arrays.
        assert homes
        assert all(issubclass(getattr(homes[0], name), getattr(home, name)) for home in homes)
        getattr(homes[0], name)(**arguments)
    assert "none" not in {*SCALERS, *ENCODERS, *IMPUTERS}, "none is the absence of them all"


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1, 2]), ["1", "2"]),
        (pd.Series([1.0, 2.5, None]), ["1", "2.5", None]),
        (pd.Series([1, None], dtype="Int64"), ["1", None]),
        (pd.Series([0.5, 3.0], dtype="float32"), ["0.5", "3"]),
        (pd.Series([True, False]), ["True", "False"]),
        (pd.Series([True, None], dtype="boolean"), ["True", None]),
        (pd.Series(["a", None, "1.0"]), ["a", None, "1.0"]),
        (pd.Series(["a", None, "a"], dtype="category"), ["a", None, "a"]),
        (pd.Series([1, True, 1.0, "1", None, pd.NA], dtype=object), ["1", "True", "1", "1", None, None]),
        (pd.Series([None, None], dtype="float64"), [None, None]),
        (pd.Series([], dtype="float64"), []),
    ],
)
def test_categories_are_the_same_text_whatever_type_holds_them(column, expected):
    result = read_categories(column)
    assert result.dtype == object
    assert [None if value is np.nan else value for value in result] == expected


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1))
def test_an_integer_column_that_gains_a_missing_value_keeps_its_categories(values):
    whole = read_categories(pd.Series(values))
    with_missing = read_categories(pd.Series([*values, None], dtype="float64"))
    assert with_missing[:-1].tolist() == whole.tolist() == [str(value) for value in values]


@given(st.floats(allow_nan=False) | st.integers())
def test_distinct_numbers_are_distinct_categories(value):
    assert float(category_text(value)) == float(value)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1, 2]), [1, 2]),
        (pd.Series([True, False]), [1, 0]),
        (pd.Series([True, None, "3.5", 2], dtype=object), [1, NAN, 3.5, 2]),
        (pd.Series(["3.5", None, "-1e3"]), [3.5, NAN, -1000]),
        (pd.Series([1, None], dtype="Int64"), [1, NAN]),
        (pd.Series([True, None], dtype="boolean"), [1, NAN]),
        (pd.Series([2, 1, None], dtype="category"), [2, 1, NAN]),
        (pd.Series([None, None], dtype=object), [NAN, NAN]),
        (pd.Series([], dtype=object), []),
    ],
)
def test_numbers_are_read_from_every_type(column, expected):
    result = read_numbers(column, "column A", "")
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (pd.Series(["1", "abc"]), "row 1: expected a finite number, found 'abc'. Do this."),
        (pd.Series(["x", "y", "z"], index=[7, 8, 9]), r"row 7: .* found 'x' \(and 2 more such rows\). Do this."),
        (pd.Series([1, ""], dtype=object), "row 1: .* found ''"),
        (pd.Series([1.0, np.inf]), "row 1: .* found inf"),
        (pd.Series(["-inf"]), "row 0: .* found '-inf'"),
        (pd.Series([1 + 2j]), r"row 0: .* found \(1\+2j\)"),
        (pd.Series([1, 1j], dtype=object), "row 0: .* found 1"),
        (pd.Series(pd.to_datetime(["2026-01-02"])), "row 0: .* found 2026-01-02"),
        (pd.Series([None, datetime.date(2026, 1, 2)], dtype=object), "row 1: .* found 2026-01-02"),
        (pd.Series(pd.to_timedelta([1], unit="D")), "row 0: .* found 1 day"),
        (pd.Series([[1]], dtype=object), r"row 0: .* found \[1\]"),
    ],
)
def test_what_is_not_a_finite_number_is_refused_with_its_row_and_value(column, found):
    with pytest.raises(DataError, match=f"column A, {found}"):
        read_numbers(column, "column A", "Do this.")


@pytest.mark.parametrize("integer", [2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1])
def test_a_long_integer_is_a_category_of_its_own(integer):
    assert category_text(integer) == category_text(np.int64(integer)) == str(integer)
