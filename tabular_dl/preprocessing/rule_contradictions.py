"""Contradictions between the values of a column rule."""

from __future__ import annotations

import math

__all__ = ["contradiction"]

# Reasons why columns of these encoders are not scaled.
_NOT_SCALED = {
    "onehot": "one-hot columns are 0 and 1 already; leave scale out or use encode: label",
    "hash": "one-hot columns are 0 and 1 already; leave scale out or use encode: label",
    "embedding": "an embedding reads whole numbers that stand for categories; leave scale out or use encode: label",
    "native": "the model reads whole numbers that stand for categories; leave scale out or use encode: label",
    "piecewise": "piecewise-linear columns are from 0 to 1 already; leave scale out, or write it in a second rule",
}
# The encoder that a key belongs to.
_BELONGS = {"bins": "piecewise", "bin_strategy": "piecewise", "components": "text", "smoothing": "target"}


def contradiction(
    *,
    numeric: bool,
    impute: str,
    fill_value: str | bool | int | float | None,
    missing_flag: bool,
    encode: str,
    rare: int,
    clip: float,
    scale: str,
    divisor: float | None = None,
    buckets: int | None = None,
    **of_encoders: object,
) -> str | None:
    """Return the contradiction between the values of a rule, if any.

    Parameters
    ----------
    numeric : bool
        Whether the encoder reads numbers, or there is none.
    impute, fill_value, missing_flag, encode, rare, clip, scale, divisor, buckets
        Attributes of a `ColumnRule`, each valid by itself.
    **of_encoders : object
        Attributes that belong to one encoder; None if they are not given.

    Returns
    -------
    str or None
        Key, reason and what to write; None if the values agree.

    Examples
    --------
    >>> rule = {"impute": "none", "fill_value": None, "missing_flag": False, "rare": 1, "clip": 0.0}
    >>> contradiction(**rule, numeric=False, encode="onehot", scale="minmax")
    'scale: one-hot columns are 0 and 1 already; leave scale out or use encode: label'
    """
    hashed = encode == "hash" or buckets is not None
    problem = _of_encoder(encode, of_encoders) or _of_kind(
        impute, encode, numeric=numeric, missing_flag=missing_flag, rare=rare, clip=clip
    )
    if problem:
        return problem
    if hashed and (numeric or encode == "text"):
        reads = "a rule without encode" if encode == "none" else f"encode: {encode}"
        problem = f"buckets: join categories, but {reads} reads none; write encode: hash or embedding, or leave it out"
    elif hashed and rare > 1:
        problem = "rare: buckets join rare categories with others already; leave rare or the buckets out"
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


def _of_kind(impute: str, encode: str, *, numeric: bool, missing_flag: bool, rare: int, clip: float) -> str | None:
    """Return a contradiction between an encoder that reads numbers, or categories, and keys for the other kind."""
    conflict = f"but encode: {encode} reads {'texts' if encode == 'text' else 'categories'}"
    if not numeric and impute in ("median", "mean"):
        return f"impute: {impute} needs numbers, {conflict}; write most_frequent, {{constant: value}} or none"
    if not numeric and impute == "none" and missing_flag and encode != "text":
        return "missing_flag: missing values are a category already; leave the flag out"
    if not numeric and clip:
        return f"clip: needs numbers, {conflict}; leave clip out"
    if encode == "text" and rare > 1:
        return f"rare: joins categories, {conflict}, of which rare words are left out already; leave rare out"
    if numeric and rare > 1:
        reads = "a rule without encode" if encode == "none" else f"encode: {encode}"
        advice = "add encode" if encode == "none" else "write another encode"
        return f"rare: joins categories, but {reads} reads numbers; {advice} or leave rare out"
    return None


def _of_encoder(encode: str, given: dict[str, object]) -> str | None:
    """Return a contradiction between an encoder and keys that belong to another one."""
    for key, value in given.items():
        owner = _BELONGS[key]
        if value is not None and encode != owner:
            return (
                f"{key}: belongs to encode: {owner}, found encode: {encode}; leave {key} out or write encode: {owner}"
            )
    return None
