"""Python that stored models carry: found, written beside the model, checked, and permitted to be executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from tabular_dl.atomic_files import write_text
from tabular_dl.errors import DataError
from tabular_dl.preprocessing import PythonMetric, PythonSource, PythonStep, is_trusted, reference_problem, trust
from tabular_dl.problems import Metric

__all__ = ["check_step", "keep_metric", "permit", "python_steps", "sources_of", "write_sources"]


def python_steps(model: Any) -> Iterator[PythonStep]:
    """Yield the steps of a model that execute the user's Python, fitted or not.

    Parameters
    ----------
    model : cross-fit or blend
        Model.

    Yields
    ------
    PythonStep
    """
    for part in getattr(model, "models", [model]):
        # Imported predictions have no pipelines.
        for pipeline in filter(None, (getattr(part, "pipeline", None), *getattr(part, "pipelines_", ()))):
            yield from _inside(pipeline)
        if isinstance(getattr(part, "own_metric_", None), PythonMetric):
            yield part.own_metric_


def keep_metric(model: Any, metric: Metric) -> None:
    """Keep the function of the user that scores a model in the model, if there is one.

    Parameters
    ----------
    model : cross-fit or imported predictions
        Model.
    metric : Metric
        Metric of its scores.
    """
    if isinstance(metric.function, PythonMetric):
        model.own_metric_ = metric.function


def _inside(step: Any) -> Iterator[PythonStep]:
    if isinstance(step, PythonStep):
        yield step
    elif isinstance(step, Pipeline):
        for _, part in step.steps:
            yield from _inside(part)
    elif isinstance(step, ColumnTransformer):
        for _, part, _ in (*step.transformers, *getattr(step, "transformers_", ())):
            yield from _inside(part)


def sources_of(model: Any) -> dict[str, PythonSource]:
    """Return the text of a model's Python by the place that it has among the model's files."""
    return {step.source.place: step.source for step in python_steps(model)}


def write_sources(model: Any, folder: Path) -> None:
    """Write the text of a model's Python into the folder of its run, for those who read it.

    Parameters
    ----------
    model : cross-fit or blend
        Model.
    folder : Path
        Folder of the run.
    """
    for place, source in sources_of(model).items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, source.text)


def check_step(step: PythonStep) -> None:
    """Raise an error for a loaded step whose parts are of other types than a fit stores.

    Raises
    ------
    ValueError
        If they are; the message says which.
    """
    source = step.source
    if not isinstance(source, PythonSource) or not isinstance(source.text, str) or not isinstance(step.signature, str):
        raise ValueError("a step of Python has no text")
    problem = reference_problem(f"{source.file}:{step.name}")
    if problem or not isinstance(step.parameters, dict | None):
        raise ValueError(f"a step of Python names {source.file!r} and {step.name!r}")
    state = getattr(step, "state_", None)
    if state is not None:
        types = {"values": str, "arrays": list, "estimators": list}
        if set(state) != set(types) or not all(isinstance(state[name], kind) for name, kind in types.items()):
            raise ValueError(f"what {source.file}:{step.name} has learned is damaged")


def permit(model: Any, folder: Path, *, trusted: bool) -> None:
    """Raise an error for Python in a loaded model that this user has neither made nor trusts. Nothing is executed.

    Parameters
    ----------
    model : cross-fit or blend
        Loaded model.
    folder : Path
        Folder of the model.
    trusted : bool
        Whether the user trusts it; what is executed then is the text in ``extra_files``, which can be read.

    Raises
    ------
    DataError
        If the model may not be used.
    """
    foreign = [
        step
        for step in python_steps(model)
        if not is_trusted(step.source, step.name, step.parameters or {}, step.signature)
    ]
    places = {step.source.place: step.source for step in foreign}
    if places and not trusted:
        texts = ", ".join(f"{folder / 'extra_files' / place}" for place in places)
        raise DataError(
            f"{folder} contains Python that was not stored by you on this machine, so it was not executed. Read "
            f"{texts}; if you trust it, add --trust (in Python: trust=True)."
        )
    for place, source in places.items():
        path = folder / "extra_files" / place
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError):
            text = None
        if text != source.text:
            raise DataError(
                f"{folder} was changed since it was stored: the Python that it would execute is not the text of "
                f"{path}. Take another copy, or fit again."
            )
    for step in foreign:
        trust(step.source, step.name, step.parameters or {})
