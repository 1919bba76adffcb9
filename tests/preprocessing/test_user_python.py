"""Steps that the user has written in Python: what they may return, what is stored of them, and who may execute them."""

from __future__ import annotations

import copy
import os
import re
import stat
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import DataError, SpecError, UserError
from tabular_dl.preprocessing import (
    ColumnRule,
    JointTransform,
    PythonDefinition,
    PythonFeatures,
    PythonSource,
    PythonTransformer,
    approve,
    build_preprocessing,
    check_defines,
    is_trusted,
    read_source,
    reference_problem,
    trust,
)
from tabular_dl.preprocessing import python_trust as trusting
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.preprocessing.plain_state import NotPlainError, pack_state, unpack_state
from tabular_dl.tracking.persistence import TRUSTED_TYPES

PEOPLE = pd.DataFrame(
    {"Name": ["Ryan, Mr. Ed", "Sage, Mlle. Eva", "Roe, Mr. Al"], "Fare": [7.0, 30.0, np.nan]}, index=[5, 2, 9]
)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the key in an empty folder, and forget what this process may execute."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(trusting, "_TRUSTED", set())
    return tmp_path / "config"


def source_of(text: str, file: str = "mine.py") -> PythonSource:
    return PythonSource(file, textwrap.dedent(text))


def features(text: str, name: str = "add") -> PythonFeatures:
    source = source_of(text)
    return PythonFeatures(source, name, approve(source, name, {}))


def transformer(text: str, name: str = "Step", **parameters: Any) -> PythonTransformer:
    source = source_of(text)
    return PythonTransformer(source, name, parameters, approve(source, name, parameters))


def stored(step: Any) -> Any:
    """Store and load a step as models are."""
    return skops.io.loads(skops.io.dumps(step), trusted=TRUSTED_TYPES)


# Features


def test_a_function_adds_columns_to_a_table_whose_own_columns_and_index_stay() -> None:
    step = features("def add(table):\n    return table.assign(Length=table['Name'].str.len(), Twice=2 * table['Fare'])")
    result = step.fit_transform(PEOPLE)
    expected = PEOPLE.assign(Length=[12, 15, 11], Twice=[14.0, 60.0, np.nan])
    pd.testing.assert_frame_equal(result, expected, check_dtype=False)
    pd.testing.assert_frame_equal(step.transform(PEOPLE.head(1)), result.head(1))
    assert list(step.get_feature_names_out()) == ["Name", "Fare", "Length", "Twice"]


def test_a_function_may_return_new_columns_only_and_change_its_own_copy_of_the_table() -> None:
    step = features("def add(table):\n    table['Twice'] = 2 * table.pop('Fare')\n    return table[['Twice']]")
    before = PEOPLE.copy()
    assert list(step.fit_transform(PEOPLE)) == ["Name", "Fare", "Twice"]
    pd.testing.assert_frame_equal(PEOPLE, before)


MEAN = """
    class Mean:
        def fit(self, table):
            self.mean = table["Fare"].mean()

        def transform(self, table):
            return table.assign(Above=table["Fare"] > self.mean)
"""


def test_an_object_learns_in_fit_and_predicts_the_same_after_it_was_stored() -> None:
    step = features(MEAN, "Mean").fit(PEOPLE)
    rows = pd.DataFrame({"Name": ["a", "b"], "Fare": [18.4, 18.6]})  # the mean of 7 and 30 is 18.5
    assert step.transform(rows)["Above"].tolist() == [False, True]
    assert stored(step).transform(rows)["Above"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("table.dropna()", "mine.py:add returned 2 rows for 3: return each row once"),
        ("table.sort_index()", "returned the rows in another order"),
        ("table.reset_index(drop=True)", "returned rows with another index"),
        ("table.assign(Fare=table['Fare'].fillna(0))", "changed the column 'Fare', which exists already"),
        ("table", "added no column"),
        ("table['Fare']", "returned Series: expected a DataFrame"),
        ("None", "returned NoneType"),
        ("pd.concat([table, table[['Fare']]], axis=1)", "a column 'Fare' that is there twice"),
        ("table.assign(A=1).rename(columns={'A': 3})", "a column 3 that is there twice, or no text"),
    ],
)
def test_a_function_that_returns_anything_else_is_told_so(returned: str, message: str) -> None:
    step = features(f"import pandas as pd\ndef add(table):\n    return {returned}")
    with pytest.raises(DataError, match=re.escape(message)):
        step.fit(PEOPLE)


