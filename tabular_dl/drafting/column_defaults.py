"""What becomes of each kind of column by default: derived features and column rules, with the reason.

================  ==================================================================================================
kind              becomes
================  ==================================================================================================
numeric           median where missing, with a flag where more than 1 % are; ``standard``; where heavy tails are
                  ``quantile``, or ``clip`` if one value is in many rows, such as zero
boolean           0 and 1; with missing values a column for each of yes, no and missing
low_cardinality   one column a category, the rare ones together; whole numbers also as the numbers that they are
high_cardinality  what the target is like in the category (``target``), and how frequent it is; in large tables, and
                  with many classes, an ``embedding``. The letters before the first digit of codes like C85 are
                  categories of their own
date              year, month, day of the week, hour where there is one, and days since the earliest
text              number of characters and words, and the word that it shares with many rows
id                nothing, but for the letters of codes
others            nothing
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

MISSING_FLAG = 0.01  # share of missing values from which on their being missing may say something
SPIKE = 0.05  # share of the rows of one value from which on ranks have a gap
RARE = 10  # categories of fewer training rows say nothing sure
EMBEDDING_ROWS = 20_000  # from here on, vectors for categories can be learned
MOST_TARGET_CLASSES = 10  # encoding by the target makes a column a class
COMMON_WORD = 0.02  # share of the rows that a word must be in to be a category of text
MOST_WORDS = 12
MOST_PREFIXES = 20
MANY_NUMBERED = 50  # columns of one rule that differ by a number alone are written as a pattern
SAMPLE_ROWS = 20_000  # that words and letters are looked for in

_PREFIX = re.compile(r"^\s*([^\W\d_]{1,6})(?=[\s./_-]*\d)")
_NUMBERED = re.compile(r"(.*[^\d])\d+", re.DOTALL)
_HOUR = re.compile(r"(\d{1,2}):\d{2}")


@dataclass
class Treatments:
    """Features and rules of a pipeline file, and what was left out.

    Attributes
    ----------
    features : dict of str to dict
        Derived columns.
    feature_reasons : dict of str to str
        Why, for the first feature of a column.
    rules : list of dict
        Column rules.
    rule_reasons : list of str
        Why, one a rule.
    dropped : dict of str to list of str
        Reason -> columns that nothing is made of.
    used : dict of str to str
        Column -> what becomes of it, in words.
    """

    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    feature_reasons: dict[str, str] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    rule_reasons: list[str] = field(default_factory=list)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)


def treat(kinds: Iterable[ColumnKind], rows: pd.DataFrame, classes: int | None) -> Treatments:
    """Choose features and column rules by the kinds of columns.

    Parameters
    ----------
    kinds : iterable of ColumnKind
        The columns.
    rows : DataFrame
        The training rows, in which words and letters are looked for.
    classes : int or None
        Classes of the target, None for a number.

    Returns
    -------
    Treatments

    Examples
    --------
    >>> from tabular_dl.profiling.column_kinds import column_kinds
    >>> people = pd.DataFrame({"Age": [22.5, 38.1, None, 17.0], "Sex": ["m", "f", "f", "m"]})
    >>> for rule in treat(column_kinds(people), people, 2).rules:
    ...     print(rule)
    {'columns': ['Age'], 'impute': 'median', 'missing_flag': True, 'scale': 'standard'}
    {'columns': ['Sex'], 'encode': 'onehot'}
    """
    plan = _Plan(rows, classes)
    for kind in kinds:
        plan.add(kind)
    return plan.finish()


class _Plan:
    """Collects the columns of each rule while one column after another is treated."""

    def __init__(self, rows: pd.DataFrame, classes: int | None) -> None:
        self.rows, self.classes = rows, classes
        self.result = Treatments()
        # Rule without its columns, as JSON -> why, and its columns.
        self.groups: dict[str, tuple[str, list[str]]] = {}

    def add(self, kind: ColumnKind) -> None:
        """Treat one column."""
        if kind.trouble:
            self._drop(kind, f"{kind.reason}, but {kind.trouble}; correct it, then take it up")
        elif kind.kind in ("missing", "constant"):
            self._drop(kind, kind.reason)
        else:
            getattr(self, f"_{kind.kind}")(kind)

    def finish(self) -> Treatments:
        """Return what was collected, a rule for each group."""
        # Numbers first, then the encodings as they were met.
        for rule, (why, columns) in sorted(self.groups.items(), key=lambda group: "encode" in json.loads(group[0])):
            named = _in_short(columns, [*map(str, self.rows.columns), *self.result.features])
            self.result.rules.append({"columns": named, **json.loads(rule)})
            self.result.rule_reasons.append(why)
        return self.result

    def _drop(self, kind: ColumnKind, why: str) -> None:
        self.result.dropped.setdefault(why, []).append(kind.name)

    def _rule(self, column: str, why: str, **rule: Any) -> None:
        self.groups.setdefault(json.dumps(rule), (why, []))[1].append(column)

    def _feature(self, kind: ColumnKind, suffix: str, **feature: Any) -> str:
        """Declare a feature of a column under a name that nothing else has; return the name."""
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
        why = "Numbers with heavy tails"
        if kind.commonest < SPIKE:
            self._number(
                kind.name, f"{why}: their rank, on the scale of a normal distribution", kind.missing, "quantile"
            )
        else:
            # A rank would put the spike, such as the zeros of amounts, far from all other values.
            why = f"{why}, and one value in many rows: the furthest hundredth at each end is moved in"
            self._number(kind.name, why, kind.missing, "standard", clip=0.01)

    def _number(
        self, column: str, why: str = "Numbers", missing: float = 0.0, scale: str = "standard", **more: Any
    ) -> None:
        flag = {"missing_flag": True} if missing > MISSING_FLAG else {}
        said = f"{why}. That one is missing may say something." if flag else f"{why}."
        self._rule(column, said, impute="median", **flag, **more, scale=scale)

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
            why = f"Categories, of which those of fewer than {RARE} training rows become one."
            self._rule(kind.name, why, encode="onehot", rare=RARE)
        else:
            self._rule(kind.name, "Categories: a column each.", encode="onehot")

    def _high_cardinality(self, kind: ColumnKind) -> None:
        self._prefix(kind)
        if len(self.rows) >= EMBEDDING_ROWS or (self.classes or 0) > MOST_TARGET_CLASSES:
            self.result.used[kind.name] = f"{kind.distinct} categories, embedded"
            self._rule(kind.name, "Many categories: a learned vector each.", encode="embedding", rare=RARE)
            return
        self.result.used[kind.name] = f"{kind.distinct} categories, by target, frequency"
        why = "Many categories: what the target is like in each, told by the other training rows."
        self._rule(kind.name, why, encode="target", scale="standard")
        self._rule(kind.name, "How frequent the category is.", encode="frequency", scale="standard")

    def _id(self, kind: ColumnKind) -> None:
        if not self._prefix(kind):
            self._drop(kind, kind.reason)

    def _prefix(self, kind: ColumnKind) -> bool:
        """Make categories of the letters before the first digit, if codes have them; tell whether they do."""
        texts = self.rows[kind.name].dropna().head(SAMPLE_ROWS)
        found = Counter(match.group(1) for text in texts if isinstance(text, str) and (match := _PREFIX.match(text)))
        common = [letters for letters, count in found.items() if count >= RARE]
        if not 2 <= len(common) <= MOST_PREFIXES:
            return False
        name = self._feature(kind, "letters", extract=r"^\s*([^\W\d_]{1,6})(?=[\s./_-]*\d)", rare=RARE)
        self._rule(name, "Categories: a column each.", encode="onehot")
        self.result.used[kind.name] = "letters of codes"
        return True

    def _date(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "date: parts, days elapsed"
        texts = self.rows[kind.name].dropna().astype(str).head(SAMPLE_ROWS)
        hours = {match.group(1) for text in texts if (match := _HOUR.search(text))}
        # As all rows write them: the rows of a fold might not tell days from months.
        written = {"format": kind.date_format} if kind.date_format not in (None, "ISO8601") else {}
        for part in ("month", "weekday"):
            name = self._feature(kind, part, date=part, **written)
            self._rule(name, "Categories: a column each.", encode="onehot")
        for part in ("year", "elapsed", *(["hour"] if len(hours) > 1 else [])):
            self._number(self._feature(kind, part, date=part, **written), missing=kind.missing)

    def _text(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "text: length, words, a shared word"
        for measure in ("length", "words"):
            self._number(self._feature(kind, measure, text=measure), missing=kind.missing)
        words = _frequent_words(self.rows[kind.name].dropna().head(SAMPLE_ROWS))
        if len(words) >= 2:
            choice = "|".join(map(re.escape, words))
            # Nothing but letters beside it: \b would take the s of "it's" for a word.
            name = self._feature(kind, "word", extract=rf"(?<!\w)({choice})(?!\w)")
            self._rule(name, "Categories: a column each.", encode="onehot")


def _in_short(columns: Sequence[str], every: Iterable[str]) -> list[str]:
    """Write ``pixel*`` for many columns that differ by a number at their end, if it stands for no other column."""
    numbered = Counter(match.group(1) for name in columns if (match := _NUMBERED.fullmatch(name)))
    inside = {*columns}
    others = [name for name in every if name not in inside]
    starts = [
        start
        for start, count in numbered.items()
        if count >= MANY_NUMBERED and not any(mark in start for mark in "*?[")
        # The star takes in what is not a number as well.
        if not any(name.startswith(start) for name in others)
    ]
    shown = ((next((start for start in starts if name.startswith(start)), None), name) for name in columns)
    return list(dict.fromkeys(name if start is None else f"{start}*" for start, name in shown))


def _frequent_words(texts: Iterable[object]) -> list[str]:
    """Return the words that are in at least 2 % of the texts, but not in nearly all, the most frequent first."""
    sets = [set(re.findall(r"[^\W\d_]{2,}", text)) for text in texts if isinstance(text, str)]
    counts = Counter(word for words in sets for word in words)
    least = max(RARE, COMMON_WORD * len(sets))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [word for word, count in ranked if least <= count <= 0.9 * len(sets)][:MOST_WORDS]
