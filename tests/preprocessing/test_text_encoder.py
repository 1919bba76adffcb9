"""Texts as components: as scikit-learn computes them step by step, of training rows only, and stored as arrays."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union

from tabular_dl.errors import DataError, SpecError
from tabular_dl.preprocessing import text_encoder
from tabular_dl.preprocessing.column_rules import read_rules
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.preprocessing.text_encoder import TextEncoder
from tabular_dl.tracking.persistence import TRUSTED_TYPES

WORDS = re.findall(
    r"\w+", "the red house stands behind a small garden where old trees hide every window from cold rain"
)


def sentences(rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, random.integers(3, 9))) for _ in range(rows)]
    return pd.DataFrame({"text": texts})


def test_components_are_those_of_scikit_learn_step_by_step() -> None:
    table, later = sentences(150), sentences(20, seed=1)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    common = {"dtype": np.float32, "sublinear_tf": True, "min_df": 2}
    terms = make_union(
        TfidfVectorizer(ngram_range=(1, 2), **common),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), **common),
    )
    expected = make_pipeline(terms, TruncatedSVD(4, random_state=seed)).fit(table["text"])
    encoder = TextEncoder(4, random_state=0)
    numbers, others = encoder.fit_transform(table), encoder.transform(later)
    assert numbers.dtype == others.dtype == np.float32
    np.testing.assert_allclose(numbers, expected.transform(table["text"]), atol=1e-5)
    np.testing.assert_allclose(others, expected.transform(later["text"]), atol=1e-5)
    assert encoder.get_feature_names_out().tolist() == ["text_text1", "text_text2", "text_text3", "text_text4"]


def test_a_row_is_encoded_the_same_whatever_stands_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    table = sentences(60)
    encoder = TextEncoder(5, random_state=0).fit(table)
    together = encoder.transform(table)
    monkeypatch.setattr(text_encoder, "BLOCK", 7)
    np.testing.assert_array_equal(encoder.transform(table), together)
    alone = np.concatenate([encoder.transform(table.iloc[[row]]) for row in range(9)])
    np.testing.assert_array_equal(alone, together[:9])
    assert encoder.transform(table.head(0)).shape == (0, 5)


def test_nothing_is_learned_from_other_rows_than_those_of_fit() -> None:
    """A planted leak: a word that only later rows have counts as unknown."""
    encoder = TextEncoder(5, random_state=0).fit(sentences(60))
    later = pd.DataFrame({"text": ["xylophon", "xylophon the garden", "the garden", None, ""]})
    numbers = encoder.transform(later)
    assert not numbers[[0, 3, 4]].any()
    cosine = numbers[1] @ numbers[2] / np.linalg.norm(numbers[1]) / np.linalg.norm(numbers[2])
    assert cosine > 0.999


def test_the_number_of_components_does_not_depend_on_the_rows() -> None:
    columns = pd.DataFrame({"a": ["one word", "two words", None], "b": [None, None, None], "c": [1, 2, 3]})
    numbers = TextEncoder(7).fit_transform(columns)
    assert numbers.shape == (3, 21)
    assert np.isfinite(numbers).all()
    assert not numbers[:, 7:14].any()


def test_a_single_term_is_a_component_by_itself() -> None:
    encoder = TextEncoder(3).fit(pd.DataFrame({"a": ["x", None, "x"]}))
    assert encoder.columns_[0]["letters"] == [" x "]
    assert encoder.transform(pd.DataFrame({"a": ["x", "y"]})).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_terms_are_learned_from_a_bounded_number_of_rows_terms_and_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_encoder, "MOST_ROWS", 50)
    monkeypatch.setattr(text_encoder, "MOST_TERMS", 30)
    monkeypatch.setattr(text_encoder, "MOST_CHARACTERS", 10)
    table = sentences(200)
    encoder = TextEncoder(3, random_state=0).fit(table)
    assert [len(encoder.columns_[0][kind]) for kind in ("words", "letters")] == [30, 30]
    np.testing.assert_array_equal(
        encoder.transform(table), encoder.transform(table.assign(text=table["text"].str[:10]))
    )
    same = TextEncoder(3, random_state=0).fit(table)
    np.testing.assert_array_equal(encoder.columns_[0]["directions"], same.columns_[0]["directions"])


def test_encoders_are_stored_as_arrays_without_pickle_and_loaded_the_same() -> None:
    table = sentences(120)
    preprocessing = build_preprocessing(
        [{"columns": ["text"], "encode": "text", "components": 6, "missing_flag": True, "scale": "standard"}],
        random_state=3,
    ).fit(table)
    content = skops.io.dumps(preprocessing)
    loaded = skops.io.loads(content, trusted=TRUSTED_TYPES)
    np.testing.assert_array_equal(loaded.transform(sentences(9, 2)), preprocessing.transform(sentences(9, 2)))
    assert loaded.transform(pd.DataFrame({"text": [None]})).shape == (1, 7)
    assert len(content) < 200_000


@pytest.mark.parametrize("name", ["directions", "word_weights", "words"])
def test_a_stored_encoder_whose_arrays_do_not_fit_is_refused(name: str) -> None:
    state = TextEncoder(3, random_state=0).fit(sentences(20)).__getstate__()
    column = state["columns_"][0]
    changed = [*column["letters"], "more"] if name == "words" else column[name][:-1]
    with pytest.raises(DataError, match="the texts of a column have"):
        TextEncoder().__setstate__({**state, "columns_": [{**column, name: changed}]})


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"encode": "onehot", "components": 5}, "components: belongs to encode: text, found encode: onehot; leave"),
        ({"encode": "text", "components": 0}, "components: .*greater than or equal to 1|components: .* 1"),
        ({"encode": "text", "components": "many"}, "components: "),
        ({"encode": "text", "rare": 5}, "rare: joins categories, but encode: text reads texts"),
        ({"encode": "text", "clip": 0.1}, "clip: needs numbers, but encode: text reads texts"),
        ({"encode": "text", "bins": 3}, "bins: belongs to encode: piecewise, found encode: text"),
        ({"encode": "text", "impute": "median"}, "impute: median needs numbers, but encode: text reads texts"),
    ],
)
def test_a_rule_of_texts_that_contradicts_itself_is_refused(rule: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_rules([{"columns": ["text"], **rule}])
