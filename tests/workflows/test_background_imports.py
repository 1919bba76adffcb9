"""Modules for after the training are imported by a thread during it, and an import that fails ends the training."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console

from tabular_dl.errors import UserError
from tabular_dl.spec import load_spec
from tabular_dl.workflows import fit as fits
from tabular_dl.workflows.background_imports import (
    BackgroundImports,
    imported_meanwhile,
    modules_after_training,
)
from tabular_dl.workflows.training import _TimeLimit
from tests.workflows.conftest import TINY


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of a module that says which thread imported it, and of one that fails."""
    (tmp_path / "imported_later.py").write_text("import threading\nthread = threading.current_thread().name\n")
    (tmp_path / "fails_later.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    return ["imported_later", "fails_later"]


def test_modules_are_imported_by_another_thread_and_are_there_at_the_end(
    modules: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, modules[0], raising=False)
    with imported_meanwhile(modules[:1]):
        pass
    imported: Any = sys.modules.pop(modules[0])
    assert imported.thread == "imports"
    assert "imports" not in {thread.name for thread in threading.enumerate()}


def test_an_import_that_fails_names_the_module_and_the_way_out(modules: list[str]) -> None:
    with (
        pytest.raises(UserError, match=r"^fails_later cannot be imported \(No module named 'no_such"),
        imported_meanwhile(modules[1:]),
    ):
        pass
    assert modules[1] not in sys.modules  # whoever imports it next gets the error again


def test_an_error_of_the_training_is_told_instead_of_that_of_an_import(modules: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), imported_meanwhile(modules[1:]):
        raise ZeroDivisionError
    assert "imports" not in {thread.name for thread in threading.enumerate()}


def test_the_training_ends_at_the_epoch_after_the_import_has_failed(modules: list[str]) -> None:
    epochs: list[int] = []

    def progress(epoch: int, *_: Any) -> None:
        epochs.append(epoch)

    imports = BackgroundImports(modules[1:])
    imports._thread.join()
    with pytest.raises(UserError, match="fails_later"):
        _TimeLimit(None, cast(Any, progress), imports)(1, {}, np.ones(2, bool))
    assert epochs == []


@pytest.mark.slow
def test_a_fit_whose_import_fails_leaves_nothing(
    modules: list[str], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits, "modules_after_training", lambda *_, **__: modules[1:])
    before = {path.name for path in workspace.iterdir()}
    with pytest.raises(UserError, match="fails_later cannot be imported"):
        fits.fit("titanic", TINY, console=Console(quiet=True))
    assert {path.name for path in workspace.iterdir()} == before


@pytest.mark.filterwarnings("default")
def test_only_what_the_fit_will_need_is_imported(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings.resetwarnings()
    spec = load_spec("titanic")
    store = "mlflow.store.tracking.sqlalchemy_store"
    assert {"mlflow", "skops.io", store} <= {*modules_after_training(spec, track=True)}
    assert store not in modules_after_training(spec, track=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert store not in modules_after_training(spec, track=True)


@pytest.mark.filterwarnings("default")
def test_nothing_is_imported_beside_libraries_that_may_import_anything(workspace: Path) -> None:
    warnings.resetwarnings()
    assert modules_after_training(load_spec("titanic", ["model=hist_gradient_boosting"]), track=True) == ()
    (workspace / "mine.py").write_text("def score(y, p):\n    return 0.0\n")
    text = "name: mine\ndata: {source: titanic, target: Survived}\nmetric: {python: mine.py:score}\n"
    text += "columns: [{columns: [Age]}]\n"
    (workspace / "mine.yaml").write_text(text)
    assert modules_after_training(load_spec("mine.yaml"), track=True) == ()


@pytest.mark.slow
def test_before_training_neither_mlflow_nor_skops_is_imported() -> None:
    program = (
        "import sys, tabular_dl.workflows.fit\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'mlflow', 'skops', 'sqlalchemy'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_where_warnings_are_errors_all_is_imported_after_the_training(workspace: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert modules_after_training(load_spec("titanic"), track=True) == ()