def test_a_column_that_is_missing_for_other_rows_is_named() -> None:
    step = features("import pandas as pd\ndef add(table):\n    return table.join(pd.get_dummies(table['Name']))")
    step.fit(PEOPLE)
    with pytest.raises(DataError, match=r"did not return the column.*Sage, Mlle.*return the same columns"):
        step.transform(PEOPLE.head(1))


def test_what_is_neither_function_nor_class_is_refused() -> None:
    with pytest.raises(SpecError, match=r"mine\.py:add: expected a function or a class, found int"):
        features("add = 3").fit(PEOPLE)


# Errors in the code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def add(table):\n    return table['Fair']", "mine.py:add, line 2: KeyError: 'Fair'"),
        (
            "def add(table):\n    return helper(table)\ndef helper(table):\n    raise ValueError('no')",
            "mine.py:add, line 4 (in helper): ValueError: no",
        ),
        ("def add(a, b):\n    return a", "mine.py:add: TypeError: add() missing 1 required positional argument: 'b'"),
        ("x = 1 / 0\ndef add(table): ...", "mine.py, line 1: ZeroDivisionError: division by zero"),
        ("import nowhere_at_all\ndef add(table): ...", "mine.py, line 1: ModuleNotFoundError: No module named"),
        ("def add(table):\n    raise SystemExit(3)", "mine.py:add, line 2: SystemExit: the code ended the program (3)"),
        ("def add(table:\n    pass", "mine.py, line 1 is not valid Python: '(' was never closed"),
        ("def add_all(table): ...", "mine.py does not define 'add'. Did you mean 'add_all'?"),
    ],
)
def test_an_exception_becomes_an_error_with_file_function_and_line(text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        features(text).fit(PEOPLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def added(t): ...", "mine.py does not define 'add'. Did you mean 'added'?"),
        ("def other():\n    def add(t): ...", "does not define 'add'"),
        ("return 3", "mine.py, line 1 is not valid Python: 'return' outside function"),
        ("x = (" * 500, "is not valid Python"),
        ("\0", "is not valid Python"),
    ],
)
def test_a_file_is_checked_without_being_executed(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        check_defines(PythonSource("mine.py", text), "add")


@pytest.mark.parametrize(
    "text",
    [
        "def add(t): ...",
        "class add: ...",
        "from x import y as add",
        "add = z = None",
        "from x import *",
        "if 1:\n  add = 2",
    ],
)
def test_all_ways_to_define_a_name_are_known(text: str) -> None:
    check_defines(PythonSource("mine.py", text), "add")


# Files


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("mine.py", "expected FILE.py:NAME"),
        (3, "expected FILE.py:NAME"),
        ("mine.txt:add", "expected a Python file"),
        ("/mine.py:add", "expected a path relative to the folder of the pipeline file"),
        ("../mine.py:add", "without '..'"),
        ("C:\\mine.py:add", "expected a path relative"),
        ("mine.py:add-1", "expected the name of a function or class"),
        ("a\0.py:add", "zero byte"),
    ],
)
def test_only_names_in_files_beside_the_pipeline_are_references(reference: object, message: str) -> None:
    assert message in str(reference_problem(reference))


def test_a_file_is_read_as_python_reads_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert read_source(tmp_path, "mine.py").text == "x = 1\n"


