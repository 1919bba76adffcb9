"""Errors of stores and of the files of a run are user errors."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from tabular_dl.errors import UserError
from tabular_dl.tracking import compressed, results, save_model, store


def test_the_reason_of_a_store_is_what_the_database_says() -> None:
    remark = "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block)"
    with (
        pytest.raises(
            UserError, match=r"cannot be used: \(sqlite3.OperationalError\) database or disk is full\. Check"
        ),
        store.told_as_user_errors(),
    ):
        raise MlflowException(f"{remark}\n(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT]")


@pytest.mark.parametrize("cause", [OSError(28, "No space left on device"), shutil.Error([("a", "b", "full")])])
def test_a_full_disk_is_an_error_of_the_disk_even_if_mlflow_wraps_it(
    cause: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        try:
            raise cause
        except OSError as error:
            raise MlflowException("Failed to copy the specified code path") from error

    monkeypatch.setattr(results, "_model_arguments", lambda *_: {})
    monkeypatch.setattr(compressed, "save_model", fails)
    content: Any = SimpleNamespace(model=None)
    with pytest.raises(OSError) as raised:  # noqa: PT011 (which one it is, is asserted)
        save_model(content, tmp_path)
    assert raised.value is cause
