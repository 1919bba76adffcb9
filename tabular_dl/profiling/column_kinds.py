"""Kinds of columns of a competition, inferred from their values, each with a reason.

================  ==================================================================================================
kind              a column
================  ==================================================================================================
missing           without any value in the training rows, or in the test rows
constant          with one value in every training row
boolean           of 0 and 1, true and false, yes and no, and similar pairs
date              of text that is a date in at least 95 % of the rows that have a value, or of whole numbers such as
                  20240131 if it is named after time
id                that numbers or names the rows, see `tabular_dl.profiling.ids`
numeric           of numbers, also written as text with a unit (`tabular_dl.tables.unit_numbers`); infinite ones count
                  as missing
low_cardinality   of at most 20 categories; whole numbers with 3 to 10 different values are both (see ``ordered``),
                  months, days and hours with up to 31, and ranges such as 18-25 with up to 20
text              of several words, most of them different from row to row, or of two that hardly two rows share
high_cardinality  of more categories than that
================  ==================================================================================================

Target and id of a competition are left out. Kinds are inferred from training and test rows together, so that a column
is read alike in both; counts are those of the training rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular_dl.profiling.column_quality import mostly_new
from tabular_dl.profiling.date_columns import as_dates, date_format, is_date_number, time_words
from tabular_dl.profiling.ids import MOSTLY, id_reason
from tabular_dl.tables import (
    LARGEST,
    NumberForm,
    category_codes,
    category_text,
    find_number_form,
    read_categories,
    read_unit_numbers,
)

__all__ = ["ColumnKind", "Kind", "column_kinds"]

Kind = Literal["missing", "constant", "boolean", "date", "id", "numeric", "low_cardinality", "text", "high_cardinality"]

FEW_INTEGERS = 10  # most different values of whole numbers that may be codes of categories
MOST_RECURRING = 31  # the same for months, days of the month and hours
LOW_CARDINALITY = 20  # categories that can have a column each
HEAVY_TAIL = 2.0  # absolute skewness above which a distribution has a heavy tail
TEXT_WORDS = 3.0  # mean words a value of free text
TEXT_DIFFERENT = 0.5  # share of the values of free text that are different

BOOLEANS = ({"0", "1"}, {"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"}, {"on", "off"})


@dataclass(frozen=True)
class ColumnKind:
    """Kind of a column, and the statistics that it is inferred from.

    Attributes
    ----------
    name : str
        Name of the column.
    kind : str
        Kind, as in the table of this module.
    reason : str
        Reason for the kind.
    missing : float
        Share of the training rows without a value.
    known : int
        Number of training rows with a value.
    distinct : int
        Number of different values of the training rows.
    rarest : int
        Number of training rows with the rarest value.
    commonest : float
        Share of the most frequent value among the training rows with a value.
    ordered : bool
        Whether the categories are numbers, whose order may be informative.
    skewness : float or None
        Third standardised moment of numbers, bias-corrected.
    words : float or None
        Mean number of words per value of text.
    date_format : str or None
        Format of dates in text: ISO8601, or as for `time.strftime`.
    number_form : NumberForm or None
        Form of numbers in text: unit and decimal sign.
    infinite : bool
        Whether some numbers are infinite, in training or test rows.
    new_categories : {"none", "some", "most"}
        Test rows with a category that no training row has (`tabular_dl.profiling.mostly_new`).
    newly_missing : bool
        Whether some test rows have no value, while all training rows have one.
    trouble : str or None
        Reason for which the column cannot be read as its kind: a value and its row.
    """

    name: str
    kind: Kind
    reason: str
    missing: float
    known: int
    distinct: int
    rarest: int = 0
    commonest: float = 0.0
    ordered: bool = False
    skewness: float | None = None
    words: float | None = None
    date_format: str | None = None
    number_form: NumberForm | None = None
    infinite: bool = False
    new_categories: Literal["none", "some", "most"] = "none"
    newly_missing: bool = False
    trouble: str | None = None

    @property
    def nearly_unique(self) -> bool:
        """Whether nearly all values of the training rows are different."""
        return self.distinct >= MOSTLY * self.known

    @property
    def heavy_tailed(self) -> bool:
        """Whether the distribution of the numbers has a heavy tail."""
        return self.skewness is not None and abs(self.skewness) > HEAVY_TAIL


def column_kinds(train: pd.DataFrame, test: pd.DataFrame | None = None) -> tuple[ColumnKind, ...]:
    """Return the kind of each column.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Training rows without target and id.
    test : DataFrame of shape (test rows, columns), optional
        Rows to predict; only columns that both tables have are judged.

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
    if test is None:
        return tuple(_kind(train[name], None) for name in shared)
    return tuple(_beside_test(_kind(train[name], test[name]), train[name], test[name]) for name in shared)


def _beside_test(kind: ColumnKind, train: pd.Series, test: pd.Series) -> ColumnKind:
    """Return the kind of a column with its new categories and missing values in the test rows."""
    kind = replace(kind, newly_missing=not kind.missing and bool(test.isna().any()))
    if kind.kind not in ("boolean", "low_cardinality", "high_cardinality"):
        return kind
    columns = [pd.Series(read_categories(column), dtype=object) for column in (train, test)]
    if mostly_new(*columns):
        return replace(kind, new_categories="most")
    new = (columns[1].notna() & ~columns[1].isin(columns[0].unique())).any()
    return replace(kind, new_categories="some" if new else "none")


