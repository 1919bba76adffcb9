"""Lags and rolling statistics: by a plain loop, and never from a later row or a target that is predicted."""

import io
import statistics
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.derived_features import DerivedFeatures, derive_together

NAN = float("nan")
ALL = {
    "Lag": {"from": "sales", "by": "store", "time": "day", "lag": 1},
    "Week": {"from": "sales", "by": "store", "time": "day", "lag": 7},
    **{
        name: {"from": "sales", "by": "store", "time": "day", "rolling": {"window": 3, "statistic": name}}
        for name in ("mean", "sum", "min", "max", "std", "median", "count")
    },
    "Before": {"from": "sales", "time": "day", "lag": 2, "rolling": {"window": 4, "statistic": "max"}},
    "Row": {"from": "sales", "by": "store", "time": "day", "unit": "row", "lag": 2},
    "Rows": {
        "from": "sales",
        "by": "store",
        "time": "day",
        "unit": "row",
        "rolling": {"window": 2, "statistic": "sum"},
    },
}
STATISTICS = {
    "mean": statistics.fmean,
    "sum": sum,
    "min": min,
    "max": max,
    "std": statistics.pstdev,
    "median": statistics.median,
    "count": len,
}


def by_loop(feature, known, rows):
    """The feature of each row from known rows of (store, day, sales), one row after another."""
    values = []
    for store, day in rows:
        rolling, lag = feature.get("rolling"), feature.get("lag", 1)
        statistic = STATISTICS[rolling["statistic"]] if rolling else statistics.fmean
        mine = [(d, s) for other, d, s in known if "by" not in feature or other == store]
        if feature.get("unit") == "row":
            earlier = [s for d, s in sorted(mine, key=lambda pair: pair[0]) if d < day]
            earlier = earlier[: len(earlier) - (lag - 1)] if lag > 1 else earlier
            read = earlier[-(rolling["window"] if rolling else 1) :]
        else:
            ends = [d for _, d, _ in known if d <= day - lag]
            end = max(ends, default=-np.inf)
            before = [d for d, _ in mine if d <= end]
            oldest = end - rolling["window"] if rolling else max(before, default=0) - 1
            read = [s for d, s in mine if oldest < d <= end]
        values.append(float(statistic(read)) if read or (rolling and rolling["statistic"] == "count") else NAN)
    return values


def table(rows):
    return pd.DataFrame(
        {"store": [store for store, _, _ in rows], "day": [day for _, day, _ in rows], "sales": [s for _, _, s in rows]}
    )


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 15), st.integers(-3, 9)), min_size=1, max_size=25)


@settings(max_examples=10)
@given(ROWS, ROWS)
def test_every_feature_of_earlier_targets_equals_a_loop(rows, later):
    """Also those of rows beside and after the training rows, of which no target is known."""
    frame, other = table(rows), table(later).drop(columns="sales")
    features = DerivedFeatures(ALL, "sales")
    result = features.fit_transform(frame.drop(columns="sales"), frame["sales"])
    transformed = features.transform(other)
    for name, feature in ALL.items():
        expected = by_loop(feature, rows, [row[:2] for row in rows])
        np.testing.assert_allclose(result[name], expected, atol=1e-12, err_msg=name)
        expected = by_loop(feature, rows, [row[:2] for row in later])
        np.testing.assert_allclose(transformed[name], expected, atol=1e-12, err_msg=name)
    again = features.transform(frame.drop(columns="sales"))
    pd.testing.assert_frame_equal(again, result)


@settings(max_examples=10)
@given(ROWS, ROWS)
def test_other_columns_are_known_of_the_rows_beside_a_row_as_well(rows, later):
    rows, later = [*dict.fromkeys(rows)], [row for row in dict.fromkeys(later) if row not in rows]
    transformed = DerivedFeatures(ALL).fit(table(rows)).transform(table([*later, ("a", 99, 0)])).head(len(later))
    for name, feature in ALL.items():
        expected = by_loop(feature, [*rows, *later], [row[:2] for row in later])
        np.testing.assert_allclose(transformed[name], expected, atol=1e-12, err_msg=name)


