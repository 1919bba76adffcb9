"""Headers: blanks around names are left out and said; a first line of data is no header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.tables import read_table_file


def read(folder: Path, text: str, ids: tuple[str, ...] = ()) -> tuple[pd.DataFrame, tuple[str, ...]]:
    path = folder / "train.csv"
    path.write_text(text)
    file = read_table_file(path, ids)
    return file.frame, file.notes


def test_blanks_around_names_are_left_out_and_said(tmp_path: Path) -> None:
    frame, notes = read(tmp_path, " Id, living area ,price\n007,50,1\n008,60,2\n", ("Id",))
    assert list(frame) == ["Id", "living area", "price"]
    assert frame["Id"].tolist() == ["007", "008"]
    quoted = "' Id', ' living area '"
    assert notes == (f"train.csv: the names of columns have blanks around them, which are left out: {quoted}",)


def test_blanks_inside_a_name_and_quoted_names_are_names(tmp_path: Path) -> None:
    frame, notes = read(tmp_path, '"living area",b\n50,1\n')
    assert (list(frame), notes) == (["living area", "b"], ())


def test_names_that_differ_in_blanks_only_keep_them(tmp_path: Path) -> None:
    assert list(read(tmp_path, "a, a, b\n1,2,3\n")[0]) == ["a", " a", "b"]


def test_a_parquet_file_has_its_names_trimmed(tmp_path: Path) -> None:
    pd.DataFrame({" a": [1], "b": [2]}).to_parquet(tmp_path / "a.parquet")
    assert list(read_table_file(tmp_path / "a.parquet").frame) == ["a", "b"]


NUMBERS = "6,148,72,35,0,33.6\n1,85,66,29,0,26.6\n8,183,64,0,0,23.3\n1,89,66,40,94,28.1\n10,200,80,40,1,50\n"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("5.1,3.5,1.4,0.2,setosa\n4.9,3,1.4,0.2,setosa\n7,3.2,4.7,1.4,versicolor\n", "5.1, 3.5, 1.4, 0.2, setosa"),
        ("39,State-gov,77516\n50,Private,83311\n38,State-gov,215646\n", "39, State-gov, 77516"),
        (NUMBERS, "6, 148, 72, 35, 0, 33.6"),
    ],
)
def test_a_first_line_of_data_is_asked_about(tmp_path: Path, text: str, first: str) -> None:
    with pytest.raises(DataError) as refused:
        read(tmp_path, text)
    message = str(refused.value)
    columns = first.count(",") + 1
    assert f"train.csv seems to have no header: its first line is data ({first})" in message
    names = ",".join(f"x{number}" for number in range(1, columns + 1))
    assert f"Add a first line with the names of the {columns} columns, such as {names}." in message
    assert list(read(tmp_path, f"{names}\n{text}")[0]) == names.split(",")


@pytest.mark.parametrize(
    "names",
    [
        *(["a", "b", "c", "d"], ["0", "1", "2", "3"], ["1", "10", "2", "3", "4", "5", "6", "7", "8", "9"]),
        *(["2019", "2020", "2021"], ["400.1", "402.5", "407"], ["10", "2", "33", "target"]),
        *(["4000", "3000", "2000"], ["5", "4"]),  # wave numbers fall, and are far from the values
    ],
)
def test_names_that_are_numbers_but_no_row_are_names(tmp_path: Path, names: list[str]) -> None:
    values = np.random.default_rng(0).integers(0, 100, (8, len(names)))
    pd.DataFrame(values, columns=names).to_csv(tmp_path / "a.csv", index=False)
    assert list(read_table_file(tmp_path / "a.csv").frame) == names


def test_sensors_beside_a_column_of_text_are_names(tmp_path: Path) -> None:
    frame, _ = read(tmp_path, "place,17,3,40\nnorth,1,2,3\nsouth,30,40,50\nwest,1,2,1\n")
    assert list(frame) == ["place", "17", "3", "40"]
