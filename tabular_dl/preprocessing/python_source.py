"""Python files beside a pipeline file: references to them, their text, and what they define.

A reference is ``FILE:NAME``, such as ``my_features.py:add``. Reading a file does not execute it: `module_of` does, each
time as a new module, so that what one fold leaves in a global variable is not there for another.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import InspectLoader
from pathlib import Path, PurePosixPath
from types import CodeType, ModuleType
from typing import Any

from tabular_dl.errors import DataError, SpecError, UserError, did_you_mean
from tabular_dl.limits import limit, raised_by, read_at_most
from tabular_dl.tables import name_problem

__all__ = [
    "PythonSource",
    "check_defines",
    "module_of",
    "read_source",
    "reference_problem",
    "split_reference",
    "told_as_user_errors",
]

MOST_BYTES = 1_000_000
# Errors of Python's parser for texts that are no program; deeply nested ones may exhaust its stack.
_NO_PROGRAM = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class PythonSource:
    """Text of a Python file.

    Attributes
    ----------
    file : str
        Path relative to the folder of the pipeline file.
    text : str
        Content of the file.

    Examples
    --------
    >>> PythonSource("my_features.py", "def add(table): ...").digest[:8]
    '8defed75'
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    file: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text in UTF-8."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def place(self) -> str:
        """Path of the text among the files of a run and of a model, which may hold several versions of a file."""
        return f"python/{self.digest[:12]}/{self.file}"

    def __sklearn_clone__(self) -> PythonSource:
        """Return the source itself, since it does not change: all folds share it."""
        return self


def split_reference(reference: str) -> tuple[str, str]:
    """Return file and name of a valid reference.

    Examples
    --------
    >>> split_reference("steps/my_steps.py:Stemmer")
    ('steps/my_steps.py', 'Stemmer')
    """
    file, _, name = reference.rpartition(":")
    return file, name


def reference_problem(reference: object) -> str | None:
    """Return the reason why a value is not a reference to something in a Python file; None if it is one.

    Parameters
    ----------
    reference : object
        Value of ``features.python``, or of ``transformer`` in a rule.

    Returns
    -------
    str or None
        Expected and actual value.

    Examples
    --------
    >>> reference_problem("my_features.py:add") is None
    True
    >>> reference_problem("/tmp/my_features.py:add")
    "expected a path relative to the folder of the pipeline file, without '..', found '/tmp/my_features.py'."
    """
    if not isinstance(reference, str) or ":" not in reference:
        return f"expected FILE.py:NAME such as my_code.py:name, found {reference!r}."
    file, name = split_reference(reference)
    problem = name_problem(file)
    if problem:
        return f"{problem}: {file!r}."
    if not file.endswith(".py"):
        return f"expected a Python file such as my_code.py, found {file!r}."
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or any(mark in file for mark in "\\:~"):
        return f"expected a path relative to the folder of the pipeline file, without '..', found {file!r}."
    if not name.isidentifier():
        return f"expected the name of a function or class after the file, as in {file}:name, found {name!r}."
    return None


