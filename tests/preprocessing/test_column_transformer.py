"""Column rules as scikit-learn transformers: known values, unknown and missing values, leaks, messages, storage."""

import re

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, RobustScaler, TargetEncoder

from tabular_dl.errors import DataError, SpecError
from tabular_dl.preprocessing.column_rules import BIN_STRATEGIES, ENCODERS, NUMERIC_ENCODERS, SCALERS
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.preprocessing.rule_faults import column_faults
from tabular_dl.tracking.persistence import TRUSTED_TYPES

NAN = float("nan")
# numpy.dtype is in the state of a fitted SimpleImputer; skops knows how to store it but does not trust it by itself.
TRUSTED = [
    "numpy.dtype",
    "tabular_dl.preprocessing.DerivedFeatures",
    "tabular_dl.preprocessing.CategoryColumns",
    "tabular_dl.preprocessing.MissingFlags",
    "tabular_dl.preprocessing.NumericColumns",
    "tabular_dl.preprocessing.OneHotEncoder",
]


def fitted(frame, *rules):
    return build_preprocessing(rules).fit(frame)


def table(**columns):
    return pd.DataFrame(columns)


# Scaling


def test_minmax_of_the_worked_example():
    frame = pd.DataFrame([[-1, 2], [-0.5, 6], [0, 10], [1, 18]], columns=["a", "b"])
    result = fitted(frame, {"columns": ["a", "b"], "scale": "minmax"}).transform(frame)
    np.testing.assert_allclose(result, [[0, 0], [0.25, 0.25], [0.5, 0.5], [1, 1]])


def test_standard_divides_by_the_population_sigma():
    training = table(x=[40.0 - 8.12, 40.0 + 8.12])  # mean 40, population sigma 8.12 (sample sigma 11.5)
    result = fitted(training, {"columns": ["x"], "scale": "standard"}).transform(table(x=[30.0]))
    assert result.item() == pytest.approx(-1.23, abs=0.005)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=20).filter(lambda values: len(set(values)) > 1))
def test_symmetric_is_linear_from_the_least_value_to_the_largest(values):
    x = np.array(values, dtype=float)
    result = fitted(table(x=x), {"columns": ["x"], "scale": "symmetric"}).transform(table(x=x))
    expected = 2 * (x - x.min()) / (x.max() - x.min()) - 1
    np.testing.assert_allclose(result[:, 0], expected, atol=1e-12)


def test_robust_is_that_of_scikit_learn():
    frame = table(x=[1.0, 2.0, 3.0, 100.0])
    expected = RobustScaler().fit_transform(frame)
    np.testing.assert_array_equal(fitted(frame, {"columns": ["x"], "scale": "robust"}).transform(frame), expected)


def test_values_beyond_the_training_range_are_not_clipped():
    rule = {"columns": ["x"], "scale": "minmax"}
    assert fitted(table(x=[0, 10]), rule).transform(table(x=[20])).item() == 2.0


# Missing numbers


@pytest.mark.parametrize(
    ("impute", "expected"),
    [("median", 2.0), ("mean", 4.0), ("most_frequent", 1.0), ({"constant": -1}, -1.0), ("none", NAN), (None, 2.0)],
)
def test_impute(impute, expected):
    training = table(x=[1.0, 1.0, 3.0, 11.0, None])
    result = fitted(training, {"columns": ["x"], "impute": impute}).transform(table(x=[None, 7.0]))
    np.testing.assert_array_equal(result[:, 0], [expected, 7.0])


def test_numbers_without_missing_values_pass_through():
    frame = table(x=[1, 5], y=[True, False])
    np.testing.assert_array_equal(fitted(frame, {"columns": ["y", "x"]}).transform(frame), [[1, 1], [0, 5]])


def test_a_missing_flag_for_each_column_whether_or_not_training_had_missing_values():
    training, later = table(x=[0.0, 4.0], y=[1.0, None]), table(x=[None, 2.0], y=[None, 5.0])
    preprocessing = fitted(training, {"columns": ["x", "y"], "missing_flag": True, "scale": "minmax"})
    assert preprocessing.get_feature_names_out().tolist() == ["x", "y", "x_missing", "y_missing"]
    np.testing.assert_array_equal(preprocessing.transform(later), [[0.5, 0, 1, 1], [0.5, 4, 0, 0]])


