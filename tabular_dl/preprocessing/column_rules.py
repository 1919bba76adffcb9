"""Columns: what a pipeline file declares about them, and how their values are read.

Nothing heavy loads here: a pipeline file is checked without scikit-learn, and features and preprocessing, which do
not know each other, agree on what a number, a category and a missing value are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tabular_dl.errors import DataError, SpecError, did_you_mean, plain_words
from tabular_dl.preprocessing.column_patterns import has_pattern
from tabular_dl.preprocessing.rule_words import ENCODERS, IMPUTERS, SCALERS, contradiction

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "ENCODERS",
    "IMPUTERS",
    "SCALERS",
    "ColumnRule",
    "Rest",
    "category_text",
    "read_categories",
    "read_numbers",
    "read_rules",
    "require_table",
]

# What becomes of the columns that no rule names: refused, or left out.
Rest = Literal["error", "drop"]

_LARGEST_INTEGER = 2**53  # beyond it a float no longer holds every integer


class ColumnRule(BaseModel):
    """How some columns become numbers for a network: one entry of ``columns`` in a pipeline file.

    A rule that encodes reads its columns as categories; any other rule reads them as numbers.

    Attributes
    ----------
    columns : tuple of str
        The columns, each once; ``pixel*`` is every column whose name begins so
        (`tabular_dl.preprocessing.column_patterns`).
    impute : str
        What replaces a missing value: ``median``, ``mean``, ``most_frequent``, ``{constant: value}``, ``none``.
        Default: ``median`` for numbers; ``none`` for categories, where missing is a category of its own.
    fill_value : str, int, float, bool or None
        The value that ``impute: constant`` puts in; ``{constant: value}`` sets it.
    missing_flag : bool
        Whether each column also gives a column ``<name>_missing`` of 0 and 1.
    encode : str
        ``onehot``; ``label`` (``ordinal`` is the same); ``target``, the mean of the target in the category;
        ``frequency``, the category's share of the training rows; ``embedding``, vectors that the network learns;
        or ``none``.
    rare : int
        Categories of fewer training rows than this become one; 1 leaves them all.
    clip : float
        Numbers beyond this quantile of the training rows, or beyond 1 less it, are moved there; 0 leaves them.
    scale : str
        ``minmax`` to [0, 1], ``symmetric`` to [-1, 1], ``standard``, ``robust``, ``quantile`` to a normal
        distribution by rank, ``power`` to one by a power (Yeo and Johnson), ``{constant: number}`` to divide by a
        number, or ``none``.
    divisor : float or None
        What ``scale: constant`` divides by; ``{constant: number}`` sets it.

    Raises
    ------
    pydantic.ValidationError
        A ValueError, for an unknown key or name, or for keys that contradict each other.

    Examples
    --------
    >>> ColumnRule(columns=("Age", "Fare"), scale="standard").impute
    'median'
    >>> ColumnRule(columns=("Deck",), encode="onehot", impute={"constant": "none"}).fill_value
    'none'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = Field(min_length=1)
    impute: str = "median"
    fill_value: str | bool | int | float | None = None
    missing_flag: bool = False
    encode: str = "none"
    rare: Annotated[int, Field(ge=1, strict=True)] = 1
    clip: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    scale: str = "none"
    divisor: float | None = None

    @property
    def numeric(self) -> bool:
        """Whether the columns are read as numbers, not as categories."""
        return self.encode == "none"

    @model_validator(mode="before")
    @classmethod
    def _write_out(cls, data: Any) -> Any:
        """Turn the short ways of writing into the one long way."""
        if not isinstance(data, Mapping):
            return data
        full = {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        impute = full.get("impute")
        if isinstance(impute, Mapping):
            if set(impute) != {"constant"} or "fill_value" in full:
                raise ValueError(f"impute: expected {{constant: value}}, found {dict(impute)!r}")
            full |= {"impute": "constant", "fill_value": impute["constant"]}
        elif impute is None:
            full["impute"] = "median" if full.get("encode", "none") == "none" else "none"
        scale = full.get("scale")
        if isinstance(scale, Mapping):
            if set(scale) != {"constant"} or "divisor" in full:
                raise ValueError(f"scale: expected {{constant: number}}, found {dict(scale)!r}")
            full |= {"scale": "constant", "divisor": scale["constant"]}
        return full

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}; name each column once in a rule")
        return columns

    @field_validator("fill_value", mode="before")
    @classmethod
    def _constant(cls, value: Any) -> Any:
        if not isinstance(value, str | bool | int | float | None):
            raise ValueError(f"impute: the constant is text, a number, true or false, found {value!r}")
        return value

    @field_validator("impute", "encode", "scale")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        options = [
            *{"impute": IMPUTERS, "encode": ENCODERS, "scale": (*SCALERS, "constant")}[str(info.field_name)],
            "none",
        ]
        if value not in options:
            raise ValueError(f"there is no {value!r}. {did_you_mean(value, options)}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> ColumnRule:
        problem = contradiction(**self.model_dump(exclude={"columns"}))
        if self.encode == "embedding" and has_pattern(self.columns):
            problem = "columns: an embedding's columns are counted before the table is seen; name each of them"
        if problem:
            raise ValueError(problem)
        return self


def read_rules(rules: Sequence[ColumnRule | Mapping[str, Any]]) -> tuple[ColumnRule, ...]:
    """Check column rules that are written as mappings.

    Parameters
    ----------
    rules : sequence of ColumnRule or mapping
        As in a pipeline file.

    Returns
    -------
    tuple of ColumnRule

    Raises
    ------
    SpecError
        Naming the rule by its place in the list, the key and what is wrong.

    Examples
    --------
    >>> read_rules([{"columns": ["Age"], "scael": "minmax"}])
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: columns, rule 1, scael: there is no such key. Did you mean 'scale'?
    """
    checked = []
    for place, rule in enumerate(rules, start=1):
        try:
            checked.append(ColumnRule.model_validate(rule))
        except ValidationError as error:
            raise SpecError("\n".join(_explain(problem, place) for problem in error.errors())) from None
    if not checked:
        raise SpecError("columns: expected one rule or more, found none")
    return tuple(checked)


def _explain(problem: Any, place: int) -> str:
    where = ", ".join(["columns", f"rule {place}", *(str(key) for key in problem["loc"])])
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such key. {did_you_mean(str(problem['loc'][-1]), ColumnRule.model_fields)}"
    return f"{where}: {plain_words(problem)}"


def category_text(value: object) -> str:
    """Write a value that is not missing as a category, the same for every type that holds it.

    An integer column that gains a missing value becomes a float column: 1 and 1.0 have to be one category.

    Examples
    --------
    >>> [category_text(value) for value in (1, 1.0, 2.5, True, "1", "1.0")]
    ['1', '1', '2.5', 'True', '1', '1.0']
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if number.is_integer() and abs(number) <= _LARGEST_INTEGER:
            return str(int(number))
    return str(value)


def read_categories(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Read a column as categories.

    Parameters
    ----------
    column : Series
        Of any type.

    Returns
    -------
    ndarray of object, shape (n,)
        Text as `category_text` writes it; NaN where missing.

    Examples
    --------
    >>> import pandas as pd
    >>> read_categories(pd.Series([1.0, None]))
    array(['1', nan], dtype=object)
    """
    import numpy as np
    import pandas as pd

    if column.dtype == object:  # may hold 1 and True side by side, which are equal and would be one category
        missing = column.isna()
        pairs = zip(column, missing, strict=True)
        return np.array([np.nan if gone else category_text(value) for value, gone in pairs], dtype=object)
    codes, values = pd.factorize(column)
    return np.array([*(category_text(value) for value in values), np.nan], dtype=object)[codes]  # missing is -1


def read_numbers(column: pd.Series[Any], subject: str, advice: str) -> np.ndarray[Any, Any]:
    """Read a column as finite numbers; booleans are 0 and 1, and text such as ``3.5`` is the number.

    Parameters
    ----------
    column : Series
        Of any type.
    subject : str
        How a message begins: which column, of what.
    advice : str
        How a message ends: what to do if it is not a column of numbers.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where missing.

    Raises
    ------
    DataError
        For text, a date or an infinite value, naming its row label and how many there are.

    Examples
    --------
    >>> import pandas as pd
    >>> read_numbers(pd.Series([True, "3.5", None]), "column Age", "Correct it.")
    array([1. , 3.5, nan])
    >>> read_numbers(pd.Series(["22", "abc"]), "column Age", "Correct it.")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: column Age, row 1: expected a finite number, found 'abc'. Correct it.
    """
    import numpy as np
    import pandas as pd

    values = np.full(len(column), np.nan)
    if column.dtype.kind in "biuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    elif column.dtype.kind == "O":
        converted = pd.to_numeric(column.astype(object), errors="coerce").to_numpy()
        values = values if converted.dtype.kind == "c" else converted.astype(np.float64)
    wrong = np.flatnonzero(np.isinf(values) | (np.isnan(values) & column.notna().to_numpy()))
    if len(wrong):
        more = f" (and {len(wrong) - 1} more such rows)" if len(wrong) > 1 else ""
        found = column.iloc[wrong[0]]
        shown = repr(found) if isinstance(found, str) else str(found)
        row = column.index[wrong[0]]
        raise DataError(f"{subject}, row {row}: expected a finite number, found {shown}{more}. {advice}")
    return values


def require_table(X: object) -> pd.DataFrame:
    """Return the argument if it is a pandas DataFrame whose columns have distinct names.

    Raises
    ------
    DataError
        Otherwise.

    Examples
    --------
    >>> require_table([[1, 2]])
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: expected a pandas DataFrame with named columns, found a list
    """
    import pandas as pd

    if not isinstance(X, pd.DataFrame):
        raise DataError(f"expected a pandas DataFrame with named columns, found a {type(X).__name__}")
    unnamed = [name for name in X.columns if not isinstance(name, str)]
    if unnamed:
        raise DataError(f"expected columns whose names are text, found {unnamed[0]!r}; rename the columns")
    twice = X.columns[X.columns.duplicated()]
    if len(twice):
        raise DataError(f"column {twice[0]!r} appears twice; rename or drop one of them")
    return X