def read_source(folder: Path, file: str) -> PythonSource:
    """Return the text of a Python file, which is not executed.

    Parameters
    ----------
    folder : Path
        Folder of the pipeline file.
    file : str
        Path relative to it.

    Returns
    -------
    PythonSource
        Text.

    Raises
    ------
    SpecError
        If there is no such file, it lies outside the folder, it is larger than 1 MB, or it is not text in UTF-8.
    """
    path = folder / file
    if not path.is_file():
        others = [str(other.relative_to(folder)) for other in folder.glob("*.py")]
        raise SpecError(f"there is no file {path}. {did_you_mean(file, others)} Put it beside the pipeline file.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SpecError(
            f"{path} is a link to {path.resolve()}, outside the folder of the pipeline file: copy it there."
        )
    try:
        with path.open("rb") as opened:
            content = read_at_most(opened, limit(MOST_BYTES))
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > limit(MOST_BYTES):
        size = path.stat().st_size
        raise SpecError(f"{path} has {size:,} bytes, the limit is {limit(MOST_BYTES):,}. {raised_by(size, MOST_BYTES)}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SpecError(f"{path}, line {line}: expected text in UTF-8, found another byte: save it as UTF-8.") from None
    # As Python reads files, so that a file that was written on another system has the same digest.
    return PythonSource(file, text.replace("\r\n", "\n").replace("\r", "\n"))


def check_defines(source: PythonSource, name: str) -> None:
    """Raise an error if a file is no Python, or does not define a name. Nothing is executed.

    Parameters
    ----------
    source : PythonSource
        Text.
    name : str
        Function or class that should be there.

    Raises
    ------
    SpecError
        If the text has a syntax error, or no such name; the message names the nearest.

    Examples
    --------
    >>> check_defines(PythonSource("my_features.py", "def add_titles(table): ..."), "add_title")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: my_features.py does not define 'add_title'. Did you mean 'add_titles'?
    """
    try:
        with _without_remarks():
            tree = ast.parse(source.text, source.file)
            compile(tree, source.file, "exec")  # finds what parsing does not, such as a return outside a function
    except _NO_PROGRAM as error:
        raise SpecError(_no_program(source, error)) from None
    names = _defined(tree)
    if name not in names and "*" not in names:
        raise SpecError(f"{source.file} does not define {name!r}. {did_you_mean(name, names)}")


def _defined(tree: ast.Module) -> list[str]:
    """Return the names that a file may define at its top level, also inside ``if`` and ``try``; ``*`` if unknown."""
    names: list[str] = []
    nodes: list[ast.AST] = list(tree.body)
    while nodes:
        node = nodes.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names += [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        else:
            nodes += ast.iter_child_nodes(node)
    return list(dict.fromkeys(names))


def _no_program(source: PythonSource, error: BaseException) -> str:
    line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
    text = f": {error.text.strip()}" if isinstance(error, SyntaxError) and error.text else ""
    return f"{source.file}{line} is not valid Python: {reason}{text}"


class _TextLoader(InspectLoader):
    """Loader of a module whose text is in memory."""

    def __init__(self, source: PythonSource) -> None:
        self.source = source

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 (the interface of Python's importer)
        """Return the text, which tracebacks quote."""
        return self.source.text

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (as above)
        """Return the compiled text."""
        with _without_remarks():
            return self.source_to_code(self.source.text, self.source.file)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Ignore Python's warnings about a text, such as on a backslash in a pattern: they name no file of a run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def module_of(source: PythonSource) -> ModuleType:
    """Execute a text, and return the new module that it makes.

    The caller has made sure that the text may be executed: `tabular_dl.preprocessing.python_trust`.

    Parameters
    ----------
    source : PythonSource
        Text.

    Returns
    -------
    ModuleType
        Module ``tabular_dl_user_DIGEST``.

    Raises
    ------
    UserError
        If the text is no Python, or raises an exception; the message names file, line and exception.
    """
    name = f"tabular_dl_user_{source.digest[:16]}"
    module_spec = importlib.util.spec_from_loader(name, loader := _TextLoader(source))
    if module_spec is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module  # dataclasses and type hints look their module up there
    with told_as_user_errors(source, ""):
        loader.exec_module(module)
    return module


@contextmanager
def told_as_user_errors(source: PythonSource, name: str) -> Iterator[None]:
    """Raise exceptions of the user's code as a `DataError` that names file, function, line and exception.

    Parameters
    ----------
    source : PythonSource
        Text that is executed.
    name : str
        Function, method or class that is called; empty for the file as a whole.

    Raises
    ------
    DataError
        If the code raises an exception, or ends the program.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, SyntaxError) and error.filename == source.file:
            raise DataError(_no_program(source, error)) from error
        called = f"{source.file}:{name}" if name else source.file
        raise DataError(f"{called}{_place(source, name, error)}: {_words(error)}") from error


def _place(source: PythonSource, name: str, error: BaseException) -> str:
    """Return line and function of the innermost call in a file; empty if the error is that of the call itself."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == source.file]
    if not frames:
        return ""
    inner = frames[-1]
    inside = "" if inner.name in ("<module>", name.rpartition(".")[2]) else f" (in {inner.name})"
    return f", line {inner.lineno}{inside}"


def _words(error: BaseException) -> str:
    text: Any = str(error) if not isinstance(error, SystemExit) else f"the code ended the program ({error.code})"
    advice = ""
    if isinstance(error, ModuleNotFoundError):
        advice = ". Install the package; other files beside the pipeline cannot be imported"
    return f"{type(error).__name__}{': ' if text else ''}{text}{advice}"
