"""Reading and validation of pipeline files.

    file -> YAML (safe loader, with line numbers) -> `--set` overrides -> `PipelineSpec`

Error messages name the file and line (or the override), the key, and the nearest valid key. No heavy library is loaded,
so that mistakes in a file are reported without delay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from tabular_dl.errors import SpecError, did_you_mean, plain_words
from tabular_dl.estimators import check_model
from tabular_dl.model_selection import Choice, Distribution, flatten, read_distribution
from tabular_dl.preprocessing import ColumnRule, first_mistake
from tabular_dl.problems import PROBLEMS
from tabular_dl.spec.callbacks import check_callbacks
from tabular_dl.spec.ensemble import PseudoLabelsSpec
from tabular_dl.spec.leaves import leaves
from tabular_dl.spec.models import (
    DataSpec,
    EnsembleSpec,
    ModelSpec,
    PipelineSpec,
    SubmissionSpec,
    hyperparameters,
    model_as_mapping,
)
from tabular_dl.spec.overrides import apply_override
from tabular_dl.spec.pipeline_files import find_pipeline
from tabular_dl.spec.python_files import PythonFiles, code_in
from tabular_dl.spec.python_references import check_python
from tabular_dl.spec.yaml_io import Key, read_yaml, write_yaml

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "DataSpec",
    "EnsembleSpec",
    "ModelSpec",
    "PipelineSpec",
    "dump_spec",
    "hyperparameters",
    "leaves",
    "load_spec",
    "read_space",
    "read_spec",
    "with_values",
]

Check = Callable[[Mapping[str, Any]], None]

# Sections with hyperparameters, whose values the estimators check instead of `PipelineSpec`.
FREE = ("network", "training")
# Sections with settings that a search can vary.
SEARCHABLE = ("network", "training", "columns", "features", "model")


def load_spec(pipeline: str | Path, overrides: Sequence[str] = (), check: Check | None = None) -> PipelineSpec:
    """Read and validate a pipeline.

    Parameters
    ----------
    pipeline : str or Path
        Name of a pipeline, or path of a YAML file.
    overrides : sequence of str, optional
        Changes of single settings, such as ``"network.dropout=0.4"``; the value is read as YAML.
    check : callable, optional
        Function of the content of ``network`` and ``training`` that raises a `SpecError` for an invalid value, such as
        `tabular_dl.spec.check_network`. The message must begin with the name of the hyperparameter. Names are
        checked in any case.

    Returns
    -------
    PipelineSpec
        Validated pipeline.

    Raises
    ------
    SpecError
        If the pipeline does not exist or is invalid; the message names file, line and key.

    Examples
    --------
    >>> load_spec("wine", ["ensemble.folds=10"]).ensemble.folds
    10
    """
    path = find_pipeline(pipeline)
    content, lines = read_yaml(path)
    return read_spec(content, overrides, path, lines, check)


def read_spec(
    content: dict[str, Any],
    overrides: Sequence[str],
    path: Path,
    lines: Mapping[Key, int] | None = None,
    check: Check | None = None,
) -> PipelineSpec:
    """Validate the content of a pipeline file.

    Parameters
    ----------
    content : dict
        Content of the file. The overrides change it in place.
    overrides, check
        As in `load_spec`.
    path : Path
        Path of the file in messages.
    lines : mapping of tuple to int, optional
        Line of each key in the file.

    Raises
    ------
    SpecError
        If the content or an override is invalid; the message names file, line and key.
    """
    places = {key: f"{path}, line {line}" for key, line in (lines or {}).items()}
    for override in overrides:
        # The short form has no keys that an override could name.
        if isinstance(content.get("model"), str):
            content["model"] = model_as_mapping(content["model"])
        key = apply_override(content, override)
        places = {other: place for other, place in places.items() if other[: len(key)] != key}
        # Sections that the override has added have no line in the file.
        places = {key[:length]: f"--set {override}" for length in range(1, len(key) + 1)} | places
    try:
        spec = PipelineSpec.model_validate(content)
    except ValidationError as error:
        # Pydantic reports a list with an invalid item as too short, too.
        errors = [fault for fault in error.errors() if fault["type"] != "too_short" or not fault["input"]]
        raise SpecError("\n".join(_explain(fault, places, path) for fault in errors)) from None
    spec = spec.with_python(PythonFiles(path.parent))
    _check_features(spec, places, path)
    check_python(spec, lambda key: _place(key, places, path), read=check is not None)
    _check_hyperparameters(spec, places, path)
    # A file may be read with another model than it was written for, which a search gives a space of its own.
    other = not spec.model.is_network and any(re.match(r"model[.=]", override) for override in overrides)
    _check_space(spec, places, path, None, other=other)
    # Last, because the check may have to load a library.
    if check is not None:
        _check_values(spec, places, path, check)
        _check_model(spec, places, path)
        _check_space(spec, places, path, check, other=other)
    return spec


def _check_space(
    spec: PipelineSpec, places: Mapping[Key, str], path: Path, check: Check | None, *, other: bool
) -> None:
    if spec.search and not other:
        try:
            read_space(spec, spec.search, check)
        except SpecError as error:
            raise SpecError(f"{_place(('search',), places, path)}: {error}") from None


def with_values(spec: PipelineSpec, values: Mapping[str, Any]) -> PipelineSpec:
    """Return a specification with some settings changed, and without a search space.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    values : mapping of str to object
        New values by dotted path, such as ``"network.dropout"``.

    Raises
    ------
    SpecError
        If a setting does not exist, or a value is invalid.

    Examples
    --------
    >>> with_values(load_spec("wine"), {"network.dropout": 0.3, "ensemble.members": 2}).network["dropout"]
    0.3
    """
    content = json.loads(spec.model_copy(update={"search": {}}).model_dump_json(exclude_defaults=True))
    for leaf, value in values.items():
        apply_override(content, f"{leaf}={json.dumps(value)}")
    where = Path(spec.name)
    if all(leaf.split(".")[0] in FREE and "." in leaf for leaf in values):
        # The other sections have been validated already.
        changed = spec.model_copy(update={"search": {}, **{section: content.get(section, {}) for section in FREE}})
    else:
        try:
            changed = PipelineSpec.model_validate(content).with_python(spec.python)
        except ValidationError as error:
            raise SpecError("\n".join(_explain(fault, {}, where) for fault in error.errors())) from None
        _check_features(changed, {}, where)
    _check_hyperparameters(changed, {}, where)
    return changed


def read_space(spec: PipelineSpec, section: Mapping[str, Any], check: Check | None = None) -> dict[str, Distribution]:
    """Return the distributions of a search space by dotted path.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline whose settings are searched.
    section : mapping
        Distributions, nested like the specification, or by dotted path, or by the name of a hyperparameter.
    check : callable, optional
        As in `load_spec`, for each choice and bound.

    Raises
    ------
    SpecError
        If a setting does not exist or cannot be searched, or a distribution is invalid.

    Examples
    --------
    >>> list(read_space(load_spec("wine"), {"l2": {"log_uniform": [1e-8, 1e-4]}}))
    ['network.l2']
    """
    space: dict[str, Distribution] = {}
    for name, value in flatten(section):
        leaf = name
        if "." not in name and not spec.model.is_network:
            leaf = f"model.parameters.{name}"
        elif "." not in name and name in hyperparameters():
            leaf = f"{'training' if name in spec.training else 'network'}.{name}"
        if leaf.split(".")[0] not in SEARCHABLE:
            sections = ", ".join(SEARCHABLE)
            hint = did_you_mean(name, [*hyperparameters(), *SEARCHABLE])
            raise SpecError(f"search.{name}: only settings of {sections} can be searched. {hint}")
        if leaf == "features.python" or leaf.endswith(".transformer"):
            raise SpecError(f"search.{name}: Python cannot be searched; the parameters of a transformer can.")
        space[leaf] = distribution = read_distribution(name, value)
        options = distribution.options if isinstance(distribution, Choice) else (distribution.low, distribution.high)
        for option in options:
            if code_in(leaf.split(".")[-1], option):
                raise SpecError(f"search.{name}: Python cannot be searched, found {option!r}.")
            _check_option(spec, name, leaf, option, check)
    if not space:
        raise SpecError("search: there is no distribution. Example: search: {l2: {log_uniform: [1.0e-8, 1.0e-4]}}.")
    return space


def _check_option(spec: PipelineSpec, name: str, leaf: str, value: object, check: Check | None) -> None:
    try:
        changed = with_values(spec, {leaf: value})
        if check is not None:
            check(changed.checked_settings)
            _check_model(changed, {}, Path(spec.name))
    except SpecError as error:
        reason = str(error).removeprefix(f"{spec.name}: ").removeprefix("--set ")
        raise SpecError(f"search.{name}: {reason}") from None


def dump_spec(spec: PipelineSpec) -> str:
    """Return a specification as YAML, which `load_spec` reads back as an equal specification."""
    return write_yaml(spec.model_dump(exclude_defaults=True))


def _check_features(spec: PipelineSpec, places: Mapping[Key, str], path: Path) -> None:
    for name, feature in spec.derived.items():
        mistake = first_mistake(name, feature)
        if mistake:
            key, message = mistake
            raise SpecError(f"{_place(('features', name, key), places, path)}: {message}")


def _check_hyperparameters(spec: PipelineSpec, places: Mapping[Key, str], path: Path) -> None:
    for section in FREE:
        for name in getattr(spec, section):
            key = f"{_place((section, name), places, path)}: {section}.{name}"
            if name not in hyperparameters():
                hint = {"members": "Set ensemble.members.", "random_state": "Set seed."}.get(name)
                raise SpecError(f"{key}: there is no such key. {hint or did_you_mean(name, hyperparameters())}")
            if section == "training" and name in spec.network:
                raise SpecError(f"{key}: it is set under network already; keep one of the two.")
    _check_values(spec, places, path, check_callbacks)


def _check_values(spec: PipelineSpec, places: Mapping[Key, str], path: Path, check: Check) -> None:
    """Raise an error that names the place of an invalid hyperparameter."""
    try:
        check(spec.checked_settings)
    except SpecError as error:
        match = re.match(r"\w+", str(error))
        name = match[0] if match else ""
        section = next((section for section in FREE if name in getattr(spec, section)), None)
        if section is None:
            raise SpecError(f"{path}: {error}") from None
        raise SpecError(f"{_place((section, name), places, path)}: {section}.{error}") from None


def _check_model(spec: PipelineSpec, places: Mapping[Key, str], path: Path) -> None:
    """Raise an error that names the place of a model, or a parameter, that does not exist."""
    if spec.model.is_network:
        return
    possible = (True, False) if spec.problem == "auto" else (PROBLEMS[spec.problem].classification,)
    errors = []
    for classification in possible:
        try:
            check_model(spec.model.name, spec.model.parameters, classification=classification)
        except SpecError as error:
            errors.append(error)
    # Whether the target consists of labels may not be known yet.
    if len(errors) == len(possible):
        key, _, _ = str(errors[0]).partition(":")
        raise SpecError(f"{_place(tuple(key.split('.')), places, path)}: {errors[0]}")


def _explain(error: ErrorDetails, places: Mapping[Key, str], path: Path) -> str:
    """Return the message of one of pydantic's errors: file and line, key, problem, and what to do."""
    key: Key = tuple(part for part in error["loc"] if part != "[key]")
    where = f"{_place(key, places, path)}: {'.'.join(map(str, key))}"
    if error["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {
            "data": DataSpec,
            "ensemble": EnsembleSpec,
            "columns": ColumnRule,
            "model": ModelSpec,
            "pseudo_labels": PseudoLabelsSpec,
            "submission": SubmissionSpec,
        }
        sections = (models[str(part)] for part in reversed(key[:-1]) if part in models)
        model = next(sections, PipelineSpec)
        return f"{where}: there is no such key. {did_you_mean(str(key[-1]), model.model_fields)}"
    return f"{where}: {plain_words(error)}"


def _place(key: Key, places: Mapping[Key, str], path: Path) -> str:
    """Return the file and line, or the override, of a key or the nearest key above it."""
    prefixes = (key[:length] for length in range(len(key), 0, -1))
    return next((places[prefix] for prefix in prefixes if prefix in places), str(path))
