"""A file is written completely or not at all."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from tabular_dl.atomic_files import check_place, write_table, write_text
from tabular_dl.errors import UserError


def test_a_text_is_written_as_it_is_in_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", "Name,Ort\r\nÅsa,Köln\n")
    assert (tmp_path / "a.csv").read_bytes() == "Name,Ort\r\nÅsa,Köln\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_that_was_there_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a long text of before")
    write_text(tmp_path / "a.csv", "short")
    assert (tmp_path / "a.csv").read_text() == "short"


def test_others_may_read_what_the_users_own_settings_let_them_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.csv", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o640


def test_a_folder_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "a.csv"
    with pytest.raises(UserError, match=rf"{path} cannot be written: No such file or directory. Name another file"):
        write_text(path, "")
    assert list(tmp_path.iterdir()) == []


def test_a_place_is_checked_before_long_work_and_stays_as_it_was(tmp_path: Path) -> None:
    check_place(tmp_path / "new" / "folder" / "a.yaml")
    (tmp_path / "file").touch()
    for path, reason in {tmp_path: "is a folder", tmp_path / "file" / "a.yaml": "cannot be written: Not a dir"}.items():
        with pytest.raises(UserError, match=rf"{path} {reason}.*-o"):
            check_place(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_in_the_files_place_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(UserError, match=r"a\.csv cannot be written: Is a directory"):
        write_text(tmp_path / "a.csv", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("name", [".", "file/a.csv"])
def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_text(Path(name), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_is_left_of_a_text_that_cannot_be_written_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("of before")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.csv", "x" * 100_000 + "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "of before"


def test_nothing_is_left_where_the_file_cannot_take_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match=r"a\.csv cannot be written: No space left on device"):
        write_text(tmp_path / "a.csv", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_ends_in_zip_is_zipped_and_equal_tables_make_equal_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        assert write_table(tmp_path / folder / "mine.zip", "Id,y\nÅ,1\n") == tmp_path / folder / "mine.zip"
    assert (tmp_path / "a" / "mine.zip").read_bytes() == (tmp_path / "b" / "mine.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "mine.zip") as archive:
        assert archive.namelist() == ["mine.csv"]
        assert archive.read("mine.csv").decode() == "Id,y\nÅ,1\n"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine.zip"]


def test_a_large_table_is_zipped_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabular_dl.atomic_files.MOST_PLAIN", 10)
    assert write_table(tmp_path / "small.csv", "Id,y\n1,1\n") == tmp_path / "small.csv"
    assert (tmp_path / "small.csv").read_text() == "Id,y\n1,1\n"
    assert write_table(tmp_path / "large.csv", "Id,y\n1,1\n2,1\n") == tmp_path / "large.zip"
    with zipfile.ZipFile(tmp_path / "large.zip") as archive:
        assert archive.read("large.csv") == b"Id,y\n1,1\n2,1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.zip", "small.csv"]


def test_a_zip_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.zip").mkdir()
    with pytest.raises(UserError, match=r"a\.zip cannot be written: Is a directory"):
        write_table(tmp_path / "a.zip", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
