"""Keys of a column rule beside ``transformer``, a class in the user's Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabular_dl.preprocessing.python_source import reference_problem

__all__ = ["python_problem"]

# Values without effect, which a pipeline with all defaults filled in has.
_NOTHING = {"impute": "none", "encode": "none", "missing_flag": False, "rare": 1, "clip": 0}


def python_problem(transformer: str | None, parameters: Mapping[str, Any], others: Mapping[str, Any]) -> str | None:
    """Return the contradiction between ``transformer`` and the other values of a rule, if any.

    Parameters
    ----------
    transformer : str or None
        Reference to a class.
    parameters : mapping
        Its arguments.
    others : mapping of str to value
        Other keys of the rule, except columns and scale.

    Returns
    -------
    str or None
        Key, reason and what to write; None if the values agree.

    Examples
    --------
    >>> python_problem("my_steps.py:Stemmer", {}, {"encode": "onehot"})
    'encode: cannot stand beside transformer, which is given the columns as they are; leave encode out'
    >>> python_problem(None, {"language": "en"}, {})
    'parameters: are those of a transformer: write transformer: FILE.py:CLASS, or leave parameters out'
    """
    if transformer is None:
        if parameters:
            return "parameters: are those of a transformer: write transformer: FILE.py:CLASS, or leave parameters out"
        return None
    problem = reference_problem(transformer)
    if problem:
        return f"transformer: {problem}"
    beside = next((key for key, value in others.items() if value not in (None, _NOTHING.get(key))), None)
    if beside is not None:
        return f"{beside}: cannot stand beside transformer, which is given the columns as they are; leave {beside} out"
    return None
