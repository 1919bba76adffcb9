"""A map holds the rows of a table, whatever the blocks; it is whole or absent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError, UserError
from tabular_dl.tables import row_map as module
from tabular_dl.tables.row_map import RowMap, write_row_map

KINDS = {"n": "number", "t": "text", "b": "boolean"}
CELLS = st.tuples(
    st.one_of(st.none(), st.floats(allow_nan=False)),
    st.one_of(st.none(), st.text(max_size=3).filter(lambda text: text == text.encode("utf-8", "ignore").decode())),
    st.sampled_from([None, True, False]),
)


def table_of(cells: list[tuple[float | None, str | None, bool | None]]) -> pd.DataFrame:
    numbers, texts, flags = zip(*cells, strict=True)
    return pd.DataFrame(
        {
            "n": np.array(numbers, float),
            "t": pd.Series(texts, dtype="str"),
            "b": pd.Series([np.nan if flag is None else flag for flag in flags], dtype=object),
        }
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=20), st.integers(1, 7), st.randoms(use_true_random=False))
def test_any_rows_come_back(cells: list[Any], size: int, random: object) -> None:
    rows = table_of(cells)
    some = np.array([random.randrange(len(rows)) for _ in range(5)])  # type: ignore[attr-defined]
    blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
    with TemporaryDirectory() as folder:
        table = write_row_map(Path(folder) / "map", blocks, KINDS, len(rows))
        reopened = RowMap.opened(Path(folder) / "map")
        assert reopened is not None
        for part in (slice(None), slice(1, 3), some):
            expected = rows.iloc[part].reset_index(drop=True)
            pd.testing.assert_frame_equal(table.frame(part), expected, check_dtype=False)
            pd.testing.assert_frame_equal(reopened.frame(part), expected, check_dtype=False)
        assert table.categories("t").tolist() == sorted(set(rows["t"].dropna()))


@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError, MemoryError])
def test_a_map_that_is_interrupted_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    rows = table_of([(1.0, "a", True)])

    def blocks() -> Iterator[pd.DataFrame]:
        yield rows
        raise error("stop")

    with pytest.raises(error):
        write_row_map(tmp_path / "maps" / "one", blocks(), KINDS, 1)
    assert list((tmp_path / "maps").iterdir()) == []


def test_a_map_that_was_cut_is_not_taken_for_whole(tmp_path: Path) -> None:
    table = write_row_map(tmp_path / "one", [table_of([(1.0, "a", True)] * 3)], KINDS, 3)
    assert RowMap.opened(table.folder) is not None
    (table.folder / "column-00000").write_bytes(b"\0" * 16)
    assert RowMap.opened(table.folder) is None
    assert RowMap.opened(tmp_path / "other") is None


def test_room_is_looked_for_before_rows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))

    def blocks() -> Iterator[pd.DataFrame]:
        raise AssertionError("a block was read")
        yield

    with pytest.raises(UserError, match=r"has room for 1 kB, but the table as a map needs about 24 MB"):
        write_row_map(tmp_path / "one", blocks(), KINDS, 1_000_000)


def test_too_many_texts_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CATEGORIES", 2)
    rows = table_of([(1.0, text, True) for text in "abc"])
    with pytest.raises(DataError, match=r"Column t has more than 2 different texts"):
        write_row_map(tmp_path / "one", [rows], KINDS, 3)
    assert list(tmp_path.iterdir()) == []