def test_files_that_cannot_be_used_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "features.py").write_text("x = 1\n" * 20)
    with pytest.raises(SpecError, match=r"there is no file .*feature\.py\. Did you mean 'features\.py'\?"):
        read_source(folder, "feature.py")
    (tmp_path / "outside.py").write_text("x = 1")
    (folder / "link.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(SpecError, match="outside the folder of the pipeline file"):
        read_source(folder, "link.py")
    (folder / "latin.py").write_bytes(b"x = 1\ny = '\xe9'\n")
    with pytest.raises(SpecError, match=r"latin\.py, line 2: expected text in UTF-8"):
        read_source(folder, "latin.py")
    monkeypatch.setattr("tabular_dl.preprocessing.python_source.MOST_BYTES", 100)
    with pytest.raises(SpecError, match="has 120 bytes, the limit is 100"):
        read_source(folder, "features.py")


# Transformers

SEEN = """
    import numpy as np

    EVER = []

    class Step:
        def __init__(self, weight=1.0):
            self.weight = weight

        def fit(self, X, y=None):
            self.seen_ = list(X["Name"])
            EVER.extend(self.seen_)
            self.ever_ = list(EVER)
            self.target_ = None if y is None else float(np.mean(y))
            return self

        def transform(self, X):
            return self.weight * X["Name"].isin(self.seen_).to_numpy()[:, None]
"""


def test_a_transformer_gets_columns_target_and_parameters_and_nothing_of_other_fits() -> None:
    step = transformer(SEEN, weight=2.0)
    first, second = PEOPLE[["Name"]].head(2), PEOPLE[["Name"]].tail(1)
    for rows, y in ((first, [1.0, 2.0]), (second, [5.0])):
        fitted = clone(step)
        assert fitted.fit_transform(rows, y).tolist() == [[2.0]] * len(rows)
        # Each fit has a module of its own, so that a list of the module does not know the rows of other folds.
        assert fitted._ready().ever_ == fitted._ready().seen_ == rows["Name"].tolist()
        assert fitted._ready().target_ == np.mean(y)
        assert fitted.transform(PEOPLE[["Name"]]).ravel().tolist() == (2.0 * PEOPLE.index.isin(rows.index)).tolist()


WORDS = """
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.feature_extraction.text import TfidfVectorizer

    class Step(TransformerMixin, BaseEstimator):
        def __init__(self, low=1):
            self.low = low

        def fit(self, X):
            self.words_ = TfidfVectorizer(min_df=self.low).fit(X["Name"])

        def transform(self, X):
            return self.words_.transform(X["Name"])

        def get_feature_names_out(self, names=None):
            return self.words_.get_feature_names_out()
"""


def test_a_transformer_may_hold_estimators_of_scikit_learn_and_return_sparse_numbers() -> None:
    step = transformer(WORDS, low=1)
    expected = TfidfVectorizer().fit_transform(PEOPLE["Name"]).toarray()
    np.testing.assert_array_equal(step.fit_transform(PEOPLE[["Name"]]), expected)
    np.testing.assert_array_equal(step.transform(PEOPLE[["Name"]]), expected)
    np.testing.assert_array_equal(stored(step).transform(PEOPLE[["Name"]]), expected)
    assert list(step.get_feature_names_out()) == ["al", "ed", "eva", "mlle", "mr", "roe", "ryan", "sage"]


def test_a_fit_transform_of_the_class_is_what_training_rows_get() -> None:
    text = """
        class Step:
            def fit_transform(self, X, y):
                self.fit(X)
                return X[["Fare"]] * 0 + 7
            def fit(self, X): ...
            def transform(self, X):
                return X[["Fare"]]
    """
    step = transformer(text)
    rows = PEOPLE[["Fare"]].head(2)
    assert step.fit_transform(rows, [0, 1]).ravel().tolist() == [7.0, 7.0]
    assert step.transform(rows).ravel().tolist() == [7.0, 30.0]
    assert list(step.get_feature_names_out()) == ["Fare"]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("X", "mine.py:Step returned 'Ryan, Mr. Ed': expected numbers"),
        ("X['Name'].str.len()", r"returned shape (3,): expected numbers of shape (3 rows, features)"),
        ("[[1.0]]", "returned shape (1, 1): expected numbers of shape (3 rows, features)"),
        ("[[1.0], [float('inf')], [0.0]]", "mine.py:Step, row 2: expected a finite number"),
        ("self.there_is_none", "mine.py:Step.transform, line 4: AttributeError: 'Step' object has no attribute"),
    ],
)
def test_a_transformer_that_returns_no_numbers_is_told_so(returned: str, message: str) -> None:
    text = f"class Step:\n    def fit(self, X): ...\n    def transform(self, X):\n        return {returned}"
    with pytest.raises(DataError, match=re.escape(message)):
        transformer(text).fit(PEOPLE[["Name"]])


def test_a_transformer_returns_as_many_columns_for_all_rows() -> None:
    text = (
        "class Step:\n    def fit(self, X): ...\n    def transform(self, X):\n        return [[0.0] * len(X)] * len(X)"
    )
    step = transformer(text).fit(PEOPLE[["Name"]])
    with pytest.raises(DataError, match="returned 1 columns for these rows, and 3 for the training rows"):
        step.transform(PEOPLE[["Name"]].head(1))


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        ("def Step(X): ...", {}, "mine.py:Step: expected a class with fit and transform, found function"),
        (
            "class Step:\n    def fit(self, X): ...",
            {},
            "expected a class with fit and transform, found none named transform",
        ),
        (SEEN, {"wieght": 2.0}, "mine.py:Step has no parameter 'wieght'. Did you mean 'weight'?"),
    ],
)
def test_what_cannot_be_made_is_refused(text: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        transformer(text, **parameters).fit(PEOPLE[["Name"]])


# In column rules


@pytest.mark.parametrize("key", [{"impute": "median"}, {"encode": "onehot"}, {"missing_flag": True}, {"clip": 0.1}])
def test_other_keys_beside_a_transformer_are_refused(key: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(key))}: cannot stand beside transformer"):
        ColumnRule.model_validate({"columns": ["Name"], "transformer": "mine.py:Step", **key})
    with pytest.raises(ValueError, match="parameters: are those of a transformer"):
        ColumnRule.model_validate({"columns": ["Name"], "parameters": {"weight": 1}})
    with pytest.raises(ValueError, match="transformer: expected a Python file"):
        ColumnRule.model_validate({"columns": ["Name"], "transformer": "mine:Step"})