@pytest.mark.parametrize("impute", ["median", "mean", "most_frequent", {"constant": 3}])
def test_a_column_missing_in_every_training_row_keeps_its_place(impute):
    preprocessing = fitted(table(x=[None, None], y=[1.0, 2.0]), {"columns": ["x", "y"], "impute": impute})
    assert preprocessing.transform(table(x=[7.0], y=[1.0])).tolist() == [[7.0, 1.0]]


# Categories


def test_one_hot_of_the_worked_example():
    frame = table(Country=["Korea", "Japan", "China"], Age=[44, 27, 30], Salary=[72000, 48000, 54000])
    preprocessing = fitted(frame, {"columns": ["Country"], "encode": "onehot"}, {"columns": ["Age", "Salary"]})
    assert preprocessing.get_feature_names_out().tolist() == [
        *("Country_China", "Country_Japan", "Country_Korea"),
        *("Age", "Salary"),
    ]
    np.testing.assert_array_equal(
        preprocessing.transform(frame),
        [[0, 0, 1, 44, 72000], [0, 1, 0, 27, 48000], [1, 0, 0, 30, 54000]],
    )


def test_one_hot_gives_zeros_for_an_unknown_category_and_missing_a_column_of_its_own():
    rule = {"columns": ["A"], "encode": "onehot"}
    later = table(A=["x", "never", None])
    seen = fitted(table(A=["x", "y", None]), rule)
    assert seen.get_feature_names_out().tolist() == ["A_x", "A_y", "A_nan"]
    np.testing.assert_array_equal(seen.transform(later), [[1, 0, 0], [0, 0, 0], [0, 0, 1]])
    not_seen = fitted(table(A=["x", "y"]), rule)
    np.testing.assert_array_equal(not_seen.transform(later), [[1, 0], [0, 0], [0, 0]])


@pytest.mark.parametrize("encode", ["label", "ordinal"])
def test_labels_follow_the_order_of_the_text_with_minus_one_unknown_and_minus_two_missing(encode):
    rule = {"columns": ["A"], "encode": encode}
    later = table(A=["x", "y", "never", None])
    assert fitted(table(A=["y", "x", None]), rule).transform(later)[:, 0].tolist() == [0, 1, -1, -2]
    assert fitted(table(A=["y", "x"]), rule).transform(later)[:, 0].tolist() == [0, 1, -1, -1]


def test_labels_may_be_scaled():
    frame = table(A=["a", "b", "c"])
    result = fitted(frame, {"columns": ["A"], "encode": "label", "scale": "symmetric"}).transform(frame)
    assert result[:, 0].tolist() == [-1, 0, 1]


@pytest.mark.parametrize(("impute", "filled"), [("most_frequent", "b"), ({"constant": "a"}, "a")])
@pytest.mark.parametrize("output", ["default", "pandas"])
def test_missing_categories_may_be_imputed_and_flagged(impute, filled, output):
    training = table(A=["a", "b", "b", None])
    rule = {"columns": ["A"], "encode": "onehot", "impute": impute, "missing_flag": True}
    preprocessing = build_preprocessing([rule]).set_output(transform=output).fit(training)
    result = np.asarray(preprocessing.transform(table(A=[None, "a"])))
    np.testing.assert_array_equal(result, [[filled == "a", filled == "b", 1], [1, 0, 0]])


def test_categories_match_whatever_type_the_column_has_at_prediction():
    preprocessing = fitted(table(A=[1, 2, 3]), {"columns": ["A"], "encode": "label"})
    for column in ([3.0, None], ["3", None], pd.Series([3, None], dtype="Int64")):
        assert preprocessing.transform(table(A=column))[:, 0].tolist() == [2, -1]


@pytest.mark.parametrize("encode", ["onehot", "label"])
@pytest.mark.parametrize("impute", ["none", "most_frequent", {"constant": "x"}])
def test_an_entirely_missing_column_of_categories_works_in_training_and_at_prediction(encode, impute):
    rule = {"columns": ["A"], "encode": encode, "impute": impute}
    nothing, something = table(A=[None, None]), table(A=["x", "y"])
    assert np.isfinite(fitted(something, rule).transform(nothing)).all()
    assert np.isfinite(fitted(nothing, rule).transform(something)).all()


# Rare categories


