"""Tables that nobody should send: bytes, encodings, delimiters, types, sizes and archives of a small table, changed.

Each table is made from its seed and its number alone, so that one that was told can be made again.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pandas as pd

from tests.torture.mutation import Mutation

__all__ = ["ROWS", "TARGET", "mutation", "mutations", "whole_table"]

ROWS, TARGET = 60, "y"
Change = Callable[[np.random.Generator], tuple[str, str, bytes]]


@cache
def whole_table() -> pd.DataFrame:
    """Return the table that is changed: ids, numbers, texts, dates and a target of two classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS).round(3)
    return pd.DataFrame(
        {
            "Id": np.arange(1, ROWS + 1),
            "x": x,
            "n": rng.integers(0, 9, ROWS),
            "kind": rng.choice(["red", "green", "café, noir"], ROWS),
            "day": pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"),
            TARGET: (x + rng.normal(size=ROWS) > 0).astype(int),
        }
    )


def mutations(seed: int, count: int) -> Iterator[Mutation]:
    """Yield changed tables."""
    for index in range(count):
        yield mutation(seed, index)


def mutation(seed: int, index: int) -> Mutation:
    """Return the changed table of a seed and a number."""
    rng = np.random.default_rng([seed, index])
    change = _CHANGES[index % len(_CHANGES)]
    details, file, content = change(rng)
    return Mutation(f"tables {seed}/{index}: {change.__name__.removeprefix('_')}: {details}", file, content)


def _csv(table: pd.DataFrame | None = None, **options: object) -> bytes:
    return (whole_table() if table is None else table).to_csv(index=False, **options).encode()


def _with(name: str, values: object) -> bytes:
    return _csv(whole_table().assign(**{name: values}))


def _column(rng: np.random.Generator) -> str:
    return str(rng.choice(whole_table().columns))


def _lines() -> list[bytes]:
    return _csv().splitlines(keepends=True)


def _bytes_flipped(rng: np.random.Generator) -> tuple[str, str, bytes]:
    content, count = bytearray(_csv()), int(rng.choice([1, 3, 30, 300]))
    for place in rng.integers(0, len(content), count):
        content[place] ^= 1 << rng.integers(8)
    return f"{count} bits", "train.csv", bytes(content)