def test_a_rule_scales_what_its_transformer_returns_and_the_fast_path_leaves_it_alone() -> None:
    rule = ColumnRule.model_validate({"columns": ["Name"], "transformer": "mine.py:Step", "scale": "standard"})
    assert ColumnRule.model_validate(rule.model_dump()) == rule
    step = transformer("class Step:\n  def fit(self, X): ...\n  def transform(self, X):\n    return X.map(len)")
    preprocessing = build_preprocessing([rule, {"columns": ["Fare"]}], python=lambda _: step)
    matrix = preprocessing.fit_transform(PEOPLE)
    lengths = PEOPLE["Name"].str.len().to_numpy()[:, None]
    np.testing.assert_allclose(matrix[:, :1], StandardScaler().fit_transform(lengths))
    nothing = DerivedFeatures({}).fit(PEOPLE)
    with pytest.raises(TypeError):
        JointTransform([nothing], [preprocessing])
    with pytest.raises(SpecError, match="rule 1, transformer: there is no folder"):
        build_preprocessing([rule])


# State


class Thing:
    """A class of a user."""


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(
            st.none() | st.booleans() | st.text() | st.integers() | st.tuples(st.text()), inner, max_size=3
        ),
    ),
    max_leaves=8,
)


@given(value=PLAIN)
def test_plain_data_comes_back_as_it_was(value: object) -> None:
    thing = Thing()
    thing.value = value  # type: ignore[attr-defined]
    again = unpack_state(Thing, stored_state(pack_state(thing)))
    assert repr(again.value) == repr(value)


def stored_state(packed: dict[str, Any]) -> dict[str, Any]:
    return skops.io.loads(skops.io.dumps(packed), trusted=TRUSTED_TYPES)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        np.array(["a", None, 1.5], dtype=object),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.float32(0.1),
        np.int64(3),
        np.str_("a"),
        {"a", "b"},
        frozenset({1}),
        np.float64,
    ],
)
def test_arrays_and_their_kin_come_back_as_they_were(value: Any) -> None:
    thing = Thing()
    thing.value = value  # type: ignore[attr-defined]
    again = unpack_state(Thing, stored_state(pack_state(thing))).value
    assert type(again) is type(value)
    np.testing.assert_array_equal(again, value)
    assert getattr(again, "dtype", None) == getattr(value, "dtype", None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.Series([1.0]), "attribute 'value' holds a pandas Series"),
        ({"a": [Thing()]}, "holds a .*Thing"),
        (len, "holds a builtin_function_or_method"),
        (Thing, "holds a type"),
        (np.array([(1, 2)], dtype=[("a", int), ("b", int)]), "an array of type"),
    ],
)
def test_other_state_is_refused_with_the_attribute(value: object, message: str) -> None:
    thing = Thing()
    thing.value = value  # type: ignore[attr-defined]
    with pytest.raises(NotPlainError, match=message):
        pack_state(thing)


def test_a_state_that_contains_itself_is_refused() -> None:
    thing = Thing()
    thing.value = [1]  # type: ignore[attr-defined]
    thing.value.append(thing.value)  # type: ignore[attr-defined]
    with pytest.raises(NotPlainError, match="contains itself"):
        pack_state(thing)


def test_a_class_whose_state_cannot_be_stored_is_refused_at_fit() -> None:
    text = """
        class Step:
            def fit(self, X):
                self.means_ = X.mean()
            def transform(self, X):
                return X - self.means_
    """
    with pytest.raises(
        SpecError, match=r"mine\.py:Step cannot be stored without pickle: attribute 'means_' holds a pandas"
    ):
        transformer(text).fit(PEOPLE[["Fare"]])


# Trust


