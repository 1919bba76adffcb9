"""Findings about single columns: what test rows have that training rows lack, and columns that do not help.

Tables are as the rules read them, features included: each column numbers or the text of categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from tabular_dl.checks.finding import Finding, Level
from tabular_dl.checks.fixes import columns_of, listed, own_rule, taken_out
from tabular_dl.profiling import constant_columns, duplicate_columns, id_reason, squeezed_into
from tabular_dl.spec import PipelineSpec

__all__ = ["column_findings", "kind_findings"]

MANY = 0.05  # of the test rows: from here on a finding is a warning
MOST = 0.5
MOST_ALIKE = 5  # findings of one sort that are told one by one
_UNKNOWN = {"onehot": "which become zeros", "label": "which become -1", "ordinal": "which become -1"}
_PLAIN = {"from", "map", "fill", "rare"}  # of a feature that still says what its column says


def column_findings(
    spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame | None, names: tuple[str, str]
) -> list[Finding]:
    """Find what is wrong with single columns.

    Parameters
    ----------
    spec : PipelineSpec
        Whose rules read the columns.
    train, test : DataFrame of shape (rows, columns)
        The columns that rules name, each of numbers or of text; without a test table None.
    names : tuple of str
        What the tables are called in messages.

    Returns
    -------
    list of Finding
    """
    where, constant = names[0], constant_columns(train)
    found = list(_constant(spec, constant, test, names)) if constant else []
    rest = train.drop(columns=constant)
    for name, other in duplicate_columns(rest).items():
        message = f"{where}: columns {other} and {name} say the same in every row."
        found.append(Finding("warning", "duplicate-column", message, taken_out(spec, [name])))
    raw = [name for name in map(str, rest.columns) if set(spec.features.get(name, ())) <= _PLAIN]
    of_test = (
        {} if test is None else {name: test[name] for name in raw if test[name].dtype.kind == rest[name].dtype.kind}
    )
    naming = {name: reason for name in raw if (reason := id_reason(rest[name], of_test.get(name)))}
    for name, reason in naming.items():
        message = f"{where}, column {name} seems to name rows, not to describe them: {reason}."
        found.append(Finding("warning", "id", message, taken_out(spec, [name])))
    found += _squeezed(spec, rest, where)
    if test is not None:
        found += _few("category", list(_new_categories(spec, train.drop(columns=[*naming]), test, names[1])))
        found += _few("missing", list(_newly_missing(spec, train, test, names)))
    return found


def kind_findings(
    spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame, used: Sequence[str], names: tuple[str, str]
) -> Iterator[Finding]:
    """Yield what raw columns are numbers in one table and text in the other, or are not in the test table at all.

    A column of numbers that is text in the test table, where a rule needs numbers, is refused elsewhere already.
    """
    known = {*used, spec.ensemble.group}
    absent = [str(name) for name in train if name not in test and name not in known]
    if absent:
        message = f"{names[1]} lacks columns that {names[0]} has: {listed(absent)}. Nothing uses them; leave it so."
        yield Finding("note", "absent", message)
    for name in (str(name) for name in train if name in test):
        if train[name].dtype.kind in "biuf" and test[name].dtype.kind in "biuf":
            continue
        kinds = [_kind(table[name]) for table in (train, test)]
        if kinds[0] == kinds[1] or "nothing" in kinds:
            continue
        odd = [_first_text(table[name]) for table, kind in zip((train, test), kinds, strict=True) if kind == "text"]
        message = f"Column {name} is {kinds[0]} in {names[0]} and {kinds[1]} in {names[1]}, such as {odd[0]!r}"
        if name not in used:
            yield Finding("note", "kind", f"{message}. Nothing uses it.")
        elif test[name].dropna().astype(str).isin(train[name].dropna().astype(str)).any():
            yield Finding("warning", "kind", f"{message}.", f"# write column {name} alike in both tables")
        else:
            said = f"{message}: no value of {names[1]} was there in training."
            yield Finding("error", "kind", said, taken_out(spec, [name]))


def _kind(column: pd.Series[Any]) -> str:
    known = pd.Series(column.dropna().unique())
    if known.empty:
        return "nothing"
    return "numbers" if column.dtype.kind in "biuf" or _numbers(known).notna().all() else "text"


def _numbers(known: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(known.astype(object), errors="coerce")


def _first_text(column: pd.Series[Any]) -> object:
    known = column.dropna()
    return known[_numbers(known).isna()].iloc[0]


def _constant(
    spec: PipelineSpec, constant: list[str], test: pd.DataFrame | None, names: tuple[str, str]
) -> Iterator[Finding]:
    still = constant if test is None else constant_columns(test[constant])
    varied = [name for name in constant if name not in still]
    if varied:
        message = f"{names[0]}: the same value in every row, and others in {names[1]}: {listed(varied)}."
        yield Finding("warning", "constant", message, taken_out(spec, varied))
    if still:
        message = f"{names[0]}: the same value in every row, which teaches nothing: {listed(still)}."
        yield Finding("note", "constant", message, taken_out(spec, still))


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
                f"so scale: {rule.scale} makes them nearly equal. (Or clip: 0.01.)"
            )
            quartiles = train[name].quantile([0.25, 0.75])
            # Robust scaling divides by the distance of the quartiles.
            words: dict[str, Any] = {"scale": "robust"} if quartiles.iloc[0] < quartiles.iloc[1] else {"clip": 0.01}
            message = message if "scale" in words else message.removesuffix(" (Or clip: 0.01.)")
            yield Finding("warning", "outliers", message, own_rule(spec, name, place, **words))


def _new_categories(spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame, where: str) -> Iterator[Finding]:
    for name in map(str, train.columns):
        if train[name].dtype.kind in "biuf":
            continue
        new = test[name].notna() & ~test[name].isin(train[name].unique())
        place = _rule_of(spec, name)
        rule = spec.columns[place]
        handled = (getattr(rule, "rare", None) or 1) > 1 or rule.encode not in _UNKNOWN
        # Where the rule has an answer to unknown categories, only many of them are worth a word.
        if not new.any() or (handled and new.mean() < MOST):
            continue
        values = test.loc[new, name].drop_duplicates().tolist()
        fate = "" if handled else f", {_UNKNOWN[rule.encode]}"
        message = (
            f"{where}, column {name}: {_count(int(new.sum()), len(test))} have a category that training does not know"
            f"{fate}: {listed(values, 3)}."
        )
        level: Level = "warning" if new.mean() >= MANY else "note"
        yield Finding(level, "category", message, "" if handled else own_rule(spec, name, place, rare=10))


def _newly_missing(
    spec: PipelineSpec, train: pd.DataFrame, test: pd.DataFrame, names: tuple[str, str]
) -> Iterator[Finding]:
    for name in map(str, train.columns):
        gone = test[name].isna()
        if not gone.any() or train[name].isna().any():
            continue
        place = _rule_of(spec, name)
        rule = spec.columns[place]
        level: Level = "warning" if gone.mean() >= MANY else "note"
        message = (
            f"{names[1]}, column {name}: {_count(int(gone.sum()), len(test))} have no value, in {names[0]} all do."
        )
        if gone.all():
            yield Finding("warning", "missing", message, taken_out(spec, [name]))
        elif rule.numeric:
            yield Finding(level, "missing", f"{message} The rule's impute: {rule.impute} fills them in.")
        else:
            fix = own_rule(spec, name, place, impute="most_frequent") if rule.impute == "none" else ""
            yield Finding(level, "missing", message, fix)


def _few(code: str, found: list[Finding]) -> list[Finding]:
    """Tell many findings of one sort in one line after the first few, warnings first."""
    ordered = sorted(found, key=lambda finding: finding.level != "warning")
    left = ordered[MOST_ALIKE:]
    if not left:
        return ordered
    names = [finding.message.partition(": ")[0].partition("column ")[2] for finding in left]
    return [
        *ordered[:MOST_ALIKE],
        Finding(left[0].level, code, f"The same in {len(left)} more columns: {listed(names)}."),
    ]


def _rule_of(spec: PipelineSpec, name: str) -> int:
    return next(place for place, rule in enumerate(spec.columns) if columns_of(rule, [name]))


def _count(rows: int, of: int) -> str:
    return f"{rows:,} of {of:,} rows"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
