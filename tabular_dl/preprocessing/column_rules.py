"""Column rules: the declarations under ``columns`` in a pipeline file, and their validation.

This module does not import scikit-learn, so that pipeline files are validated quickly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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

from tabular_dl.errors import SpecError, did_you_mean, plain_words
from tabular_dl.preprocessing.column_patterns import has_pattern
from tabular_dl.preprocessing.python_rules import python_problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "BINS",
    "BIN_STRATEGIES",
    "CODES",
    "ENCODERS",
    "IMPUTERS",
    "NUMERIC_ENCODERS",
    "SCALERS",
    "ColumnRule",
    "Rest",
    "contradiction",
    "read_rules",
]

# Scalers by their name in a pipeline file: class (of `tabular_dl.preprocessing.encoders`,
# `tabular_dl.preprocessing.piecewise`, `tabular_dl.preprocessing.scalers` or `sklearn.preprocessing`, in this order)
# and arguments.
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

# Encoders by their name in a pipeline file, as for scalers.
ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "onehot": ("OneHotEncoder", {"handle_unknown": "ignore", "sparse_output": False}),
    "label": _LABEL,
    "ordinal": _LABEL,
    "target": ("TargetEncoder", {}),
    "frequency": ("FrequencyEncoder", {}),
    "embedding": _LABEL,
    "native": _LABEL,
    "piecewise": ("PiecewiseEncoder", {}),
}
CODES = ("embedding", "native")  # their columns are whole numbers that stand for categories, and the model reads them
NUMERIC_ENCODERS = ("none", "piecewise")  # of columns that are read as numbers
BINS, BIN_STRATEGIES = 12, ("quantile", "tree")  # of encode: piecewise; the first strategy is the default

IMPUTERS = ("median", "mean", "most_frequent", "constant")  # strategies of sklearn.impute.SimpleImputer

# Reasons why columns of these encoders are not scaled.
_NOT_SCALED = {
    "onehot": "one-hot columns are 0 and 1 already; leave scale out or use encode: label",
    "embedding": "an embedding reads whole numbers that stand for categories; leave scale out or use encode: label",
    "native": "the model reads whole numbers that stand for categories; leave scale out or use encode: label",
    "piecewise": "piecewise-linear columns are from 0 to 1 already; leave scale out, or write it in a second rule",
}

# Treatment of columns that no rule names: an error, or left out.
Rest = Literal["error", "drop"]


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
        ``onehot``; ``label`` or its synonym ``ordinal``; ``target``, the mean of the target in the category;
        ``frequency``, the category's share of the training rows; ``embedding``, vectors that the network learns;
        ``native``, categories as the model reads them, which for a network is the same as ``embedding``;
        ``piecewise``, the part of each of a few bins that lies below a number; or ``none``.
    bins : int or None
        Largest number of bins of ``encode: piecewise``; None is 12.
    bin_strategy : str or None
        Bins of ``encode: piecewise``: ``quantile``, with as many training rows each, or ``tree``, the leaves of a
        decision tree that predicts the target; None is ``quantile``.
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
        problem = python_problem(self.transformer, self.parameters, others) or contradiction(**values)
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


def contradiction(
    *,
    impute: str,
    fill_value: str | bool | int | float | None,
    missing_flag: bool,
    encode: str,
    rare: int,
    clip: float,
    scale: str,
    divisor: float | None = None,
    bins: int | None = None,
    bin_strategy: str | None = None,
) -> str | None:
    """Return the contradiction between the values of a rule, if any.

    Parameters
    ----------
    impute, fill_value, missing_flag, encode, rare, clip, scale, divisor, bins, bin_strategy
        Attributes of a `ColumnRule`, each valid by itself.

    Returns
    -------
    str or None
        Key, reason and what to write; None if the values agree.

    Examples
    --------
    >>> rule = {"impute": "none", "fill_value": None, "missing_flag": False, "rare": 1, "clip": 0.0}
    >>> contradiction(**rule, encode="onehot", scale="minmax")
    'scale: one-hot columns are 0 and 1 already; leave scale out or use encode: label'
    """
    numeric, conflict = encode in NUMERIC_ENCODERS, f"but encode: {encode} reads categories"
    problem = None
    if not numeric and impute in ("median", "mean"):
        problem = f"impute: {impute} needs numbers, {conflict}; write most_frequent, {{constant: value}} or none"
    elif not numeric and impute == "none" and missing_flag:
        problem = "missing_flag: missing values are a category already; leave the flag out"
    elif not numeric and clip:
        problem = f"clip: needs numbers, {conflict}; leave clip out"
    elif numeric and rare > 1:
        reads = "a rule without encode" if encode == "none" else f"encode: {encode}"
        advice = "add encode" if encode == "none" else "write another encode"
        problem = f"rare: joins categories, but {reads} reads numbers; {advice} or leave rare out"
    elif encode != "piecewise" and (bins, bin_strategy) != (None, None):
        key = "bins" if bins is not None else "bin_strategy"
        problem = (
            f"{key}: belongs to encode: piecewise, found encode: {encode}; leave {key} out or write encode: piecewise"
        )
    elif encode in _NOT_SCALED and scale != "none":
        problem = f"scale: {_NOT_SCALED[encode]}"
    elif (impute == "constant") != (fill_value is not None):
        problem = "impute: constant needs a value, and only constant does; write impute: {constant: value}"
    elif (scale == "constant") != (divisor is not None):
        problem = "scale: constant needs a number, and only constant does; write scale: {constant: 255}"
    elif divisor is not None and not 0 < divisor < math.inf:
        problem = f"scale: expected a constant above 0, found {divisor}"
    elif isinstance(fill_value, float) and not math.isfinite(fill_value):
        problem = f"impute: expected a finite constant, found {fill_value}"
    elif numeric and isinstance(fill_value, str):
        problem = f"impute: expected a number as constant of numeric columns, found {fill_value!r}"
    return problem
