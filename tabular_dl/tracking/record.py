"""Record of a run beside its results: the content of the run in the store, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tabular_dl.errors import DataError

__all__ = ["MODEL", "RECORD", "read_record"]

RECORD = "run.json"  # in the folder of the results
MODEL = "model"  # folder of the model in that of the results


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a run whose results lie in a folder.

    Raises
    ------
    DataError
        If the folder has none, or it is damaged.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        missing = {"id", "pipeline", "kind", "metrics", "inputs"} - set(record)
    except FileNotFoundError:
        raise DataError(f"{folder} has no {RECORD}: it does not hold the results of a tracked fit.") from None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{folder / RECORD} cannot be read: {error}.") from None
    if missing:
        raise DataError(f"{folder / RECORD} is damaged: it has no {sorted(missing)[0]!r}.")
    return dict(record)
