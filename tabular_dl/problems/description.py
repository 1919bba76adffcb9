"""The table of problems as text, for `tabular-dl problems`."""

from __future__ import annotations

from tabular_dl.problems.label_columns import LabelColumns
from tabular_dl.problems.number_coding import Bounded, Numbers
from tabular_dl.problems.problem_types import PROBLEMS
from tabular_dl.problems.target_coding import Indicators, Labels

__all__ = ["describe"]


def describe() -> list[dict[str, str]]:
    """Return the table of problems as text: one dictionary per problem, with column headings as keys.

    Returns
    -------
    list of dict of str to str
        Rows of the table.

    Examples
    --------
    >>> describe()[0]["problem"], describe()[0]["loss"]
    ('binary', 'binary_crossentropy')
    """
    codings = {
        Labels: "class numbers, sorted (0 and 1 for two)",
        Indicators: "0 or 1 a label",
        LabelColumns: "0 or 1 a class",
        Numbers: "standardised inside",
        Bounded: "scaled to 0..1 by the bounds",
    }
    return [
        {
            "problem": problem.name,
            "predicts": problem.title,
            "units": "1" if problem.units(3) == 1 else "one each",
            "output": problem.activation,
            "loss": problem.loss,
            "followed": ", ".join(problem.follow),
            "scored by": problem.metric,
            "target": codings[problem.coding],
            "other losses": ", ".join(problem.losses[problem.activation][1:]),
        }
        for problem in PROBLEMS.values()
    ]
