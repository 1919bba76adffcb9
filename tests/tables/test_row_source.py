"""Rows read in blocks are those of the reader of whole files; what differs between blocks is an error."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.tables.row_source import RowSource, source_files
from tabular_dl.tables.table_files import read_table_file

TEXT = 'id,size,kind,alive\n007,1.5,"a, or\nb",True\n008,,NA,False\n009,-3,c,True\n010,4e2,"say ""x""",\n'


def write(folder: Path, *texts: str) -> tuple[Path, ...]:
    for number, text in enumerate(texts):
        (folder / f"part-{number}.csv").write_text(text)
    return source_files(folder, "*.csv")


@pytest.mark.parametrize("size", [1, 7, 16, 40, 1000])
def test_blocks_of_any_size_hold_the_rows_of_the_whole_file(tmp_path: Path, size: int) -> None:
    (file,) = write(tmp_path, TEXT)
    whole = read_table_file(file, ["id"]).frame
    blocks = list(RowSource((file,), ("id",), block_bytes=size).batches())
    joined = pd.concat(blocks)
    pd.testing.assert_frame_equal(joined.astype(object), whole.astype(object))
    assert joined["id"].tolist() == ["007", "008", "009", "010"]
    assert len(blocks) > 1 or size == 1000


def test_files_of_a_folder_follow_each_other_by_name(tmp_path: Path) -> None:
    files = write(tmp_path, "x,y\n1,a\n", "x,y\n2,b\n3,c\n")
    assert source_files(tmp_path.parent, tmp_path.name) == files
    joined = pd.concat(RowSource(files).batches())
    assert joined["x"].tolist() == [1, 2, 3]
    assert joined.index.tolist() == [1, 2, 3]


def test_compressed_and_parquet_files_are_read_alike(tmp_path: Path) -> None:
    rows = pd.DataFrame({"x": np.arange(10) / 4, "y": list("abcdefghij")})
    rows.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(rows.to_csv(index=False).encode()))
    tables = [
        pd.concat(RowSource((tmp_path / name,), block_bytes=20, sample_rows=3).batches())
        for name in ("a.parquet", "a.csv.gz")
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0]["x"].tolist() == rows["x"].tolist()


def test_the_sample_is_the_first_rows_and_types_follow_from_it(tmp_path: Path) -> None:
    (file,) = write(tmp_path, TEXT)
    source = RowSource((file,), sample_rows=2)
    assert len(source.sample.frame) == 2
    assert source.kinds == {"id": "text", "size": "number", "kind": "text", "alive": "boolean"}


@pytest.mark.parametrize(
    ("texts", "sample", "message"),
    [
        (["x,y\n1,2\n", "x,z\n1,2\n"], 5, r"part-1.csv lacks y and has z, which the first does not"),
        (["x,y\n1,2\n", "y,x\n1,2\n"], 5, r"part-1.csv has the columns in another order"),
        (["x,y\n1,2\n2,3\n3,4\nfour,5\n5,6\n"], 2, r"part-0.csv, column x, row 4: expected numbers.* found 'four'"),
        (["x,y\n1,2\n2,3\n3"], 1, r"part-0.csv.*cut off"),
        (["x,y\n1,2\n", "x,y\n"], 5, r"part-1.csv has a header and no rows"),
    ],
)
def test_what_differs_from_the_first_rows_is_an_error(
    tmp_path: Path, texts: list[str], sample: int, message: str
) -> None:
    source = RowSource(write(tmp_path, *texts), block_bytes=4, sample_rows=sample)
    with pytest.raises(DataError, match=message):
        list(source.batches())


def test_a_compressed_file_that_ends_early_is_an_error(tmp_path: Path) -> None:
    packed = gzip.compress(b"x,y\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(50_000)))
    (tmp_path / "a.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"a.csv.gz ends early"):
        list(RowSource((tmp_path / "a.csv.gz",), sample_rows=10).batches())


def test_a_pattern_without_files_names_the_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no table .*train-\*\.csv"):
        source_files(tmp_path, "train-*.csv")
