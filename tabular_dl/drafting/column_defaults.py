"""Default features and column rules for each kind of column, with the reasons.

================  ==================================================================================================
kind              features and rules
================  ==================================================================================================
numeric           imputed by the median, with a flag if more than 1 % are missing; scaled by ``standard``, or if the
                  tails are heavy by ``quantile``, or by ``clip`` and ``standard`` if many rows have the same value
boolean           0 and 1; with missing values one column each for yes, no and missing
low_cardinality   one column per category, with rare ones joined; whole numbers also as numbers
high_cardinality  mean of the target in the category (``target``) and frequency of the category; in large tables and
                  with many classes an ``embedding``. The letters before the first digit of codes such as C85 are
                  further categories
date              year, month, day of the week, days since the earliest date, and the hour if there is one
text              numbers of characters and words, and a word shared with many rows
id                none, except for the letters of codes
others            none
================  ==================================================================================================
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tabular_dl.profiling import ColumnKind

__all__ = ["Treatments", "treat"]

MISSING_FLAG = 0.01  # share of missing values above which a flag is added
SPIKE = 0.05  # share of rows with the same value from which on ranks would have a gap
RARE = 10  # categories with fewer training rows are joined
EMBEDDING_ROWS = 20_000  # rows from which on embeddings of categories can be learned
MOST_TARGET_CLASSES = 10  # most classes for target encoding, which makes one column per class
COMMON_WORD = 0.02  # least share of rows with a word for the word to be a category
MOST_WORDS = 12
MOST_PREFIXES = 20
MANY_NUMBERED = 50  # columns of one rule that differ only by a number, from which on they are written as a pattern
SAMPLE_ROWS = 20_000  # rows in which words and letters are looked for

_PREFIX = re.compile(r"^\s*([^\W\d_]{1,6})(?=[\s./_-]*\d)")
_NUMBERED = re.compile(r"(.*[^\d])\d+", re.DOTALL)
_HOUR = re.compile(r"(\d{1,2}):\d{2}")


@dataclass
class Treatments:
    """Features and rules of a pipeline file, and the columns that are left out.

    Attributes
    ----------
    features : dict of str to dict
        Derived features, by their names.
    feature_reasons : dict of str to str
        Reason for the first feature of each column, by the feature's name.
    rules : list of dict
        Column rules.
    rule_reasons : list of str
        Reason for each rule.
    dropped : dict of str to list of str
        Columns that are left out, by the reason.
    used : dict of str to str
        Description of the use of each column.
    """

    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    feature_reasons: dict[str, str] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    rule_reasons: list[str] = field(default_factory=list)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)


def treat(kinds: Iterable[ColumnKind], rows: pd.DataFrame, classes: int | None, *, several: bool = False) -> Treatments:
    """Return features and column rules for columns of known kinds.

    Parameters
    ----------
    kinds : iterable of ColumnKind
        Kinds of the columns.
    rows : DataFrame
        Training rows, in which words and letters are looked for.
    classes : int or None
        Number of classes of the target; None if the target is a number.
    several : bool, default=False
        Whether there are several targets, for which no category is encoded by the target.

    Returns
    -------
    Treatments
        Features and rules, with reasons.

    Examples
    --------
    >>> from tabular_dl.profiling.column_kinds import column_kinds
    >>> people = pd.DataFrame({"Age": [22.5, 38.1, None, 17.0], "Sex": ["m", "f", "f", "m"]})
    >>> for rule in treat(column_kinds(people), people, 2).rules:
    ...     print(rule)
    {'columns': ['Age'], 'impute': 'median', 'missing_flag': True, 'scale': 'standard'}
    {'columns': ['Sex'], 'encode': 'onehot'}
    """
    plan = _Plan(rows, classes, several=several)
    for kind in kinds:
        plan.add(kind)
    return plan.finish()


class _Plan:
    """Collector of the columns that share a rule."""

    def __init__(self, rows: pd.DataFrame, classes: int | None, *, several: bool = False) -> None:
        self.rows, self.classes, self.several = rows, classes, several
        self.result = Treatments()
        # Reason and columns of each rule, by the JSON of the rule without its columns.
        self.groups: dict[str, tuple[str, list[str]]] = {}

    def add(self, kind: ColumnKind) -> None:
        """Add a column to the rules for its kind."""
        if kind.trouble:
            self._drop(kind, f"{kind.reason}, but {kind.trouble}; correct it, then add a rule for it")
        elif kind.kind in ("missing", "constant"):
            self._drop(kind, kind.reason)
        else:
            getattr(self, f"_{kind.kind}")(kind)

    def finish(self) -> Treatments:
        """Return the collected features and rules."""
        # Rules for numbers first, then encodings in the order of the columns.
        for rule, (reason, columns) in sorted(self.groups.items(), key=lambda group: "encode" in json.loads(group[0])):
            patterns = _abbreviated(columns, [*map(str, self.rows.columns), *self.result.features])
            self.result.rules.append({"columns": patterns, **json.loads(rule)})
            self.result.rule_reasons.append(reason)
        return self.result

    def _drop(self, kind: ColumnKind, reason: str) -> None:
        self.result.dropped.setdefault(reason, []).append(kind.name)

    def _rule(self, column: str, reason: str, **rule: Any) -> None:
        self.groups.setdefault(json.dumps(rule), (reason, []))[1].append(column)

    def _feature(self, kind: ColumnKind, suffix: str, **feature: Any) -> str:
        """Add a feature of a column under a unique name; return the name."""
        name = f"{kind.name}_{suffix}"
        while name in self.rows.columns or name in self.result.features:
            name += "_"
        if not any(kind.name == other["from"] for other in self.result.features.values()):
            self.result.feature_reasons[name] = f"{kind.name}: {kind.reason}."
        self.result.features[name] = {"from": kind.name, **feature}
        return name

    def _numeric(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "a number"
        if not kind.heavy_tailed:
            self._number(kind.name, missing=kind.missing)
            return
        reason = "Numbers with heavy tails"
        if kind.commonest < SPIKE:
            reason = f"{reason}: ranks on the scale of a normal distribution"
            self._number(kind.name, reason, kind.missing, "quantile")
        else:
            # Ranks would put a common value, such as the zeros of amounts, far from all others.
            reason = f"{reason}, and one value in many rows: clipped to the quantiles from 1 % to 99 %"
            self._number(kind.name, reason, kind.missing, "standard", clip=0.01)

    def _number(
        self, column: str, reason: str = "Numbers", missing: float = 0.0, scale: str = "standard", **more: Any
    ) -> None:
        flag = {"missing_flag": True} if missing > MISSING_FLAG else {}
        reason = f"{reason}. Missing values may be informative." if flag else f"{reason}."
        self._rule(column, reason, impute="median", **flag, **more, scale=scale)

    def _boolean(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "yes or no"
        if kind.missing:
            self._categories(kind)
        else:
            self._rule(kind.name, "Yes or no.", encode="label")

    def _low_cardinality(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = f"{kind.distinct} categories"
        self._categories(kind)
        if kind.ordered:
            self._number(kind.name, missing=kind.missing)

    def _categories(self, kind: ColumnKind) -> None:
        if kind.rarest < RARE <= len(self.rows) / 10 and kind.distinct > 2:
            reason = f"Categories; those with fewer than {RARE} training rows are joined."
            self._rule(kind.name, reason, encode="onehot", rare=RARE)
        else:
            self._rule(kind.name, "Categories: one column each.", encode="onehot")

    def _high_cardinality(self, kind: ColumnKind) -> None:
        self._prefix(kind)
        if self.several or len(self.rows) >= EMBEDDING_ROWS or (self.classes or 0) > MOST_TARGET_CLASSES:
            self.result.used[kind.name] = f"{kind.distinct} categories, embedded"
            self._rule(kind.name, "Many categories: one learned vector each.", encode="embedding", rare=RARE)
            return
        self.result.used[kind.name] = f"{kind.distinct} categories, by target, frequency"
        reason = "Many categories: mean of the target in each, from other training rows."
        self._rule(kind.name, reason, encode="target", scale="standard")
        self._rule(kind.name, "Frequency of the category.", encode="frequency", scale="standard")

    def _id(self, kind: ColumnKind) -> None:
        if not self._prefix(kind):
            self._drop(kind, kind.reason)

    def _prefix(self, kind: ColumnKind) -> bool:
        """Add categories of the letters before the first digit of codes; return whether there are any."""
        texts = self.rows[kind.name].dropna().head(SAMPLE_ROWS)
        counts = Counter(match.group(1) for text in texts if isinstance(text, str) and (match := _PREFIX.match(text)))
        common = [letters for letters, count in counts.items() if count >= RARE]
        if not 2 <= len(common) <= MOST_PREFIXES:
            return False
        name = self._feature(kind, "letters", extract=r"^\s*([^\W\d_]{1,6})(?=[\s./_-]*\d)", rare=RARE)
        self._rule(name, "Categories: one column each.", encode="onehot")
        self.result.used[kind.name] = "letters of codes"
        return True

    def _date(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "date: parts, days elapsed"
        texts = self.rows[kind.name].dropna().astype(str).head(SAMPLE_ROWS)
        hours = {match.group(1) for text in texts if (match := _HOUR.search(text))}
        # The format is fixed, since the rows of a fold may not suffice to distinguish days from months.
        date_format = {"format": kind.date_format} if kind.date_format not in (None, "ISO8601") else {}
        for part in ("month", "weekday"):
            name = self._feature(kind, part, date=part, **date_format)
            self._rule(name, "Categories: one column each.", encode="onehot")
        for part in ("year", "elapsed", *(["hour"] if len(hours) > 1 else [])):
            self._number(self._feature(kind, part, date=part, **date_format), missing=kind.missing)

    def _text(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "text: length, words, a shared word"
        for measure in ("length", "words"):
            self._number(self._feature(kind, measure, text=measure), missing=kind.missing)
        words = _frequent_words(self.rows[kind.name].dropna().head(SAMPLE_ROWS))
        if len(words) >= 2:
            choice = "|".join(map(re.escape, words))
            # Not enclosed by word characters.
            name = self._feature(kind, "word", extract=rf"(?<!\w)({choice})(?!\w)")
            self._rule(name, "Categories: one column each.", encode="onehot")


def _abbreviated(columns: Sequence[str], every: Iterable[str]) -> list[str]:
    """Return names, with a pattern such as ``pixel*`` for many that end in a number, if it matches no other column."""
    numbered = Counter(match.group(1) for name in columns if (match := _NUMBERED.fullmatch(name)))
    members = {*columns}
    others = [name for name in every if name not in members]
    prefixes = [
        prefix
        for prefix, count in numbered.items()
        if count >= MANY_NUMBERED and not any(mark in prefix for mark in "*?[")
        # The star also matches names without a number.
        if not any(name.startswith(prefix) for name in others)
    ]
    pairs = ((next((prefix for prefix in prefixes if name.startswith(prefix)), None), name) for name in columns)
    return list(dict.fromkeys(name if prefix is None else f"{prefix}*" for prefix, name in pairs))


def _frequent_words(texts: Iterable[object]) -> list[str]:
    """Return the words in 2 % to 90 % of the texts, the most frequent first."""
    sets = [set(re.findall(r"[^\W\d_]{2,}", text)) for text in texts if isinstance(text, str)]
    counts = Counter(word for words in sets for word in words)
    least = max(RARE, COMMON_WORD * len(sets))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [word for word, count in ranked if least <= count <= 0.9 * len(sets)][:MOST_WORDS]
