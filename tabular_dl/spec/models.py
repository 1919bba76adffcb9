"""Models of a pipeline specification: its sections, and the type and default of each key.

To add a key, add a field here; `tabular_dl.spec.reader` and `tabular_dl.spec.json_schema` use these models.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticKnownError

from tabular_dl.errors import listed
from tabular_dl.preprocessing import ColumnRule, Rest
from tabular_dl.problems import get_problem
from tabular_dl.spec.ensemble import EnsembleSpec
from tabular_dl.spec.model import ModelSpec, model_as_mapping
from tabular_dl.spec.own_metric import OwnMetric, checked_metric
from tabular_dl.spec.python_files import PythonFiles, code_in, is_reference
from tabular_dl.tables import name_problem, number_problem

__all__ = [
    "DataSpec",
    "EnsembleSpec",
    "ModelSpec",
    "PipelineSpec",
    "SubmissionSpec",
    "hyperparameters",
    "model_as_mapping",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _checked_targets(value: object) -> object:
    """Return the name of a target, or the names of several; a list of one is the same as its item."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"expected the name of a column, or a list of names, found {value!r}.")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is listed twice: name each target once.")
    return names[0] if len(names) == 1 else names


class DataSpec(_Frozen):
    """Tables of a competition, and the roles of their columns."""

    source: str = Field(
        min_length=1, description="Bundled data set, folder with train.csv and test.csv, or keras:NAME."
    )
    target: Annotated[str | list[str], BeforeValidator(_checked_targets)] = Field(
        description="Column to predict, or a list of several of one type: numbers, 0 or 1, or classes."
    )
    id: str | None = Field(default=None, description="Column that identifies a row in a submission.")
    weight: str | None = Field(
        default=None,
        min_length=1,
        description="Column with the weight of each training row, in training and in all scores; it is no feature.",
    )
    kaggle: str | None = Field(default=None, description="Name of the competition on Kaggle.")
    train: str | None = Field(
        default=None,
        min_length=1,
        description="File in source with the training rows, or a folder or a pattern of several, read in blocks.",
    )
    test: str | None = Field(default=None, min_length=1, description="File in source with the rows to predict.")
    sample: str | None = Field(default=None, min_length=1, description="File in source with the sample submission.")
    labels: str | None = Field(default=None, min_length=1, description="File in source with ids and targets alone.")
    target_number: str | bool | None = Field(
        default=None, description="Unit of a target in text, such as $ for $4,436; true for numbers without one."
    )

    stream: bool | None = Field(
        default=None,
        description="Whether to read the training rows in blocks; by default only if they are too large for memory.",
    )

    @property
    def targets(self) -> tuple[str, ...]:
        """Columns to predict."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    @property
    def only_target(self) -> str | None:
        """Column to predict; None if there are several."""
        return self.target if isinstance(self.target, str) else None

    @property
    def target_names(self) -> str:
        """Names of the columns to predict, for messages."""
        return listed(self.targets)

    @field_validator("source", "train", "test", "sample", "labels")
    @classmethod
    def _file_name(cls, name: str | None) -> str | None:
        problem = None if name is None else name_problem(name)
        if problem:
            raise ValueError(f"{problem}: {name!r}.")
        return name

    @field_validator("id", "weight")
    @classmethod
    def _not_the_target(cls, name: str | None, info: ValidationInfo) -> str | None:
        target = info.data.get("target", [])
        if name is not None and name in ([target] if isinstance(target, str) else target):
            purpose = "identifies a row" if info.field_name == "id" else "has the weights of the rows"
            raise ValueError(f"{name!r} is the target. Name the column that {purpose}, or leave {info.field_name} out.")
        if name is not None and info.field_name == "weight" and name == info.data.get("id"):
            raise ValueError(f"{name!r} is the id. Name the column with the weights of the rows, or leave weight out.")
        return name

    @field_validator("labels")
    @classmethod
    def _joined_by_id(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and info.data.get("id") is None:
            raise ValueError("labels are joined by id. Name the column that both tables have: id: COLUMN.")
        return name

    @field_validator("target_number")
    @classmethod
    def _unit(cls, unit: str | bool | None) -> str | bool | None:
        problem = None if unit is None else number_problem(unit)
        if problem:
            raise ValueError(f"{problem}.")
        return unit


class SubmissionSpec(_Frozen):
    """Labels of a submission, where those of the sample submission do not say which class is which."""

    values: dict[bool | int | float | str, bool | int | float | str] | Literal["target"] | None = Field(
        default=None,
        description="What is written for each class, such as {0: No, 1: Yes}; target writes the classes as they are.",
    )
    top_k: Annotated[int, Field(ge=1, strict=True)] | None = Field(
        default=None, description="Number of labels in a cell, the most probable first, separated by blanks."
    )


def _checked_problem(name: str) -> str:
    return name if name == "auto" else get_problem(name).name


def _checked_threshold(value: object) -> float | str | None:
    if value is None:
        return None
    if value == "auto":
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError(f"expected auto or a probability between 0 and 1, found {value!r}.")
    return float(value)


def _checked_feature(value: object) -> object:
    """Return a declaration, or a reference to a function, which only the key ``python`` may have."""
    if not isinstance(value, dict | str):
        raise PydanticKnownError("dict_type")
    return value


class PipelineSpec(_Frozen):
    """Specification of a pipeline: the validated content of its YAML file.

    Attributes
    ----------
    name : str
        Name of the pipeline and of its MLflow experiment.
    problem : str
        Name of a type of problem, or "auto" to detect it from the target (`tabular_dl.problems.problem_types`).
    data : DataSpec
        Tables, target and id.
    metric : str, OwnMetric or None
        Metric of the runs, a name such as ``rmse``; one with a parameter is written ``{name: f_beta, beta: 2}``, or
        ``f_beta:2`` in short. ``{python: FILE.py:NAME}`` is a function in a Python file beside the pipeline file; with
        ``greater_is_better: false`` for errors, and ``looks_at`` labels, probabilities or values. None is the default
        metric of the type of problem.
    threshold : float, "auto" or None
        The second of two classes is predicted where its probability exceeds the threshold. With "auto" it is chosen to
        give the best metric on out-of-fold predictions; None is 0.5.
    features : dict
        Derived features by name (`tabular_dl.preprocessing.derived_features`), and under ``python`` a function or class
        in a Python file beside the pipeline file, as ``FILE.py:NAME``, which adds columns to the table.
    columns : tuple of ColumnRule
        Rules that convert columns to numbers (`tabular_dl.preprocessing.column_transformer`).
    rest : {"error", "drop"}
        Treatment of columns that no rule and no feature names.
    model : ModelSpec
        Model that is trained: ``network``, or a model of another library on the same folds.
    network, training : dict
        Arguments of `KerasClassifier` or `KerasRegressor`. Other models read ``class_weight``, ``target_transform``,
        ``bounds`` and ``validation_fraction`` of them.
    ensemble : EnsembleSpec
        Number of folds and members, and how rows are divided into folds.
    baselines : {"none", "simple", "full"} or None
        Models to compare with on the same folds: the mean and a linear model (simple), and boosted trees (full). None
        is full for networks, and simple for other models.
    submission : SubmissionSpec
        Labels of a submission; by default those of the sample submission.
    search : dict
        Distributions of the settings that a search tries (`tabular_dl.model_selection.search_space`).
    seed : int
        Seed of folds, validation rows, initial weights, shuffling and dropout.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$", max_length=100)  # files are named after it
    problem: Annotated[str, AfterValidator(_checked_problem)] = "auto"
    data: DataSpec
    metric: Annotated[str | OwnMetric | None, BeforeValidator(checked_metric)] = None
    threshold: Annotated[float | Literal["auto"] | None, BeforeValidator(_checked_threshold)] = None
    features: dict[str, Annotated[Any, AfterValidator(_checked_feature)]] = {}
    columns: tuple[ColumnRule, ...] = Field(min_length=1)
    rest: Rest = "error"
    model: Annotated[ModelSpec, BeforeValidator(model_as_mapping)] = ModelSpec()
    network: dict[str, Any] = {}
    training: dict[str, Any] = {}
    ensemble: EnsembleSpec = EnsembleSpec()
    baselines: Literal["none", "simple", "full"] | None = None
    submission: SubmissionSpec = SubmissionSpec()
    search: dict[str, Any] = {}
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)] = 0
    _python: PythonFiles = PrivateAttr(default_factory=PythonFiles)

    @property
    def python(self) -> PythonFiles:
        """Text of the Python files that the pipeline refers to."""
        return self._python

    def with_python(self, files: PythonFiles) -> PipelineSpec:
        """Return the pipeline with the text of its Python files from elsewhere."""
        changed = self.model_copy()
        changed._python = files
        return changed

    @property
    def derived(self) -> dict[str, dict[str, Any]]:
        """Declarations of derived features by name."""
        return {name: feature for name, feature in self.features.items() if not is_reference(name, feature)}

    @property
    def python_features(self) -> str | None:
        """Reference to the function or class that adds columns to the table."""
        reference = self.features.get("python")
        return reference if isinstance(reference, str) else None

    @property
    def metric_name(self) -> str | None:
        """Name of the metric, which runs are found by; None for the default of the type of problem."""
        return self.metric.python if isinstance(self.metric, OwnMetric) else self.metric

    @property
    def compared_with(self) -> Literal["none", "simple", "full"]:
        """Baselines, chosen if the file does not."""
        return self.baselines or ("full" if self.model.is_network else "simple")

    @property
    def checked_settings(self) -> dict[str, Any]:
        """Hyperparameters of ``network`` and ``training`` without the user's Python.

        For other models they are without the early stopping of networks.
        """
        given = {**self.network, **self.training, **({} if self.model.is_network else {"early_stopping": None})}
        return {name: value for name, value in given.items() if not code_in(name, value)}

    @field_validator("features", "network", "training", "ensemble", "submission", "search", mode="before")
    @classmethod
    def _null_as_empty(cls, section: object) -> object:
        return {} if section is None else section


@cache
def hyperparameters() -> tuple[str, ...]:
    """Return the names of the hyperparameters that ``network`` and ``training`` may set.

    They are the arguments of the estimators' constructor, except those with keys of their own: ``ensemble.members``,
    ``problem`` and ``seed``. They are read from the source of `tabular_dl.estimators.hyperparameters`, because
    importing it would load scikit-learn.

    Returns
    -------
    tuple of str
        Names in the constructor's order.

    Examples
    --------
    >>> "dropout" in hyperparameters()
    True
    """
    tree = ast.parse((Path(__file__).parents[1] / "estimators" / "hyperparameters.py").read_text(encoding="utf-8"))
    constructor = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    names = (argument.arg for argument in constructor.args.kwonlyargs)
    return tuple(name for name in names if name not in ("members", "problem", "random_state", "verbose"))
