"""Names of traced functions: the same in every process, and never twice in one."""

from __future__ import annotations

import re
import threading

import pytest
import tensorflow as tf

from tabular_dl.nn import tracing
from tabular_dl.nn.tracing import Traced, numbered


def name(label: str) -> str:
    """Return the name of a function that is traced with a label."""
    with numbered(label):
        return str(tf.function(lambda x: x + 1).get_concrete_function(tf.TensorSpec(())).name)


def test_a_name_depends_on_the_label_and_not_on_what_was_traced_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_another_process() -> list[str]:
        monkeypatch.setattr(tracing, "_used", type(tracing._used)())
        return [name("a"), name("b")]

    first = in_another_process()
    tf.function(lambda x: x * 2)(tf.zeros(3))
    assert in_another_process() == first


def test_no_name_is_given_twice() -> None:
    names = [name(f"label {number % 5}") for number in range(20)]
    assert len(set(names)) == 20


def test_other_threads_are_numbered_as_ever() -> None:
    names: list[str] = []

    def trace() -> None:
        names.append(str(tf.function(lambda x: x).get_concrete_function(tf.TensorSpec(())).name))

    with numbered("a label"):
        thread = threading.Thread(target=trace)
        thread.start()
        thread.join()
    assert re.fullmatch(r"b'__inference_<lambda>_\d{1,9}'", names[0])


def test_tensorflow_is_left_as_it_was_even_after_an_error() -> None:
    before = [*tracing._naming_functions()]
    with numbered("a label"):
        assert [*tracing._naming_functions()] != before
    with pytest.raises(tf.errors.InternalError), numbered("a label"):
        raise tf.errors.InternalError(None, None, "not traced")
    assert [*tracing._naming_functions()] == before
    assert len(before) == 3


def test_a_tensorflow_without_these_functions_traces_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tracing, "_NAMING", {"tensorflow.python.ops.while_v2": ["no_such"], "tensorflow.nowhere": ["a"]}
    )
    assert re.fullmatch(r"b'__inference_<lambda>_\d+'", name("a label"))


def test_an_error_of_the_function_is_raised_when_no_folder_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "clear_programs", lambda: False)

    def fails(x: tf.Tensor) -> tf.Tensor:
        return tf.reshape(x, (int(x.shape[0]) + 1,))

    with pytest.raises((ValueError, tf.errors.OpError)):
        Traced(fails, [tf.TensorSpec((2,))], "fails", xla=True)(tf.zeros(2))
