"""The words of a column rule: which encoders, scalers and imputers there are, and which words contradict each other.

Plain data, so that a pipeline file is checked without importing scikit-learn.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["ENCODERS", "IMPUTERS", "SCALERS", "contradiction"]

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
