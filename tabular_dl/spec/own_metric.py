"""Key ``metric`` of a pipeline file: the name of a metric, or a function in a Python file beside the pipeline."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticKnownError

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.preprocessing import split_reference
from tabular_dl.problems import Metric, Problem, get_metric, metric_text
from tabular_dl.spec.python_files import PythonFiles

__all__ = ["OwnMetric", "checked_metric", "own_metric"]

LOOKS_AT = ("labels", "probabilities", "values")


class OwnMetric(BaseModel):
    """Metric that is a function of the user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str = Field(description="Function in a Python file beside the pipeline file, as FILE.py:NAME.")
    greater_is_better: bool = Field(default=True, strict=True, description="Whether a greater score is better.")
    looks_at: Literal["labels", "probabilities", "values"] | None = Field(
        default=None, description="What is scored: by default values of numbers, and labels of classes."
    )


def checked_metric(value: object) -> str | OwnMetric | None:
    """Return the metric of a pipeline file.

    Parameters
    ----------
    value : object
        Name, mapping with the name and a parameter, mapping with ``python``, or None.

    Returns
    -------
    str, OwnMetric or None
        Name with its parameter, the user's function, or None for the default of the problem.

    Raises
    ------
    SpecError
        If there is no such metric, key or value.

    Examples
    --------
    >>> checked_metric({"name": "map_at_k", "k": 5})
    'map_at_k:5'
    >>> checked_metric({"python": "my_metrics.py:score", "looks_at": "values"}).greater_is_better
    True
    """
    if value is None or isinstance(value, OwnMetric):
        return value
    if isinstance(value, dict):
        return _own(value) if "python" in value else metric_text(value)
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return get_metric(value).name


def _own(content: dict[str, object]) -> OwnMetric:
    unknown = next((key for key in content if key not in OwnMetric.model_fields), None)
    if unknown is not None:
        raise SpecError(
            f"there is no key {str(unknown)!r} beside python. {did_you_mean(str(unknown), OwnMetric.model_fields)}"
        )
    if not isinstance(content["python"], str):
        raise SpecError(f"python: expected FILE.py:NAME such as my_metrics.py:score, found {content['python']!r}.")
    if not isinstance(content.get("greater_is_better", True), bool):
        raise SpecError(f"greater_is_better: expected true or false, found {content['greater_is_better']!r}.")
    if content.get("looks_at") not in (None, *LOOKS_AT):
        raise SpecError(f"looks_at: expected labels, probabilities or values, found {content['looks_at']!r}.")
    return OwnMetric.model_validate(content)


def own_metric(own: OwnMetric, files: PythonFiles, problem: Problem) -> Metric:
    """Return the metric of a function of the user, which is executed when it first scores, each of several targets.

    Parameters
    ----------
    own : OwnMetric
        Reference to the function.
    files : PythonFiles
        Python files of the pipeline.
    problem : Problem
        Type of problem.

    Returns
    -------
    Metric
        The metric.

    Raises
    ------
    SpecError
        If the file cannot be read, or the metric looks at what the problem does not have.
    """
    from tabular_dl.preprocessing import PythonMetric, approve  # imported here, since they load scikit-learn

    looks_at = own.looks_at or ("labels" if problem.classification else "values")
    wrong, usable = ("values", "labels or probabilities") if problem.classification else ("probabilities", "values")
    if looks_at == wrong:
        raise SpecError(
            f"metric: {own.python} looks at {looks_at}, which a {problem.name} problem does not have: write looks_at: "
            f"{usable}."
        )
    file, name = split_reference(own.python)
    source = files.source(file)
    function = PythonMetric(source, name, approve(source, name, {}))
    return Metric(own.python, function, looks_at, own.greater_is_better, (problem.each or problem.name,))
