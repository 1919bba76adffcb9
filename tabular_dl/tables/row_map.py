"""Map of a table on disk: a file a column, numbers as float64, and texts as codes of their sorted categories.

blocks of rows -> outputs/maps/.DIGEST.XXXX.partial -> outputs/maps/DIGEST

The folder gets its name when all of it is written, so that an incomplete map is never read. Columns are read in parts,
as copies rather than as memory maps, whose pages would count as memory of the process.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, UserError
from tabular_dl.limits import limit, raised_by, size_of

__all__ = ["MOST_CATEGORIES", "RowMap", "write_row_map"]

CONTENT = "map.json"  # written last
MOST_CATEGORIES = 1_000_000  # different texts of a column, which are held in memory
WIDTH = 8  # bytes of a number, for which there has to be room; a code has four
MISSING = -1
NUMBER, TEXT, BOOLEAN = "number", "text", "boolean"

Part = slice | np.ndarray


@dataclass(frozen=True, eq=False)
class RowMap:
    """Table on disk, of which any rows and columns can be read.

    Attributes
    ----------
    folder : Path
        Folder with a file for each column.
    rows : int
        Number of rows.
    kinds : dict of str to str
        "number", "text" or "boolean", for each column.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> rows = pd.DataFrame({"age": [22.0, None, 31.0], "sex": ["male", "female", None]})
    >>> with TemporaryDirectory() as folder:
    ...     table = write_row_map(Path(folder) / "map", [rows[:2], rows[2:]], {"age": "number", "sex": "text"}, 3)
    ...     print(table.frame(slice(1, 3)))
    ...     print(table.codes("sex").tolist(), table.categories("sex").tolist())
        age     sex
    0   NaN  female
    1  31.0     NaN
    [1, 0, -1] ['female', 'male']
    """

    folder: Path
    rows: int
    kinds: dict[str, str]
    _categories: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.rows

    @property
    def columns(self) -> pd.Index:
        """Names of the columns."""
        return pd.Index(list(self.kinds))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.rows, len(self.kinds)

    @cached_property
    def places(self) -> dict[str, int]:
        """Number of each column, which its file is named after."""
        return {name: place for place, name in enumerate(self.kinds)}

    @classmethod
    def opened(cls, folder: Path) -> RowMap | None:
        """Return the map in a folder; None if there is none that is whole."""
        try:
            content = json.loads((folder / CONTENT).read_text(encoding="utf-8"))
            table = cls(folder, content["rows"], content["kinds"])
            sizes = [(folder / _name(place)).stat().st_size for place in table.places.values()]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return table if sizes == [table.rows * _dtype(kind).itemsize for kind in table.kinds.values()] else None

    def codes(self, name: str, part: Part = slice(None)) -> np.ndarray:
        """Return a column as it is stored: float64, or int32 codes of categories, -1 where a text is missing."""
        dtype, path = _dtype(self.kinds[name]), self.folder / _name(self.places[name])
        if isinstance(part, slice):
            start, stop, _ = part.indices(self.rows)
            return np.fromfile(path, dtype, max(0, stop - start), offset=start * dtype.itemsize)
        part = np.asarray(part)
        if not len(part):
            return np.empty(0, dtype)
        # Rows of a fold lie close together, so that reading the rows between them is faster than seeking each.
        first = int(part.min())
        return np.fromfile(path, dtype, int(part.max()) + 1 - first, offset=first * dtype.itemsize)[part - first]

    def categories(self, name: str) -> np.ndarray:
        """Return the sorted texts of a column, objects of shape (categories,)."""
        if name not in self._categories:
            text = (self.folder / f"{_name(self.places[name])}.json").read_text(encoding="utf-8")
            self._categories[name] = np.array(json.loads(text), dtype=object)
        return self._categories[name]

    def cells(self, name: str, part: Part = slice(None)) -> np.ndarray:
        """Return a column as it was in the table: float64, or objects with NaN for missing values."""
        codes, kind = self.codes(name, part), self.kinds[name]
        if kind == NUMBER:
            return codes
        if kind == TEXT:
            return np.append(self.categories(name), np.nan)[codes]
        return np.array([False, True, np.nan], dtype=object)[np.where(np.isnan(codes), 2, codes).astype(np.int8)]

    def frame(self, part: Part = slice(None), columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return rows of the table, with an index from 0."""
        names = list(self.kinds) if columns is None else list(columns)
        return pd.DataFrame({name: _series(self.cells(name, part), self.kinds[name]) for name in names})


