"""A file that was parsed once gives the same tables as one that is parsed for each reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.tables import TableFile, read_table_file

PATH = Path("train.csv")
POOLS = [
    ["1", "2", "0", "-0", "-3"],
    ["+3", "4", " 5"],
    ["007", "12", "-01", " 01"],
    ["1.5", "0.12345678901234567", "1e-300", "3.14159265358979312", "inf"],
    ["12345678901234567", "9007199254740993", ""],
    ["123456789012345678901", "null", "x"],
    ["True", "False", "", "true"],
    ["NA", "", "None", "null", "?", "-", "--", "n/a"],
    ["a b", '"q, r"', '"two\nlines"', '"a""b"', "é", "日本", "\t6"],
    ["2024-01-31", "31/01/2024", "-"],
    ["1,5", '"1,234.5"', "1 234,5", "1.234,5"],
]
NAMES = ["a", " b", "c d", "", "2024"]
cells = st.one_of(
    *(
        st.lists(st.sampled_from(pool), min_size=5, max_size=5)
        for pool in (*POOLS, [cell for pool in POOLS for cell in pool])
    )
)


def described(table: TableFile) -> tuple[Any, ...]:
    rows = [[(type(value).__name__, repr(value)) for value in column] for _, column in table.frame.items()]
    return [*table.frame], [*table.frame.dtypes.map(str)], rows, table.notes, table.digest


def read(content: bytes, *options: list[str], first: TableFile | None = None) -> tuple[Any, ...] | str:
    try:
        table = read_table_file(PATH, *options, content) if first is None else first.read_again(PATH, *options)
    except DataError as error:
        return str(error)
    return described(table)


@settings(max_examples=80, deadline=None)
@given(
    columns=st.lists(cells, min_size=1, max_size=4),
    delimiter=st.sampled_from(",;\t|"),
    options=st.lists(st.lists(st.sampled_from(NAMES).map(str.strip), max_size=2), min_size=4, max_size=4),
)
def test_a_second_reading_is_that_of_a_new_file(
    columns: list[list[str]], delimiter: str, options: list[list[str]]
) -> None:
    lines = [delimiter.join(row) for row in (NAMES[: len(columns)], *zip(*columns, strict=True))]
    content = "\n".join([*lines, ""]).encode()
    try:
        first = read_table_file(PATH, *options[:2], content)
    except DataError:
        return
    assert read(content, *options[2:], first=first) == read(content, *options[2:])


def test_only_texts_that_numbers_do_not_tell_are_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int] | None] = []
    parse = pd.read_csv

    def counted(*args: Any, **options: Any) -> pd.DataFrame:
        asked.append(options.get("usecols"))
        return parse(*args, **options)

    monkeypatch.setattr(pd, "read_csv", counted)
    content = b"id,code,share,name\n1,10,0.5,a\n2,0,0.25,b\n"
    table = read_table_file(PATH, content=content)
    assert asked == [None, None]  # the header, and all rows
    again = table.read_again(PATH, ["id", "code", "name"]).frame
    assert (again["id"].tolist(), again["code"].tolist()) == (["1", "2"], ["10", "0"])
    assert asked == [None, None]
    assert table.read_again(PATH, ["share"]).frame["share"].tolist() == ["0.5", "0.25"]
    assert asked == [None, None, [2]]
    assert table.frame.dtypes.map(str).tolist() == ["int64", "int64", "float64", "str"]


@pytest.mark.parametrize("sign", ["+", " ", '"'])
def test_whole_numbers_keep_the_signs_around_them_as_text(sign: str) -> None:
    content = f"id,x\n{sign}1{sign.strip('+ ')},1\n2,2\n".encode()
    expected = f"{sign.strip(chr(34))}1"
    assert read_table_file(PATH, content=content).read_again(PATH, ["id"]).frame["id"].tolist() == [expected, "2"]


def test_many_columns_become_text_or_numbers_at_once() -> None:
    names = [f"x{place}" for place in range(50)]
    content = "\n".join([",".join(names), ",".join(["1.50"] * 50), ",".join(['"1,234"'] * 50)]).encode()
    table = read_table_file(PATH, content=content)
    assert (table.frame.to_numpy() == [[1.5] * 50, [1234.0] * 50]).all()
    assert table.read_again(PATH, names).frame.to_numpy().tolist() == [["1.50"] * 50, ["1,234"] * 50]