def test_rare_categories_of_one_hot_are_scikit_learns_infrequent_ones():
    training, later = table(A=["x", "x", "y", "z", None, None]), table(A=["x", "y", "never", None])
    preprocessing = fitted(training, {"columns": ["A"], "encode": "onehot", "rare": 2})
    assert preprocessing.get_feature_names_out().tolist() == ["A_x", "A_nan", "A_infrequent_sklearn"]
    np.testing.assert_array_equal(preprocessing.transform(later), [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0]])
    none_rare = fitted(training, {"columns": ["A"], "encode": "onehot", "rare": 1})
    assert none_rare.transform(later)[2].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("encode", "expected"),
    [("label", [1, 0, 0, -2]), ("frequency", [0.4, 0.4, 0.4, 0.2]), ("embedding", [1, 0, 0, -2])],
)
def test_rare_categories_are_one_for_other_encoders(encode, expected):
    training, later = table(A=["x", "x", "y", "z", None]), table(A=["x", "y", "never", None])
    result = fitted(training, {"columns": ["A"], "encode": encode, "rare": 2}).transform(later)
    np.testing.assert_allclose(result[:, 0], expected)


# Categories by the target

ROWS = np.random.default_rng(0)
DECKS = table(Deck=ROWS.choice(list("ABCDE"), 90), Class=ROWS.integers(1, 4, 90))
LATER = table(Deck=["A", "never", None], Class=[1, 2, None])


