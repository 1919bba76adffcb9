"""Losses, blocks and activations in a Python file: checked, stored with the run, executed for trusted users only."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from rich.console import Console

from tabular_dl.errors import DataError
from tabular_dl.nn import inference
from tabular_dl.preprocessing import PythonDefinition, PythonSource, python_definition
from tabular_dl.preprocessing import python_trust as trusting
from tabular_dl.spec import load_spec
from tabular_dl.tracking import open_model
from tabular_dl.tracking.model_checks import check_parts
from tabular_dl.tracking.persistence import TRUSTED_TYPES
from tabular_dl.workflows.fit import fit

pytestmark = pytest.mark.slow

PIPELINE = """
name: cats
problem: binary
data: {source: SOURCE, target: kind, id: Id}
columns:
  - {columns: [size, weight], scale: standard}
network: {hidden: [4]}
training: {epochs: 2, batch_size: 16, loss: "my_losses.py:weighted"}
ensemble: {folds: 2, members: 1}
baselines: none
"""

LOSSES = '''
"""A loss of which mistakes on one side cost twice as much."""
import pathlib

from keras import ops

pathlib.Path("executed").touch()


def weighted(y_true, y_pred):
    return ops.mean(ops.where(y_true > 0, 2.0, 1.0) * ops.square(y_true - y_pred), axis=-1)
'''


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test as a new process of a user who has no key yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(trusting, "_TRUSTED", set())


def pipeline(folder: Path, **texts: str) -> Path:
    """Write tables of 30 and 6 rows, the pipeline and its Python, and return the pipeline's file."""
    folder.mkdir(exist_ok=True)
    size, weight = np.random.default_rng(0).normal(size=(2, 36)).round(3)
    kinds = np.where(size > 0, "tabby", "black")
    table = pd.DataFrame({"Id": range(36), "size": size, "weight": weight, "kind": kinds})
    table[:30].to_csv(folder / "train.csv", index=False)
    table[30:].drop(columns="kind").to_csv(folder / "test.csv", index=False)
    for name in ("my_losses", "my_networks"):
        (folder / f"{name}.py").write_text(texts.get(name, LOSSES))
    file = folder / "cats.yaml"
    file.write_text(texts.get("pipeline", PIPELINE).replace("SOURCE", str(folder)))
    return file


def documented() -> dict[str, str]:
    """Return the Python and the pipeline that docs/networks.md shows, with a mark that they have been executed."""
    text = (Path(__file__).parents[2] / "docs" / "networks.md").read_text()
    section = text.partition("## Your own losses")[2]
    python, lines = (section.partition(f"```{kind}\n")[2].partition("```")[0] for kind in ("python", "yaml"))
    kept = [line for line in PIPELINE.splitlines() if not line.startswith(("network", "training"))]
    marked = f"import pathlib\n\npathlib.Path('executed').touch()\n{python}"
    return {"my_networks": marked, "pipeline": "\n".join([*kept, lines])}


def becomes_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Continue as a new process of a user who has neither made nor trusted anything."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path("nowhere").resolve()))
    monkeypatch.setattr(trusting, "_TRUSTED", set())
    python_definition._kept.cache_clear()
    inference._predictor.cache_clear()


def test_predictions_need_no_trust_in_a_loss_and_do_not_execute_it(
    cli: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pipeline(workspace)
    assert cli("fit", file, "--no-track").code == 0
    model = next(workspace.glob("outputs/*"))
    assert next(model.glob("**/python/*/my_losses.py")).read_text() == LOSSES
    Path("executed").unlink()
    becomes_somebody_else(monkeypatch)
    shutil.copytree(model, "copy")
    assert cli("predict", "copy", "test.csv").code == 0
    assert not Path("executed").exists()
    with pytest.raises(DataError, match=r"my_losses\.py; if you trust it, add --trust"):
        open_model("copy", training=True)
    _, spec = open_model("copy", training=True, trust=True)
    assert not Path("executed").exists()
    assert spec.python.source("my_losses.py").text == LOSSES


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit what docs/networks.md shows, once, and return the folder of the model."""
    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        fit(str(pipeline(folder, **documented())), track=False, console=Console(file=io.StringIO()))
    return next(folder.glob("outputs/*"))


@pytest.fixture
def own(fitted: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, beside a copy of the model, as a new process of the user who fitted."""
    becomes_somebody_else(monkeypatch)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fitted.parents[1] / "config"))
    shutil.copy(fitted.parents[1] / "test.csv", "test.csv")
    return Path(shutil.copytree(fitted, "copy"))


