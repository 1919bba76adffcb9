"""Functions and classes in the user's Python that networks are trained with, or made of."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.nn import UserCode
from tabular_dl.preprocessing.python_source import PythonSource, module_of, told_as_user_errors
from tabular_dl.preprocessing.python_trust import require_trusted

__all__ = ["PythonDefinition", "definition_of"]


class PythonDefinition(UserCode):
    r"""Function or class in a Python file of the user, executed when it is first needed, if that is allowed.

    Parameters
    ----------
    source : PythonSource
        Text of the file.
    name : str
        Function or class in it.
    signature : str, default=""
        Result of `tabular_dl.preprocessing.approve`.

    Raises
    ------
    DataError
        If the code raises an exception, or may not be executed.
    SpecError
        If the file has no such name.

    Examples
    --------
    >>> from tabular_dl.preprocessing.python_trust import approve
    >>> source = PythonSource("my_losses.py", "def halved(y_true, y_pred):\n    return abs(y_true - y_pred) / 2")
    >>> PythonDefinition(source, "halved", approve(source, "halved", {}))(3.0, 1.0)
    1.0
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    parameters: Mapping[str, Any] | None = None  # as steps have them

    def __init__(self, source: PythonSource, name: str, signature: str = "") -> None:
        self.source = source
        self.name = name
        self.signature = signature

    def __call__(self, *arguments: Any) -> Any:
        """Return the result of the function."""
        function = self._definition()
        if not callable(function) or inspect.isclass(function):
            raise SpecError(f"{self}: expected a function, found {type(function).__name__}.")
        with told_as_user_errors(self.source, self.name):
            return function(*arguments)

    def method(self, name: str, *arguments: Any) -> Any:
        """Return the result of a method of a new object of the class."""
        definition = self._definition()
        if not callable(getattr(definition, name, None)):
            raise SpecError(f"{self}: expected a class with weights and forward, found none named {name}.")
        with told_as_user_errors(self.source, f"{self.name}.{name}"):
            return getattr(definition(), name)(*arguments)

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return inspect.isclass(self._definition())

    def _definition(self) -> Any:
        require_trusted(self.source, self.name, {}, self.signature)
        return _kept(self.source, self.name)

    def __str__(self) -> str:
        """Return the reference."""
        return f"{self.source.file}:{self.name}"

    def __repr__(self) -> str:
        """Return reference and digest, which are the same in every process."""
        return f"<{self}, SHA-256 {self.source.digest}>"

    def __eq__(self, other: object) -> bool:
        """Whether text, name and signature are the same."""
        return isinstance(other, PythonDefinition) and self._parts == other._parts

    def __hash__(self) -> int:
        """Return a hash of text, name and signature."""
        return hash(self._parts)

    def __deepcopy__(self, memo: object) -> PythonDefinition:
        """Return the object itself, since it does not change: all folds share it."""
        return self

    def __sklearn_clone__(self) -> PythonDefinition:
        """Return the object itself for the same reason."""
        return self

    @property
    def _parts(self) -> tuple[PythonSource, str, str]:
        return self.source, self.name, self.signature


def definition_of(source: PythonSource, name: str, parameters: Mapping[str, Any], signature: str) -> Any:
    """Execute a text, if that is allowed, and return what it defines under a name.

    Parameters
    ----------
    source, name, parameters, signature
        As for `tabular_dl.preprocessing.python_trust.is_trusted`.

    Returns
    -------
    Any
        Function or class, of a new module.

    Raises
    ------
    DataError
        If the text may not be executed, or raises an exception.
    SpecError
        If it does not define the name.
    """
    require_trusted(source, name, parameters, signature)
    return _defined(source, name)


def _defined(source: PythonSource, name: str) -> Any:
    module = module_of(source)
    if not hasattr(module, name):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise SpecError(f"{source.file} does not define {name!r}. {did_you_mean(name, names)}")
    return getattr(module, name)


# Programs are kept by the text of a function, so it is executed once.
_kept = lru_cache(maxsize=32)(_defined)
