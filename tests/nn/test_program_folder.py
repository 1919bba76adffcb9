"""Folders of compiled programs: who may write there, damaged entries, limits, several processes."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.nn import program_folder
from tabular_dl.nn.program_folder import ProgramFolder, private_folder

DAY = 24 * 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder that is not there yet, below one that nobody else may write to."""
    tmp_path.chmod(0o700)
    return tmp_path.resolve() / "programs"


@pytest.fixture
def folder(root: Path) -> ProgramFolder:
    """Return an empty folder of programs."""
    path = private_folder(root, "one")
    assert path is not None
    return ProgramFolder(path)


def write(folder: ProgramFolder, name: str, content: bytes = b"compiled", days: float = 0) -> Path:
    """Write an entry, as TensorFlow does, some days ago."""
    path = folder.path / f"{name}.pb"
    path.write_bytes(content)
    used = time.time() - days * DAY
    os.utime(path, (used, used))
    return path


def names(folder: ProgramFolder) -> list[str]:
    """Return the names of the entries."""
    return sorted(path.stem for path in folder.path.glob("*.pb"))


# ------------------------------------------------------------------------------------------- who may write there


def test_a_folder_is_made_for_its_owner_alone_whatever_the_umask(root: Path) -> None:
    before = os.umask(0)
    try:
        path = private_folder(root, "a", "b")
    finally:
        os.umask(before)
    assert path == root / "a" / "b"
    assert [each.stat().st_mode & 0o777 for each in (root, root / "a", path)] == [0o700] * 3


def test_a_folder_that_is_there_is_used_again(root: Path) -> None:
    assert private_folder(root, "a") == private_folder(root, "a") == root / "a"


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
@pytest.mark.parametrize("place", ["root", "between", "innermost"])
def test_a_folder_that_others_may_write_to_is_refused(root: Path, mode: int, place: str) -> None:
    path = {"root": root, "between": root / "a", "innermost": root / "a" / "b"}[place]
    path.mkdir(parents=True)
    path.chmod(mode)
    assert private_folder(root, "a", "b") is None


@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_folder_above_that_others_may_write_to_is_refused(root: Path, mode: int) -> None:
    root.parent.chmod(mode)
    assert private_folder(root) is None


def test_a_folder_like_tmp_may_lie_above(root: Path) -> None:
    root.parent.chmod(0o1777)
    assert private_folder(root) == root


