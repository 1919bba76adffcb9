"""Findings about single columns: differences between training and test rows, and columns that do not help a model.

Tables contain columns as the rules read them, derived features included: numbers, or categories as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from tabular_dl.checks.finding import Finding, Level
from tabular_dl.checks.fixes import columns_of, removal, separate_rule
from tabular_dl.errors import listed
from tabular_dl.profiling import constant_columns, duplicate_columns, id_reason, mostly_new, squeezed_into
from tabular_dl.spec import PipelineSpec, unread_numbers

__all__ = ["column_findings", "kind_findings", "unread_findings"]

MANY = 0.05  # share of the test rows from which a finding is a warning
MOST_ALIKE = 5  # findings of one kind that are listed one by one
MOST_PAIRS = 8  # pairs of equal columns named in one line
# Values of unknown categories, for encodings that do not handle them otherwise.
_UNKNOWN = {"onehot": "which become zeros", "label": "which become -1", "ordinal": "which become -1"}
_PLAIN = {"from", "map", "fill", "rare"}  # keys of a feature that keeps the content of its column


def column_findings(
    spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame | None, names: tuple[str, str]
) -> list[Finding]:
    """Return findings about single columns.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline with the rules that read the columns.
    train : DataFrame of shape (rows, columns)
        Training rows; columns that rules name, each of numbers or of text.
    test : DataFrame of shape (test rows, columns) or None
        Test rows with the same columns; None without a test table.
    names : tuple of (str, str)
        Names of both tables in messages.

    Returns
    -------
    list of Finding
        Constant, duplicate, identifying and skewed columns; unknown categories and newly missing values.
    """
    where, constant = names[0], constant_columns(train)
    findings = list(_constant(spec, constant, test, names)) if constant else []
    rest = train.drop(columns=constant)
    findings += _duplicates(spec, duplicate_columns(rest), where)
    # Transformers may read ids and new texts in any way, and `encode: text` reads words.
    rules = {name: spec.columns[_rule_of(spec, name)] for name in map(str, train.columns)}
    transformed = [name for name, rule in rules.items() if rule.transformer or rule.encode == "text"]
    raw = [
        name for name in map(str, rest.columns) if name not in transformed and set(spec.derived.get(name, ())) <= _PLAIN
    ]
    test_columns = (
        {} if test is None else {name: test[name] for name in raw if test[name].dtype.kind == rest[name].dtype.kind}
    )
    id_reasons = {name: reason for name in raw if (reason := id_reason(rest[name], test_columns.get(name)))}
    for name, reason in id_reasons.items():
        message = f"{where}, column {name} seems to identify rows, not to describe them: {reason}."
        findings.append(Finding("warning", "id", message, removal(spec, [name])))
    findings += _squeezed(spec, rest, where)
    if test is not None:
        others = train.drop(columns=[*id_reasons, *transformed])
        findings += _few("category", list(_new_categories(spec, others, test, names[1])))
        findings += _few("missing", list(_newly_missing(spec, train, test, names)))
    return findings


def kind_findings(
    spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame, used: Sequence[str], names: tuple[str, str]
) -> Iterator[Finding]:
    """Yield findings about raw columns that are numbers in one table and text in the other.

    Text in the test table where a rule needs numbers is not reported here: it is one of `row_errors`.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    test : DataFrame of shape (test rows, columns)
        Raw test rows.
    used : sequence of str
        Columns that predictions are made from.
    names : tuple of (str, str)
        Names of both tables in messages.

    Yields
    ------
    Finding
    """
    for name in (str(name) for name in train if name in test and name != spec.data.id):
        if train[name].dtype.kind in "biuf" and test[name].dtype.kind in "biuf":
            continue
        kinds = [_kind(table[name]) for table in (train, test)]
        if kinds[0] == kinds[1] or "nothing" in kinds:
            continue
        texts = [_first_text(table[name]) for table, kind in zip((train, test), kinds, strict=True) if kind == "text"]
        message = f"Column {name} is {kinds[0]} in {names[0]} and {kinds[1]} in {names[1]}, such as {texts[0]!r}"
        if name not in used:
            yield Finding("note", "kind", f"{message}. The pipeline does not use it.")
        elif test[name].dropna().astype(str).isin(train[name].dropna().astype(str)).any():
            yield Finding("warning", "kind", f"{message}.", f"# write column {name} the same way in both tables")
        else:
            message = f"{message}: no value of {names[1]} is in {names[0]}."
            yield Finding("error", "kind", message, removal(spec, [name]))


def _kind(column: pd.Series[Any]) -> Literal["nothing", "numbers", "text"]:
    known = pd.Series(column.dropna().unique())
    if known.empty:
        return "nothing"
    return "numbers" if column.dtype.kind in "biuf" or _numbers(known).notna().all() else "text"


def _numbers(known: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(known.astype(object), errors="coerce")


def _first_text(column: pd.Series[Any]) -> object:
    known = column.dropna()
    return known[_numbers(known).isna()].iloc[0]


def unread_findings(spec: PipelineSpec, table: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Yield findings about cells of raw rows from which a feature reads no number, though it should.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    table : DataFrame of shape (rows, columns)
        Raw rows.
    where : str
        Name of the table in messages.

    Yields
    ------
    Finding
    """
    for cells in unread_numbers(spec, table, where):
        yield Finding("warning" if cells.share >= MANY else "note", "number", cells.message)


