"""Errors of the columns by which rows are divided into folds, and of the folds themselves, with fixes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pandas as pd

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import ensemble_with
from tabular_dl.errors import UserError, nearest
from tabular_dl.model_selection import fewest_times
from tabular_dl.problems import Problem
from tabular_dl.spec import PipelineSpec, folds_of, groups_of, own_folds_of, row_keys, times_of

__all__ = ["key_errors", "split_errors"]

_READERS: dict[str, Callable[[PipelineSpec, pd.DataFrame, str], Any]] = {
    "group": groups_of,
    "time": times_of,
    "fold": own_folds_of,
}


def key_errors(spec: PipelineSpec, train: pd.DataFrame, where: str) -> list[Finding]:
    """Return the errors of ``ensemble.group``, ``ensemble.time`` and ``ensemble.fold``.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Raw training rows, including the target.
    where : str
        Name of the table in messages.

    Returns
    -------
    list of Finding
        At most one for each key, with the code ``group``, ``time`` or ``fold``.
    """
    findings = []
    for key, read in _READERS.items():
        try:
            read(spec, train, where)
        except UserError as error:
            findings.append(Finding("error", key, str(error), _fix(spec, key, train, where)))
            if key == "group":
                break  # the user's own folds are compared with the groups
    return findings


def split_errors(spec: PipelineSpec, problem: Problem, train: pd.DataFrame, where: str) -> list[Finding]:
    """Return the error of folds that cannot be made, or of which one lacks a class.

    Shuffled rows without groups make folds of every table whose target has no error of its own.

    Parameters
    ----------
    spec, train, where
        As for `key_errors`, of which there are none.
    problem : Problem
        Type of problem, which suits the target.

    Returns
    -------
    list of Finding
        At most one, with the code ``folds``.
    """
    ensemble = spec.ensemble
    if ensemble.group is None and ensemble.split in (None, "stratified"):
        return []
    y, keys = train[spec.data.target].to_numpy(), row_keys(spec, train, where)
    try:
        folds_of(spec, problem, y, keys)
    except UserError as error:
        for folds in range(ensemble.folds - 1, 1, -1):
            fewer = spec.model_copy(update={"ensemble": ensemble.model_copy(update={"folds": folds})})
            with suppress(UserError):
                folds_of(fewer, problem, y, keys)
                return [Finding("error", "folds", f"{where}: {error}", ensemble_with(spec, folds=folds))]
        return [Finding("error", "folds", f"{where}: {error}")]
    return []


def _fix(spec: PipelineSpec, key: str, train: pd.DataFrame, where: str) -> str:
    """Return the line that corrects a key, or a comment with the action to take; empty if the message states it."""
    name, targets = str(getattr(spec.ensemble, key)), spec.data.targets
    without = _without(spec, key)
    if name in targets:
        return without
    if name not in train:
        known = [str(column) for column in train if column not in targets]
        correction = nearest(name, known if key == "fold" else [*known, *spec.derived])
        return "" if name in spec.derived else ensemble_with(spec, **{key: correction}) if correction else without
    if train[name].isna().any():
        return f"# fill in column {name} of {where}"
    different = train[name].nunique()
    if key == "group":
        return ensemble_with(spec, folds=different) if different >= 2 else without
    if key == "fold":
        return without if different < 2 else f"# put each {spec.ensemble.group} into one fold of column {name}"
    with suppress(UserError):  # the times can be read
        for change in ({"gap": None}, {"folds": different - fewest_times(0, spec.ensemble.gap or 0)}):
            changed = spec.ensemble.model_copy(update=change)
            if changed.folds >= 2 and different >= fewest_times(changed.folds, changed.gap or 0):
                times_of(spec.model_copy(update={"ensemble": changed}), train, where)
                return ensemble_with(spec, **change)
        times_of(spec.model_copy(update={"ensemble": spec.ensemble.model_copy(update={"folds": 2})}), train, where)
        return without
    return f"# correct column {name} of {where}" if different > 1 else without


def _without(spec: PipelineSpec, key: str) -> str:
    """Return the section without a key, and without the split that needs it."""
    needed = {"group": ("group", "stratified_group"), "time": ("time",), "fold": ("column",)}[key]
    split = None if spec.ensemble.split in needed else spec.ensemble.split
    return ensemble_with(spec, **{key: None, "split": split, **({"gap": None} if key == "time" else {})})
