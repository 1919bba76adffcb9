"""Tracing of a program's functions, under names that are the same in every process.

TensorFlow numbers functions and the bodies of loops by everything that a process has made before, and XLA's cache on
disk looks for programs by these names. So they are numbered by the program instead: one that was compiled in another
process is found there, whatever that process did before.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import tensorflow as tf

from tabular_dl.nn.compiled_programs import clear_programs, record_programs

__all__ = ["Traced", "numbered"]

# TensorFlow has no public way to name what it traces. Where these are missing, programs are found less often.
_NAMING = {
    "tensorflow.python.eager.polymorphic_function.concrete_function": ["_inference_name"],
    "tensorflow.python.ops.control_flow_util_v2": ["unique_fn_name", "unique_grad_fn_name"],
}
_lock = threading.RLock()
# How often each label was used: no two functions of a process may have one name.
_used: Counter[str] = Counter()


class Traced:
    """Traced function, whose first call compiles it or loads its compiled program.

    Parameters
    ----------
    function : callable
        Function of tensors.
    specs : sequence of TensorSpec
        Shapes to trace it for.
    label : str
        Text that identifies the function, the same in every process.
    xla : bool
        Whether XLA compiles it.

    Attributes
    ----------
    concrete : callable
        Traced function.

    Examples
    --------
    >>> traced = Traced(lambda x: 2 * x, [tf.TensorSpec((2,))], "double", xla=False)
    >>> traced(tf.constant([1.0, 2.0])).numpy().tolist()
    [2.0, 4.0]
    """

    def __init__(self, function: Callable[..., Any], specs: Sequence[tf.TensorSpec], label: str, *, xla: bool) -> None:
        self.function, self.specs, self.label, self.xla = function, specs, label, xla
        self.concrete: Callable[..., Any]
        self.called = False
        self._trace()

    def _trace(self) -> None:
        # The concrete function is kept, as a `tf.function` warns of retracing after five programs.
        traced = tf.function(self.function, jit_compile=self.xla, autograph=False)
        with numbered(f"{self.label} {self.specs} {self.xla}"):
            self.concrete = traced.get_concrete_function(*self.specs)

    def __call__(self, *tensors: tf.Tensor) -> Any:
        """Call the function; the first time, keep its program for other processes.

        TensorFlow ends with an error if a program that was kept cannot be loaded, or a new one not be written. The
        programs are removed then, and it is compiled again; if that fails as well, TensorFlow runs it without XLA.

        Parameters
        ----------
        *tensors : Tensor
            Arguments.

        Returns
        -------
        Tensor or tuple of Tensor
            Results of the function.
        """
        if self.called or not self.xla:
            return self.concrete(*tensors)
        try:
            result = self.concrete(*tensors)
        except tf.errors.OpError:
            if not clear_programs():
                raise
            result = self._call_again(tensors)
        record_programs()
        self.called = True
        return result

    def _call_again(self, tensors: Sequence[tf.Tensor]) -> Any:
        self._trace()  # TensorFlow remembers the failure of the first one
        try:
            return self.concrete(*tensors)
        except tf.errors.OpError:
            self.xla = False
            self._trace()
            return self.concrete(*tensors)


@contextmanager
def numbered(label: str) -> Iterator[None]:
    """Give numbers to the functions that this thread traces inside, by a label and not by what was before.

    A second use of a label in a process gives other numbers: those that a second use gives in every process.

    Parameters
    ----------
    label : str
        Text that identifies the traced function.

    Examples
    --------
    >>> with numbered("an example"):
    ...     concrete = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec(()))
    >>> concrete.name
    b'__inference_<lambda>_..._0'
    """
    with _lock:
        _used[label] += 1
        digest = hashlib.sha256(f"{label} {_used[label]}".encode()).hexdigest()[:32]
        numbers, tracing = itertools.count(), threading.get_ident()

        def by_label(original: Callable[..., str], *arguments: Any) -> str:
            name = original(*arguments)
            return re.sub(r"\d+$", f"{digest}_{next(numbers)}", name) if threading.get_ident() == tracing else name

        with ExitStack() as stack:
            for module, name, original in _naming_functions():
                stack.callback(setattr, module, name, original)
                setattr(module, name, partial(by_label, original))
            yield


def _naming_functions() -> Iterator[tuple[ModuleType, str, Callable[..., str]]]:
    """Yield module, name and function of each function by which TensorFlow names what it traces."""
    for path, names in _NAMING.items():
        with suppress(ImportError):
            module = import_module(path)
            for name in names:
                if callable(original := getattr(module, name, None)):
                    yield module, name, original
