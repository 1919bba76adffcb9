"""Folders of results are complete or absent, found after a kill, and locked while a command works on them."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from filelock import FileLock

from tabular_dl import tracking
from tabular_dl.errors import DataError, UserError
from tabular_dl.workflows.outputs import left_behind, locked, log, new_results
from tabular_dl.workflows.recover import recover
from tabular_dl.workflows.signals import interrupts_deferred


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nothing(folder: Path) -> None:
    """Write no results."""


def full(folder: Path) -> None:
    """Write as onto a disk that is full, unless it is that of temporary folders."""
    (folder / "file").touch()
    if "outputs" in folder.parts:
        raise OSError(28, "No space left on device")


def whole(name: str) -> Path:
    """Make a folder with a record as a command leaves it that was killed while it logged."""
    folder = Path("outputs") / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(
        json.dumps({"id": "1", "pipeline": "wine", "kind": "fit", "metrics": {}, "inputs": []})
    )
    return folder


def test_a_folder_is_hidden_until_it_is_whole(working_folder: Path) -> None:
    with new_results("wine") as results:
        assert results.folder.name.startswith(".wine-")
        folder = results.complete(lambda folder: (folder / "file").touch())
        assert folder.name.startswith("wine-2")
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert [path.name for path in (working_folder / "outputs").iterdir()] == [folder.name]


def test_a_command_that_fails_leaves_nothing(working_folder: Path) -> None:
    def fail() -> None:
        with new_results("wine") as results:
            (results.folder / "file").touch()
            raise RuntimeError("diverged")

    with pytest.raises(RuntimeError, match="diverged"):
        fail()
    assert list(working_folder.iterdir()) == []


def test_two_commands_of_one_second_have_folders_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabular_dl.workflows.outputs.time.strftime", lambda _: "now")
    with new_results("wine") as first, new_results("wine") as second:
        assert [first.complete(nothing).name, second.complete(nothing).name] == ["wine-now", "wine-now-2"]
    with new_results("wine") as third:
        assert third.complete(nothing).name == "wine-now-3"


def test_what_a_killed_command_left_unfinished_is_removed_and_what_another_works_on_is_not() -> None:
    for name in ("dead", "alive"):
        Path(f"outputs/.wine-{name}.partial").mkdir(parents=True)
    Path("outputs/.wine-dead.lock").touch()
    with FileLock("outputs/.wine-alive.lock"), new_results("wine"):
        assert not Path("outputs/.wine-dead.partial").exists()
        assert Path("outputs/.wine-alive.partial").exists()


def test_a_folder_where_nothing_can_be_written_is_replaced_by_a_temporary_one(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("outputs").touch()
    monkeypatch.setattr("tempfile.tempdir", str(working_folder))
    with new_results("wine") as results:
        folder = results.complete(nothing)
    assert folder.parent.name.startswith("tabular-dl-")


def test_results_that_find_no_room_go_to_a_temporary_folder_with_what_callbacks_wrote(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(working_folder))
    with new_results("wine") as results:
        (results.folder / "callbacks").mkdir()
        folder = results.complete(full)
    assert folder.parent.name.startswith("tabular-dl-")
    assert {path.name for path in folder.iterdir()} == {"file", "callbacks"}
    assert [path.name for path in working_folder.iterdir()] == [folder.parent.name]


def test_a_copy_of_many_files_that_found_no_room_is_told_in_words(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copied(folder: Path) -> None:
        raise shutil.Error([("a", "b", f"[Errno 28] No space left on device: {folder.name}")])

    monkeypatch.setattr("tempfile.tempdir", str(working_folder))
    with new_results("wine") as results, pytest.raises(UserError, match=r"\(\[Errno 28\] No space left on device"):
        results.complete(copied)


def test_results_that_find_no_room_anywhere_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "nowhere")
    with (
        new_results("wine") as results,
        pytest.raises(UserError, match=r"outputs \(No space left on device\).*temporary folder \(.*make room"),
    ):
        results.complete(full)


def test_results_are_left_behind_unless_a_command_works_on_them() -> None:
    older, newer, at_work = (whole(name) for name in ("a", "b", "c"))
    whole("untracked").joinpath("run.json").unlink()
    Path("outputs/.b.lock").touch()  # of a process that is gone
    with FileLock("outputs/.c.lock"):
        assert left_behind() == [older, newer]
    assert left_behind() == [older, newer, at_work]


def test_nothing_was_left_behind_in_a_folder_without_outputs() -> None:
    assert left_behind() == []


def test_one_command_at_a_time_works_on_a_folder() -> None:
    folder = whole("a")
    with locked(folder) as mine:
        assert mine
        with locked(folder) as also_mine:
            assert not also_mine
        with pytest.raises(UserError, match="outputs/a is being logged by another command"):
            recover([folder])
    assert [path.name for path in Path("outputs").iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "has no run.json"), ("{", "cannot be read"), ("[]", "damaged"), ('{"id": 1}', "'inputs'")],
)
def test_a_folder_that_holds_no_results_is_refused_before_anything_is_logged(
    content: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = whole("a"), Path("outputs/b")
    bad.mkdir()
    if content is not None:
        (bad / "run.json").write_text(content)
    monkeypatch.setattr(tracking, "log_results", lambda _: pytest.fail("logged"))
    with pytest.raises(DataError, match=expected):
        recover([good, bad])


def test_ctrl_c_while_results_are_written_ends_the_command_after_they_are_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "log_results", lambda _: pytest.fail("logged"))
    folder = whole("a")
    # Tests that were started in the background ignore it.
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.default_int_handler)
    with interrupts_deferred() as came:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # a signal is delivered between two instructions
            pass
    assert came == [signal.SIGINT]
    assert log(folder, came) is None
    assert "Tracking failed: Ctrl-C" in capsys.readouterr().err
    assert left_behind() == [folder]