@pytest.mark.parametrize("place", ["root", "between", "innermost"])
def test_a_link_is_refused(root: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    path = {"root": root, "between": root / "a", "innermost": root / "a" / "b"}[place]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(tmp_path / "elsewhere")
    assert private_folder(root, "a", "b") is None


def test_a_link_above_is_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to(root.parent)
    assert private_folder(tmp_path / "home" / "programs", "a") == root / "a"


def test_a_folder_of_another_user_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.mkdir(mode=0o700)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert private_folder(root) is None


def test_a_file_in_the_way_is_no_failure(root: Path) -> None:
    root.write_text("")
    assert private_folder(root) is private_folder(root, "a") is None


@pytest.mark.parametrize("path", ["relative", "/", "."])
def test_a_path_that_names_no_own_folder_is_refused(path: str) -> None:
    assert private_folder(Path(path)) is None


# ------------------------------------------------------------------------------------------------ damaged entries


def test_the_digest_stored_is_that_of_the_entry(folder: ProgramFolder) -> None:
    path = write(folder, "a", b"some code")
    folder.record()
    stored = path.with_name("a.pb.sha256")
    assert stored.read_text() == hashlib.sha256(b"some code").hexdigest()


def test_sound_entries_stay(folder: ProgramFolder) -> None:
    write(folder, "a")
    folder.record()
    for process in (folder, ProgramFolder(folder.path)):
        process.verify()
        assert names(folder) == ["a"]


@given(content=st.binary(min_size=1, max_size=200), data=st.data())
def test_whatever_is_changed_in_an_entry_it_is_removed(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    folder = ProgramFolder(tmp_path_factory.mktemp("programs"))
    path = write(folder, "a", content)
    folder.record()
    place = data.draw(st.integers(0, len(content) - 1))
    flipped = bytearray(content)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    damaged = data.draw(st.sampled_from([content[:place], bytes(flipped), b"\0" * (len(content) + 1), content + b"x"]))
    path.write_bytes(damaged)
    folder.verify()
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("digest", [None, "", "0" * 64])
def test_an_entry_without_its_digest_is_removed(folder: ProgramFolder, digest: str | None) -> None:
    path = write(folder, "a")
    if digest is not None:
        path.with_name("a.pb.sha256").write_text(digest)
    folder.verify()
    assert names(folder) == []


def test_a_link_or_an_entry_that_others_may_write_to_is_removed(folder: ProgramFolder, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"compiled")
    (folder.path / "link.pb").symlink_to(target)
    write(folder, "open").chmod(0o666)
    folder.record()
    folder.verify()
    assert names(folder) == []
    assert target.read_bytes() == b"compiled"


def test_an_entry_that_another_process_has_replaced_gets_its_new_digest(folder: ProgramFolder) -> None:
    write(folder, "a", b"one")
    folder.record()
    write(folder, "a", b"another")
    folder.record()
    folder.verify()
    assert names(folder) == ["a"]


def test_parts_that_a_killed_process_has_left_are_removed_when_they_are_old(folder: ProgramFolder) -> None:
    for name, hours in (("old.tmp", 2), ("new.tmp", 0)):
        path = folder.path / name
        path.write_bytes(b"com")
        os.utime(path, (time.time() - hours * 3600,) * 2)
    (folder.path / "gone.pb.sha256").write_text("0")
    folder.verify()
    assert [path.name for path in folder.path.iterdir()] == ["new.tmp"]


def test_verifying_does_not_count_as_use(folder: ProgramFolder) -> None:
    path = write(folder, "a", days=3)
    folder.record()
    before = path.stat().st_atime_ns
    folder.verify()
    assert path.stat().st_atime_ns == before


def test_a_folder_that_is_removed_meanwhile_is_no_failure(folder: ProgramFolder) -> None:
    folder.path.rmdir()
    for step in (folder.verify, folder.limit, folder.record, folder.clear, folder.remove_unused_neighbours):
        step()


# --------------------------------------------------------------------------------------------------------- limits


def test_the_entries_unused_for_longest_are_removed(folder: ProgramFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_folder, "MOST_BYTES", 1000)
    for name, days in (("a", 1), ("b", 3), ("c", 2), ("d", 0)):
        write(folder, name, bytes(400), days)
    folder.limit()
    assert names(folder) == ["a", "d"]


def test_no_more_entries_are_kept_than_the_limit(folder: ProgramFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_folder, "MOST_PROGRAMS", 2)
    for name, days in (("a", 1), ("b", 3), ("c", 2)):
        write(folder, name, days=days)
    folder.record()
    folder.limit()
    assert names(folder) == ["a", "c"]
    assert len(list(folder.path.iterdir())) == 4


def test_an_entry_that_was_loaded_lately_stays(folder: ProgramFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_folder, "MOST_PROGRAMS", 1)
    written_first, written_last = write(folder, "a", days=9), write(folder, "b", days=5)
    os.utime(written_first, (time.time(), written_first.stat().st_mtime))
    folder.limit()
    assert names(folder) == ["a"]
    assert not written_last.exists()


def test_folders_of_other_versions_are_removed_after_30_days(root: Path) -> None:
    other = "tensorflow-2.21.0-" + "0" * 31
    for name, days in ((f"{other}1", 0), (f"{other}2", 31), (f"{other}3", 29), ("of the user", 99)):
        path = private_folder(root, name)
        assert path is not None
        os.utime(path, (time.time() - days * DAY,) * 2)
    ProgramFolder(root / f"{other}1").remove_unused_neighbours()
    assert sorted(path.name for path in root.iterdir()) == ["of the user", f"{other}1", f"{other}3"]


def test_a_folder_in_use_stays_although_nothing_is_written(root: Path) -> None:
    path = private_folder(root, "tensorflow-2.21.0-" + "0" * 32)
    assert path is not None
    os.utime(path, (0, 0))
    ProgramFolder(path).remove_unused_neighbours()
    assert path.is_dir()
    assert path.stat().st_mtime > time.time() - DAY
