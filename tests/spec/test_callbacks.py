"""A pipeline file names callbacks, and never a place outside the folder of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.errors import SpecError
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.build import build_pipeline
from tabular_dl.spec.callbacks import check_callbacks, in_folder
from tabular_dl.spec.reader import load_spec

WRITERS = [{"CSVLogger": {"filename": "log.csv"}}, {"ModelCheckpoint": {"filepath": "best.keras"}}]


@pytest.mark.parametrize(
    ("callbacks", "facts"),
    [
        ([{"CSVLogger": {"filename": "/any/file"}}], ["CSVLogger.filename", "/any/file"]),
        ([{"CSVLogger": {"filename": "../log.csv"}}], ["CSVLogger.filename", "../log.csv"]),
        ([{"CSVLogger": {"filename": ".."}}], ["CSVLogger.filename", "'..'"]),
        ([{"CSVLogger": {"filename": ""}}], ["CSVLogger.filename", "''"]),
        ([{"CSVLogger": {"filename": 3}}], ["CSVLogger.filename", "3"]),
        ([{"CSVLogger": {"filename": "a\nb"}}], ["CSVLogger.filename"]),
        ([{"ModelCheckpoint": {"filepath": "a\\b.keras"}}], ["ModelCheckpoint.filepath"]),
        ([{"ModelCheckpoint": {"filepath": "{epoch.__class__}.keras"}}], ["ModelCheckpoint.filepath"]),
        ([{"TensorBoard": {"log_dir": "~/logs"}}], ["TensorBoard.log_dir", "~/logs"]),
        ([{"TensorBoard": {"embeddings_metadata": {"x": "/etc/passwd"}}}], ["TensorBoard.embeddings_metadata"]),
        (["RemoteMonitor"], ["RemoteMonitor", "CSVLogger, ModelCheckpoint, SwapEMAWeights, TensorBoard"]),
        ([{"OrbaxCheckpoint": {"directory": "x"}}], ["OrbaxCheckpoint"]),
        ("CSVLogger", ["expected a list", "'CSVLogger'"]),
        ([3], ["found 3"]),
        ([{"CSVLogger": {}, "TensorBoard": {}}], ["found {"]),
        ([{"CSVLogger": "log.csv"}], ["found {"]),
    ],
)
def test_what_writes_elsewhere_or_connects_is_refused_with_its_line(
    tmp_path: Path, callbacks: Any, facts: list[str]
) -> None:
    with pytest.raises(SpecError) as refused:
        check_callbacks({"callbacks": callbacks})
    assert str(refused.value).startswith("callbacks: ")
    assert not [fact for fact in facts if fact not in str(refused.value)]
    with pytest.raises(SpecError, match=r"^--set training\.callbacks="):
        load_spec("wine", [f"training.callbacks={callbacks!r}"])


@pytest.mark.parametrize("folder", ["../logs", "/logs", "a/b", "", 5, "..", ".hidden"])
def test_tensorboard_takes_a_name(folder: Any) -> None:
    with pytest.raises(SpecError, match=r"^tensorboard: .* folder of the run"):
        check_callbacks({"tensorboard": folder})


@given(st.text(max_size=20))
def test_whatever_name_is_allowed_lies_in_the_folder(name: str) -> None:
    settings = {"callbacks": [{"CSVLogger": {"filename": name}}], "tensorboard": name}
    folder = Path("/a/run")
    try:
        check_callbacks(settings)
    except SpecError:
        return
    placed = in_folder(settings, folder)
    for path in (placed["tensorboard"], placed["callbacks"][0]["CSVLogger"]["filename"]):
        assert Path(path).parent == folder
        assert Path(path).resolve().parent == folder.resolve()


def test_without_a_folder_nothing_is_written_and_other_settings_stay() -> None:
    settings = {"callbacks": [*WRITERS, "SwapEMAWeights"], "tensorboard": "logs", "epochs": 3}
    assert in_folder(settings, None) == {"callbacks": ["SwapEMAWeights"], "tensorboard": None, "epochs": 3}
    assert in_folder({"epochs": 3}, None) == {"epochs": 3}
    assert settings["tensorboard"] == "logs", "what is given stays as it is"


def test_a_pipeline_is_built_with_callbacks_in_the_folder() -> None:
    spec = load_spec("wine", [f"training.callbacks={WRITERS}", "training.tensorboard=logs"])
    network = build_pipeline(spec, get_problem("multiclass"), Path("run"))[-1]
    assert network.tensorboard == str(Path("run/logs"))
    assert [next(iter(item.values())) for item in network.callbacks] == [
        {"filename": str(Path("run/log.csv"))},
        {"filepath": str(Path("run/best.keras"))},
    ]
    assert build_pipeline(spec, get_problem("multiclass"))[-1].callbacks == []