@pytest.mark.parametrize(
    ("y", "classification", "names"),
    [
        (ROWS.choice(["no", "yes"], 90), True, ["Deck", "Class"]),
        (ROWS.integers(0, 3, 90), True, ["Deck_0", "Deck_1", "Deck_2", "Class_0", "Class_1", "Class_2"]),
        (ROWS.normal(size=90), False, ["Deck", "Class"]),
        (ROWS.integers(0, 3, 90), False, ["Deck", "Class"]),
    ],
    ids=["two classes", "three classes", "numbers", "whole numbers"],
)
def test_target_encoding_is_that_of_scikit_learn_in_seeded_folds(y, classification, names):
    folds = (StratifiedKFold if classification else KFold)(5, shuffle=True, random_state=7)
    kind = "auto" if classification else "continuous"
    expected, texts = TargetEncoder(target_type=kind, cv=folds), DECKS.astype(str)
    rule = {"columns": ["Deck", "Class"], "encode": "target"}
    preprocessing = build_preprocessing([rule], classification=classification, random_state=7)
    np.testing.assert_array_equal(preprocessing.fit_transform(DECKS, y), expected.fit_transform(texts, y))
    assert preprocessing.get_feature_names_out().tolist() == names
    known = table(Deck=["A", "never", "B"], Class=[1, 2, 3])
    np.testing.assert_array_equal(preprocessing.transform(known), expected.transform(known.astype(str)))
    means = np.mean(y[:, None] == np.unique(y), axis=0)[-len(names) // 2 :] if classification else [y.mean()]
    np.testing.assert_allclose(preprocessing.transform(LATER)[1, : len(names) // 2], means)


def test_target_encoded_columns_may_be_scaled_and_rare_categories_joined():
    y = ROWS.normal(size=90)
    rule = {"columns": ["Deck"], "encode": "target", "rare": 1000, "scale": "standard"}
    result = build_preprocessing([rule], classification=False, random_state=0).fit_transform(DECKS, y)
    assert len(np.unique(result)) == 5, "one category, whose value is that of the other four folds"
    assert result.mean() == pytest.approx(0)


# Clipping and bending numbers

SKEWED = table(x=ROWS.lognormal(sigma=2, size=200), y=ROWS.normal(size=200))


@pytest.mark.parametrize(
    ("scale", "transformer"),
    [
        ("quantile", QuantileTransformer(n_quantiles=200, output_distribution="normal")),
        ("power", PowerTransformer()),
    ],
)
def test_quantile_and_power_are_those_of_scikit_learn(scale, transformer):
    preprocessing = fitted(SKEWED, {"columns": ["x", "y"], "scale": scale})
    np.testing.assert_allclose(preprocessing.transform(SKEWED), transformer.fit_transform(SKEWED.to_numpy()))
    ends = table(x=[SKEWED["x"].min(), SKEWED["x"].max()], y=[SKEWED["y"].min(), SKEWED["y"].max()])
    beyond = table(x=[-1e9, 1e9], y=[-1e9, 1e9])
    np.testing.assert_array_equal(preprocessing.transform(beyond), preprocessing.transform(ends))


@pytest.mark.parametrize("scale", ["quantile", "power"])
@pytest.mark.parametrize("values", [[None, None, None], [4.0, 4.0, 4.0], [1e9, 1e9 + 1, 1e9 + 2]])
def test_columns_without_any_spread_stay_finite(scale, values):
    rule = {"columns": ["x"], "scale": scale}
    assert np.isfinite(fitted(table(x=values), rule).transform(table(x=[0.0, None, 1e12]))).all()


def test_the_rows_that_quantiles_are_drawn_from_are_seeded():
    frame = table(x=ROWS.normal(size=10_050))
    rule = {"columns": ["x"], "scale": "quantile"}
    one, again, other = (build_preprocessing([rule], random_state=k).fit_transform(frame) for k in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_clipping_comes_before_imputing_and_scaling_and_leaves_flags_alone():
    training = table(x=[0.0, 1.0, 2.0, 3.0, 1000.0, None])
    rule = {"columns": ["x"], "clip": 0.25, "impute": "mean", "missing_flag": True, "scale": "minmax"}
    result = fitted(training, rule).transform(training)
    # The quartiles of 0, 1, 2, 3, 1000 are 1 and 3; the mean of 1, 1, 2, 3, 3 is 2.
    np.testing.assert_allclose(result, [[0, 0], [0, 0], [0.5, 0], [1, 0], [1, 0], [0.5, 1]])


def test_a_constant_that_stands_for_missing_is_not_clipped():
    rule = {"columns": ["x"], "clip": 0.25, "impute": {"constant": -999}}
    assert fitted(table(x=[0.0, 1.0, 2.0, None]), rule).transform(table(x=[None, 5.0])).tolist() == [[-999], [1.5]]


# Embeddings


def test_codes_of_embeddings_come_first_whatever_the_order_of_the_rules():
    frame = table(Sex=["m", "f", "f"], Deck=["B", "A", None], Age=[1.0, 2.0, 3.0], Port=["S", "S", "C"])
    preprocessing = fitted(
        frame,
        {"columns": ["Age"]},
        {"columns": ["Sex"], "encode": "onehot"},
        {"columns": ["Deck", "Port"], "encode": "embedding"},
    )
    assert preprocessing.get_feature_names_out().tolist() == ["Deck", "Port", "Age", "Sex_f", "Sex_m"]
    assert preprocessing.transform(frame)[:, :2].tolist() == [[1, 1], [0, 1], [-2, 0]]
    assert preprocessing.transform(frame.assign(Deck="Z", Port=None))[:, :2].tolist() == [[-1, -1]] * 3


# The whole transformer

RULES = [
    {"columns": ["Age", "Fare"], "impute": "median", "missing_flag": True, "scale": "standard"},
    {"columns": ["Pclass", "Sex", "Title"], "encode": "onehot"},
    {"columns": ["Group"], "scale": "minmax"},
]
FEATURES = {
    "Title": {"from": "Name", "extract": r", ([^.]+)\.", "map": {"Mlle": "Miss"}, "rare": 2},
    "Group": {"from": "Name", "extract": "^[A-Z]", "count": True},
}


@pytest.fixture
def passengers():
    return table(
        Name=["Braund, Mr. O", "Bonnell, Miss. E", "Sage, Mlle. C", "Sand, Mr. V", "nobody"],
        Pclass=[3, 1, 3, 2, 3],
        Sex=["male", "female", "female", "male", None],
        Age=[22.0, 38.0, None, 35.0, 4.0],
        Fare=[7.25, 71.28, 69.3, 13.0, None],
    )


def test_the_output_is_dense_float64_and_its_names_are_readable(passengers):
    pipeline = make_pipeline(DerivedFeatures(FEATURES), build_preprocessing(RULES))
    result = pipeline.fit_transform(passengers)
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float64
    assert pipeline.get_feature_names_out().tolist() == [
        *("Age", "Fare", "Age_missing", "Fare_missing", "Pclass_1", "Pclass_2", "Pclass_3"),
        *("Sex_female", "Sex_male", "Sex_nan", "Title_Miss", "Title_Mr", "Title_nan", "Group"),
    ]
    assert np.isfinite(result).all()


def test_under_pandas_output_the_values_are_the_same_and_the_index_is_kept(passengers):
    passengers.index = [5, 5, 1, 2, 3]
    pipeline = make_pipeline(DerivedFeatures(FEATURES), build_preprocessing(RULES))
    plain = pipeline.fit_transform(passengers)
    framed = clone(pipeline).set_output(transform="pandas").fit_transform(passengers)
    assert list(framed) == pipeline.get_feature_names_out().tolist()
    assert framed.index.tolist() == [5, 5, 1, 2, 3]
    np.testing.assert_array_equal(framed.to_numpy(), plain)


def test_two_rules_may_use_one_column_in_two_ways():
    frame = table(x=[0.0, 10.0], s=["a", "b"])
    preprocessing = fitted(
        frame,
        {"columns": ["x"], "scale": "minmax"},
        {"columns": ["x"]},
        {"columns": ["s"], "encode": "label"},
    )
    names = ["number_1__x", "number_2__x", "label_3__s"]
    assert preprocessing.get_feature_names_out().tolist() == names
    np.testing.assert_array_equal(preprocessing.transform(frame), [[0, 0, 0], [1, 10, 1]])


def test_only_training_rows_are_learned_from(passengers):
    pipeline = make_pipeline(DerivedFeatures(FEATURES), build_preprocessing(RULES))
    training, later = passengers.iloc[:3], passengers.iloc[3:]
    before = pipeline.fit(training).transform(training)
    state = skops.io.dumps(pipeline)
    alone = pipeline.transform(later.iloc[:1])
    np.testing.assert_array_equal(pipeline.transform(later)[:1], alone)
    np.testing.assert_array_equal(pipeline.transform(training), before)
    restored = skops.io.loads(state, trusted=TRUSTED)
    np.testing.assert_array_equal(restored.transform(later)[:1], alone)


def test_skops_stores_the_fitted_pipeline_and_needs_no_other_trusted_type(passengers):
    pipeline = make_pipeline(DerivedFeatures(FEATURES), build_preprocessing(RULES)).fit(passengers)
    stored = skops.io.dumps(pipeline)
    assert sorted(skops.io.get_untrusted_types(data=stored)) == sorted(TRUSTED)
    restored = skops.io.loads(stored, trusted=TRUSTED)
    np.testing.assert_array_equal(restored.transform(passengers), pipeline.transform(passengers))
    assert restored.get_feature_names_out().tolist() == pipeline.get_feature_names_out().tolist()


def test_every_encoder_and_scaler_is_stored_and_restored_bit_for_bit(passengers):
    categories = [encoder for encoder in ENCODERS if encoder not in NUMERIC_ENCODERS]
    unjoined = ("hash", "text")  # read each category, rare or not
    rules = [
        *({"columns": ["Pclass", "Sex"], "encode": encode} for encode in categories),
        *(
            {"columns": ["Pclass", "Sex"], "encode": encode, "rare": 2}
            for encode in categories
            if encode not in unjoined
        ),
        *({"columns": ["Age", "Fare"], "encode": "piecewise", "bin_strategy": strategy} for strategy in BIN_STRATEGIES),
        *({"columns": ["Age", "Fare"], "clip": 0.1, "scale": scale, "missing_flag": True} for scale in SCALERS),
    ]
    preprocessing = build_preprocessing(rules, classification=False, random_state=0)
    preprocessing.fit_transform(passengers, np.arange(5.0))
    stored = skops.io.dumps(preprocessing)
    assert set(skops.io.get_untrusted_types(data=stored)) <= set(TRUSTED_TYPES)
    restored = skops.io.loads(stored, trusted=TRUSTED_TYPES)
    later = passengers.assign(Sex=["never", "male", "female", None, "male"], Fare=[None, 1e9, -1e9, 10.0, 20.0])
    np.testing.assert_array_equal(restored.transform(later), preprocessing.transform(later))
    assert restored.get_feature_names_out().tolist() == preprocessing.get_feature_names_out().tolist()


def test_text_in_a_numeric_column_is_refused_in_training_and_at_prediction():
    rule = {"columns": ["Age"]}
    with pytest.raises(
        DataError, match=r"column 'Age', row 1: expected a finite number, found 'abc'. Correct the value"
    ):
        fitted(table(Age=["1", "abc"]), rule)
    with pytest.raises(DataError, match="column 'Age', row 0: expected a finite number, found inf"):
        fitted(table(Age=[1.0]), rule).transform(table(Age=[np.inf]))


def test_a_rule_that_cannot_be_is_refused():
    with pytest.raises(SpecError, match=r"rule 2, encode: there is no 'one_hot'. Did you mean 'onehot'"):
        build_preprocessing([{"columns": ["A"]}, {"columns": ["B"], "encode": "one_hot"}])


# Checking a table


def test_a_table_that_the_rules_cover_is_accepted(passengers):
    derived = DerivedFeatures(FEATURES).fit_transform(passengers)
    assert list(column_faults(RULES, "error", derived, where="train.csv", ignore=["Name"])) == []
    assert list(column_faults(RULES, "drop", derived, where="train.csv")) == []


@pytest.mark.parametrize(
    ("rules", "rest", "message"),
    [
        (
            [{"columns": ["Agee", "Fare", "sex"]}],
            "error",
            "train.csv lacks columns that the rules name. 'Agee': Did you mean 'Age'. 'sex': Did you mean 'Sex'",
        ),
        (
            [{"columns": ["Age"]}],
            "error",
            r"train.csv: no rule names the column\(s\) Pclass, Sex, Fare. Name each in a rule .* `rest: drop`",
        ),
        (
            [{"columns": ["Sex"]}],
            "drop",
            r"train.csv, column 'Sex', row 0: expected a finite number, found 'male' \(and 3 more such rows\)",
        ),
        (
            [{"columns": ["Fare"], "impute": "none"}],
            "drop",
            "train.csv, column 'Fare', row 4: the value is missing, and its rule says `impute: none`",
        ),
    ],
)
def test_a_table_that_the_rules_do_not_fit_is_refused(passengers, rules, rest, message):
    fault = next(column_faults(rules, rest, passengers, where="train.csv", ignore=["Name"]))
    assert re.match(message, fault.message), fault


def test_each_fault_names_its_rule_and_its_columns(passengers):
    rules = [{"columns": ["Sex", "Agee"]}, {"columns": ["Fare"], "impute": "none"}]
    found = list(column_faults(rules, "error", passengers, ignore=["Name"]))
    assert [(fault.rule, fault.columns) for fault in found] == [
        (0, ("Agee",)),
        (None, ("Pclass",)),  # Age is what the rule means by Agee
        (0, ("Sex",)),
        (1, ("Fare",)),
    ]


# Wide tables and patterns


def test_ten_thousand_columns_of_bytes_pass_as_they_are():
    X = np.random.default_rng(0).integers(0, 2, (5, 10_000)).astype(np.uint8)
    frame = pd.DataFrame(X, columns=[f"word{k}" for k in range(10_000)])
    rule = {"columns": ["word*"], "impute": "none"}
    assert list(column_faults([rule], "error", frame)) == []
    found = fitted(frame, rule).transform(frame)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, X)


def test_an_infinite_value_of_a_wide_table_is_named_as_in_any_other():
    frame = pd.DataFrame(np.zeros((3, 4), np.float32), columns=list("abcd"), index=[1, 2, 3])
    frame.loc[2, "c"] = np.inf
    (fault,) = column_faults([{"columns": ["?"]}], "error", frame)
    assert "column 'c', row 2: expected a finite number, found inf" in fault.message


def test_a_pattern_is_the_rule_of_all_its_columns_and_survives_a_file():
    frame = table(pixel0=[0, 255], other=[1.0, 3.0], pixel1=[51, 102])
    rules = [{"columns": ["pixel*"], "scale": {"constant": 255}}, {"columns": ["other"], "scale": "minmax"}]
    preprocessing = fitted(frame, *rules)
    expected = [[0, 0.2, 0], [1, 0.4, 1]]
    np.testing.assert_allclose(preprocessing.transform(frame), expected, rtol=1e-6)
    assert preprocessing.get_feature_names_out().tolist() == ["number_1__pixel0", "number_1__pixel1", "number_2__other"]
    restored = skops.io.loads(skops.io.dumps(preprocessing), trusted=TRUSTED_TYPES)
    wider = frame.assign(pixel2=7)  # not there in training
    np.testing.assert_array_equal(restored.transform(wider), preprocessing.transform(frame))
    np.testing.assert_array_equal(clone(restored).fit(frame).transform(frame), preprocessing.transform(frame))


def test_a_pattern_never_means_target_and_id():
    frame = table(Id=[1, 2], x=[3, 4], y=[5, 6])
    found = build_preprocessing([{"columns": ["*"]}], never=["y", "Id"]).fit_transform(frame)
    np.testing.assert_array_equal(found, [[3], [4]])
    assert list(column_faults([{"columns": ["*"]}], "error", frame, never=["y", "Id"], ignore=["y", "Id"])) == []
    (fault,) = column_faults([{"columns": ["*"]}], "error", frame, never=["y", "Id"], ignore=["y"])
    assert "no rule names the column(s) Id" in fault.message
