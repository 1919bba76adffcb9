"""Expressions of derived features: arithmetic and comparisons of columns.

Nothing in a pipeline file may run as code. An expression is parsed into Python's syntax tree without being compiled,
the tree is translated by an allow-list into a list of steps, and only the NumPy functions in the tables below are
called. Parsing needs neither NumPy nor a table, so that an invalid file is rejected before data is read.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tabular_dl.errors import SpecError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Expression", "evaluate", "parse"]

MAX_LENGTH = 500  # characters of an expression; also the number of its steps
MAX_DEPTH = 100  # levels of nesting, far below Python's recursion limit

# Number of operands of each NumPy function that may be called.
FUNCTIONS = {"abs": 1, "log1p": 1, "maximum": 2, "minimum": 2, "sqrt": 1}

# NumPy function of each operator that is allowed.
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder",
    ast.Pow: "power",
    ast.USub: "negative",
    ast.UAdd: "positive",
    ast.Not: "logical_not",
    ast.And: "logical_and",
    ast.Or: "logical_or",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
ALLOWED = (
    "Expressions may contain numbers, column names, + - * / // % **, comparisons, and, or, not, "
    f"{', '.join(FUNCTIONS)} and col('any name')."
)


@dataclass(frozen=True)
class Number:
    """Step that pushes a constant."""

    value: float


@dataclass(frozen=True)
class Column:
    """Step that pushes the numbers of a column."""

    name: str


@dataclass(frozen=True)
class TextEqual:
    """Step that pushes 1 where a column equals a text, 0 where it does not, and NaN where it is missing."""

    column: str
    text: str


@dataclass(frozen=True)
class Apply:
    """Step that replaces the last operands by the result of a NumPy function of them."""

    function: str
    operands: int


Step = Number | Column | TextEqual | Apply


@dataclass(frozen=True)
class Expression:
    """Valid expression.

    Attributes
    ----------
    text : str
        Text of the expression.
    steps : tuple of Step
        Steps of a stack machine that compute it.
    """

    text: str
    steps: tuple[Step, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the expression reads, each once, in order of appearance."""
        names = [
            step.name if isinstance(step, Column) else step.column
            for step in self.steps
            if isinstance(step, Column | TextEqual)
        ]
        return tuple(dict.fromkeys(names))


def parse(text: str) -> Expression:
    """Return an expression translated into steps, without computing it or running code.

    Results are cached, so that a text is translated only once for all tables and folds.

    Parameters
    ----------
    text : str
        Expression such as ``SibSp + Parch + 1``, of at most 500 characters and 100 levels of nesting.

    Returns
    -------
    Expression
        Steps, and the columns that they read.

    Raises
    ------
    SpecError
        If the text is not an expression, or contains anything that is not allowed.

    Examples
    --------
    >>> parse("SibSp + Parch + 1").columns
    ('SibSp', 'Parch')
    >>> parse("__import__('os')")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: "__import__('os')": there is no function '__import__'. Known: abs, col, ...
    """
    if not isinstance(text, str) or not text.strip():
        raise SpecError(f"expected an expression such as SibSp + Parch + 1, found {text!r}")
    return _parse(text)


@lru_cache(maxsize=1024)
def _parse(text: str) -> Expression:
    text = text.strip().replace("\n", " ")  # long expressions may have several lines in YAML
    if len(text) > MAX_LENGTH:
        raise SpecError(f"{text[:40]!r}...: {len(text)} characters, expected {MAX_LENGTH} at most")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in strings
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        hint = " Equality is written ==." if re.search(r"[^=!<>]=[^=]", text) else ""
        raise SpecError(f"{text!r} cannot be read: {error}.{hint}") from None
    if _depth(tree) > MAX_DEPTH:
        raise SpecError(f"{text!r} is nested more than {MAX_DEPTH} levels deep; split it into several features")
    steps: list[Step] = []
    _translate(tree, text, steps)
    expression = Expression(text, tuple(steps))
    if not expression.columns:
        raise SpecError(f"{text!r} reads no column, so every row would have the same value")
    return expression


