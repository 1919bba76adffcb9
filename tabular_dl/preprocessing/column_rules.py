"""Column rules: what a pipeline file declares about columns, and which words it may use.

Nothing heavy loads with this file: a pipeline file is checked without scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

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

__all__ = ["ENCODERS", "IMPUTERS", "SCALERS", "ColumnRule", "Rest", "contradiction", "read_rules"]

# The only lists of encoders and scalers: the name in a pipeline file, then the class (of
# `tabular_dl.preprocessing.encoders` or `tabular_dl.preprocessing.scalers`, otherwise of sklearn.preprocessing) and its
# arguments.
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


ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "onehot": ("OneHotEncoder", {"handle_unknown": "ignore", "sparse_output": False}),
    "label": _LABEL,
    "ordinal": _LABEL,
    "target": ("TargetEncoder", {}),
    "frequency": ("FrequencyEncoder", {}),
    "embedding": _LABEL,
}


IMPUTERS = ("median", "mean", "most_frequent", "constant")  # strategies of sklearn.impute.SimpleImputer


# Why an encoded column is not scaled.
_NOT_SCALED = {
    "onehot": "one-hot columns are 0 and 1 already; leave scale out or use encode: label",
    "embedding": "an embedding reads whole numbers that stand for categories; leave scale out or use encode: label",
}

# What becomes of the columns that no rule names: refused, or left out.
Rest = Literal["error", "drop"]


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
) -> str | None:
    """Say which words of a rule contradict each other, and what to write; None if none do.

    Parameters
    ----------
    impute, fill_value, missing_flag, encode, rare, clip, scale, divisor
        As in `tabular_dl.preprocessing.column_rules.ColumnRule`, each with a value that it may have.

    Examples
    --------
    >>> rule = {"impute": "none", "fill_value": None, "missing_flag": False, "rare": 1, "clip": 0.0}
    >>> contradiction(**rule, encode="onehot", scale="minmax")
    'scale: one-hot columns are 0 and 1 already; leave scale out or use encode: label'
    """
    numeric, reads = encode == "none", f"but encode: {encode} reads categories"
    problem = None
    if not numeric and impute in ("median", "mean"):
        problem = f"impute: the {impute} is of numbers, {reads}; write most_frequent, {{constant: value}} or none"
    elif not numeric and impute == "none" and missing_flag:
        problem = "missing_flag: missing is a category of its own already; leave the flag out"
    elif not numeric and clip:
        problem = f"clip: moves numbers, {reads}; leave clip out"
    elif numeric and rare > 1:
        problem = "rare: joins categories, but a rule without encode reads numbers; add encode or leave rare out"
    elif encode in _NOT_SCALED and scale != "none":
        problem = f"scale: {_NOT_SCALED[encode]}"
    elif (impute == "constant") != (fill_value is not None):
        problem = "impute: a constant and its value go together; write impute: {constant: value}"
    elif (scale == "constant") != (divisor is not None):
        problem = "scale: a constant and its value go together; write scale: {constant: 255}"
    elif divisor is not None and not 0 < divisor < math.inf:
        problem = f"scale: the constant to divide by is a number above 0, found {divisor}"
    elif isinstance(fill_value, float) and not math.isfinite(fill_value):
        problem = f"impute: the constant must be finite, found {fill_value}"
    elif numeric and isinstance(fill_value, str):
        problem = f"impute: the constant of a numeric column is a number, found {fill_value!r}"
    return problem
