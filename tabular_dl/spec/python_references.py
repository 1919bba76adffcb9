"""References of a pipeline to Python files: checked, and made into steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing import ColumnRule, check_defines, reference_problem, split_reference
from tabular_dl.spec.models import PipelineSpec
from tabular_dl.spec.own_metric import OwnMetric
from tabular_dl.spec.python_files import code_in
from tabular_dl.spec.yaml_io import Key

if TYPE_CHECKING:
    from tabular_dl.preprocessing import PythonDefinition, PythonFeatures, PythonTransformer

__all__ = ["check_python", "python_features", "python_settings", "python_transformer", "references"]


def references(spec: PipelineSpec) -> Iterator[tuple[Key, str]]:
    """Yield each reference to Python with its key."""
    if spec.python_features is not None:
        yield ("features", "python"), spec.python_features
    if isinstance(spec.metric, OwnMetric):
        yield ("metric", "python"), spec.metric.python
    for place, rule in enumerate(spec.columns):
        if rule.transformer is not None:
            yield ("columns", place, "transformer"), rule.transformer
    for section in ("network", "training"):
        for name, value in getattr(spec, section).items():
            for reference in code_in(name, value):
                yield (section, name), reference


def check_python(spec: PipelineSpec, place: Callable[[Key], str], *, read: bool) -> None:
    """Raise an error for a reference to Python that cannot be used. Nothing is executed.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    place : callable
        Function that returns the file and line of a key.
    read : bool
        Whether to read the files as well, which only commands that fit need.

    Raises
    ------
    SpecError
        If a reference is invalid; with `read`, also if there is no such file, it is no Python, or it does not define
        the name.
    """
    for key, reference in references(spec):
        where = f"{place(key)}: {'.'.join(map(str, key))}"
        problem = reference_problem(reference)
        if problem:
            raise SpecError(f"{where}: {problem}")
        if read:
            file, name = split_reference(reference)
            try:
                check_defines(spec.python.source(file), name)
            except SpecError as error:
                raise SpecError(f"{where}: {error}") from None


def python_features(spec: PipelineSpec) -> PythonFeatures | None:
    """Return the unfitted step of ``features.python``, signed; None if the pipeline has none.

    Raises
    ------
    SpecError
        If the file cannot be read.
    """
    from tabular_dl.preprocessing import PythonFeatures, approve  # imported here, since they load scikit-learn

    if spec.python_features is None:
        return None
    file, name = split_reference(spec.python_features)
    source = spec.python.source(file)
    return PythonFeatures(source, name, approve(source, name, {}))


def python_transformer(spec: PipelineSpec, rule: ColumnRule) -> PythonTransformer:
    """Return the unfitted step of a rule with ``transformer``, signed.

    Raises
    ------
    SpecError
        If the file cannot be read.
    """
    from tabular_dl.preprocessing import PythonTransformer, approve  # imported here for the same reason

    file, name = split_reference(str(rule.transformer))
    source = spec.python.source(file)
    return PythonTransformer(source, name, rule.parameters, approve(source, name, rule.parameters))


def python_settings(spec: PipelineSpec) -> dict[str, Any]:
    """Return the hyperparameters of networks that name the user's Python, with what they name, signed.

    Raises
    ------
    SpecError
        If a file cannot be read.
    """
    settings = {**spec.network, **spec.training}
    code = {name: [_definition(spec, each) for each in code_in(name, value)] for name, value in settings.items()}
    return {name: each if name == "blocks" else each[0] for name, each in code.items() if each}


def _definition(spec: PipelineSpec, reference: str) -> PythonDefinition:
    from tabular_dl.preprocessing import PythonDefinition, approve  # imported here for the same reason

    file, name = split_reference(reference)
    source = spec.python.source(file)
    return PythonDefinition(source, name, approve(source, name, {}))