def _depth(tree: ast.AST) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _translate(node: ast.expr, text: str, steps: list[Step]) -> None:
    """Append the steps of a node.

    Raises
    ------
    SpecError
        For any node that is not listed here.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            steps.append(Number(_finite(value, text)))
        case ast.Name(id=name) if not name.startswith("__"):
            steps.append(Column(name))
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            _translate_call(name, node.args, text, steps)
        case ast.BinOp() if type(node.op) in OPERATORS:
            _translate(node.left, text, steps)
            _translate(node.right, text, steps)
            steps.append(Apply(OPERATORS[type(node.op)], 2))
        case ast.UnaryOp() if type(node.op) in OPERATORS:
            _translate(node.operand, text, steps)
            steps.append(Apply(OPERATORS[type(node.op)], 1))
        case ast.BoolOp():
            for position, operand in enumerate(node.values):
                _translate(operand, text, steps)
                if position:
                    steps.append(Apply(OPERATORS[type(node.op)], 2))
        case ast.Compare():
            operands = [node.left, *node.comparators]
            for position, operator in enumerate(node.ops):
                _translate_comparison(operands[position], operator, operands[position + 1], text, steps)
                if position:
                    steps.append(Apply("logical_and", 2))
        case ast.Constant(value=str()):
            raise SpecError(f"{text!r}: text {node.value!r} can only be compared with a column, by == or !=")
        case _:
            source = ast.get_source_segment(text, node) or type(node).__name__
            raise SpecError(f"{text!r}: {source!r} is not allowed. {ALLOWED}")
    # A chain a < b < c translates b twice: without this limit, nested chains would grow exponentially.
    if len(steps) > MAX_LENGTH:
        raise SpecError(f"{text!r} takes more than {MAX_LENGTH} steps; split it into several features")


def _translate_call(name: str, arguments: list[ast.expr], text: str, steps: list[Step]) -> None:
    if name == "col":
        match arguments:
            case [ast.Constant(value=str() as column)]:
                steps.append(Column(column))
                return
        raise SpecError(f"{text!r}: col takes one column name in quotes, as in col('any name')")
    if name not in FUNCTIONS:
        raise SpecError(f"{text!r}: there is no function {name!r}. {did_you_mean(name, [*FUNCTIONS, 'col'])}")
    if len(arguments) != FUNCTIONS[name]:
        raise SpecError(f"{text!r}: {name} takes {FUNCTIONS[name]} value(s), found {len(arguments)}")
    for argument in arguments:
        _translate(argument, text, steps)
    steps.append(Apply(name, len(arguments)))


def _translate_comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr, text: str, steps: list[Step]) -> None:
    if isinstance(left, ast.Constant) and isinstance(left.value, str):
        left, right = right, left
    if type(operator) not in OPERATORS:
        raise SpecError(f"{text!r}: the comparison {type(operator).__name__} is not allowed. {ALLOWED}")
    if not (isinstance(right, ast.Constant) and isinstance(right.value, str)):
        _translate(left, text, steps)
        _translate(right, text, steps)
        steps.append(Apply(OPERATORS[type(operator)], 2))
        return
    column: list[Step] = []
    _translate(left, text, column)
    match column:
        case [Column(name)] if isinstance(operator, ast.Eq | ast.NotEq):
            steps.append(TextEqual(name, right.value))
        case _:
            raise SpecError(f"{text!r}: text {right.value!r} can only be compared with a column, by == or !=")
    if isinstance(operator, ast.NotEq):
        steps.append(Apply("logical_not", 1))


def _finite(value: float, text: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpecError(f"{text!r}: a number is too large for floating point")
    return number


def evaluate(
    expression: Expression,
    numbers: Callable[[str], np.ndarray[Any, Any]],
    texts: Callable[[str], np.ndarray[Any, Any]],
) -> np.ndarray[Any, Any]:
    """Return the value of an expression for each row; values that are not finite become NaN, without a warning.

    The result of a step is missing if an operand is missing, also for comparisons and ``or``. Comparisons, ``and``,
    ``or`` and ``not`` return 0.0 or 1.0. Division by zero, logarithms and roots of negative numbers, and overflow are
    missing from the step on in which they occur.

    Parameters
    ----------
    expression : Expression
        Result of `parse`.
    numbers : callable
        ``numbers(name)`` returns the numbers of a column, float64 of shape (rows,), NaN where missing.
    texts : callable
        ``texts(name)`` returns the texts of a column, object of shape (rows,), anything but a `str` where missing.

    Returns
    -------
    ndarray of float64 of shape (rows,)
        Finite numbers and NaN.

    Examples
    --------
    >>> import numpy as np
    >>> table = {"Fare": np.array([10.0, 7.0, np.nan]), "Family": np.array([2.0, 0.0, 1.0])}
    >>> evaluate(parse("Fare / Family"), table.__getitem__, table.__getitem__)
    array([ 5., nan, nan])
    """
    import numpy as np

    stack: list[Any] = []
    for step in expression.steps:
        match step:
            case Number(value):
                # As a float, 9 ** 9 ** 9 overflows at once; as an int, it would fill the memory.
                stack.append(np.float64(value))
            case Column(name):
                stack.append(numbers(name))
            case TextEqual(name, text):
                equal = [float(value == text) if isinstance(value, str) else np.nan for value in texts(name)]
                stack.append(np.array(equal, dtype=np.float64))
            case Apply(function, count):
                operands = stack[-count:]
                del stack[-count:]
                stack.append(_apply(function, operands))
    return np.array(stack.pop(), dtype=np.float64)


def _apply(function: str, operands: list[Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    with np.errstate(all="ignore"):
        result = np.asarray(getattr(np, function)(*operands), dtype=np.float64)
    # In NumPy, nan < 1 is false and nan ** 0 is 1; here, both are missing.
    valid = np.isfinite(result)
    for operand in operands:
        valid = valid & ~np.isnan(operand)
    return np.where(valid, result, np.nan)
