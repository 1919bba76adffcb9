"""Fitted state of a user's object as plain data: what a model stores of it, and the object made from it again.

A stored model holds no pickled objects. Of an object whose class is in a user's file, it holds the attributes, if they
consist of numbers, texts, lists, dicts, NumPy arrays and estimators of scikit-learn: values as one text in JSON,
and arrays and estimators beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

__all__ = ["NotPlainError", "pack_state", "unpack_state"]

# Types that estimators of scikit-learn can be set to return.
_TYPES = ("float32", "float64", "int32", "int64", "uint8")
DEEPEST = 40  # levels of lists and dicts
# Types of single numbers that Python's own numbers hold exactly.
_SCALARS = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
_ADVICE = (
    "Keep numbers, texts, lists, dicts, NumPy arrays or estimators of scikit-learn in the attributes of the object"
)


class NotPlainError(TypeError):
    """Error of a state that does not consist of plain data; its message names the attribute."""


def pack_state(instance: Any) -> dict[str, Any]:
    """Return the state of an object as values that a model can store.

    Parameters
    ----------
    instance : object
        Object of a user's class.

    Returns
    -------
    dict
        ``values``, a text in JSON, and the lists ``arrays`` and ``estimators`` that it refers to.

    Raises
    ------
    NotPlainError
        If an attribute holds anything else; the message names it.

    Examples
    --------
    >>> class Mean:
    ...     pass
    >>> mean = Mean()
    >>> mean.value_, mean.seen_ = {3: (1.5, None)}, np.array([1, 2])
    >>> vars(unpack_state(Mean, pack_state(mean)))
    {'value_': {3: (1.5, None)}, 'seen_': array([1, 2])}
    >>> mean.function = len
    >>> pack_state(mean)
    Traceback (most recent call last):
    ...
    tabular_dl.preprocessing.plain_state.NotPlainError: attribute 'function' holds a builtin_function_or_method...
    """
    state = instance.__getstate__()
    if state is None:
        state = {}
    if not isinstance(state, dict) or not all(type(name) is str for name in state):
        raise NotPlainError("its state is not a dict of attributes (classes with __slots__ need __getstate__)")
    packer = _Packer()
    values = {name: packer.packed(value, f"attribute {name!r}", 0) for name, value in state.items()}
    return {"values": json.dumps(values), "arrays": packer.arrays, "estimators": packer.estimators}


def unpack_state(kind: type, packed: Mapping[str, Any]) -> Any:
    """Return a new object of a class with the state that `pack_state` has packed; its constructor is not called.

    Parameters
    ----------
    kind : type
        Class of the object.
    packed : mapping
        Result of `pack_state`.

    Returns
    -------
    object
        Object.
    """
    instance: Any = kind.__new__(kind)  # type: ignore[call-overload]
    state = {name: _unpacked(value, packed) for name, value in json.loads(packed["values"]).items()}
    if hasattr(instance, "__setstate__"):
        instance.__setstate__(state)
    else:
        vars(instance).update(state)
    return instance


class _Packer:
    """Conversion of values, which collects arrays and estimators."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self.estimators: list[BaseEstimator] = []

    def packed(self, value: Any, where: str, level: int) -> Any:
        """Return a value as JSON has it; everything but texts, numbers and lists is a dict of its type and content."""
        value_type = type(value)
        if level > DEEPEST:
            raise NotPlainError(f"{where} has more than {DEEPEST} levels, or contains itself")
        if value is None or value_type in (bool, int, float, str):
            return value
        if value_type is list:
            return [self.packed(item, where, level + 1) for item in value]
        if value_type in (tuple, set, frozenset):
            return {value_type.__name__: [self.packed(item, where, level + 1) for item in value]}
        if value_type is dict:
            pairs = [
                [self.packed(key, where, level + 1), self.packed(item, where, level + 1)] for key, item in value.items()
            ]
            return {"dict": pairs}
        if value_type is bytes:
            return {"bytes": value.hex()}
        if isinstance(value, np.str_) or (isinstance(value, np.generic) and value.dtype.str[1:] in _SCALARS):
            return {"scalar": [value.dtype.str, value.item()]}
        if value_type is np.ndarray:
            return self._array(value, where, level)
        if isinstance(value, BaseEstimator) and value_type.__module__.startswith("sklearn."):
            for name, part in vars(value).items():
                _Packer().packed(part, f"{where}, a {value_type.__name__}, attribute {name!r}", level + 1)
            self.estimators.append(value)
            return {"estimator": len(self.estimators) - 1}
        if isinstance(value, type) and any(value is getattr(np, name) for name in _TYPES):
            return {"type": value.__name__}
        raise NotPlainError(f"{where} holds a {_name(value_type)}, which a model cannot store. {_ADVICE}")

    def _array(self, value: np.ndarray, where: str, level: int) -> Any:
        if value.dtype.kind == "O":
            items = [self.packed(item, where, level + 1) for item in value.ravel().tolist()]
            return {"objects": [list(value.shape), items]}
        if value.dtype.kind not in "biufUSMm" or value.dtype.names:
            raise NotPlainError(f"{where} holds an array of type {value.dtype}, which a model cannot store. {_ADVICE}")
        self.arrays.append(value)
        return {"array": len(self.arrays) - 1}


def _name(value_type: type) -> str:
    module = value_type.__module__.partition(".")[0]
    return (
        value_type.__name__
        if module in ("builtins", "__main__") or module.startswith("tabular_dl_user")
        else f"{module} {value_type.__name__}"
    )


def _unpacked(value: Any, packed: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, packed) for item in value]
    if not isinstance(value, dict):
        return value
    ((type_name, content),) = value.items()
    if type_name == "dict":
        return {_unpacked(key, packed): _unpacked(item, packed) for key, item in content}
    if type_name in ("tuple", "set", "frozenset"):
        return {"tuple": tuple, "set": set, "frozenset": frozenset}[type_name](
            _unpacked(item, packed) for item in content
        )
    if type_name == "objects":
        shape, items = content
        array = np.empty(len(items), dtype=object)
        for place, item in enumerate(items):
            array[place] = _unpacked(item, packed)
        return array.reshape(shape)
    if type_name == "scalar":
        return np.dtype(content[0]).type(content[1])
    if type_name == "type":
        return getattr(np, _TYPES[_TYPES.index(content)])
    return bytes.fromhex(content) if type_name == "bytes" else packed[f"{type_name}s"][content]
