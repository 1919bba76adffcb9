"""Column rules: the declarations under ``columns`` in a pipeline file, and their validation.

This module does not import scikit-learn, so that pipeline files are validated quickly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tabular_dl.errors import SpecError, did_you_mean, plain_words
from tabular_dl.preprocessing.column_patterns import has_pattern
from tabular_dl.preprocessing.python_rules import python_problem
from tabular_dl.preprocessing.rule_contradictions import contradiction

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "BINS",
    "BIN_STRATEGIES",
    "BUCKETS",
    "CODES",
    "COMPONENTS",
    "ENCODERS",
    "IMPUTERS",
    "NUMERIC_ENCODERS",
    "SCALERS",
    "ColumnRule",
    "Rest",
    "read_rules",
]

# Scalers by their name in a pipeline file: class (of `tabular_dl.preprocessing.encoders`,
# `tabular_dl.preprocessing.piecewise`, `tabular_dl.preprocessing.scalers`, `tabular_dl.preprocessing.text_encoder` or
# `sklearn.preprocessing`, in this order) and arguments.
SCALERS: dict[str, tuple[str, dict[str, Any]]] = {
    "minmax": ("MinMaxScaler", {}),
    "standard": ("StandardScaler", {}),
    "symmetric": ("MinMaxScaler", {"feature_range": (-1, 1)}),
    "robust": ("RobustScaler", {}),
    "quantile": ("NormalQuantiles", {}),
    "power": ("PowerTransformer", {"method": "yeo-johnson"}),
}

_LABEL = (
    "OrdinalEncoder",
    {"handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -2},
)

_ONEHOT = ("OneHotEncoder", {"handle_unknown": "ignore", "sparse_output": False})

# Encoders by their name in a pipeline file, as for scalers.
ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "onehot": _ONEHOT,
    "hash": _ONEHOT,
    "label": _LABEL,
    "ordinal": _LABEL,
    "target": ("TargetEncoder", {}),
    "frequency": ("FrequencyEncoder", {}),
    "embedding": _LABEL,
    "native": _LABEL,
    "piecewise": ("PiecewiseEncoder", {}),
    "text": ("TextEncoder", {}),
}
CODES = ("embedding", "native")  # their columns are whole numbers that stand for categories, and the model reads them
NUMERIC_ENCODERS = ("none", "piecewise")  # of columns that are read as numbers
BINS, BIN_STRATEGIES = 12, ("quantile", "tree")  # of encode: piecewise; the first strategy is the default
COMPONENTS, MOST_COMPONENTS = 50, 1000  # of encode: text
BUCKETS, MOST_BUCKETS = 64, 1_000_000  # of encode: hash

IMPUTERS = ("median", "mean", "most_frequent", "constant")  # strategies of sklearn.impute.SimpleImputer

# Treatment of columns that no rule names: an error, or left out.
Rest = Literal["error", "drop"]


def _checked_smoothing(value: object) -> float | tuple[float, ...] | None:
    """Return numbers of rows as floats; one, or several different ones."""
    if value is None:
        return None
    given: list[Any] = [*value] if isinstance(value, list | tuple) else [value]
    numbers = [float(number) for number in given if isinstance(number, int | float) and not isinstance(number, bool)]
    if not given or len(numbers) < len(given) or not all(0 <= number < math.inf for number in numbers):
        raise ValueError(f"expected a number of rows such as 10, or several such as [1, 10, 100], found {value!r}")
    if len({*numbers}) < len(numbers):
        raise ValueError(f"a number is there twice in {value!r}; name each number of rows once")
    return tuple(numbers) if isinstance(value, list | tuple) else numbers[0]


class ColumnRule(BaseModel):
    """Preprocessing of some columns: one entry of ``columns`` in a pipeline file.

    A rule with an encoder other than ``piecewise`` reads its columns as categories; other rules read them as numbers.

    Attributes
    ----------
    columns : tuple of str
        Distinct names of columns, or patterns such as ``pixel*`` (`tabular_dl.preprocessing.column_patterns`).
    impute : str
        Replacement of missing values: ``median``, ``mean``, ``most_frequent``, ``{constant: value}`` or ``none``.
        Default: ``median`` for numbers; ``none`` for categories, where missing values are a category of their own.
    fill_value : str, int, float, bool or None
        Value of ``impute: constant``; set by ``{constant: value}``.
    missing_flag : bool
        Whether to add a column ``<name>_missing`` of 0 and 1 for each column.
    encode : str
        ``onehot``; ``hash``, one-hot of buckets into which a hash puts the categories; ``label`` or its synonym
        ``ordinal``; ``target``, the mean of the target in the category; ``frequency``, the category's share of the
        training rows; ``embedding``, vectors that the network learns; ``native``, categories as the model reads them,
        which for a network is the same as ``embedding``; ``piecewise``, the part of each of a few bins that lies below
        a number; ``text``, the words and letters of texts, reduced to a few numbers; or ``none``.
    bins : int or None
        Largest number of bins of ``encode: piecewise``; None is 12.
    bin_strategy : str or None
        Bins of ``encode: piecewise``: ``quantile``, with as many training rows each, or ``tree``, the leaves of a
        decision tree that predicts the target; None is ``quantile``.
    components : int or None
        Number of columns of ``encode: text``; None is 50.
    buckets : int or None
        Number of buckets into which a hash puts the categories before they are encoded, by any encoder of categories;
        None is 64 for ``encode: hash``, and does not hash for others.
    smoothing : float, tuple of float or None
        Number of rows with the mean of the target that ``encode: target`` adds to those of each category; several give
        a column each; None chooses it by the variances of the column (empirical Bayes).
    rare : int
        Number of training rows below which categories are joined into one; 1 keeps all.
    clip : float
        Quantile q of the training rows: numbers are clipped to the quantiles q and 1 - q; 0 does not clip.
    scale : str
        ``minmax`` to [0, 1], ``symmetric`` to [-1, 1], ``standard``, ``robust``, ``quantile`` to a normal
        distribution by rank, ``power`` to a normal distribution by a power (Yeo and Johnson), ``{constant: number}``
        to divide by a number, or ``none``.
    divisor : float or None
        Divisor of ``scale: constant``; set by ``{constant: number}``.
    transformer : str or None
        Class in a Python file beside the pipeline file, as ``FILE.py:CLASS``, which makes numbers of the columns as
        they are. Of the other keys, only ``scale`` may stand beside it.
    parameters : dict
        Arguments of the transformer.

    Raises
    ------
    pydantic.ValidationError
        For an unknown key or name, and for keys that contradict each other; it is a `ValueError`.

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
    bins: Annotated[int, Field(ge=2, strict=True)] | None = None
    bin_strategy: str | None = None
    components: Annotated[int, Field(ge=1, le=MOST_COMPONENTS, strict=True)] | None = None
    buckets: Annotated[int, Field(ge=2, le=MOST_BUCKETS, strict=True)] | None = None
    smoothing: Annotated[float | tuple[float, ...] | None, BeforeValidator(_checked_smoothing)] = None
    rare: Annotated[int, Field(ge=1, strict=True)] = 1
    clip: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    scale: str = "none"
    divisor: float | None = None
    transformer: str | None = None
    parameters: dict[str, Any] = {}

    @property
    def numeric(self) -> bool:
        """Whether the columns are read as numbers rather than as categories, or by a transformer."""
        return self.encode in NUMERIC_ENCODERS and self.transformer is None

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, data: object) -> object:
        """Replace short forms such as ``{constant: value}`` by the keys that they stand for, and fill in defaults."""
        if not isinstance(data, Mapping):
            return data
        full = {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        impute = full.get("impute")
        if isinstance(impute, Mapping):
            if set(impute) != {"constant"} or "fill_value" in full:
                raise ValueError(f"impute: expected {{constant: value}}, found {dict(impute)!r}")
            full |= {"impute": "constant", "fill_value": impute["constant"]}
        elif impute is None:
            numeric = full.get("encode", "none") in NUMERIC_ENCODERS and "transformer" not in full
            full["impute"] = "median" if numeric else "none"
        scale = full.get("scale")
        if isinstance(scale, Mapping):
            if set(scale) != {"constant"} or "divisor" in full:
                raise ValueError(f"scale: expected {{constant: number}}, found {dict(scale)!r}")
            full |= {"scale": "constant", "divisor": scale["constant"]}
        return full

    @field_validator("columns")
    @classmethod
    def _check_duplicates(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        duplicates = sorted({name for name in columns if columns.count(name) > 1})
        if duplicates:
            raise ValueError(f"named twice: {', '.join(duplicates)}; name each column once in a rule")
        return columns

    @field_validator("fill_value", mode="before")
    @classmethod
    def _check_constant(cls, value: object) -> object:
        if not isinstance(value, str | bool | int | float | None):
            raise ValueError(f"impute: expected text, a number, true or false as constant, found {value!r}")
        return value

    @field_validator("impute", "encode", "scale", "bin_strategy")
    @classmethod
    def _check_option(cls, value: str, info: ValidationInfo) -> str:
        options = {
            "impute": (*IMPUTERS, "none"),
            "encode": (*ENCODERS, "none"),
            "scale": (*SCALERS, "constant", "none"),
            "bin_strategy": BIN_STRATEGIES,
        }[str(info.field_name)]
        if value not in options:
            raise ValueError(f"there is no {value!r}. {did_you_mean(value, options)}")
        return value

    @model_validator(mode="after")
    def _check_consistency(self) -> ColumnRule:
        values = self.model_dump(exclude={"columns", "transformer", "parameters"})
        others = {key: value for key, value in values.items() if key not in ("scale", "divisor")}
        problem = python_problem(self.transformer, self.parameters, others) or contradiction(
            **values, numeric=self.numeric
        )
        if self.encode in CODES and has_pattern(self.columns):
            problem = f"columns: encode: {self.encode} takes no patterns; name each column"
        if problem:
            raise ValueError(problem)
        return self


def read_rules(rules: Sequence[ColumnRule | Mapping[str, Any]]) -> tuple[ColumnRule, ...]:
    """Return validated column rules.

    Parameters
    ----------
    rules : sequence of ColumnRule or mapping
        Entries of ``columns`` in a pipeline file.

    Returns
    -------
    tuple of ColumnRule
        The rules.

    Raises
    ------
    SpecError
        If a rule is invalid, or there are none; the message names the rule's number, from 1, the key and the reason.

    Examples
    --------
    >>> read_rules([{"columns": ["Age"], "scael": "minmax"}])
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: columns, rule 1, scael: there is no such key. Did you mean 'scale'?
    """
    validated = []
    for number, rule in enumerate(rules, start=1):
        try:
            validated.append(ColumnRule.model_validate(rule))
        except ValidationError as error:
            raise SpecError("\n".join(_explain(problem, number) for problem in error.errors())) from None
    if not validated:
        raise SpecError("columns: expected one rule or more, found none")
    return tuple(validated)


def _explain(problem: ErrorDetails, number: int) -> str:
    where = ", ".join(["columns", f"rule {number}", *(str(key) for key in problem["loc"])])
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such key. {did_you_mean(str(problem['loc'][-1]), ColumnRule.model_fields)}"
    return f"{where}: {plain_words(problem)}"