def write_row_map(
    folder: Path,
    batches: Iterable[pd.DataFrame],
    kinds: dict[str, str],
    rows: int,
    on_rows: Callable[[int], object] | None = None,
) -> RowMap:
    """Write rows to a map, or nothing if an error or Ctrl-C ends it.

    Parameters
    ----------
    folder : Path
        Folder to create.
    batches : iterable of DataFrame
        Blocks of rows with these columns; further columns are left out.
    kinds : dict of str to str
        "number", "text" or "boolean", for each column.
    rows : int
        Approximate number of rows, for which there must be room.
    on_rows : callable, optional
        Called with the number of rows written so far.

    Returns
    -------
    RowMap
        The map.

    Raises
    ------
    UserError
        If there is no room for the map, which is checked before a row is read, or the folder cannot be written.
    DataError
        If a column of texts has too many different ones.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        free, need = shutil.disk_usage(folder.parent).free, rows * WIDTH * len(kinds)
        if need > free:
            raise UserError(
                f"{folder.parent.resolve()} has room for {size_of(free)}, but the table as a map needs about "
                f"{size_of(need)} ({rows:,} rows, {len(kinds)} columns): make room, or work on another disk."
            )
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
        try:
            table = _written(partial, batches, kinds, on_rows)
            shutil.rmtree(folder, ignore_errors=True)  # one that is not whole
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise UserError(f"The map {folder} cannot be written: {error.strerror or error}. Make room.") from None
    return RowMap(folder, table.rows, table.kinds)


def _written(
    folder: Path, batches: Iterable[pd.DataFrame], kinds: dict[str, str], on_rows: Callable[[int], object] | None
) -> RowMap:
    """Write the columns block by block, then renumber codes by sorted texts, then write the description of the map."""
    codes: dict[str, dict[str, int]] = {name: {} for name, kind in kinds.items() if kind == TEXT}
    count = 0
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {
            name: stack.enter_context((folder / _name(place)).open("wb")) for place, name in enumerate(kinds)
        }
        for batch in batches:
            for name, kind in kinds.items():
                column = batch[name]
                stored = _coded(name, column, codes[name]) if kind == TEXT else _numbers(column)
                stored.tofile(files[name])
            count += len(batch)
            if on_rows is not None:
                on_rows(count)
    table = RowMap(folder, count, dict(kinds))
    for name, texts in codes.items():
        _sort_codes(folder / _name(table.places[name]), list(texts))
    content = {"rows": count, "kinds": table.kinds}
    (folder / CONTENT).write_text(json.dumps(content), encoding="utf-8")
    return table


def _coded(name: str, column: pd.Series[Any], known: dict[str, int]) -> np.ndarray:
    """Return the codes of texts in the order in which they were first seen, and add new texts."""
    codes, texts = pd.factorize(column.astype(object))
    places = np.array([known.setdefault(str(text), len(known)) for text in texts] + [MISSING], np.int32)
    if len(known) > limit(MOST_CATEGORIES):
        raise DataError(
            f"Column {name} has more than {limit(MOST_CATEGORIES):,} different texts: leave it out of the rules, or "
            f"make a feature of it, such as {{from: {name}, extract: ...}}. {raised_by(len(known), MOST_CATEGORIES)}"
        )
    return places[codes]


def _numbers(column: pd.Series[Any]) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _sort_codes(path: Path, texts: list[str], rows: int = 2**22) -> None:
    """Renumber the codes of a file by the order of the texts, and write the sorted texts beside it."""
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.full(len(texts) + 1, MISSING, np.int32)  # the last is for missing texts, -1
    rank[order] = np.arange(len(texts), dtype=np.int32)
    if order != list(range(len(texts))):
        with path.open("r+b") as file:
            while len(codes := np.fromfile(file, np.int32, rows)):
                file.seek(-codes.nbytes, 1)
                rank[codes].tofile(file)
                file.seek(0, 1)  # between writing and reading
    (path.parent / f"{path.name}.json").write_text(json.dumps([texts[place] for place in order]), encoding="utf-8")


def _series(values: np.ndarray, kind: str) -> pd.Series[Any]:
    return pd.Series(values) if kind != TEXT else pd.Series(values, dtype="str")


def _dtype(kind: str) -> np.dtype[Any]:
    return np.dtype(np.int32 if kind == TEXT else np.float64)


def _name(place: int) -> str:
    return f"column-{place:05d}"