@settings(max_examples=10)
@given(ROWS, st.integers(0, 15), st.integers(10, 99), st.sampled_from([None, "sales"]))
def test_what_comes_later_never_changes_what_was_earlier(rows, day, change, target):
    """A leak by construction: values of later rows are changed, and a copy of later rows is added."""
    frame = table(rows)
    later = frame["day"] >= day
    changed = frame.assign(sales=frame["sales"].where(~later, frame["sales"] * 3 + change))
    columns = ["store", "day"] if target else [*frame]
    before = DerivedFeatures(ALL, target).fit_transform(frame[columns], frame["sales"])
    after = DerivedFeatures(ALL, target).fit_transform(changed[columns], changed["sales"])
    earlier = frame["day"] <= day
    pd.testing.assert_frame_equal(before.loc[earlier, [*ALL]], after.loc[earlier, [*ALL]])
    without = DerivedFeatures(ALL, target).fit_transform(frame.loc[~later, columns], frame.loc[~later, "sales"])
    pd.testing.assert_frame_equal(before.loc[~later, [*ALL]], without[[*ALL]])


def derived(feature, frame, later=None, target=None):
    known = frame.drop(columns=target) if target else frame
    features = DerivedFeatures({"F": feature}, target).fit(known, frame[target] if target else None)
    return features.transform(known if later is None else later)["F"].tolist()


def test_a_target_is_carried_on_where_the_rows_to_predict_are_later_than_all_that_is_known():
    frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=10).astype(str), "y": np.arange(10.0)})
    later = pd.DataFrame({"date": ["2024-01-11", "2024-01-14", "2024-03-01"]})
    assert derived({"from": "y", "time": "date", "lag": 3}, frame, later, "y") == [7.0, 9.0, 9.0]
    mean = {"from": "y", "time": "date", "rolling": {"window": 4, "statistic": "mean"}}
    assert derived(mean, frame, later, "y") == [7.5, 7.5, 7.5]


