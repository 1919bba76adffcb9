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
    model_validator,
)
from pydantic_core import PydanticKnownError

from tabular_dl.errors import did_you_mean, listed
from tabular_dl.estimators import MODELS, NETWORK
from tabular_dl.preprocessing import ColumnRule, Rest
from tabular_dl.problems import get_metric, get_problem
from tabular_dl.spec.python_files import PythonFiles, is_reference
from tabular_dl.tables import name_problem

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
    kaggle: str | None = Field(default=None, description="Name of the competition on Kaggle.")
    train: str | None = Field(default=None, min_length=1, description="File in source with the training rows.")
    test: str | None = Field(default=None, min_length=1, description="File in source with the rows to predict.")
    sample: str | None = Field(default=None, min_length=1, description="File in source with the sample submission.")

    @property
    def targets(self) -> tuple[str, ...]:
        """Columns to predict."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    @property
    def target_names(self) -> str:
        """Names of the columns to predict, for messages."""
        return listed(self.targets)

    @field_validator("source", "train", "test", "sample")
    @classmethod
    def _file_name(cls, name: str | None) -> str | None:
        problem = None if name is None else name_problem(name)
        if problem:
            raise ValueError(f"{problem}: {name!r}.")
        return name

    @field_validator("id")
    @classmethod
    def _not_the_target(cls, name: str | None, info: ValidationInfo) -> str | None:
        target = info.data.get("target", [])
        if name is not None and name in ([target] if isinstance(target, str) else target):
            raise ValueError(f"{name!r} is the target. Name the column that identifies a row, or leave id out.")
        return name


class EnsembleSpec(_Frozen):
    """Number of networks, folds x members, and the grouping of rows in folds."""

    folds: Annotated[int, Field(ge=2, le=2**31 - 1, strict=True)] = 5
    members: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] = 4
    group: str | None = Field(
        default=None, min_length=1, description="Column that groups rows: rows with equal values share a fold."
    )


class SubmissionSpec(_Frozen):
    """Labels of a submission, where those of the sample submission do not say which class is which."""

    values: dict[bool | int | float | str, bool | int | float | str] | Literal["target"] | None = Field(
        default=None,
        description="What is written for each class, such as {0: No, 1: Yes}; target writes the classes as they are.",
    )
    top_k: Annotated[int, Field(ge=1, strict=True)] | None = Field(
        default=None, description="Number of labels in a cell, the most probable first, separated by blanks."
    )


def model_as_mapping(value: object) -> object:
    """Return the section ``model`` in its long form: a name alone is short for ``{name: ...}``.

    ``estimator`` is another word for ``name``, for a class; null is for networks.

    Examples
    --------
    >>> model_as_mapping("knn"), model_as_mapping({"estimator": "sklearn.svm:SVC"})
    ({'name': 'knn'}, {'name': 'sklearn.svm:SVC'})
    """
    if value is None:
        return {}
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and "estimator" in value:
        if "name" in value:
            raise ValueError("name and estimator say the same: keep one of the two.")
        return {"name" if key == "estimator" else key: item for key, item in value.items()}
    return value


def _checked_patience(value: object) -> object:
    if value not in ("auto", None) and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"expected auto, null or a number of rounds from 1 on, found {value!r}.")
    return value


class ModelSpec(_Frozen):
    """Model that is trained on each fold: the networks of this package, or a model of another library."""

    name: str = Field(
        default=NETWORK, description="network, a model such as lightgbm, or a class as package.module:Class."
    )
    parameters: dict[str, Any] = Field(default={}, description="Parameters of the model's class.")
    early_stopping: Annotated[
        Annotated[int, Field(ge=1, strict=True)] | Literal["auto"] | None, BeforeValidator(_checked_patience)
    ] = Field(
        default="auto",
        description="Boosting rounds without a smaller loss on held-out rows after which boosting stops.",
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if ":" not in name and name not in (NETWORK, *MODELS):
            hint = did_you_mean(name, (NETWORK, *MODELS))
            raise ValueError(f"there is no {name!r}. {hint} A class is named as package.module:Class.")
        return name

    @field_validator("parameters", mode="before")
    @classmethod
    def _null_as_empty(cls, section: object) -> object:
        return {} if section is None else section

    @model_validator(mode="after")
    def _of_networks(self) -> ModelSpec:
        if self.is_network and self.parameters:
            raise ValueError("parameters: those of networks are keys of network and training.")
        return self

    @property
    def is_network(self) -> bool:
        """Whether the networks of this package are trained."""
        return self.name == NETWORK


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
    metric : str or None
        Metric of the runs; None is the default metric of the type of problem.
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
        Number of folds and members, and optionally the column that groups rows.
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
    metric: Annotated[str, AfterValidator(lambda name: get_metric(name).name)] | None = None
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
    def compared_with(self) -> Literal["none", "simple", "full"]:
        """Baselines, chosen if the file does not."""
        return self.baselines or ("full" if self.model.is_network else "simple")

    @property
    def checked_settings(self) -> dict[str, Any]:
        """Hyperparameters of ``network`` and ``training``, without the early stopping of networks for other models."""
        return {**self.network, **self.training, **({} if self.model.is_network else {"early_stopping": None})}

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