def _constant(
    spec: PipelineSpec, constant: list[str], test: pd.DataFrame | None, names: tuple[str, str]
) -> Iterator[Finding]:
    constant_in_both = constant if test is None else constant_columns(test[constant])
    varied = [name for name in constant if name not in constant_in_both]
    if varied:
        message = f"{names[0]}: columns with one value in every row, but other values in {names[1]}: {listed(varied)}."
        yield Finding("warning", "constant", message, removal(spec, varied))
    if constant_in_both:
        message = f"{names[0]}: columns with one value in every row: {listed(constant_in_both)}."
        yield Finding("note", "constant", message, removal(spec, constant_in_both))


def _duplicates(spec: PipelineSpec, twins: Mapping[str, str], where: str) -> Iterator[Finding]:
    if len(twins) > 1:
        pairs = listed([f"{other} = {name}" for name, other in twins.items()], MOST_PAIRS)
        message = f"{where}: {len(twins)} columns have the same content as another in every row: {pairs}."
        yield Finding("warning", "duplicate-column", message, removal(spec, list(twins)))
    for name, other in twins.items() if len(twins) == 1 else ():
        message = f"{where}: columns {other} and {name} have the same content in every row."
        yield Finding("warning", "duplicate-column", message, removal(spec, [name]))


def _squeezed(spec: PipelineSpec, train: pd.DataFrame, where: str) -> Iterator[Finding]:
    for place, rule in enumerate(spec.columns):
        if not rule.numeric or rule.scale not in ("minmax", "symmetric") or getattr(rule, "clip", None):
            continue
        for name in columns_of(rule, train.columns):
            squeezed = squeezed_into(train[name])
            if squeezed is None:
                continue
            share, low, high = squeezed
            message = (
                f"{where}, column {name}: 99 % of the rows lie in {_percent(share)} of the range {low:g} to {high:g}, "
                f"so scale: {rule.scale} makes them nearly equal."
            )
            quartiles = train[name].quantile([0.25, 0.75])
            # Robust scaling divides by the distance of the quartiles, which must not be 0.
            if quartiles.iloc[0] < quartiles.iloc[1]:
                fix = separate_rule(spec, name, place, scale="robust")
                yield Finding("warning", "outliers", f"{message} (Or clip: 0.01.)", fix)
            else:
                yield Finding("warning", "outliers", message, separate_rule(spec, name, place, clip=0.01))


def _new_categories(spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame, where: str) -> Iterator[Finding]:
    for name in map(str, train.columns):
        if train[name].dtype.kind in "biuf":
            continue
        new = test[name].notna() & ~test[name].isin(train[name].unique())
        place = _rule_of(spec, name)
        rule = spec.columns[place]
        handled = (getattr(rule, "rare", None) or 1) > 1 or rule.buckets is not None or rule.encode not in _UNKNOWN
        # Of names that hardly two rows share, the rows of a fold have new ones just as often.
        if not new.any() or (handled and not mostly_new(train[name], test[name])):
            continue
        values = test.loc[new, name].drop_duplicates().tolist()
        consequence = "" if handled else f", {_UNKNOWN[rule.encode]}"
        message = (
            f"{where}, column {name}: {_count(int(new.sum()), len(test))} have categories that no training row has"
            f"{consequence}: {listed(values, 3)}."
        )
        level: Level = "warning" if new.mean() >= MANY else "note"
        yield Finding(level, "category", message, "" if handled else separate_rule(spec, name, place, rare=10))


def _newly_missing(
    spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame, names: tuple[str, str]
) -> Iterator[Finding]:
    filled: dict[Level, dict[str, int]] = {"warning": {}, "note": {}}  # rows without a value, by column
    for name in map(str, train.columns):
        missing = test[name].isna()
        if not missing.any() or train[name].isna().any():
            continue
        place = _rule_of(spec, name)
        rule = spec.columns[place]
        level: Level = "warning" if missing.mean() >= MANY else "note"
        count = _count(int(missing.sum()), len(test))
        message = f"{names[1]}, column {name}: {count} have no value; in {names[0]} all rows have one."
        if missing.all():
            yield Finding("warning", "missing", message, removal(spec, [name]))
        elif rule.numeric or rule.impute != "none" or rule.transformer is not None:
            filled[level][name] = int(missing.sum())
        else:
            yield Finding(level, "missing", message, separate_rule(spec, name, place, impute="most_frequent"))
    for level, counts in filled.items():
        if not counts:
            continue
        columns = listed([f"{name} ({_count(rows, len(test))})" for name, rows in counts.items()], MOST_PAIRS)
        subject = f"column {columns}" if len(counts) == 1 else f"{len(counts)} columns: {columns}"
        message = f"{names[1]}: rows have no value, while in {names[0]} all rows have one, in {subject}."
        yield Finding(level, "missing", f"{message} Their rules fill them in.")


def _few(code: str, findings: list[Finding]) -> list[Finding]:
    """Return the first few findings of one kind, warnings first, and one finding that lists the other columns."""
    ordered = sorted(findings, key=lambda finding: finding.level != "warning")
    others = ordered[MOST_ALIKE:]
    if not others:
        return ordered
    names = [finding.message.partition(": ")[0].partition("column ")[2] for finding in others]
    return [
        *ordered[:MOST_ALIKE],
        Finding(others[0].level, code, f"The same in {len(others)} more columns: {listed(names)}."),
    ]


def _rule_of(spec: PipelineSpec, name: str) -> int:
    """Return the place of the first rule that reads a column."""
    return next(place for place, rule in enumerate(spec.columns) if columns_of(rule, [name]))


def _count(rows: int, of: int) -> str:
    return f"{rows:,} of {of:,} rows"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
