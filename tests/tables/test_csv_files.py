"""Delimited text is read in any common encoding and delimiter; a row that cannot be read is named."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.tables.csv_files import read_delimited, to_utf8
from tabular_dl.tables.delimiters import find_delimiter

PATH = Path("folder/train.csv")


def read(content: str | bytes, path: Path = PATH, **options: Any) -> tuple[pd.DataFrame, list[str]]:
    return read_delimited(path, content if isinstance(content, bytes) else content.encode(), **options)


def refusal(text: str | bytes) -> str:
    with pytest.raises(DataError) as error:
        read(text)
    return str(error.value)


# Encodings


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("cp1252", "Windows-1252; if letters look wrong, save it as UTF-8"),
    ],
)
def test_every_usual_encoding_gives_the_same_table(encoding: str, remark: str | None) -> None:
    frame, remarks = read("Straße,n\ncafé,1\nnaïve,2\n".encode(encoding))
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"Straße": ["café", "naïve"], "n": [1, 2]}))
    assert remarks == ([] if remark is None else [f"it is not UTF-8, and read as {remark}"])


def test_a_byte_that_windows_does_not_know_is_latin_1() -> None:
    content, encoding = to_utf8(PATH, b"a\n\x81\xe9\n")
    assert (content.decode(), encoding) == ("a\n\x81é\n", "Latin-1; if letters look wrong, save it as UTF-8")


def test_a_mark_of_utf_16_before_something_else_is_refused() -> None:
    with pytest.raises(DataError, match=r"folder/train\.csv is broken UTF-16-LE text"):
        to_utf8(PATH, b"\xff\xfe\x00\xd8\x00\xd8")


@pytest.mark.parametrize("content", [b"a,b\n1,2\n" + bytes(50), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_zero_bytes_are_refused(content: bytes) -> None:
    message = refusal(content)
    assert all(part in message for part in ("folder/train.csv", "zero bytes", "Get it again", "CSV"))


@pytest.mark.parametrize("page", ["<!DOCTYPE html><html>", "\n <HTML lang='en'>\n"])
def test_a_web_page_is_refused(page: str) -> None:
    message = refusal(page)
    assert all(part in message for part in ("folder/train.csv", "web page", "Download the file again"))


# Delimiters


@pytest.mark.parametrize(
    ("delimiter", "remarks"),
    [
        (",", []),
        (";", ["semicolons between fields"]),
        ("\t", ["tabs between fields"]),
        ("|", ["vertical bars between fields"]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found_and_said(delimiter: str, remarks: list[str], end: str) -> None:
    rows = [["name", "n", "price"], ["Lee; Ann, or | Al", "1", "1.5"], ["two\nlines\tand tabs", "2", ""]]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    frame, found_remarks = read(written.getvalue())
    assert frame["name"].tolist() == ["Lee; Ann, or | Al", "two\nlines\tand tabs"]
    assert frame["n"].tolist() == [1, 2]
    assert found_remarks == remarks


def test_tabs_in_a_tsv_file_are_usual_and_commas_are_not() -> None:
    assert read("a\tb\n1\t2\n", Path("x.tsv"))[1] == read("a\tb\n1\t2\n", Path("x.tsv.gz"))[1] == []
    assert read("a,b\n1,2\n", Path("x.tsv"))[1] == ["commas between fields"]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a\n1\n2\n", ","),
        ("text\nOne; two; three\nfour, five\n", ","),  # one column
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("name, first;born, died;n\nLee;1,2;3\n", ";"),  # as many commas in the header
        ("a,b,c\n1;2,3;4,5;6\n7,8,9\n", ","),
        ("a;b,c;d\n", ";"),
        ("", ","),
    ],
)
def test_commas_inside_fields_do_not_mislead(text: str, delimiter: str) -> None:
    assert find_delimiter(text) == delimiter


FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=25)
@given(
    st.sampled_from(",;\t|"),
    st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(FIELDS, min_size=width, max_size=width), min_size=1)),
)
def test_what_the_csv_module_wrote_is_read_field_for_field(delimiter: str, rows: list[list[str]]) -> None:
    header = [f"c{place}" for place in range(len(rows[0]))]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    assume(any(field.strip() for row in rows for field in row))
    frame, _ = read(written.getvalue())
    texts = read_delimited(PATH, written.getvalue().encode(), text=header)[0]
    assert len(frame) == len(rows)
    for name, values in zip(header, zip(*rows, strict=True), strict=True):
        for cell, value in zip(texts[name], values, strict=True):
            assert pd.isna(cell) or cell == value


# Values that pandas alone would change


def test_leading_zeros_and_long_integers_keep_a_column_text() -> None:
    frame, _ = read("zip,long,huge,n,day\n007,9007199254740993,123456789012345678901,10,05\n12,,5,0,10\n")
    assert frame["zip"].tolist() == ["007", "12"]
    assert frame["long"].tolist()[0] == "9007199254740993"
    assert frame["huge"].tolist() == ["123456789012345678901", "5"]
    assert frame["n"].tolist() == [10, 0]
    assert frame["day"].tolist() == ["05", "10"]


def test_true_and_false_are_booleans_yes_and_no_are_text() -> None:
    frame, _ = read("a,b,c\nTrue,yes,true\nFalse,no,\n")
    assert frame["a"].tolist() == [True, False]
    assert frame["b"].tolist() == ["yes", "no"]
    assert frame["c"].tolist()[0] is True
    assert pd.isna(frame["c"][1])


def test_a_semicolon_file_of_both_decimal_signs_reads_each_column_in_its_own() -> None:
    frame, remarks = read("a;b;c\n1,5;1.5;05\n1.234,5;2.5;1\n")
    assert frame.to_dict("list") == {"a": [1.5, 1234.5], "b": [1.5, 2.5], "c": ["05", "1"]}
    assert remarks == ["semicolons between fields", "a comma is read as the decimal sign in a"]


def test_remarks_name_a_few_columns() -> None:
    names = [f"c{place}" for place in range(7)]
    _, remarks = read(",".join(names) + "\n" + ",".join("?" * 7) + "\n" + ",".join("1" * 7) + "\n")
    assert remarks == ["'?' is read as missing in c0, c1, c2, c3, c4 and 2 more"]


def test_a_column_of_labels_may_say_none() -> None:
    frame, _ = read("x,y\nNone,None\n-,-\na,b\n,\n", labels="y")
    assert frame["y"].tolist()[:3] == ["None", "-", "b"]
    assert pd.isna(frame["y"][3])
    assert frame["x"].isna().tolist() == [True, True, False, True]
    numbers, _ = read("y\n1\n?\n", labels="y")
    assert numbers["y"].tolist()[0] == 1.0, "labels that are numbers are numbers"
    assert pd.isna(numbers["y"][1])


def test_a_column_asked_for_as_text_is_the_text_that_it_is() -> None:
    frame, _ = read("Id,x\n007,1\n-,2\n9007199254740993,3\n", text=["Id", "absent"])
    assert frame["Id"].tolist() == ["007", "-", "9007199254740993"]


# Rows that cannot be


def test_a_file_that_ends_within_quotes_is_cut_off() -> None:
    message = refusal('a,b\n1,x\n2,"y\n3,z\n')
    parts = ("folder/train.csv", "cannot be read as a CSV file", "quote", "row 2", "never closed", "cut off")
    assert all(part in message for part in (*parts, "Get the file again", "correct that row"))


@pytest.mark.parametrize("end", ["3", "3,4", "3,"])
def test_a_file_that_ends_within_a_row_is_cut_off(end: str) -> None:
    message = refusal(f"a,b,c\n1,2,3\n{end}")
    parts = ("folder/train.csv, row 2:", f"{end.count(',') + 1} of 3 fields", "no end of line", "cut off")
    assert all(part in message for part in (*parts, "Get it again", "complete that row"))


@pytest.mark.parametrize("end", ["1,2,3", '1,2,"3"', "1,2,3\n", "1,2\n", "1,2,3\n  ", '1,2,"x\ny"'])
def test_a_file_that_ends_with_a_row_or_a_line_is_whole(end: str) -> None:
    assert len(read(f"a,b,c\n7,8,9\n{end}")[0]) == 2


def test_a_row_with_too_many_fields_is_named() -> None:
    message = refusal("a,b\n1,2\n1,2,3\n")
    parts = (
        "folder/train.csv",
        "cannot be read as a CSV file",
        "line 3 has 3 fields instead of 2",
        "Correct that line",
    )
    assert all(part in message for part in (*parts, "delimiter", "quotes"))
