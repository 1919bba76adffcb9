"""Archives of downloads are refused by the sizes that they state."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tabular_dl.competition import archives
from tabular_dl.competition.archives import refuse_bomb
from tabular_dl.errors import DataError
from tabular_dl.limits import VARIABLE

SIZE = 3_000_000


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", b"0" * SIZE)


def write_tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("train.csv")
        info.size = SIZE
        archive.addfile(info, io.BytesIO(b"0" * SIZE))


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_an_archive_that_expands_too_far_is_refused(
    write: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    write(archive)  # type: ignore[operator]
    assert archive.stat().st_size < SIZE / 500
    refuse_bomb(archive)
    monkeypatch.setattr(archives, "EXPANDED", SIZE // 2)
    with pytest.raises(DataError, match=r"unpacks to 3 MB or more.* at most 200 times its size.*--limits"):
        refuse_bomb(archive)
    monkeypatch.setattr(archives, "MOST_BYTES", SIZE // 3)
    with pytest.raises(DataError, match="at most 1 MB are unpacked"):
        refuse_bomb(archive)
    monkeypatch.setenv(VARIABLE, "10")
    refuse_bomb(archive)
