"""Kinds of columns of a competition, told from their values, each with the reason in words.

================  ==================================================================================================
kind              a column
================  ==================================================================================================
missing           without any value in the training rows, or in the test rows
constant          with one value in every training row
boolean           of 0 and 1, true and false, yes and no and the like
date              of text that is a date in at least 95 % of the rows that have a value
id                that numbers or names the rows, see `tabular_dl.profiling.ids`
numeric           of numbers, also written as text with a unit (`tabular_dl.tables.unit_numbers`)
low_cardinality   of at most 20 categories; whole numbers with 3 to 10 different values are both (see ``ordered``)
text              of several words, most of them different from row to row
high_cardinality  of more categories than that
================  ==================================================================================================

The target and the id of a competition are not asked here. Training and test rows are looked at together where a
column has to be read alike in both; what is counted is counted in the training rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular_dl.preprocessing import learn_dates
from tabular_dl.profiling.ids import id_reason
from tabular_dl.tables import NumberForm, category_text, find_number_form, read_unit_numbers

__all__ = ["ColumnKind", "Kind", "column_kinds"]

Kind = Literal["missing", "constant", "boolean", "date", "id", "numeric", "low_cardinality", "text", "high_cardinality"]

FEW_INTEGERS = 10  # whole numbers with no more different values may be codes of categories
LOW_CARDINALITY = 20  # categories that can have a column each
DATE_SHARE = 0.95  # of the values must be dates; the others are named
HEAVY_TAIL = 2.0  # skewness of numbers, either way, of which a few reach far beyond the others
TEXT_WORDS = 3.0  # mean words a value of free text
TEXT_DIFFERENT = 0.5  # share of the values of free text that are different

BOOLEANS = ({"0", "1"}, {"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"}, {"on", "off"})
_MAY_BE_A_DATE = re.compile(r"\s*(\d{1,4}[-/. ]|[A-Za-z]{3,9} \d{1,2})\S*\d")


@dataclass(frozen=True)
class ColumnKind:
    """Kind of a column, and the numbers that it rests on.

    Attributes
    ----------
    name : str
        The column.
    kind : str
        See the table of this module.
    reason : str
        Why, in words.
    missing : float
        The share of the training rows without a value.
    distinct : int
        How many different values the training rows have.
    rarest : int
        Training rows of the rarest value.
    commonest : float
        The share of the most frequent value among the training rows that have one.
    ordered : bool
        Whether the categories are numbers, whose order may say something.
    skewness : float or None
        Of numbers: the third standardised moment, bias-corrected.
    words : float or None
        Of text: mean words a value.
    date_format : str or None
        How text writes dates: ISO8601, or in the words of `time.strftime`.
    number_form : NumberForm or None
        How text writes numbers: unit and decimal sign.
    trouble : str or None
        What keeps the column from being read as what it is: a value and its row.
    """

    name: str
    kind: Kind
    reason: str
    missing: float
    distinct: int
    rarest: int = 0
    commonest: float = 0.0
    ordered: bool = False
    skewness: float | None = None
    words: float | None = None
    date_format: str | None = None
    number_form: NumberForm | None = None
    trouble: str | None = None

    @property
    def heavy_tailed(self) -> bool:
        """Whether a few numbers reach far beyond the others."""
        return self.skewness is not None and abs(self.skewness) > HEAVY_TAIL


def column_kinds(train: pd.DataFrame, test: pd.DataFrame | None = None) -> tuple[ColumnKind, ...]:
    """Return the kind of each column.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        The training rows, without target and id.
    test : DataFrame of shape (test rows, columns), optional
        The rows to predict; columns that it lacks, and columns of its own, are left out.

    Returns
    -------
    tuple of ColumnKind
        One for each column that both tables have, in the order of ``train``.

    Examples
    --------
    >>> people = pd.DataFrame({"Age": [22.5, 38.1, 26.0], "Sex": ["m", "f", "f"], "Alive": ["yes", "no", "yes"]})
    >>> [(column.name, column.kind) for column in column_kinds(people)]
    [('Age', 'numeric'), ('Sex', 'low_cardinality'), ('Alive', 'boolean')]
    """
    shared = [name for name in train.columns if test is None or name in test.columns]
    return tuple(_kind(train[name], None if test is None else test[name]) for name in shared)


def _kind(train: pd.Series, test: pd.Series | None) -> ColumnKind:
    known = train.dropna()
    counts = known.value_counts()
    base = ColumnKind(
        str(train.name),
        "missing",
        "",
        1 - len(known) / len(train),
        len(counts),
        int(counts.min()) if len(counts) else 0,
        float(counts.max() / len(known)) if len(counts) else 0.0,
    )
    both = known if test is None else pd.concat([known, test.dropna()])
    if known.empty or (test is not None and test.isna().all()):
        where = "training" if known.empty else "test"
        return replace(base, reason=f"no value in any {where} row")
    if len(counts) == 1 and not base.missing:
        return replace(base, kind="constant", reason=f"every training row has {category_text(known.iloc[0])!r}")
    texts = {category_text(value).strip().lower() for value in both.unique()} if len(counts) <= FEW_INTEGERS else set()
    if len(texts) == 2 and texts in BOOLEANS:
        return replace(base, kind="boolean", reason=f"two values, {' and '.join(sorted(texts))}")
    if pd.api.types.is_datetime64_any_dtype(both):
        return replace(base, kind="date", reason="dates")
    numbers = _numbers(both)
    if numbers is not None:
        return _number_kind(base, train, numbers.iloc[: len(known)], test)
    return _text_kind(base, known, both, len(train))


def _numbers(values: pd.Series) -> pd.Series | None:
    """Return values as numbers if every one of them is a number, and none has zeros in front."""
    if values.dtype.kind in "iuf":
        return values
    if values.dtype.kind == "b":
        return values.astype(int)
    numbers = pd.to_numeric(values.astype(object), errors="coerce")
    if numbers.isna().any() or numbers.dtype.kind == "c":
        return None
    padded = values.astype(str).str.match(r"^\s*[-+]?0\d")
    return None if padded.any() else numbers


def _number_kind(base: ColumnKind, train: pd.Series, numbers: pd.Series, test: pd.Series | None) -> ColumnKind:
    infinite = train.index[np.isinf(pd.to_numeric(train, errors="coerce").to_numpy(np.float64, na_value=np.nan))]
    if len(infinite):
        return replace(base, kind="numeric", reason="numbers", trouble=f"row {infinite[0]} is infinite")
    reason = id_reason(numbers.rename(base.name), test)
    if reason:
        return replace(base, kind="id", reason=reason)
    return _amount_kind(base, numbers, len(train))


def _amount_kind(base: ColumnKind, numbers: pd.Series, rows: int) -> ColumnKind:
    """Return the kind of finite numbers that are no ids: amounts, or few whole numbers."""
    integers = bool((numbers % 1 == 0).all())
    if integers and 2 < base.distinct <= FEW_INTEGERS and base.distinct <= rows / 2:
        reason = f"{base.distinct} different whole numbers: categories, or amounts"
        return replace(base, kind="low_cardinality", reason=reason, ordered=True)
    skewness = _skewness(numbers)
    tail = f", skewness {skewness:.1f}" if abs(skewness) > HEAVY_TAIL else ""
    return replace(base, kind="numeric", reason=f"numbers{tail}", skewness=skewness)


def _skewness(numbers: pd.Series) -> float:
    skewness: Any = numbers.astype(np.float64).skew() if len(numbers) > 2 else 0.0
    return float(skewness) if np.isfinite(skewness) else 0.0


def _unit_kind(base: ColumnKind, form: NumberForm, texts: pd.Series, known: int, rows: int) -> ColumnKind:
    """Return the kind of texts that nearly all write numbers; the first ``known`` ones are of training rows."""
    numbers = read_unit_numbers(texts, form.unit, form.decimal)
    train = numbers.iloc[:known].dropna()
    counts = train.value_counts()
    base = replace(
        base,
        missing=1 - len(train) / rows,
        distinct=len(counts),
        rarest=int(counts.min()),
        commonest=float(counts.max() / len(train)),
        number_form=form,
    )
    kind = _amount_kind(base, train, rows)
    others = texts[numbers.isna()]
    reason = kind.reason.replace("numbers", form.in_words, 1)
    if len(others):
        reason += f"; missing in {len(others)} of {len(texts)} values that are none, such as {others.iloc[0]!r}"
    return replace(kind, reason=reason)


def _text_kind(base: ColumnKind, known: pd.Series, both: pd.Series, rows: int) -> ColumnKind:
    texts = both.map(category_text)
    date_format = _date_format(texts)
    if date_format is not None:
        base = replace(base, kind="date", date_format=date_format)
        others = texts[_as_dates(texts, date_format).isna().to_numpy()]
        if others.empty:
            return replace(base, reason="dates")
        reason = f"dates in {1 - len(others) / len(texts):.1%} of the rows that have a value"
        return replace(base, reason=reason, trouble=f"{others.iloc[0]!r} in row {others.index[0]} is none")
    train_texts = texts.iloc[: len(known)]
    form = find_number_form(texts)
    if form is not None and find_number_form(train_texts) is not None:
        return _unit_kind(base, form, texts, len(known), rows)
    words = float(np.mean([len(text.split()) for text in train_texts]))
    different = base.distinct / len(train_texts)
    named = known.dtype.kind not in "iuf" and words <= 1  # numbers beside texts of the test table name nothing
    as_id = id_reason(train_texts) if named else None
    if as_id:
        return replace(base, kind="id", reason=as_id, words=words)
    if words >= TEXT_WORDS and different >= TEXT_DIFFERENT and base.distinct > LOW_CARDINALITY:
        reason = f"text of {words:.1f} words a value, {different:.0%} of the values different"
        return replace(base, kind="text", reason=reason, words=words)
    kind: Kind = "low_cardinality" if base.distinct <= LOW_CARDINALITY else "high_cardinality"
    return replace(base, kind=kind, reason=f"{base.distinct} categories", words=words)


def _date_format(texts: pd.Series) -> str | None:
    """Return how texts write dates; None if fewer than 95 % are dates of one format."""
    if not texts.head(100).str.match(_MAY_BE_A_DATE).mean() >= DATE_SHARE:
        return None  # 2024 or 20240131 may be anything
    date_format = str(learn_dates(texts)["format"])
    return date_format if _as_dates(texts, date_format).notna().mean() >= DATE_SHARE else None


def _as_dates(texts: pd.Series, date_format: str) -> pd.Series:
    return pd.to_datetime(texts, format=date_format, errors="coerce", utc=True)
