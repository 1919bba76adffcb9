"""Rules for many categories: buckets of a hash, several smoothings, and numbers read as categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.preprocessing import TargetEncoder

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing.column_rules import read_rules
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.preprocessing.encoders import EncodingFolds, HashedCategories
from tabular_dl.preprocessing.joint_transform import JointTransform
from tabular_dl.tracking.persistence import TRUSTED_TYPES

RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {"city": RANDOM.choice([f"city {n}" for n in range(40)], 200), "year": RANDOM.integers(1990, 1999, 200)}
)
Y = RANDOM.normal(size=200) + ROWS["year"].to_numpy() - 1990


def transformer(*rules: dict[str, Any]) -> Any:
    return build_preprocessing(rules, classification=False, random_state=0)


def test_hash_is_one_column_a_bucket_that_training_rows_have_and_new_categories_have_one_too() -> None:
    rule = {"columns": ["city"], "encode": "hash", "buckets": 6}
    preprocessing = transformer(rule).fit(ROWS)
    later = pd.DataFrame({"city": ["city 3", "never seen", None], "year": 0})
    buckets = HashedCategories(6).fit_transform(later[["city"]])[:, 0]
    names = preprocessing.get_feature_names_out().tolist()
    assert names == [f"city_{bucket}" for bucket in range(6)]
    expected = [[float(name == f"city_{bucket}") for name in names] for bucket in buckets]
    np.testing.assert_array_equal(preprocessing.transform(later), expected)


def test_an_embedding_reads_the_codes_of_buckets() -> None:
    preprocessing = transformer({"columns": ["city"], "encode": "embedding", "buckets": 6})
    codes = preprocessing.fit_transform(ROWS)[:, 0]
    assert {*codes} == {0, 1, 2, 3, 4, 5}
    buckets = HashedCategories(6).fit_transform(ROWS[["city"]])[:, 0]
    assert len({*zip(codes, buckets, strict=True)}) == 6
    assert preprocessing.transform(pd.DataFrame({"city": ["never seen"], "year": [0]}))[0, 0] >= 0


def test_each_smoothing_is_a_column_as_of_scikit_learn_and_training_rows_are_encoded_by_others() -> None:
    preprocessing = transformer({"columns": ["city"], "encode": "target", "smoothing": [0, 5, 100]})
    encoded = preprocessing.fit_transform(ROWS, Y)
    assert preprocessing.get_feature_names_out().tolist() == [
        "target_1_0__city",
        "target_1_5__city",
        "target_1_100__city",
    ]
    for place, smoothing in enumerate([0.0, 5.0, 100.0]):
        encoder = TargetEncoder(smooth=smoothing, target_type="continuous", cv=EncodingFolds(False, 0))
        np.testing.assert_allclose(encoded[:, [place]], encoder.fit_transform(ROWS[["city"]], Y))
        np.testing.assert_allclose(preprocessing.transform(ROWS)[:, [place]], encoder.transform(ROWS[["city"]]))
    # By hand, the mean of rows and smoothing together: without any, of a category alone.
    city = ROWS["city"].to_numpy() == "city 7"
    expected = (Y[city].sum() + 5 * Y.mean()) / (city.sum() + 5)
    assert preprocessing.transform(pd.DataFrame({"city": ["city 7"], "year": [0]}))[0, 1] == pytest.approx(expected)
    assert transformer({"columns": ["city"], "encode": "target", "smoothing": 5}).fit_transform(ROWS, Y)[
        :, 0
    ].tolist() == pytest.approx(encoded[:, 1].tolist())


@pytest.mark.parametrize("encode", ["onehot", "embedding", "target", "frequency", "native", "label", "hash"])
def test_a_column_of_numbers_is_encoded_as_one_of_their_texts(encode: str) -> None:
    rule = {"columns": ["year"], "encode": encode}
    as_texts = ROWS.assign(year=ROWS["year"].astype(str))
    np.testing.assert_array_equal(
        transformer(rule).fit_transform(ROWS, Y), transformer(rule).fit_transform(as_texts, Y)
    )
    as_floats = ROWS.assign(year=ROWS["year"].astype(float))
    np.testing.assert_array_equal(
        transformer(rule).fit_transform(as_floats, Y), transformer(rule).fit_transform(ROWS, Y)
    )


def test_folds_are_transformed_together_and_stored_as_each_alone() -> None:
    rules = [
        {"columns": ["city", "year"], "encode": "hash", "buckets": 6},
        {"columns": ["city"], "encode": "target", "smoothing": [1, 10]},
    ]
    parts = [transformer(*rules).fit(ROWS.iloc[rows], Y[rows]) for rows in (slice(150), slice(50, 200))]
    features = [DerivedFeatures({}).fit(ROWS) for _ in parts]
    together = JointTransform(features, parts)(ROWS)
    for part, matrix in zip(parts, together, strict=True):
        np.testing.assert_array_equal(matrix, part.transform(ROWS))
        loaded = skops.io.loads(skops.io.dumps(part), trusted=TRUSTED_TYPES)
        np.testing.assert_array_equal(loaded.transform(ROWS), matrix)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"encode": "target", "smoothing": -1}, r"rule 1, smoothing: expected a number of rows such as 10.* found -1"),
        ({"encode": "target", "smoothing": []}, r"smoothing: expected a number of rows .* found \[\]"),
        ({"encode": "target", "smoothing": [1, "x"]}, r"smoothing: expected a number of rows .* found \[1, 'x'\]"),
        ({"encode": "target", "smoothing": [1, 1.0]}, r"smoothing: a number is there twice in \[1, 1.0\]"),
        ({"encode": "target", "smoothing": True}, "smoothing: expected a number of rows .* found True"),
        ({"encode": "onehot", "smoothing": 1}, "smoothing: belongs to encode: target, found encode: onehot"),
        ({"encode": "hash", "buckets": 1}, "buckets"),
        ({"encode": "hash", "buckets": "many"}, "buckets"),
        ({"encode": "hash", "rare": 9}, "rare: buckets join rare categories with others already"),
        ({"encode": "embedding", "buckets": 9, "rare": 9}, "rare: buckets join rare categories"),
        ({"encode": "hash", "scale": "minmax"}, "scale: one-hot columns are 0 and 1 already"),
        ({"buckets": 9}, "buckets: join categories, but a rule without encode reads none; write encode: hash"),
        ({"encode": "piecewise", "buckets": 9}, "buckets: join categories, but encode: piecewise reads none"),
        ({"encode": "text", "buckets": 9}, "buckets: join categories, but encode: text reads none"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_rules([{"columns": ["city"], **rule}])
