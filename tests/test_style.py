"""Rules of CONTRIBUTING that a reader would have to watch: lengths, and how docstrings begin."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import tabular_dl

FILES = sorted(Path(tabular_dl.__file__).parent.rglob("*.py"))
LONGEST_FILE = 350
LONGEST_FUNCTION = 50  # lines, its docstring left out
# Functions that are one list or one sequence of steps; no other may join them.
LONG_FUNCTIONS = 6
# A docstring says what a thing is or does; it is no question, and no order to the reader.
OPENINGS = re.compile(r"(What|Which|How|Whose|Who|Where|When|Say|Tell)\b")


def _functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = ast.get_docstring(function, clean=False)
    return (function.end_lineno or 0) - function.lineno - (docstring.count("\n") if docstring else -1)


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


def test_hardly_a_function_is_longer_than_a_screen() -> None:
    trees = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
    functions = {f"{name}: {node.name}": _lines(node) for name, tree in trees.items() for node in _functions(tree)}
    assert len({name for name, lines in functions.items() if lines > LONGEST_FUNCTION}) <= LONG_FUNCTIONS


def test_docstrings_open_with_what_a_thing_is_or_does() -> None:
    questions = []
    for path in FILES:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        documented = (node for node in nodes if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
        docstrings = [ast.get_docstring(node) or "" for node in documented]
        questions += [f"{path.name}: {text.splitlines()[0]}" for text in docstrings if OPENINGS.match(text)]
    assert not questions