def _kind(train: pd.Series, test: pd.Series | None) -> ColumnKind:
    known = train.dropna()
    counts = known.value_counts(sort=False)
    base = ColumnKind(
        str(train.name),
        "missing",
        "",
        1 - len(known) / len(train),
        len(known),
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
    if pd.api.types.is_datetime64_any_dtype(both) or is_date_number(both):
        return replace(base, kind="date", reason="dates")
    numbers = _numbers(both)
    if numbers is not None:
        return _finite_kind(base, train, numbers, test)
    return _text_kind(base, known, both, len(train))


def _numbers(values: pd.Series) -> pd.Series | None:
    """Return values as numbers if every one of them is a number, and none has zeros in front."""
    if values.dtype.kind in "iuf":
        return values
    if values.dtype.kind == "b":
        return values.astype(int)
    # Of text, each value is read once; of mixed types, values may be equal that are read differently.
    codes, different = pd.factorize(values) if values.dtype == "str" else (np.arange(len(values)), values)
    texts = pd.Series(different, dtype=object)
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.isna().any() or numbers.dtype.kind == "c":
        return None
    padded = texts.astype(str).str.match(r"^\s*[-+]?0\d")
    return None if padded.any() else numbers.iloc[codes].set_axis(values.index).rename(str(values.name))


def _finite_kind(base: ColumnKind, train: pd.Series, numbers: pd.Series, test: pd.Series | None) -> ColumnKind:
    """Return the kind of a column of numbers; its infinite ones are taken for missing."""
    values = np.abs(numbers.to_numpy(np.float64))
    of_train = base.known
    if np.isinf(values).any():
        kind = _kind(_without_infinite(train), None if test is None else _without_infinite(test))
        first = int(np.isinf(values).argmax())
        where = f"row {numbers.index[first]}{'' if first < of_train else ' of the test rows'} is infinite"
        return replace(kind, infinite=True, reason=f"{kind.reason}; {where}")
    kind = _number_kind(base, train, numbers.iloc[:of_train], test)
    if (values > LARGEST).any():
        first = int((values > LARGEST).argmax())
        return replace(kind, trouble=f"row {numbers.index[first]} is {numbers.iloc[first]:.3g}, beyond 1e38")
    return kind


def _without_infinite(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    return column.where(~np.isinf(numbers.to_numpy(np.float64, na_value=np.nan)))


def _number_kind(base: ColumnKind, train: pd.Series, numbers: pd.Series, test: pd.Series | None) -> ColumnKind:
    reason = id_reason(numbers.rename(base.name), test)
    if reason:
        return replace(base, kind="id", reason=reason)
    return _amount_kind(base, numbers, len(train))


def _amount_kind(base: ColumnKind, numbers: pd.Series, rows: int) -> ColumnKind:
    """Return the kind of finite numbers that are no ids: amounts, or few whole numbers or ranges."""
    ranges = base.number_form is not None and bool(base.number_form.ranges)
    countable = ranges or bool((numbers % 1 == 0).all())
    # Months and hours are few, and recur.
    few = MOST_RECURRING if {*time_words(base.name)} & {"month", "day", "hour"} else FEW_INTEGERS
    few = LOW_CARDINALITY if ranges else few
    if countable and 2 < base.distinct <= few and base.distinct <= rows / 2:
        reason = f"{base.distinct} different {'numbers' if ranges else 'whole numbers'}: categories, or amounts"
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
        reason += f"; {len(others)} of {len(texts)} values are no numbers: missing, such as {others.iloc[0]!r}"
    return replace(kind, reason=reason)


def _text_kind(base: ColumnKind, known: pd.Series, both: pd.Series, rows: int) -> ColumnKind:
    codes, texts = category_codes(both)
    written = date_format(both)
    if written is not None:
        base = replace(base, kind="date", date_format=written)
        others = np.flatnonzero(as_dates(pd.Series(texts, dtype=object), written).isna().to_numpy()[codes])
        if not len(others):
            return replace(base, reason="dates")
        reason = f"dates in {1 - len(others) / len(both):.1%} of the rows that have a value"
        first = others[0]
        return replace(base, reason=reason, trouble=f"{texts[codes[first]]!r} in row {both.index[first]} is no date")
    counts = np.bincount(codes[: len(known)])  # the texts of training rows are the first
    form = find_number_form(texts)
    if form is not None and find_number_form(texts[: len(counts)]) is not None:
        return _unit_kind(base, form, pd.Series(texts[codes], both.index, dtype=object), len(known), rows)
    words = float(np.dot([len(text.split()) for text in texts[: len(counts)]], counts) / len(known))
    different = base.distinct / len(known)
    may_be_id = known.dtype.kind not in "iuf" and words <= 1  # not numbers, beside texts of the test table
    as_id = id_reason(pd.Series(texts[codes[: len(known)]], dtype=object)) if may_be_id else None
    if as_id:
        return replace(base, kind="id", reason=as_id, words=words)
    # Names of persons have two words, and are no categories if hardly two rows share one.
    is_text = (words >= TEXT_WORDS and different >= TEXT_DIFFERENT) or (words > 1 and different >= MOSTLY)
    if is_text and base.distinct > LOW_CARDINALITY:
        reason = f"text of {words:.1f} words a value, {different:.0%} of the values different"
        return replace(base, kind="text", reason=reason, words=words)
    kind: Kind = "low_cardinality" if base.distinct <= LOW_CARDINALITY else "high_cardinality"
    return replace(base, kind=kind, reason=f"{base.distinct} categories", words=words)
