"""A fitted model survives its file bit for bit; a file that holds anything else is refused before it can do harm."""

from __future__ import annotations

import doctest
import importlib
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from tabular_dl.competition.competition import load_competition
from tabular_dl.errors import DataError
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.resources import bundled
from tabular_dl.spec.build import build_pipeline
from tabular_dl.spec.reader import load_spec
from tabular_dl.spec.used_columns import columns_used
from tabular_dl.tracking.persistence import TRUSTED_TYPES, load_model

SMALL = ["network.hidden=[4]", "training.epochs=2", "ensemble.folds=2", "ensemble.members=1"]


class Stranger:
    """A type that no model of the package has."""


def fitted(name: str, problem: str, kind: Any) -> tuple[Any, Any]:
    spec = load_spec(name, SMALL)
    competition = load_competition(spec.data.source, spec.data.target)
    train = competition.train.head(60)
    model = kind(build_pipeline(spec, get_problem(problem)), cv=2, random_state=0)
    return model.fit(train[columns_used(spec, train)], train[spec.data.target].to_numpy()), competition.test


@pytest.fixture(scope="module")
def classifier() -> tuple[Any, Any]:
    return fitted("titanic", "binary", CrossFitClassifier)


@pytest.fixture(scope="module")
def archive(classifier: tuple[Any, Any]) -> bytes:
    return skops.io.dumps(classifier[0])


