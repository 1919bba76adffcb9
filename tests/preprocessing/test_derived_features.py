"""Derived columns: each operation by hand, what is learned from training rows only, and storage."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from tabular_dl.errors import DataError, SpecError
from tabular_dl.preprocessing.derived_features import DerivedFeatures

NAN = float("nan")


def derived(declaration, frame, later=None):
    """The values of one feature for a table, or for later rows, as a list; None where missing."""
    transformer = DerivedFeatures({"F": declaration}).fit(frame)
    values = transformer.transform(frame if later is None else later)["F"]
    return [None if pd.isna(value) else value for value in values]


@pytest.fixture
def passengers():
    return pd.DataFrame(
        {
            "Name": ["Braund, Mr. Owen", "Heikkinen, Miss. Laina", "Sagesser, Mlle. Emma", "nobody"],
            "Sex": ["male", "female", "female", None],
            "SibSp": [1, 0, 0, 4],
            "Parch": [0, 0, 0, 2],
            "Fare": [7.25, 0.0, 69.3, None],
            "Cabin": [None, "C85", "B35", "F G73"],
            "Ticket": ["A/5", "A/5", "PC", None],
        },
        index=[10, 20, 30, 30],
    )


def test_titanic_features_by_hand(passengers):
    features = DerivedFeatures(
        {
            "Title": {"from": "Name", "extract": r", ([^.]+)\.", "map": {"Mlle": "Miss"}, "fill": "unknown"},
            "Family": {"eval": "SibSp + Parch + 1"},
            "Deck": {"from": "Cabin", "extract": "^[A-Z]", "fill": "none"},
            "TicketGroup": {"from": "Ticket", "count": True},
            "LogFare": {"eval": "log1p(Fare)"},
            "Woman": {"eval": "Sex == 'female'"},
            "Each": {"eval": "Fare / Family"},
        }
    )
    result = features.fit_transform(passengers)
    pd.testing.assert_frame_equal(result[list(passengers)], passengers)
    expected = pd.DataFrame(
        {
            "Title": pd.Series(["Mr", "Miss", "Miss", "unknown"], dtype="str").to_numpy(),
            "Family": [2.0, 1.0, 1.0, 7.0],
            "Deck": ["none", "C", "B", "F"],
            "TicketGroup": [2.0, 2.0, 1.0, 0.0],
            "LogFare": np.log([8.25, 1.0, 70.3, NAN]),
            "Woman": [0.0, 1.0, 1.0, NAN],
            "Each": [3.625, 0.0, 69.3, NAN],
        },
        index=passengers.index,
    )
    pd.testing.assert_frame_equal(result[list(expected)], expected)
    assert features.get_feature_names_out().tolist() == list(result)
    assert features.n_features_in_ == 7
    assert features.feature_names_in_.tolist() == list(passengers)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("b", ["b", "b", None, None]),  # no group: the whole match
        ("a(b)?", ["b", "b", None, None]),  # a group that took no part in the match: missing
        ("(a)(b)", ["a", "a", None, None]),  # the first of two groups
    ],
)
def test_extract(pattern, expected):
    assert derived({"from": "A", "extract": pattern}, pd.DataFrame({"A": ["ab", "cab", "xa", None]})) == expected


def test_numbers_with_units_are_numbers_and_what_is_none_is_missing():
    frame = pd.DataFrame({"A": ["2 GB", "512 MB", "none", None, "1"]})
    assert derived({"from": "A", "number": "GB"}, frame) == [2.0, 0.5, None, None, 1.0]
    later = pd.DataFrame({"A": [3.5, None]})  # a table whose cells are all plain
    assert derived({"from": "A", "number": "GB"}, frame, later) == [3.5, None]
    assert derived({"from": "A", "extract": "^(.) ?GB", "number": True}, frame) == [2.0, None, None, None, None]
    assert derived({"from": "A", "number": "GB", "fill": 0}, frame) == [2.0, 0.5, 0.0, 0.0, 1.0]


def test_an_extracted_number_may_have_commas_between_thousands():
    frame = pd.DataFrame({"A": ["price 1,240", "price 12", "price 1,240,000.5", "none"]})
    features = DerivedFeatures(
        {
            "price": {"from": "A", "extract": r"([\d,.]+)"},
            "half": {"eval": "price / 2"},
        }
    )
    np.testing.assert_array_equal(features.fit_transform(frame)["half"], [620, 6, 620000.25, NAN])
    with pytest.raises(DataError, match="row 0: expected a finite number, found '1,24'"):
        features.fit_transform(pd.DataFrame({"A": ["price 1,24"]}))


def test_map_keeps_what_it_does_not_list_and_knows_numbers_of_any_type():
    frame = pd.DataFrame({"Pclass": [1, 2, 3]})
    with_missing = pd.DataFrame({"Pclass": [1.0, None, 3.0]})
    declaration = {"from": "Pclass", "map": {1: "first", "2": "second"}}
    assert derived(declaration, frame) == ["first", "second", "3"]
    assert derived(declaration, frame, with_missing) == ["first", None, "3"]


def test_map_to_numbers_is_numeric_and_to_null_is_missing():
    frame = pd.DataFrame({"Sex": ["male", "female", "x"]})
    result = DerivedFeatures({"F": {"from": "Sex", "map": {"male": 0, "female": 1, "x": None}}}).fit_transform(frame)
    np.testing.assert_array_equal(result["F"].to_numpy(), [0.0, 1.0, NAN])
    assert result["F"].dtype == np.float64


def test_rare_and_unseen_values_are_folded_together_and_missing_is_not():
    frame = pd.DataFrame({"A": ["x", "x", "y", None]})
    later = pd.DataFrame({"A": ["x", "y", "never", None]})
    assert derived({"from": "A", "rare": 2}, frame) == ["x", "x", "rare", None]
    assert derived({"from": "A", "rare": 2}, frame, later) == ["x", "rare", "rare", None]
    assert derived({"from": "A", "rare": 1}, frame, later) == ["x", "y", "rare", None]


def test_fill_comes_before_rare_and_rare_before_count():
    frame = pd.DataFrame({"A": ["x", "x", "y", None]})
    assert derived({"rare": 2, "fill": "y", "from": "A"}, frame) == ["x", "x", "y", "y"]
    assert derived({"count": True, "rare": 2, "from": "A"}, frame) == [2.0, 2.0, 1.0, 0.0]


def test_count_is_the_group_among_training_rows_and_an_unseen_value_is_a_group_of_one():
    frame = pd.DataFrame({"Ticket": ["a", "a", "a", "b", None]})
    later = pd.DataFrame({"Ticket": ["a", "b", "never", "never", None]})
    assert derived({"from": "Ticket", "count": True}, frame) == [3.0, 3.0, 3.0, 1.0, 0.0]
    assert derived({"from": "Ticket", "count": True}, frame, later) == [3.0, 1.0, 1.0, 1.0, 0.0]


@given(st.lists(st.sampled_from("abc") | st.none(), min_size=1, max_size=12), st.integers(1, 4))
def test_count_and_rare_equal_pandas_value_counts(values, least):
    frame = pd.DataFrame({"A": pd.Series(values, dtype="str")})
    sizes = frame["A"].map(frame["A"].value_counts())
    assert derived({"from": "A", "count": True}, frame) == sizes.fillna(0).tolist()
    folded = frame["A"].where((sizes >= least) | frame["A"].isna(), "rare")
    assert derived({"from": "A", "rare": least}, frame) == [None if pd.isna(v) else v for v in folded]


# Dates, texts, groups


def test_a_date_becomes_the_part_that_pandas_says_of_it():
    frame = pd.DataFrame({"Sold": ["2024-03-05 10:30", None, "2023-12-31 00:00"]}, index=[1, 2, 3])
    stamps = pd.to_datetime(frame["Sold"])
    names = {"weekday": "day_of_week", "dayofyear": "day_of_year"}
    for part in ("year", "month", "day", "weekday", "dayofyear", "hour", "minute"):
        expected = getattr(stamps.dt, names.get(part, part)).tolist()
        assert derived({"from": "Sold", "date": part}, frame) == [None if pd.isna(v) else v for v in expected]
    assert derived({"from": "Sold", "date": "elapsed"}, frame) == [65.4375, None, 0.0]


def test_elapsed_counts_from_the_earliest_training_date_and_is_negative_before():
    frame, later = pd.DataFrame({"A": ["05/01/2024", "20/01/2024"]}), pd.DataFrame({"A": ["06/01/2024", "04/01/2024"]})
    assert derived({"from": "A", "date": "elapsed"}, frame, later) == [1.0, -1.0]


def test_a_date_may_be_extracted_before_and_mapped_and_counted_after():
    frame = pd.DataFrame({"A": ["sold 2024-01-31!", "sold 2024-02-01", "sold 2024-01-02", "unsold"]})
    declaration = {"from": "A", "extract": "[0-9-]{10}", "date": "month", "map": {1: "January"}}
    assert derived(declaration, frame) == ["January", "2", "January", None]
    assert derived(declaration | {"count": True}, frame) == [2.0, 1.0, 2.0, 0.0]


def test_a_date_that_later_rows_write_otherwise_is_refused_with_feature_column_row_and_value():
    frame = pd.DataFrame({"A": ["31.01.2024", "01.02.2024"]})
    later = pd.DataFrame({"A": ["31.01.2024", "2024-02-01", "soon"]}, index=[1, 2, 3])
    message = (
        r"feature 'F', column 'A', row 2: expected a date like 31\.01\.2024, .* training rows, found "
        r"'2024-02-01' \(and 1 more such rows\)\. Correct the value, .*`format: '%d/%m/%Y'`"
    )
    with pytest.raises(DataError, match=message):
        derived({"from": "A", "date": "day"}, frame, later)


def test_the_length_and_the_words_of_a_text():
    frame = pd.DataFrame({"A": ["  two words ", "", "one", None]})
    assert derived({"from": "A", "text": "length"}, frame) == [12.0, 0.0, 3.0, None]
    assert derived({"from": "A", "text": "words"}, frame) == [2.0, 0.0, 1.0, None]
    assert derived({"from": "A", "text": "length", "fill": 0}, frame) == [12.0, 0.0, 3.0, 0.0]


FARES = pd.DataFrame(
    {"Fare": [1.0, 3.0, 8.0, None, 5.0], "Class": [1, 1, 2, 3, None], "Port": ["S", "S", "C", "S", "S"]}
)


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        # Classes 1 and 2; class 3 has no fare, and the last row no class: they get what all of 1, 3, 8, 5 have.
        ("mean", [2.0, 2.0, 8.0, 4.25, 4.25]),
        ("median", [2.0, 2.0, 8.0, 4.0, 4.0]),
        ("std", [1.0, 1.0, 0.0, np.std([1, 3, 8, 5]), np.std([1, 3, 8, 5])]),
        ("min", [1.0, 1.0, 8.0, 1.0, 1.0]),
        ("max", [3.0, 3.0, 8.0, 8.0, 8.0]),
    ],
)
def test_a_statistic_of_the_group_or_of_all_training_rows(statistic, expected):
    declaration = {"from": "Fare", "by": "Class", "statistic": statistic}
    assert derived(declaration, FARES) == expected
    later = pd.DataFrame({"Fare": [100.0, 100.0], "Class": [2.0, 9.0], "Port": ["S", "S"]})
    assert derived(declaration, FARES, later) == [expected[2], expected[3]], "later rows teach nothing"


def test_groups_of_several_columns_and_of_an_earlier_feature():
    assert derived({"from": "Fare", "by": ["Class", "Port"], "statistic": "max"}, FARES) == [3.0, 3.0, 8.0, 8.0, 8.0]
    features = {"Cheap": {"eval": "Fare < 4"}, "F": {"eval": "Fare * 2", "by": "Cheap", "statistic": "mean"}}
    result = DerivedFeatures(features).fit_transform(FARES)["F"]
    assert result.tolist() == [4.0, 4.0, 13.0, 8.5, 13.0]


def test_a_statistic_of_text_names_the_row():
    with pytest.raises(DataError, match=r"feature 'F', column 'Port', row 0: expected a finite number, found 'S'"):
        derived({"from": "Port", "by": "Class", "statistic": "mean"}, FARES)
    with pytest.raises(DataError, match="feature 'F' reads column 'Clas', which the table does not"):
        derived({"from": "Fare", "by": "Clas", "statistic": "mean"}, FARES)


def test_a_column_without_any_date_or_number_gives_a_feature_without_values():
    nothing, later = pd.DataFrame({"A": [None, None], "B": ["x", "y"]}), pd.DataFrame({"A": ["1.5.24"], "B": ["x"]})
    assert derived({"from": "A", "date": "year"}, nothing, later) == [None]
    assert derived({"from": "A", "by": "B", "statistic": "mean"}, nothing) == [None, None]


def test_transform_learns_nothing():
    frame, later = pd.DataFrame({"A": ["x", "x", "y"]}), pd.DataFrame({"A": ["z", "z", "z"]})
    features = DerivedFeatures({"F": {"from": "A", "rare": 2}, "G": {"from": "A", "count": True}}).fit(frame)
    before = features.transform(frame)
    features.transform(later)
    pd.testing.assert_frame_equal(features.transform(frame), before)


def test_a_feature_may_replace_its_source_and_a_later_one_reads_the_new_values():
    frame = pd.DataFrame({"Sex": ["male", "female"], "Age": [30, 40]})
    features = {"Sex": {"eval": "Sex == 'female'"}, "Both": {"eval": "Sex + Age"}}
    result = DerivedFeatures(features).fit_transform(frame)
    assert list(result) == ["Sex", "Age", "Both"]
    assert result["Both"].tolist() == [30.0, 41.0]
    assert frame["Sex"].tolist() == ["male", "female"], "the table that was given is left alone"


def test_the_type_of_a_feature_is_the_type_it_had_in_training():
    frame = pd.DataFrame({"A": ["x", "y"], "N": [1, 2]})
    features = DerivedFeatures({"F": {"from": "A"}, "G": {"from": "N"}}).fit(frame)
    nothing = pd.DataFrame({"A": [None, None], "N": [None, None]}, dtype=object)
    result = features.transform(nothing)
    assert result["F"].dtype == "str"
    assert result["G"].dtype == np.float64
    assert result[["F", "G"]].isna().all(axis=None)


@pytest.mark.parametrize("dtype", ["bool", "boolean", "Int64", "float32", "category"])
def test_expressions_read_every_type_of_number(dtype):
    frame = pd.DataFrame({"A": pd.Series([1, 0], dtype="int64").astype(dtype)})
    assert derived({"eval": "A + 1"}, frame) == [2.0, 1.0]


def test_numbers_written_as_text_are_numbers():
    assert derived({"eval": "A * 2"}, pd.DataFrame({"A": ["3.5", None]})) == [7.0, None]


def test_text_in_arithmetic_names_feature_column_row_and_value():
    frame = pd.DataFrame({"Cabin": [None, "C85", "B35"]}, index=["r0", "r1", "r2"])
    message = r"feature 'F', column 'Cabin', row r1: expected a finite number, found 'C85' \(and 1 more such rows\)"
    with pytest.raises(DataError, match=message):
        derived({"eval": "Cabin + 1"}, frame)


def test_a_missing_column_names_the_feature_and_the_nearest_column():
    frame = pd.DataFrame({"Name": ["x"], "Age": [1]})
    with pytest.raises(DataError, match=r"feature 'F' reads column 'Nmae', .* Did you mean 'Name'"):
        derived({"from": "Nmae"}, frame)
    with pytest.raises(DataError, match=r"lacks 1 column\(s\) that training had: Name \(feature 'F' reads it\)"):
        derived({"from": "Name"}, frame, frame.drop(columns="Name"))


def test_later_rows_may_have_other_columns_and_another_order():
    frame = pd.DataFrame({"A": [1], "B": [2]})
    features = DerivedFeatures({"F": {"eval": "A - B"}}).fit(frame)
    later = pd.DataFrame({"New": [0], "B": [5], "A": [9]}, index=["q"])
    assert features.transform(later).to_dict("index") == {"q": {"A": 9, "B": 5, "F": 4.0}}


def test_only_tables_with_distinct_named_columns_are_accepted():
    with pytest.raises(DataError, match=r"names are text, found 0"):
        DerivedFeatures({}).fit(pd.DataFrame(np.zeros((2, 2))))
    with pytest.raises(DataError, match="column 'A' appears twice"):
        DerivedFeatures({}).fit(pd.DataFrame(np.zeros((2, 2)), columns=["A", "A"]))


def test_a_bad_declaration_is_refused_at_fit_and_not_by_the_constructor():
    features = DerivedFeatures({"F": {"eval": "__import__('os')"}})
    with pytest.raises(SpecError, match="no function '__import__'"):
        features.fit(pd.DataFrame({"A": [1]}))


def test_two_hundred_features_do_not_fragment_the_table():
    frame = pd.DataFrame({"A": [1.0, 2.0]})
    result = DerivedFeatures({f"F{k}": {"eval": f"A + {k}"} for k in range(200)}).fit_transform(frame)
    assert result["F199"].tolist() == [200.0, 201.0]


def test_scikit_learn_contract(passengers):
    features = DerivedFeatures({"Family": {"eval": "SibSp + Parch"}})
    copy = clone(features)
    assert copy.get_params() == {"features": {"Family": {"eval": "SibSp + Parch"}}}
    assert copy.features is not features.features
    plain = copy.fit_transform(passengers)
    wrapped = clone(features).set_output(transform="pandas").fit_transform(passengers)
    pd.testing.assert_frame_equal(wrapped, plain)
    assert copy.set_params(features={}).fit_transform(passengers).equals(passengers)


def test_skops_stores_a_fitted_transformer_and_needs_to_trust_only_its_class(passengers):
    features = DerivedFeatures(
        {
            "Title": {"from": "Name", "extract": r", ([^.]+)\.", "map": {"Mlle": "Miss", 1: None}, "rare": 2},
            "Group": {"from": "Ticket", "count": True},
            "Woman": {"eval": "Sex == 'female'", "fill": 0.5},
            "Level": {"from": "Fare", "by": "Sex", "statistic": "mean"},
            "Days": {"from": "Born", "date": "elapsed"},
            "Length": {"from": "Name", "text": "length"},
        }
    )
    passengers = passengers.assign(Born=["31/01/1900", None, "01/02/1880", "02/03/1870"])
    features.fit(passengers)
    stored = skops.io.dumps(features)
    trusted = ["tabular_dl.preprocessing.DerivedFeatures"]
    assert skops.io.get_untrusted_types(data=stored) == trusted
    restored = skops.io.loads(stored, trusted=trusted)
    pd.testing.assert_frame_equal(restored.transform(passengers), features.transform(passengers))
    assert restored.features == features.features


def test_without_features_the_columns_of_training_pass_in_their_order():
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[5, 6])
    later = table.assign(c=0)[["c", "b", "a"]]
    pd.testing.assert_frame_equal(DerivedFeatures({}).fit(table).transform(later), table)