def test_a_stored_step_is_executed_by_its_own_user_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "executed"
    text = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\ndef add(table):\n    return table.assign(A=1)"
    archive = skops.io.dumps(features(text).fit(PEOPLE))
    monkeypatch.setattr(trusting, "_TRUSTED", set())  # as another process
    marker.unlink()
    loaded = skops.io.loads(archive, trusted=TRUSTED_TYPES)
    assert not marker.exists()
    loaded.transform(PEOPLE)
    assert marker.exists()
    marker.unlink()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another user"))
    foreign = skops.io.loads(archive, trusted=TRUSTED_TYPES)
    for execute in (foreign.transform, foreign.fit, clone(foreign).fit):
        with pytest.raises(DataError, match=r"Read extra_files/python/\w{12}/mine\.py .* add --trust"):
            execute(PEOPLE)
    assert not marker.exists()
    assert not (tmp_path / "another user").exists()
    trust(foreign.source, "add", {})
    foreign.transform(PEOPLE)
    assert marker.exists()


def test_the_signature_covers_text_name_and_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of("x = 1")
    signature = approve(source, "Step", {"a": 1})
    monkeypatch.setattr(trusting, "_TRUSTED", set())
    assert is_trusted(source, "Step", {"a": 1}, signature)
    assert not is_trusted(source_of("x = 2"), "Step", {"a": 1}, signature)
    assert not is_trusted(source, "Other", {"a": 1}, signature)
    assert not is_trusted(source, "Step", {"a": 2}, signature)
    assert not is_trusted(source, "Step", {"a": 1}, signature[:-1] + ("0" if signature[-1] != "0" else "1"))
    assert not is_trusted(source, "Step", {"a": 1}, "")
    assert not is_trusted(source, "Step", {"a": object()}, signature)


def test_the_key_is_made_once_and_only_its_user_may_read_it(config: Path) -> None:
    first, second = (approve(source_of("x = 1"), "Step", {}) for _ in range(2))
    assert first == second
    key = config / "tabular-dl" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in key.parent.iterdir()] == ["key"]
    key.chmod(0o644)
    with pytest.raises(UserError, match=r"key, the key that signs .* chmod 600"):
        approve(source_of("x = 1"), "Step", {})


def test_without_a_place_for_a_key_code_is_executed_but_not_signed(config: Path) -> None:
    config.write_text("a file, not a folder")
    source = source_of("def add(table):\n    return table.assign(A=1)")
    signature = approve(source, "add", {})
    assert signature == ""
    assert list(PythonFeatures(source, "add", signature).fit_transform(PEOPLE)) == ["Name", "Fare", "A"]
    assert os.environ["XDG_CONFIG_HOME"] == str(config)


# Code of networks

NETWORKS = """
import pathlib
pathlib.Path("executed").touch()

def double(x):
    return 2 * x

class Gate:
    def weights(self, features):
        return {"kernel": ((features, 2), "zeros")}

number = 3
"""


def definition(name: str, text: str = NETWORKS) -> PythonDefinition:
    source = source_of(text)
    return PythonDefinition(source, name, approve(source, name, {}))


def test_code_of_networks_is_executed_when_it_is_needed_and_only_if_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    double, gate = stored(definition("double")), definition("Gate")
    assert not Path("executed").exists()
    foreign = PythonDefinition(double.source, "double")
    monkeypatch.setattr(trusting, "_TRUSTED", set())
    with pytest.raises(DataError, match=r"not stored by you.*add --trust"):
        foreign(3)
    assert not Path("executed").exists()
    assert double(3) == 6
    assert (double.is_class, gate.is_class) == (False, True)
    assert gate.method("weights", 4) == {"kernel": ((4, 2), "zeros")}
    with pytest.raises(SpecError, match=r"mine\.py:Gate: .* found none named forward"):
        gate.method("forward")
    for name in ("Gate", "number"):
        with pytest.raises(SpecError, match=rf"mine\.py:{name}: expected a function"):
            definition(name)(3)
    with pytest.raises(SpecError, match=r"does not define 'doubel'\. Did you mean 'double'"):
        definition("doubel")(3)


def test_code_of_networks_is_the_same_by_its_text_and_name() -> None:
    double = definition("double")
    assert double == stored(double) == definition("double")
    assert hash(double) == hash(stored(double))
    assert len({double, definition("Gate"), definition("double", NETWORKS + "# changed")}) == 3
    assert clone(double, safe=False) is double is copy.deepcopy(double)
    assert repr(double) == f"<mine.py:double, SHA-256 {double.source.digest}>"
