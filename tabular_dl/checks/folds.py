"""Findings about folds: whether they mirror what separates the test rows from the training rows."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pandas as pd

from tabular_dl.checks.finding import Finding, Level
from tabular_dl.checks.fixes import ensemble_with
from tabular_dl.model_selection import fewest_times
from tabular_dl.profiling import TIME_FEATURE, Separation, time_blocks
from tabular_dl.spec import PipelineSpec, scores_queries, write_line

__all__ = ["fold_findings"]

FEWEST_FOLDS = 2


def fold_findings(
    spec: PipelineSpec, train: pd.DataFrame, separation: Separation, names: tuple[str, str]
) -> Iterator[Finding]:
    """Yield findings about folds that give too good a score.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    separation : Separation
        What separates the test rows from the training rows.
    names : tuple of (str, str)
        Names of both tables in messages.

    Yields
    ------
    Finding
        One with the code ``time`` if test rows are of other times, and folds at random; ``repeated-id`` for ids of
        several rows that folds split; ``group`` for the column whose values group rows most clearly. Blocks of time
        keep rows of one date together, so that such a column is not named as well.
    """
    if separation.kind == "time":
        yield from _time_finding(spec, separation, names)
        return
    if spec.ensemble.group is not None or spec.ensemble.split in ("time", "column"):
        return
    covered = yield from _stretch_finding(spec, train, separation, names)
    name = spec.data.id
    repeated = int(train[name].duplicated().sum()) if name in train and name not in covered else 0
    if repeated:
        message = (
            f"{names[0]}, column {name} (the id): {repeated:,} of {len(train):,} rows have the id of an earlier row. "
            "If such rows belong together, keep them in one fold; otherwise the score is too good."
        )
        yield Finding("warning", "repeated-id", message, ensemble_with(spec, split="group", group=name))
    if separation.grouping is None or separation.grouping.column not in covered:
        yield from _group_finding(spec, separation, names)


def _stretch_finding(
    spec: PipelineSpec, train: pd.DataFrame, separation: Separation, names: tuple[str, str]
) -> Generator[Finding, None, tuple[str, ...]]:
    """Yield a finding if test rows are stretches of time; return the columns whose values its blocks keep together."""
    order = separation.order
    if order is None:
        return ()
    message = f"{names[1]}: {order.reason}. Folds at random have no such stretches: their score may be too good."
    blocks = time_blocks(order, train, spec.ensemble.folds)
    if blocks is None:
        yield Finding("note", "time", message)
        return ()
    fix = ensemble_with(spec, split="group", group=blocks.name)
    new = {name: feature for name, feature in blocks.features.items() if spec.derived.get(name) != feature}
    features = f"  # and {write_line({'features': new})[1:-1]}" if new else ""
    yield Finding("warning", "time", f"{message} Keep rows of one {blocks.unit} in one fold.", f"{fix}{features}")
    return order.columns


def _time_finding(spec: PipelineSpec, separation: Separation, names: tuple[str, str]) -> Iterator[Finding]:
    order = separation.order
    if order is None or spec.ensemble.split in ("time", "column"):
        return
    most = order.different - fewest_times(0, 0)  # folds that a fit can make of these times
    if most < FEWEST_FOLDS:
        return
    message = (
        f"{names[1]} follows {names[0]} in time: column {' and '.join(order.columns)} ends with {order.last} in "
        f"{names[0]} and begins with {order.first} in {names[1]}. Folds that are trained on later rows than they are "
        "scored on have too good a score."
    )
    if scores_queries(spec):
        yield Finding("note", "time", f"{message} {spec.metric_name} needs whole queries, which split: time breaks.")
        return
    if order.missing:
        fix = f"# fill in column {' and '.join(order.columns)} of {names[0]}, which {order.missing} rows lack"
        yield Finding("warning", "time", message, fix)
        return
    keys: dict[str, object] = {"split": "time", "time": order.columns[0], "group": None}
    if most < spec.ensemble.folds:
        keys["folds"] = most
    comment = ""
    if len(order.columns) > 1:
        keys["time"] = TIME_FEATURE
        feature = write_line({"features": {TIME_FEATURE: {"eval": order.expression}}})[1:-1]
        comment = f"  # and {feature}"
    yield Finding("warning", "time", message, f"{ensemble_with(spec, **keys)}{comment}")


def _group_finding(spec: PipelineSpec, separation: Separation, names: tuple[str, str]) -> Iterator[Finding]:
    grouping = separation.grouping
    if grouping is None:
        return
    size = f"{grouping.rows:,} rows, {grouping.different:,} values, intraclass correlation {grouping.alike:.2f}"
    advice = "If the rows to predict have other values, keep rows of one value in one fold"
    if grouping.new is not None:
        advice = (
            f"{100 * grouping.new:.0f} % of the rows of {names[1]} have values that {names[0]} does not have: keep "
            "rows of one value in one fold"
        )
    alike = f"rows of one value are alike in {spec.data.targets[0]} ({size})"
    message = f"{names[0]}, column {grouping.column}: {alike}. {advice}."
    level: Level = "note" if grouping.new is None else "warning"
    yield Finding(level, "group", message, ensemble_with(spec, split="group", group=grouping.column))