def test_networks_of_somebody_else_are_not_executed_without_trust(
    cli: Any, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("predict", own, "test.csv", "-o", "own.csv").code == 0
    Path("executed").unlink()
    becomes_somebody_else(monkeypatch)
    message = cli("predict", "copy", "test.csv").refused()
    assert "contains Python that was not stored by you on this machine, so it was not executed" in message
    assert "my_networks.py; if you trust it, add --trust" in message
    text = next(Path("copy").glob("**/extra_files/python/*/my_networks.py"))
    written = text.read_text()
    text.write_text("x = 1  # harmless")
    assert "was changed since it was stored" in cli("predict", "copy", "test.csv", "--trust").refused()
    assert not Path("executed").exists()
    assert written == documented()["my_networks"]
    text.write_text(written)
    assert cli("predict", "copy", "test.csv", "--trust", "-o", "others.csv").code == 0
    assert Path("executed").exists()
    assert Path("others.csv").read_text() == Path("own.csv").read_text()


def test_a_model_whose_python_was_changed_does_not_execute_it(cli: Any, own: Path) -> None:
    model, _ = open_model(own)
    first = model.pipelines_[0][-1]
    signed = first.network_["activation"]
    changed = PythonSource(signed.source.file, signed.source.text + "\npathlib.Path('planted').touch()")
    for signature in (signed.signature, ""):
        first.network_["activation"] = PythonDefinition(changed, signed.name, signature)
        planted = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES)
        with pytest.raises(DataError, match="was not executed"):
            planted.predict_proba(pd.read_csv("test.csv"))
        skops.io.dump(model, next(own.glob("**/model.skops")))
        assert "if you trust it, add --trust" in cli("predict", own, "test.csv").refused()
    first.network_["activation"] = open_model
    with pytest.raises(ValueError, match="neither a name nor Python"):
        check_parts(model)
    assert not Path("planted").exists()


@pytest.mark.parametrize(
    ("texts", "changes", "message"),
    [
        ({}, ["training.loss=my_loss.py:weighted"], "training.loss: there is no file"),
        ({}, ["training.loss=my_losses.py:weigthed"], "does not define 'weigthed'. Did you mean 'weighted'?"),
        ({}, ["training.loss=../my_losses.py:weighted"], "training.loss: expected a path relative to the folder"),
        ({}, ["training.loss=my_losses:weighted"], "training.loss: expected a Python file"),
        ({}, ["network.blocks=my_losses.Gate"], "network.blocks: expected FILE.py:NAME"),
        ({}, ["network.blocks=[my_losses.py:Gate]"], "network.blocks: my_losses.py does not define 'Gate'"),
        ({}, ["network.activation=my_losses.py:wieghted"], "network.activation: my_losses.py does not define"),
        ({}, ["network.blocks=[my_losses.py:weighted]"], "my_losses.py:weighted: TypeError: weighted() missing 1"),
        (
            {"my_networks": "class Gate:\n    def forward(self, x, weights):\n        return x"},
            ["network.blocks=[my_networks.py:Gate]"],
            "my_networks.py:Gate: expected a class with weights and forward, found none named weights",
        ),
        ({"my_losses": "weighted = 3"}, [], "my_losses.py:weighted: expected a function, found int"),
        ({"my_losses": "def weighted(y)\n  return y"}, [], "my_losses.py, line 1 is not valid Python"),
        (
            {"my_losses": "def weighted(y_true, y_pred):\n    return y_ture - y_pred"},
            [],
            "my_losses.py:weighted, line 2: NameError",
        ),
        (
            {"my_losses": "def weighted(y_true, y_pred):\n    return (y_true - y_pred) ** 2"},
            [],
            "loss: my_losses.py:weighted returned a tensor of shape (30, 1) for 30 rows",
        ),
        (
            {"my_losses": "def weighted(y_true, y_pred):\n    return float('nan') * y_pred[:, 0]"},
            [],
            "loss: my_losses.py:weighted has the value nan for target",
        ),
        ({}, ["search.loss.choice=[huber, 'my_losses.py:weighted']"], "search.loss: Python cannot be searched"),
    ],
)
def test_a_mistake_is_told_before_training(
    cli: Any, workspace: Path, texts: dict[str, str], changes: list[str], message: str
) -> None:
    file = pipeline(workspace, **texts)
    options = [option for change in changes for option in ("--set", change)]
    said = cli("fit", file, "--no-track", *options).refused()
    assert message in said, said
    assert not Path("outputs").exists()


def test_check_finds_the_same_and_spec_prints_what_fit_reads(cli: Any, workspace: Path) -> None:
    file = pipeline(workspace)
    assert cli("check", file).code == 0
    (workspace / "full.yaml").write_text(cli("spec", file).out)
    assert load_spec("full.yaml").training["loss"] == "my_losses.py:weighted"
    pipeline(workspace, my_losses="from keras import ops\n\ndef weighted(y, p):\n    return ops.mean(y - p)")
    outcome = cli("check", file)
    assert outcome.code == 2
    assert "returned a tensor of shape () for 30 rows" in " ".join(outcome.out.split())
