"""Base of the steps of a pipeline that the user has written in Python, beside the pipeline file.

A step holds the text of the file. Its object is made from that text, and from what it has learned, when rows are first
transformed: after a fit as after loading, so that both predict the same. Loading a stored step executes nothing.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, TransformerMixin

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.preprocessing.plain_state import NotPlainError, pack_state, unpack_state
from tabular_dl.preprocessing.python_definition import definition_of
from tabular_dl.preprocessing.python_source import PythonSource, told_as_user_errors

if TYPE_CHECKING:
    from sklearn.utils import Tags

__all__ = ["PythonStep"]


class PythonStep(TransformerMixin, BaseEstimator):
    """Base class of steps whose code is that of the user.

    Attributes
    ----------
    state_ : dict or None
        Result of `tabular_dl.preprocessing.plain_state.pack_state`; None for a function, which learns nothing.
    """

    source: PythonSource
    name: str
    signature: str
    parameters: Mapping[str, Any] | None = None
    state_: dict[str, Any] | None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the user's object."""
        state = dict(super().__getstate__())
        state.pop("_object", None)
        return state

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values and texts are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def _definition(self) -> Any:
        """Execute the text, if that is allowed, and return the function or class."""
        return definition_of(self.source, self.name, self.parameters or {}, self.signature)

    def _made(self, definition: type) -> Any:
        """Return a new object of the user's class."""
        for method in ("fit", "transform"):
            if not callable(getattr(definition, method, None)):
                raise SpecError(f"{self._subject}: expected a class with fit and transform, found none named {method}.")
        with told_as_user_errors(self.source, self.name):
            parameters = inspect.signature(definition).parameters
            any_name = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        given = dict(self.parameters or {})
        unknown = next((name for name in given if name not in parameters and not any_name), None)
        if unknown is not None:
            raise SpecError(f"{self._subject} has no parameter {unknown!r}. {did_you_mean(unknown, parameters)}")
        with told_as_user_errors(self.source, self.name):
            return definition(**copy.deepcopy(given))

    def _keep(self, instance: Any) -> None:
        """Store what an object has learned; it is made again when rows are transformed."""
        with told_as_user_errors(self.source, f"{self.name}.__getstate__"):
            try:
                self.state_ = pack_state(instance)
            except NotPlainError as error:
                raise SpecError(f"{self._subject} cannot be stored without pickle: {error}.") from None
        self._object = None

    def _ready(self) -> Any:
        """Return the function, or the fitted object, made from text and state if it is not there."""
        if getattr(self, "_object", None) is None:
            definition = self._definition()
            if self.state_ is not None:
                with told_as_user_errors(self.source, f"{self.name}.__setstate__"):
                    definition = unpack_state(definition, self.state_)
            self._object = definition
        return self._object

    def _call(self, method: Callable[..., Any], label: str, *arguments: Any) -> Any:
        with told_as_user_errors(self.source, label):
            return method(*arguments)

    @property
    def _subject(self) -> str:
        return f"{self.source.file}:{self.name}"
