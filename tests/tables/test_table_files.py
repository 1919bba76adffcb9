"""A table is the same in every file format; the message about an unusable file names the file and the reason."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import threading
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tabular_dl.errors import DataError
from tabular_dl.tables.table_files import SUFFIXES, read_table_file

TABLE = pd.DataFrame(
    {
        "Id": ["007", "9007199254740993", "x"],
        "size": [1.5, np.nan, 1234.5],
        "rooms": [3, 4, 5],
        "kind": pd.Series(["a, b", None, "two\nlines"], dtype="str"),
        "new": [True, False, True],
    },
    index=pd.RangeIndex(1, 4),
)
CSV = TABLE.to_csv(index=False).encode()


def parquet(table: pd.DataFrame, **options: Any) -> bytes:
    written = io.BytesIO()
    table.to_parquet(written, **options)
    return written.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def refusal(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_table_file(path, ["Id"])
    return str(error.value).replace(f"{path.parent}/", "")


FORMS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "csv": ("train.csv", lambda: CSV),
    "mark": ("train.csv", lambda: b"\xef\xbb\xbf" + CSV),
    "latin-1": ("train.csv", lambda: CSV.decode().encode("latin-1")),
    "semicolons": ("train.csv", lambda: TABLE.to_csv(index=False, sep=";", decimal=",").encode()),
    "tabs": ("train.tsv", lambda: TABLE.to_csv(index=False, sep="\t").encode()),
    "bars": ("train.txt", lambda: TABLE.to_csv(index=False, sep="|").encode()),
    "thousands": ("train.csv", lambda: CSV.replace(b"1234.5", b'"1,234.5"').replace(b",,", b",?,")),
    "gzip": ("train.csv.gz", lambda: gzip.compress(CSV)),
    "bzip2": ("train.csv.bz2", lambda: bz2.compress(CSV)),
    "xz": ("train.csv.xz", lambda: lzma.compress(CSV)),
    "zip": ("train.zip", lambda: zipped({"train.csv": CSV})),
    "zip of more than a table": (
        "train.csv.zip",
        lambda: zipped({"data/train.csv": CSV, "README.md": b"About", "__MACOSX/._train.csv": b"\0"}),
    ),
    "zip with another name": ("train.csv", lambda: zipped({"train.csv": CSV})),
    "parquet": ("train.parquet", lambda: parquet(TABLE)),
    "parquet in a zip file": ("train.zip", lambda: zipped({"train.parquet": parquet(TABLE)})),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_file_gives_the_same_table(tmp_path: Path, form: str) -> None:
    name, content = FORMS[form]
    path = tmp_path / name
    path.write_bytes(content())
    read = read_table_file(path, ["Id"])
    pd.testing.assert_frame_equal(read.frame, TABLE)
    assert read.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_usual_needs_no_note_and_what_is_not_gets_one(tmp_path: Path) -> None:
    notes: dict[str, tuple[str, ...]] = {}
    for form in ("csv", "mark", "tabs", "gzip", "zip", "parquet", "semicolons", "thousands"):
        name, content = FORMS[form]
        (tmp_path / name).write_bytes(content())
        notes[form] = read_table_file(tmp_path / name, ["Id"]).notes
    assert notes.pop("semicolons") == (
        "train.csv: semicolons between fields",
        "train.csv: a comma is read as the decimal sign in size",
    )
    assert notes.pop("thousands") == (
        "train.csv: '?' is read as missing in size, kind",
        "train.csv: commas are read as thousands separators in size",
    )
    assert set(notes.values()) == {()}


def test_a_zip_file_says_which_table_was_in_it_if_it_has_another_name(tmp_path: Path) -> None:
    (tmp_path / "train.zip").write_bytes(zipped({"houses.csv": CSV}))
    assert read_table_file(tmp_path / "train.zip").notes == ("train.zip: the table is houses.csv inside",)


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(CSV,))
    writer.start()
    pd.testing.assert_frame_equal(read_table_file(tmp_path / "pipe", ["Id"]).frame, TABLE)
    writer.join()


def test_csv_comes_first_among_the_usual_ends_of_names() -> None:
    assert SUFFIXES[0] == ".csv"
    assert {".csv.gz", ".csv.zip", ".zip", ".tsv", ".parquet"} <= set(SUFFIXES)


# Parquet has types, text has none


def test_the_types_of_a_parquet_file_become_what_text_would_have_given(tmp_path: Path) -> None:
    typed = pd.DataFrame(
        {
            "Id": [7, 9007199254740993],
            "day": [date(2020, 1, 31), None],
            "time": pd.to_datetime(["2020-01-31 12:30:00", None]),
            "price": [Decimal("1.5"), None],
            "class": pd.Categorical(["a", None]),
            "code": pd.Categorical([10, 20]),
            "whole": pd.array([1, 2], dtype="Int64"),
            "gap": pd.array([1, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "nothing": pd.Series([None, None], dtype="object"),
            "moment": [datetime(2020, 1, 31, 12, 30), None],
        }
    )
    path = tmp_path / "typed.parquet"
    path.write_bytes(parquet(typed))
    read = read_table_file(path, ["Id"]).frame
    expected = pd.DataFrame(
        {
            "Id": ["7", "9007199254740993"],
            "day": pd.Series(["2020-01-31", None], dtype="str"),
            "time": pd.Series(["2020-01-31 12:30:00", None], dtype="str"),
            "price": [1.5, np.nan],
            "class": pd.Series(["a", None], dtype="str"),
            "code": [10, 20],
            "whole": [1, 2],
            "gap": [1.0, np.nan],
            "flag": pd.Series([True, np.nan], dtype="object"),
            "nothing": [np.nan, np.nan],
            "moment": pd.Series(["2020-01-31 12:30:00", None], dtype="str"),
        }
    )
    pd.testing.assert_frame_equal(read, expected.set_axis([1, 2]), check_index_type=False)


def test_an_index_with_a_name_is_a_column(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(parquet(TABLE.set_index("rooms")))
    assert list(read_table_file(path).frame) == ["rooms", "Id", "size", "kind", "new"]


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path / "x.parquet", parquet(pd.DataFrame({"tags": [["a"], ["b", "c"]]})))
    parts = ("x.parquet, column 'tags':", "expected numbers or text", "found a ndarray", "Split the column", "remove")
    assert all(part in message for part in parts)


# Files that are no tables


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz", "zip", "parquet"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, form: str, part: float) -> None:
    name, content = FORMS[form]
    whole = content()
    message = refusal(tmp_path / name, whole[: int(part * len(whole))])
    kind = "Parquet" if form == "parquet" else form
    assert message.startswith(f"{name} is a broken or incomplete {kind} file (")
    assert message.endswith("Get it again.")


def test_a_damaged_zip_file_is_refused(tmp_path: Path) -> None:
    whole = bytearray(zipped({"train.csv": CSV * 50}))
    whole[len(whole) // 3] ^= 0xFF
    assert "broken or incomplete zip file" in refusal(tmp_path / "train.zip", bytes(whole))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.zip",
            zipped({"train.csv": CSV, "test.csv": CSV}),
            "a.zip: expected one table in the zip file, found 2: train.csv, test.csv. Unpack it",
        ),
        ("a.zip", zipped({}), "a.zip: expected one table in the zip file, found 0: none. "),
        ("a.zip", b"a,b\n1,2\n", "a.zip is a broken or incomplete zip file (File is not a zip file). Get it again."),
        ("a.xlsx", zipped({"[Content_Types].xml": b"", "xl/a": b""}), "a.xlsx is an Excel or Word document: save"),
        ("a.csv.gz", gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), "a.csv.gz holds zero bytes: "),
        ("a.parquet", CSV, "a.parquet is a broken or incomplete Parquet file ("),
        ("a.parquet", parquet(TABLE.head(0)), "a.parquet has a header and no rows."),
        ("a.csv", b"", "a.csv is empty: expected a header and rows."),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "a.csv.gz is empty: expected a header and rows."),
        ("a.csv", b"Id,x\n", "a.csv has a header and no rows."),
        ("a.csv", b"x,Id,x\n1,2,3\n", "a.csv: the header has the column 'x' twice. Rename or remove one of the two."),
    ],
)
def test_a_file_that_holds_no_table_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    assert refusal(tmp_path / name, content).startswith(message)


def test_a_zip_file_with_a_password_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"train.csv": CSV}))
    # The first bit of the flags says that the contents are encrypted, here and in the directory at the end.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(tmp_path / "a.zip", bytes(content)).startswith("a.zip cannot be unpacked: ")


def test_a_parquet_file_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["x", "x"])
    pq.write_table(table, tmp_path / "x.parquet")
    expected = "x.parquet: the header has the column 'x' twice. Rename or remove one of the two."
    assert refusal(tmp_path / "x.parquet") == expected


def test_a_file_that_is_not_there_gets_the_nearest(tmp_path: Path) -> None:
    assert refusal(tmp_path / "train.csv") == "There is no file train.csv."
    (tmp_path / "Train.csv.gz").write_bytes(gzip.compress(CSV))
    assert refusal(tmp_path / "train.csv") == "There is no file train.csv. Did you mean 'Train.csv.gz'?"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "train.csv").mkdir()
    assert refusal(tmp_path / "train.csv") == "train.csv is a folder: expected a file with a table."


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "train.csv cannot be read: permission denied. Change its mode, or"),
        (OSError(5, "Input/output error"), "train.csv cannot be read: Input/output error."),
    ],
)
def test_a_file_that_may_not_be_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, message: str
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    # The file's mode is not used: the tests may run as root, which reads every file.
    (tmp_path / "train.csv").write_bytes(CSV)
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(tmp_path / "train.csv").startswith(message)
