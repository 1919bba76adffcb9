"""Python in stored models: collected, written beside the model, checked, and permitted to be executed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from tabular_dl.atomic_files import write_text
from tabular_dl.errors import DataError
from tabular_dl.estimators import KerasClassifier, KerasRegressor
from tabular_dl.preprocessing import (
    PythonDefinition,
    PythonMetric,
    PythonSource,
    PythonStep,
    is_trusted,
    reference_problem,
    trust,
)
from tabular_dl.problems import Metric

__all__ = ["check_step", "keep_metric", "permit", "python_losses", "python_steps", "sources_of", "write_sources"]


def python_steps(model: Any) -> Iterator[PythonStep | PythonDefinition]:
    """Yield the user's Python that a model executes: steps, fitted or not, parts of networks, and its metric.

    Parameters
    ----------
    model : cross-fit or blend
        Model.

    Yields
    ------
    PythonStep or PythonDefinition
    """
    for pipeline in _pipelines(model):
        yield from _inside(pipeline)
    for part in getattr(model, "models", [model]):
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


def python_losses(model: Any) -> Iterator[PythonDefinition]:
    """Yield the user's losses that the networks of a model were trained with; predictions do not execute them.

    Parameters
    ----------
    model : cross-fit or blend
        Model.

    Yields
    ------
    PythonDefinition
    """
    for pipeline in _pipelines(model):
        loss = getattr(pipeline.steps[-1][1] if isinstance(pipeline, Pipeline) else pipeline, "loss", None)
        if isinstance(loss, PythonDefinition):
            yield loss


def _pipelines(model: Any) -> Iterator[Any]:
    """Yield the pipelines of a model, fitted or not; imported predictions have none."""
    for part in getattr(model, "models", [model]):
        single = [getattr(part, name, None) for name in ("pipeline", "final_pipeline_")]
        yield from filter(None, (*single, *getattr(part, "pipelines_", ())))


def _inside(step: Any) -> Iterator[PythonStep | PythonDefinition]:
    if isinstance(step, PythonStep | PythonDefinition):
        yield step
    elif isinstance(step, KerasClassifier | KerasRegressor):
        network = getattr(step, "network_", {})  # of a fitted one
        for part in (step.activation, step.blocks, network.get("activation"), network.get("user_blocks")):
            yield from _inside(part)
    elif isinstance(step, list | tuple):
        for part in step:
            yield from _inside(part)
    elif isinstance(step, Pipeline):
        for _, part in step.steps:
            yield from _inside(part)
    elif isinstance(step, ColumnTransformer):
        for _, part, _ in (*step.transformers, *getattr(step, "transformers_", ())):
            yield from _inside(part)


def sources_of(model: Any) -> dict[str, PythonSource]:
    """Return the text of a model's Python by its path among the model's files."""
    return {code.source.place: code.source for code in (*python_steps(model), *python_losses(model))}


def write_sources(model: Any, folder: Path) -> None:
    """Write the text of a model's Python into the folder of its run, so that users can read it.

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


def check_step(step: PythonStep | PythonDefinition) -> None:
    """Raise an error for loaded Python whose parts have other types than those a fit stores.

    Raises
    ------
    ValueError
        If a part has another type; the message names it.
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
            raise ValueError(f"the learned state of {source.file}:{step.name} is damaged")


def permit(code: Iterable[PythonStep | PythonDefinition], folder: Path, *, trusted: bool) -> None:
    """Raise an error for Python of a loaded model that this user neither stored nor trusts. Nothing is executed.

    Parameters
    ----------
    code : iterable of PythonStep or PythonDefinition
        Python of the model that will be executed.
    folder : Path
        Folder of the model.
    trusted : bool
        Whether the user trusts it; the text in ``extra_files``, which users can read, is then executed.

    Raises
    ------
    DataError
        If the model may not be used.
    """
    foreign = [step for step in code if not is_trusted(step.source, step.name, step.parameters or {}, step.signature)]
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
