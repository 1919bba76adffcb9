"""Tables of texts and numbers survive their arrays exactly, and arrays that do not fit each other are refused."""

import json
import zipfile
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.preprocessing import encoders
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.preprocessing.stored_tables import (
    SHORT,
    pack_arrays,
    pack_table,
    pack_texts,
    unpack_arrays,
    unpack_table,
    unpack_texts,
)
from tabular_dl.tracking.persistence import TRUSTED_TYPES

# NUL at the end, which arrays of texts lose; several bytes a character; nothing.
ODD = ["a\0", "ß", "\U0001f6a2", "", " "]
NAMES = [*ODD, *(f"ticket {number}" for number in range(SHORT))]


@given(st.lists(st.text(st.characters(codec=None)) | st.just(np.nan), min_size=SHORT + 1, max_size=SHORT + 9))
def test_texts_and_missing_values_survive(texts):
    packed = pack_texts(texts)
    assert {name: (array.dtype, array.ndim) for name, array in packed.items()} == {
        "characters": (np.uint8, 1),
        "lengths": (np.int64, 1),
    }
    assert [ascii(text) for text in unpack_texts(packed)] == [ascii(text) for text in texts]


@given(st.dictionaries(st.text(), st.floats(allow_nan=False), min_size=SHORT + 1))
def test_tables_survive_with_their_order(table):
    assert list(unpack_table(pack_table(table)).items()) == list(table.items())


def test_whole_numbers_stay_whole():
    restored = unpack_table(pack_table(dict.fromkeys(NAMES, 3)))
    assert {type(count) for count in restored.values()} == {int}


@pytest.mark.parametrize("texts", [["short"] * SHORT, [*NAMES, 1], [*NAMES, True], [*NAMES, None]])
def test_short_lists_and_those_of_other_types_stay_lists(texts):
    assert pack_texts(texts) is texts
    assert unpack_texts(texts) is texts


def bytes_of(text):
    return np.frombuffer(text, np.uint8)


@pytest.mark.parametrize(
    ("characters", "lengths", "found"),
    [
        (bytes_of(b"abc"), np.array([1, 1]), "3 characters"),
        (bytes_of(b"abc"), np.array([4, -1]), "3 characters"),
        (bytes_of(b"abc"), np.array([5, -2]), "3 characters"),
        (bytes_of(b"abc"), np.array([2**62, 2**62, 2**62, 2**62, 3]), "3 characters"),
        (bytes_of(b"abc"), np.array([3.0]), "other arrays"),
        (bytes_of(b"abc").reshape(1, 3), np.array([3]), "other arrays"),
        (np.array(["abc"]), np.array([3]), "other arrays"),
    ],
)
def test_arrays_that_are_no_texts_are_refused(characters, lengths, found):
    with pytest.raises(DataError, match=found):
        unpack_texts({"characters": characters, "lengths": lengths})


@given(st.lists(st.lists(st.floats(), max_size=5).map(np.array)))
def test_arrays_survive_with_their_sizes(arrays):
    restored = unpack_arrays(pack_arrays(arrays))
    assert len(restored) == len(arrays)
    for found, expected in zip(restored, arrays, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("numbers", "sizes", "found"),
    [
        (np.zeros(3), np.array([1, 1]), "3 numbers"),
        (np.zeros(3), np.array([4, -1]), "3 numbers"),
        (np.zeros(3), np.array([2**62, 2**62, 2**62, 2**62, 3]), "3 numbers"),
        (np.zeros(3), np.array([3.0]), "other arrays"),
        (np.zeros((1, 3)), np.array([3]), "other arrays"),
        (np.zeros(3, np.float32), np.array([3]), "other arrays"),
    ],
)
def test_numbers_that_do_not_fit_their_sizes_are_refused(numbers, sizes, found):
    with pytest.raises(DataError, match=found):
        unpack_arrays({"numbers": numbers, "sizes": sizes})


@pytest.mark.parametrize("values", [np.array([1]), np.array([[1], [2]]), np.array(["a", "b"])])
def test_values_that_do_not_fit_the_keys_are_refused(values):
    with pytest.raises(DataError, match="a table of 2 categories has values of shape"):
        unpack_table({"characters": bytes_of(b"ab"), "lengths": np.array([1, 1]), "values": values})


TABLE = pd.DataFrame({"Name": np.repeat(np.array(NAMES, dtype=object), 2), "Fare": np.arange(len(NAMES) * 2.0)})
TRANSFORMERS = [
    DerivedFeatures({"Group": {"from": "Name", "count": True}}),
    DerivedFeatures({"Kept": {"from": "Name", "rare": 2}}),
    DerivedFeatures({"Mean": {"from": "Fare", "by": "Name", "statistic": "mean"}}),
    encoders.FrequencyEncoder(),
    encoders.RareCategories(2),
    encoders.OneHotEncoder(sparse_output=False),
    encoders.OrdinalEncoder(),
    encoders.TargetEncoder(target_type="continuous"),
]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda transformer: type(transformer).__name__)
def test_what_is_stored_of_a_table_does_not_grow_with_it_but_in_arrays(transformer):
    table = TABLE if isinstance(transformer, DerivedFeatures) else TABLE[["Name"]]
    fitted = transformer.fit(table, TABLE["Fare"])
    stored = skops.io.dumps(fitted)
    with zipfile.ZipFile(BytesIO(stored)) as archive:
        schema = archive.read("schema.json").decode()
    assert not any(name in schema for name in NAMES if name.startswith("ticket"))
    assert json.loads(schema)["__class__"] == type(transformer).__name__
    restored = skops.io.loads(stored, trusted=TRUSTED_TYPES)
    pd.testing.assert_frame_equal(pd.DataFrame(restored.transform(table)), pd.DataFrame(fitted.transform(table)))