def test_months_are_steps_whatever_their_length():
    frame = pd.DataFrame({"month": ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"], "x": [1.0, 2.0, 4.0, 8.0]})
    np.testing.assert_array_equal(derived({"from": "x", "time": "month", "lag": 1}, frame), [NAN, 1, 2, 4])
    np.testing.assert_array_equal(derived({"from": "x", "time": "month", "lag": 3}, frame), [NAN, NAN, NAN, 1])


def test_missing_groups_times_and_values_are_no_history_and_groups_of_several_columns():
    frame = pd.DataFrame(
        {
            "a": ["x", "x", "x", "x", None],
            "b": [1, 1, 2, 1, 1],
            "t": [1, 2, 2, 4, 3],
            "v": [5.0, None, 7.0, None, 9.0],
        }
    )
    result = derived({"from": "v", "by": ["a", "b"], "time": "t", "lag": 1}, frame)
    np.testing.assert_array_equal(result, [NAN, 5, NAN, 5, NAN])
    count = {"from": "v", "by": ["a", "b"], "time": "t", "rolling": {"window": 9, "statistic": "count"}}
    np.testing.assert_array_equal(derived(count, frame), [0, 1, 0, 1, NAN])


def test_labels_become_numbers_by_a_map_and_texts_are_refused_with_it():
    frame = pd.DataFrame({"t": [1, 2, 3], "y": ["yes", "no", "yes"]})
    declaration = {"from": "y", "map": {"yes": 1, "no": 0}, "time": "t", "rolling": {"window": 2, "statistic": "mean"}}
    np.testing.assert_array_equal(derived(declaration, frame, target="y"), [NAN, 1, 0.5])
    with pytest.raises(DataError, match=r"feature 'F', column 'y', row 0: .* found 'yes'.*write `map: "):
        derived({"from": "y", "time": "t", "lag": 1}, frame, target="y")


def test_a_missing_column_of_times_and_a_target_that_is_not_given_are_named():
    frame = pd.DataFrame({"date": [1, 2], "x": [1, 2]})
    with pytest.raises(DataError, match=r"feature 'F' reads column 'dat', .* Did you mean 'date'"):
        derived({"from": "x", "time": "dat", "lag": 1}, frame)
    with pytest.raises(DataError, match="feature 'F' is made from the earlier targets of training rows: it needs one"):
        DerivedFeatures({"F": {"from": "y", "time": "date", "lag": 1}}, "y").fit(frame)


def test_other_features_may_read_lags_and_lags_other_features():
    frame = pd.DataFrame({"date": ["2024-01-01", "2024-01-02", "2024-01-04"], "x": [1.0, 4.0, 9.0]})
    features = {
        "Root": {"eval": "sqrt(x)"},
        "Days": {"from": "date", "date": "elapsed"},
        "Lag": {"from": "Root", "time": "Days", "lag": 1},
        "Change": {"eval": "Root - Lag"},
    }
    result = DerivedFeatures(features).fit_transform(frame)
    np.testing.assert_array_equal(result["Change"], [NAN, 1, 1])


def test_histories_are_stored_as_arrays_shared_by_features_and_loaded_the_same():
    rows = [(f"store {number % 30}", number // 30, number) for number in range(300)]
    frame = table(rows)
    features = DerivedFeatures(ALL, "sales").fit(frame[["store", "day"]], frame["sales"])
    lag, mean = features.learned_["Lag"]["history"], features.learned_["mean"]["history"]
    assert lag is mean
    content = skops.io.dumps(features)
    loaded = skops.io.loads(content, trusted=["tabular_dl.preprocessing.DerivedFeatures"])
    later = frame[["store", "day"]].assign(day=frame["day"] + 5)
    pd.testing.assert_frame_equal(loaded.transform(later), features.transform(later))
    with ZipFile(io.BytesIO(content)) as archive:
        arrays = [name for name in archive.namelist() if name.endswith(".npy")]
    # Of the stores, and of all rows together: codes, steps and numbers; and two arrays of the names of the stores.
    assert len(arrays) == 3 + 3 + 2


def test_a_stored_history_whose_arrays_do_not_fit_is_refused():
    features = DerivedFeatures(ALL).fit(table([("a", 1, 2), ("b", 2, 3)]))
    state = features.__getstate__()
    for name, array in (("codes", np.array([0, 7], np.int32)), ("steps", np.zeros(3)), ("numbers", np.zeros(2, "i8"))):
        history = {**state["learned_"]["Lag"]["history"], name: array}
        learned = {**state["learned_"], "Lag": {**state["learned_"]["Lag"], "history": history}}
        with pytest.raises(DataError, match="a history"):
            DerivedFeatures(ALL).__setstate__({**state, "learned_": learned})


def test_features_of_models_stored_before_have_no_target():
    features = DerivedFeatures({}).fit(pd.DataFrame({"x": [1]}))
    state = {name: value for name, value in features.__getstate__().items() if name != "target"}
    restored = DerivedFeatures({})
    restored.__dict__.clear()
    restored.__setstate__(state)
    assert restored.get_params() == {"features": {}, "target": None}


def test_several_folds_are_derived_together_as_each_alone():
    frame = table([("a", 1, 2), ("b", 2, 3), ("a", 3, 5), ("b", 4, 7)])
    parts = [
        DerivedFeatures(ALL, "sales").fit(frame.iloc[r][["store", "day"]], frame["sales"].iloc[r])
        for r in ([0, 1, 2], [1, 2, 3])
    ]
    rows = frame[["store", "day"]].assign(day=frame["day"] + 1)
    for part, columns in zip(parts, derive_together(parts, rows), strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(columns), part.transform(rows))
