"""Compressed tables: the content as Python's own modules unpack it, and bombs ended early."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.limits import VARIABLE
from tabular_dl.tables import read_table_file, unpacking
from tabular_dl.tables.unpacking import unpack

CSV = pd.DataFrame({"x": range(3000), "y": ["a", "b", "c"] * 1000}).to_csv(index=False).encode()
SUFFIXES = (".csv",)


def zipped(content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", content)
    return written.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
}


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("piece", [7, 1_000_000])
def test_what_was_packed_is_unpacked(name: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "PIECE", piece)
    assert unpack(Path("train.csv"), PACKERS[name](CSV), SUFFIXES) == (CSV, [])


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_streams_one_after_the_other_are_one_table(name: str) -> None:
    packed = PACKERS[name](CSV[:50]) + PACKERS[name](CSV[50:])
    assert unpack(Path("train.csv"), packed, SUFFIXES)[0] == CSV
    assert unpack(Path("train.csv"), packed + b"\0" * 100, SUFFIXES)[0] == CSV


def test_a_damaged_end_of_a_gzip_file_is_told() -> None:
    with pytest.raises(DataError, match="broken or incomplete gzip file"):
        unpack(Path("train.csv.gz"), gzip.compress(CSV) + b"xyz", SUFFIXES)


@pytest.mark.parametrize("name", PACKERS)
def test_a_file_that_expands_a_thousandfold_is_refused_unless_the_limit_is_raised(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "EXPANDED", 1_000_000)
    content = b"x,y\n" + b"0,0\n" * 2_000_000
    packed = PACKERS[name](content)
    with pytest.raises(DataError, match=r"train\.csv.* more than 200 times as much .*--limits 2 COMMAND"):
        unpack(Path("train.csv"), packed, SUFFIXES)
    monkeypatch.setenv(VARIABLE, "10")
    assert unpack(Path("train.csv"), packed, SUFFIXES)[0] == content


def test_a_table_may_take_a_quarter_of_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "train.csv"
    file.write_bytes(CSV)
    monkeypatch.setattr(unpacking, "machine_memory", lambda: 4 * 10_000)
    with pytest.raises(
        DataError, match=rf"train\.csv: the file has {len(CSV) / 1000:.1f} kB; at most 10 kB .*--limits 2"
    ):
        read_table_file(file)
    file.write_bytes(gzip.compress(CSV))
    with pytest.raises(DataError, match=r"unpacks to more than .* 10 kB"):
        read_table_file(file)
    monkeypatch.setenv(VARIABLE, "3")
    assert len(read_table_file(file).frame) == 3000


def test_a_parquet_file_of_one_value_for_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "machine_memory", lambda: 4_000_000)
    for name, values, reason in (
        ("numbers", [0] * 200_000, "its numbers take 1.6 MB"),
        ("texts", ["long text " * 100] * 2000, "its texts take more than"),
    ):
        file = tmp_path / f"{name}.parquet"
        pd.DataFrame({"x": values}).to_parquet(file)
        assert file.stat().st_size < 10_000
        with pytest.raises(DataError, match=rf"{name}\.parquet: {reason}.* at most 1 MB"):
            read_table_file(file)


def test_a_header_of_too_many_columns_is_refused_before_pandas_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    file.write_bytes(b'"a\n",' + b"," * 150_000 + b"\n1\n")
    with pytest.raises(DataError, match=r"150,002 columns; at most 100,000 are read.*--limits 2"):
        read_table_file(file)


def test_a_device_is_no_table() -> None:
    with pytest.raises(DataError, match="/dev/zero is a device: expected a file with a table"):
        read_table_file(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_told(name: str) -> None:
    with pytest.raises(DataError, match="expected"):
        read_table_file(Path(name))
