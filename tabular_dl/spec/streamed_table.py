"""Map of the training rows of a pipeline whose table is larger than memory: the raw columns and features that it reads.

The map lies in a folder named by what it was made from, so that the next fit of the same columns finds it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tabular_dl.competition import Competition
from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import PRESETS
from tabular_dl.preprocessing import DerivedFeatures, MappedRows, check_mappable
from tabular_dl.problems import Problem
from tabular_dl.spec.build import build_pipeline, network_settings
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.row_keys import ROWWISE
from tabular_dl.spec.used_columns import columns_used
from tabular_dl.tables import RowMap, RowSource, write_row_map

__all__ = ["StreamedTable", "check_streamed", "streamed_table"]

FORMAT = 1  # of the map: one of another format is made anew
LEARNED = ("normalize", "numeric_embedding")  # hyperparameters by which networks learn from their inputs
SAMPLE_ROWS, SAMPLE_SEED = 100_000, 1  # that reports are made from


@dataclass(frozen=True, eq=False)
class StreamedTable:
    """Training rows of a pipeline in a map on disk.

    Attributes
    ----------
    rows : MappedRows
        Rows, for a cross-fit.
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    keys : DataFrame of shape (rows, columns)
        Target and the columns that ``ensemble`` and ``data.weight`` name.
    """

    rows: MappedRows
    y: np.ndarray
    keys: pd.DataFrame

    @property
    def sample(self) -> tuple[np.ndarray, pd.DataFrame]:
        """Numbers of rows that are drawn at random, ascending, and these raw rows with their target."""
        count = len(self.rows)
        drawn = np.arange(count)
        if count > SAMPLE_ROWS:
            drawn = np.sort(np.random.default_rng(SAMPLE_SEED).choice(count, SAMPLE_ROWS, replace=False))
        names = [str(name) for name in self.rows.example if name not in self.keys]
        frame = pd.concat([self.rows.table.frame(drawn, names), self.keys.iloc[drawn].reset_index(drop=True)], axis=1)
        return drawn, frame.set_axis(pd.Index(drawn + 1), axis=0)


def check_streamed(spec: PipelineSpec, problem: Problem) -> None:
    """Check that a pipeline can be fitted to rows that are read in blocks.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.

    Raises
    ------
    SpecError
        If it needs all rows at once; the message names the key and what to write instead.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> check_streamed(load_spec("wine", ["model=lightgbm"]), get_problem("multiclass"))
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: pipeline wine: model: lightgbm reads all rows at once, but the training rows are ...
    """
    learned = [name for name, feature in spec.derived.items() if {*feature} - {*ROWWISE}]
    settings = network_settings(spec) if spec.model.is_network else {}
    preset = PRESETS[settings.get("preset", "mlp")]
    given = {name: preset[name] if settings.get(name, "auto") == "auto" else settings[name] for name in LEARNED}
    elapsed = [name for name, feature in spec.derived.items() if feature.get("date") == "elapsed"]
    reasons = {
        "model": (not spec.model.is_network, f"{spec.model.name} reads", "model: network"),
        "features": (
            bool(learned + elapsed),
            f"{', '.join(learned + elapsed)} is learned from",
            f"features of {', '.join(ROWWISE[:3])}",
        ),
        "features.python": (spec.python_features is not None, "it reads", "no features.python"),
        "ensemble.pseudo_labels": (spec.ensemble.pseudo_labels is not None, "they need", "no pseudo_labels"),
        "ensemble.refit": (spec.ensemble.refit is not None, "it needs", "no refit"),
        "columns": (bool(settings.get("categorical_features")), "encode: embedding reads", "encode: onehot or label"),
        "network.normalize": (bool(given["normalize"]), "it learns from", "normalize: false, or preset: mlp"),
        "network.numeric_embedding": (
            given["numeric_embedding"] != "none",
            "it learns from",
            "numeric_embedding: none, or preset: mlp",
        ),
    }
    for key, (wrong, words, instead) in reasons.items():
        if wrong:
            raise SpecError(
                f"pipeline {spec.name}: {key}: {words} all rows at once, but the training rows are read in blocks. "
                f"Write {instead}."
            )
    check_mappable(build_pipeline(spec, problem)["preprocessing"])


def streamed_table(
    spec: PipelineSpec,
    competition: Competition,
    folder: Path,
    on_rows: Callable[[int], object] | None = None,
) -> StreamedTable:
    """Return the training rows of a pipeline, from a map that is written if there is none of them.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline, which `check_streamed` has accepted.
    competition : Competition
        Tables, with a source of rows.
    folder : Path
        Folder of the maps.
    on_rows : callable, optional
        Called with the number of rows that are written; not called if there is a map.

    Returns
    -------
    StreamedTable
        Rows.

    Raises
    ------
    UserError
        If a row cannot be read, or there is no room for the map; no map is left then.
    """
    source, sample, data = competition.source, competition.train, spec.data
    if source is None:
        raise DataError(f"{competition.train_file} is read into memory, and needs no map.")
    used = columns_used(spec, sample, competition.test)
    features = DerivedFeatures(spec.derived, data.only_target).fit(sample[used], sample[data.target])
    named = (spec.ensemble.group, spec.ensemble.time, spec.ensemble.fold, data.weight, *data.targets)
    keys = [name for name in dict.fromkeys(named) if name is not None and name in sample]
    kinds = {name: _stored(source.kinds[name]) for name in dict.fromkeys([*used, *keys])}
    made = features.transform(sample[used].head(1000))
    kinds |= {name: "number" if made[name].dtype.kind == "f" else "text" for name in spec.derived}
    path = folder / _digest(source, spec, kinds)
    table = RowMap.opened(path)
    if table is None:
        rows = _rows(source, features, used, data.targets)
        table = write_row_map(path, rows, kinds, source.about_rows, on_rows)
    frame = table.frame(columns=keys)
    for name in data.targets:
        frame[name] = frame[name].astype(sample[name].dtype)
    mapped = MappedRows(table, features, sample[used].head(1000))
    return StreamedTable(mapped, frame[data.target].to_numpy(), frame)


def _stored(kind: str) -> str:
    return "number" if kind == "nothing" else kind


def _digest(source: RowSource, spec: PipelineSpec, kinds: dict[str, str]) -> str:
    content = json.dumps([FORMAT, source.digest, spec.derived, kinds], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _rows(
    source: RowSource, features: DerivedFeatures, used: list[str], targets: tuple[str, ...]
) -> Iterator[pd.DataFrame]:
    """Yield blocks of the rows that have a target, with their features."""
    for batch in source.as_sampled.batches():
        labeled = batch[batch[list(targets)].notna().any(axis=1)]
        if len(labeled):
            yield pd.concat(
                [labeled[[name for name in labeled if name not in used]], features.transform(labeled[used])], axis=1
            )