@pytest.fixture(scope="module")
def members(archive: bytes) -> dict[str, bytes]:
    """The archive's files, by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def refusal(folder: Path, content: bytes) -> str:
    (folder / "model.skops").write_bytes(content)
    with pytest.raises(DataError) as refused:
        load_model(folder / "model.skops")
    return str(refused.value).replace(str(folder / "model.skops"), "model.skops")


# Round trips


def test_a_classifier_is_restored_bit_for_bit(classifier: tuple[Any, Any], archive: bytes, tmp_path: Path) -> None:
    model, test = classifier
    (tmp_path / "model.skops").write_bytes(archive)
    restored = load_model(tmp_path / "model.skops")
    assert type(restored) is CrossFitClassifier
    np.testing.assert_array_equal(restored.predict_proba(test), model.predict_proba(test))
    np.testing.assert_array_equal(restored.predict(test), model.predict(test))
    np.testing.assert_array_equal(restored.oof_predictions_, model.oof_predictions_)
    assert restored.get_params(deep=False).keys() == model.get_params(deep=False).keys()
    for pipeline, original in zip(restored.pipelines_, model.pipelines_, strict=True):
        for weight, expected in zip(pipeline[-1].weights_.values(), original[-1].weights_.values(), strict=True):
            np.testing.assert_array_equal(weight, expected)


def test_a_regressor_is_restored_bit_for_bit(tmp_path: Path) -> None:
    model, test = fitted("boston", "regression", CrossFitRegressor)
    skops.io.dump(model, tmp_path / "model.skops")
    restored = load_model(tmp_path / "model.skops")
    assert type(restored) is CrossFitRegressor
    np.testing.assert_array_equal(restored.predict(test), model.predict(test))


def test_a_restored_model_is_stored_again_as_it_was(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(archive)
    again = skops.io.dumps(load_model(tmp_path / "model.skops"))
    assert skops.io.get_untrusted_types(data=again) == skops.io.get_untrusted_types(data=archive)


# What is inside


def test_an_archive_is_a_schema_and_plain_arrays_and_holds_no_pickle(members: dict[str, bytes]) -> None:
    assert {name for name in members if not name.endswith(".npy")} == {"schema.json"}
    for name, content in members.items():
        if name.endswith(".npy"):
            np.load(io.BytesIO(content), allow_pickle=False)
    assert json.loads(members["schema.json"])["__class__"] == "CrossFitClassifier"


def test_a_model_needs_no_other_type_than_those_on_the_list(archive: bytes) -> None:
    assert set(skops.io.get_untrusted_types(data=archive)) <= set(TRUSTED_TYPES)


def test_every_type_on_the_list_is_one_of_ours_or_plain() -> None:
    others = [name for name in TRUSTED_TYPES if not name.startswith(("tabular_dl.", "sklearn."))]
    # A partial function is loaded with a function that is trusted by itself.
    assert others == ["functools.partial", "numpy.dtype"]
    assert len(set(TRUSTED_TYPES)) == len(TRUSTED_TYPES)


# What is refused


@pytest.mark.parametrize(
    ("stranger", "name"),
    [
        (Stranger(), f"{Stranger.__module__}.Stranger"),
        ({"a": [Stranger()]}, f"{Stranger.__module__}.Stranger"),
        (FunctionTransformer(os.system), "posix.system"),
    ],
)
def test_a_type_that_is_not_on_the_list_is_refused_and_named(stranger: Any, name: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, skops.io.dumps(stranger))
    assert message.startswith("model.skops was not loaded")
    assert f"types that no model of this package has (Untrusted types found in the file: ['{name}'].). " in message
    assert "only if you trust its source" in message


def test_a_model_with_one_strange_part_is_refused_whole(
    classifier: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier[0].pipelines_[0][-1], "note_", Stranger(), raising=False)
    assert "Stranger" in refusal(tmp_path, skops.io.dumps(classifier[0]))


@pytest.mark.parametrize("path", [("os", "system"), ("builtins", "eval"), ("tabular_dl.cli.app", "main")])
def test_a_schema_that_names_a_function_is_refused_and_nothing_is_called(
    path: tuple[str, str], members: dict[str, bytes], tmp_path: Path
) -> None:
    schema = json.loads(members["schema.json"]) | {"__module__": path[0], "__class__": path[1]}
    content = packed(members | {"schema.json": json.dumps(schema).encode()})
    assert f"(Untrusted types found in the file: ['{'.'.join(path)}'].)" in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("other", "name"),
    [(LogisticRegression(), "sklearn.linear_model._logistic.LogisticRegression"), ({"a": 1}, "builtins.dict")],
)
def test_something_harmless_that_is_no_model_is_refused_too(other: Any, name: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, skops.io.dumps(other))
    assert message.startswith(f"model.skops contains {name}, not a model of this package. ")
    assert "run's id, or a model's folder" in message


def test_a_file_that_is_no_archive_is_damaged(archive: bytes, tmp_path: Path) -> None:
    expected = "model.skops is not a model, or is damaged: File is not a zip file. Take another copy, or fit again."
    assert refusal(tmp_path, b"") == expected
    assert refusal(tmp_path, b"a pickle, say") == expected
    assert refusal(tmp_path, archive[: len(archive) // 2]) == expected


def test_an_archive_without_a_schema_is_damaged(members: dict[str, bytes], tmp_path: Path) -> None:
    arrays = {name: content for name, content in members.items() if name != "schema.json"}
    assert refusal(tmp_path, packed(arrays)) == (
        "model.skops is not a model, or is damaged: it has no schema.json. Take another copy, or fit again."
    )


@pytest.mark.parametrize("schema", [b"", b"{", b"[]", b"{}", b'{"protocol": 99}', b"\xff"])
def test_an_archive_with_another_schema_is_damaged(schema: bytes, members: dict[str, bytes], tmp_path: Path) -> None:
    message = refusal(tmp_path, packed(members | {"schema.json": schema}))
    assert message.startswith("model.skops is not a model, or is damaged: ")
    assert message.endswith("Take another copy, or fit again.")


def pickled_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize("content", [None, b"", b"junk", pickled_array()], ids=["gone", "empty", "junk", "pickled"])
def test_an_archive_with_another_array_is_damaged(
    content: bytes | None, members: dict[str, bytes], tmp_path: Path
) -> None:
    name = max(members, key=lambda name: name.endswith(".npy"))
    others = {other: value for other, value in members.items() if other != name}
    tampered = packed(others if content is None else others | {name: content})
    assert refusal(tmp_path, tampered).startswith("model.skops is not a model, or is damaged: ")


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        load_model(tmp_path / "model.skops")
    expected = f"There is no model at {tmp_path}/model.skops. Give a run's id or name, or a model's folder."
    assert str(refused.value) == expected
    with pytest.raises(DataError, match="is not a model, or is damaged: "):
        load_model(tmp_path)


def test_a_model_from_before_the_packages_loads_and_predicts_as_it_did() -> None:
    old = Path(__file__).parent / "models" / "blend_before_packages.skops"
    blend = load_model(old)
    rows = pd.read_csv(bundled("data") / "titanic" / "test.csv").head(40)
    (crossfit,) = blend.models
    then = np.loadtxt(old.with_suffix(".csv"))
    now = np.column_stack([crossfit.predict_proba(rows)[:, 1], blend.predict_proba(rows)[:, 1]])
    # It was stored when networks predicted in float32.
    np.testing.assert_allclose(now, then, atol=1e-5)
    # All that it is made of is stored again under public paths.
    stored = skops.io.get_untrusted_types(data=skops.io.dumps(blend))
    assert {name.count(".") for name in stored if name.startswith("tabular_dl")} == {2}
    assert set(stored) <= set(TRUSTED_TYPES)


@pytest.mark.parametrize("path", [name for name in TRUSTED_TYPES if name.startswith("tabular_dl")])
def test_public_paths_lead_to_types_whose_examples_hold(path: str) -> None:
    package, _, name = path.rpartition(".")
    kind = getattr(importlib.import_module(package), name)
    assert (kind.__module__, kind.__qualname__) == (package, name)
    # pytest looks for examples where a class says that it lives, and its public path is not its file.
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    file = importlib.import_module(f"{package}.{_file_of(package, name)}")
    for example in doctest.DocTestFinder().find(kind, name, globs=dict(vars(file))):
        runner.run(example)
    assert runner.summarize().failed == 0


def _file_of(package: str, name: str) -> str:
    """Return the module that a package's stub says a name comes from."""
    stub = Path(importlib.import_module(package).__file__ or "").with_suffix(".pyi")
    (source,) = re.findall(rf"from \.(\w+) import {name} as {name}\n", stub.read_text())
    return source