def _bytes_random(rng: np.random.Generator) -> tuple[str, str, bytes]:
    size = int(rng.choice([1, 2, 3, 17, 1000, 100_000]))
    start = rng.choice([b"", b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ", b"\xff\xfe", b"\xef\xbb\xbf"])
    return f"{size} after {start!r}", "train.csv", bytes(start) + rng.bytes(size)


def _bytes_inserted(rng: np.random.Generator) -> tuple[str, str, bytes]:
    content = _csv()
    options = [
        b"\0",
        b"\0" * 1000,
        b'"',
        b"'",
        b"\\",
        b"\r",
        b"\n\n\n",
        b"\x1a",
        b"\x80",
        b"\xff\xff",
        b",",
        b"," * 500,
    ]
    text, place = options[rng.integers(len(options))], int(rng.integers(len(content)))
    return f"{text[:8]!r} at {place}", "train.csv", content[:place] + text + content[place:]


def _cut_off(rng: np.random.Generator) -> tuple[str, str, bytes]:
    content = _csv()
    length = int(rng.integers(len(content)))
    return f"at {length}", "train.csv", content[:length]


def _encoding(rng: np.random.Generator) -> tuple[str, str, bytes]:
    text, name = _csv().decode(), str(rng.choice(_ENCODINGS))
    content = text.encode(name, errors="replace")
    cut = int(rng.integers(3)) if rng.random() < 0.3 else 0
    return f"{name}, {cut} bytes short", "train.csv", content[: len(content) - cut]


def _delimiter(rng: np.random.Generator) -> tuple[str, str, bytes]:
    mark = str(rng.choice([";", "\t", "|", ":", "~", " ", "\x01", "^"]))
    return repr(mark), str(rng.choice(["train.csv", "train.tsv"])), _csv(sep=mark)


def _delimiters_mixed(rng: np.random.Generator) -> tuple[str, str, bytes]:
    lines = [line.replace(b",", rng.choice([b",", b";", b"\t"])) for line in _lines()]
    return "a line each", "train.csv", b"".join(lines)


def _quotes(rng: np.random.Generator) -> tuple[str, str, bytes]:
    lines, row = _lines(), int(rng.integers(ROWS + 1))
    change = rng.choice(["opened", "doubled", "in the middle", "everywhere"])
    if change == "opened":
        lines[row] = b'"' + lines[row]
    elif change == "doubled":
        lines[row] = lines[row].replace(b",", b'"",""')
    elif change == "in the middle":
        lines[row] = lines[row].replace(b",", b'x"y,')
    else:
        lines = [line.replace(b",", b'",') for line in lines]
    return f"{change}, row {row}", "train.csv", b"".join(lines)


def _line_ends(rng: np.random.Generator) -> tuple[str, str, bytes]:
    end = rng.choice([b"\r\n", b"\r", b"\n\r", b"\n\n", b"\x0b", b"\x0c\n", b"\xc2\x85", b"\xe2\x80\xa8"])
    return repr(end), "train.csv", _csv().replace(b"\n", bytes(end))


def _ragged(rng: np.random.Generator) -> tuple[str, str, bytes]:
    lines, row, fields = _lines(), int(rng.integers(ROWS + 1)), int(rng.choice([0, 1, 3, 7, 50]))
    lines[row] = b",".join([b"1"] * fields) + b"\n"
    return f"{fields} fields in row {row}", "train.csv", b"".join(lines)


def _few(rng: np.random.Generator) -> tuple[str, str, bytes]:
    rows, columns = int(rng.choice([0, 1, 2, 3, 5])), int(rng.choice([0, 1, 2, 6]))
    table = whole_table().iloc[:rows, len(whole_table().columns) - columns :]
    return f"{rows} rows, {columns} columns", "train.csv", _csv(table)


def _blank(rng: np.random.Generator) -> tuple[str, str, bytes]:
    contents = [
        b"",
        b"\n",
        b"\n" * 1000,
        b" ",
        b",",
        b",,,,\n,,,,\n",
        b'""',
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\t\t\n\t\t\n",
    ]
    content = contents[rng.integers(len(contents))]
    return repr(content[:8]), "train.csv", content


def _huge_cell(rng: np.random.Generator) -> tuple[str, str, bytes]:
    size, name = int(rng.choice([1000, 100_000, 2_000_000])), _column(rng)
    row, letter = int(rng.integers(ROWS)), str(rng.choice(["9", "x", "é", " ", "1,", "\n", "-"]))
    values = whole_table()[name].astype(object)
    values.iloc[row] = letter * size
    return f"{size} of {letter!r} in {name}", "train.csv", _with(name, values)


def _wide(rng: np.random.Generator) -> tuple[str, str, bytes]:
    columns, rows = int(rng.choice([500, 3000, 10_000])), int(rng.choice([0, 2, 20]))
    more = pd.DataFrame(rng.integers(0, 9, (rows, columns)), columns=[f"c{place}" for place in range(columns)])
    table = pd.concat([more, whole_table().head(rows)], axis=1)
    return f"{columns} columns, {rows} rows", "train.csv", _csv(table)


def _header(rng: np.random.Generator) -> tuple[str, str, bytes]:
    names = [
        *(
            "",
            " ",
            "x",
            "y",
            "Id",
            "x.1",
            "Unnamed: 0",
            "a,b",
            "two\nlines",
            '"',
            "\u202eevil",
            "\u0000",
            "é" * 3,
            "*",
            "?",
        ),
        *(
            "[red]",
            "[/]",
            "{0}",
            "%s",
            "n" * 5000,
            "n" * 100_000,
            "../up",
            "=1+1",
            "__class__",
            "nan",
            "1",
            "-1",
            "\ud7ff",
        ),
    ]
    name, place = names[rng.integers(len(names))], int(rng.integers(6))
    header = list(whole_table().columns)
    header[place] = name
    return f"{name[:20]!r} for column {place}", "train.csv", _csv(whole_table().set_axis(header, axis=1))


def _no_header(rng: np.random.Generator) -> tuple[str, str, bytes]:
    lines = _lines()
    lines[0] = [b"", b"\n", b"1,2,3,4,5,6\n", b",,,,,\n", b'"\n'][rng.integers(5)]
    return repr(lines[0]), "train.csv", b"".join(lines)


def _constant(rng: np.random.Generator) -> tuple[str, str, bytes]:
    name, value = _column(rng), [0, 1, "", "a", np.nan, np.inf, "None", "-", True][rng.integers(9)]
    return f"{name} is {value!r}", "train.csv", _with(name, value)


def _odd_cells(rng: np.random.Generator) -> tuple[str, str, bytes]:
    name, share = _column(rng), float(rng.choice([0.02, 0.5, 1.0]))
    values = whole_table()[name].astype(object)
    places = np.flatnonzero(rng.random(ROWS) < share)
    for place in places:
        values.iloc[place] = _ODD[rng.integers(len(_ODD))]
    return f"{len(places)} in {name}", "train.csv", _with(name, values)


def _numbers(rng: np.random.Generator) -> tuple[str, str, bytes]:
    name, kind = _column(rng), str(rng.choice(["huge", "tiny", "integers", "digits", "binary", "negative"]))
    values = {
        "huge": rng.uniform(-1, 1, ROWS) * 1e308,
        "tiny": rng.normal(size=ROWS) * 1e-320,
        "integers": [str(2**64 + row) for row in range(ROWS)],
        "digits": ["0" * 30 + str(row) for row in range(ROWS)],
        "binary": rng.integers(0, 2, ROWS),
        "negative": -rng.integers(1, 2**62, ROWS),
    }[kind]
    return f"{kind} in {name}", "train.csv", _with(name, values)


def _target(rng: np.random.Generator) -> tuple[str, str, bytes]:
    kind = str(rng.choice(["a class each", "rare class", "texts", "numbers", "dates", "half missing", "gone", "mixed"]))
    table = whole_table()
    values = {
        "a class each": [f"c{row}" for row in range(ROWS)],
        "rare class": [1, *[0] * (ROWS - 1)],
        "texts": [f"some words of text {row * 7919 % 31}" for row in range(ROWS)],
        "numbers": rng.normal(size=ROWS),
        "dates": table["day"],
        "half missing": table[TARGET].where(rng.random(ROWS) < 0.5),
        "mixed": ["1", "x", "2.5", "yes", "0"] * (ROWS // 5),
    }.get(kind)
    return kind, "train.csv", _csv(table.drop(columns=TARGET)) if values is None else _with(TARGET, values)


def _ids(rng: np.random.Generator) -> tuple[str, str, bytes]:
    kind = int(rng.integers(5))
    values = [[1] * ROWS, [""] * ROWS, ["007"] * ROWS, [f"é{row}" for row in range(ROWS)], np.arange(ROWS) + 0.5][kind]
    return f"kind {kind}", "train.csv", _with("Id", values)


def _columns_gone(rng: np.random.Generator) -> tuple[str, str, bytes]:
    gone = rng.choice(whole_table().columns, int(rng.integers(1, 6)), replace=False)
    return ", ".join(gone), "train.csv", _csv(whole_table().drop(columns=list(gone)))


def _packed(rng: np.random.Generator) -> tuple[str, str, bytes]:
    name = str(rng.choice(list(_PACKERS)))
    content, damage = _PACKERS[name](_csv()), str(rng.choice(["none", "cut", "flipped", "twice", "with more"]))
    if damage == "cut":
        content = content[: int(rng.integers(len(content)))]
    elif damage == "flipped":
        changed = bytearray(content)
        changed[int(rng.integers(len(content)))] ^= 1 << rng.integers(8)
        content = bytes(changed)
    elif damage == "twice":
        content = _PACKERS[name](content)
    elif damage == "with more":
        content += rng.bytes(100)
    return f"{name}, {damage}", str(rng.choice(_FILES)), content


def _bomb(rng: np.random.Generator) -> tuple[str, str, bytes]:
    name = str(rng.choice(["gzip", "bzip2", "xz", "zip"]))
    return f"{name} of 1 GB", str(rng.choice(["train.csv", "train.csv.gz", "train.zip"])), _bomb_of(name)


@cache
def _bomb_of(name: str) -> bytes:
    """Return a gigabyte of rows, packed: a piece of it packed once, and repeated where the format allows it."""
    piece = _csv().splitlines(keepends=True)[1] * (2**24 // 40)
    if name == "zip":
        return _zipped(_csv() + piece * 64)
    packer = _PACKERS[name]
    return packer(_csv()) + packer(piece) * 64  # streams one after the other are one file


def _zip_of_many(rng: np.random.Generator) -> tuple[str, str, bytes]:
    files = [{}, {"a.csv": _csv(), "b.csv": _csv()}, {"../../up.csv": _csv()}, {"a/b/c.csv": b""}, {"x" * 60_000: b"1"}]
    files.append({f"{place}.csv": b"1" for place in range(2000)})
    chosen = int(rng.integers(len(files)))
    return f"kind {chosen}", str(rng.choice(["train.zip", "train.csv"])), _zipped_files(files[chosen])


def _parquet(rng: np.random.Generator) -> tuple[str, str, bytes]:
    written = io.BytesIO()
    table = whole_table()
    kind = str(rng.choice(["whole", "cut", "flipped", "foot", "nested", "typed", "categories"]))
    if kind == "nested":
        table = table.assign(x=[[1, 2]] * ROWS)
    elif kind == "typed":
        table = table.assign(day=pd.to_datetime(table["day"]), n=table["n"].astype("Int64"))
    elif kind == "categories":
        table = table.assign(kind=table["kind"].astype("category"), y=table[TARGET].astype(bool))
    table.to_parquet(written)
    content = bytearray(written.getvalue())
    if kind == "cut":
        content = content[: int(rng.integers(len(content)))]
    elif kind in ("flipped", "foot"):
        start = len(content) - 900 if kind == "foot" else 0
        for place in rng.integers(start, len(content), 5):
            content[place] ^= 1 << rng.integers(8)
    return kind, str(rng.choice(["train.parquet", "train.csv"])), bytes(content)


def _other_kind(rng: np.random.Generator) -> tuple[str, str, bytes]:
    contents = [
        *(b"<html><body>Sign in</body></html>", b'{"a": [1, 2]}', b"%PDF-1.7\n" + rng.bytes(500)),
        *(b"\x89PNG\r\n\x1a\n" + rng.bytes(500), b"name: x\ncolumns:\n  - a\n", b"import os\nprint(1)\n"),
        _zipped_files({"[Content_Types].xml": b"<xml/>", "xl/sheet1.xml": b"<xml/>"}),
    ]
    chosen = int(rng.integers(len(contents)))
    return f"kind {chosen}", str(rng.choice(_FILES)), contents[chosen]


def _zipped(content: bytes) -> bytes:
    return _zipped_files({"train.csv": content})


def _zipped_files(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": _zipped,
}
_FILES = ("train.csv", "train.tsv", "train.csv.gz", "train.zip", "train.csv.zip", "train.parquet")
_ENCODINGS = (
    *("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "latin-1", "cp1252", "cp437", "ascii"),
    *("utf-7", "cp037", "shift_jis", "gb18030"),
)
_ODD: tuple[object, ...] = (
    *("", " ", "NaN", "None", "null", "NULL", "-", "?", "inf", "-inf", "Infinity", "1e999", "-1e999", "1e-999", "0x1F"),
    *("1_000", "1,5", "1.5.2", "١٢", "½", "1e", "--1", "+1", "007", "9" * 400, "1" + "0" * 5000, "true", "TRUE", "Ja"),
    *(
        "2024-02-30",
        "31/12/2024",
        "9999-99-99",
        "0001-01-01",
        "12:61",
        "[red]x[/]",
        "\u202e",
        "\x07",
        "😀",
        "a\nb",
        '"',
    ),
    *("=cmd()", "{}", "%d", "\\N", "x" * 3000),
)
_CHANGES: tuple[Change, ...] = (
    *(_bytes_flipped, _bytes_random, _bytes_inserted, _cut_off, _encoding, _delimiter, _delimiters_mixed, _quotes),
    *(_line_ends, _ragged, _few, _blank, _huge_cell, _header, _no_header, _constant, _odd_cells, _numbers, _target),
    *(_ids, _columns_gone, _packed, _zip_of_many, _parquet, _other_kind, _odd_cells, _target, _header, _parquet),
    *(_bytes_flipped, _packed, _wide, _bomb),
)
