"""Functions and classes of the user that networks are trained with, or made of.

In Python they are given as they are. A pipeline file names them, and what is stored of them is their text, which
`tabular_dl.preprocessing.PythonDefinition` executes when it is first needed.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

__all__ = ["UserCode", "call_method", "code_name", "is_class"]


class UserCode(ABC):
    """Function or class of the user that is known by its text, and executed when it is first needed.

    Two objects are equal if they have the same text and name. Their ``repr`` is the same in every process, since
    compiled programs are found by it.
    """

    @abstractmethod
    def __call__(self, *arguments: Any) -> Any:
        """Return the result of the function."""

    @abstractmethod
    def method(self, name: str, *arguments: Any) -> Any:
        """Return the result of a method of a new object of the class."""

    @property
    @abstractmethod
    def is_class(self) -> bool:
        """Whether it is a class."""


def is_class(code: Callable[..., Any]) -> bool:
    """Return whether code of the user is a class."""
    return code.is_class if isinstance(code, UserCode) else inspect.isclass(code)


def call_method(code: Callable[..., Any], name: str, *arguments: Any) -> Any:
    """Return the result of a method of a new object of a class of the user."""
    return code.method(name, *arguments) if isinstance(code, UserCode) else getattr(code(), name)(*arguments)


def code_name(code: Callable[..., Any]) -> str:
    """Return the name of code of the user for messages; it has a colon, which no name of Keras has.

    Parameters
    ----------
    code : callable
        Function or class.

    Returns
    -------
    str
        File or module, and name.

    Examples
    --------
    >>> code_name(code_name)
    'tabular_dl.nn.user_code:code_name'
    """
    if isinstance(code, UserCode):
        return str(code)
    # Partial functions and objects with `__call__` have no name of their own.
    named = code if hasattr(code, "__qualname__") else type(code)
    return f"{named.__module__}:{named.__qualname__}"
