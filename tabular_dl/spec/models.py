"""What a pipeline specification holds: its sections, each key with its type and default, frozen.

A new key is added here; `tabular_dl.spec.reader` reads and writes it, and `tabular_dl.spec.json_schema` tells editors
of it.
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
    ValidationInfo,
    field_validator,
)

from tabular_dl.preprocessing import ColumnRule, Rest
from tabular_dl.problems import get_metric, get_problem

__all__ = ["DataSpec", "EnsembleSpec", "PipelineSpec", "hyperparameters"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSpec(_Frozen):
    """Which tables, and which of their columns is the target."""

    source: str = Field(
        min_length=1, description="a bundled data set, a folder with train.csv and test.csv, or keras:NAME"
    )
    target: str = Field(min_length=1, description="the column to predict")
    id: str | None = Field(default=None, description="the column that identifies a row in a submission")
    kaggle: str | None = Field(default=None, description="the competition's name on Kaggle")
    train: str | None = Field(default=None, min_length=1, description="the file in source to learn from")
    test: str | None = Field(default=None, min_length=1, description="the file in source to predict")
    sample: str | None = Field(default=None, min_length=1, description="the sample submission in source")

    @field_validator("id")
    @classmethod
    def _not_the_target(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and name == info.data.get("target"):
            raise ValueError(f"{name!r} is the target. Name the column that identifies a row, or leave id out.")
        return name


class EnsembleSpec(_Frozen):
    """How many networks: folds x members."""

    folds: Annotated[int, Field(ge=2, strict=True)] = 5
    members: Annotated[int, Field(ge=1, strict=True)] = 4
    group: str | None = Field(
        default=None, min_length=1, description="the column whose equal values belong together: they share a fold"
    )


def _checked_problem(name: str) -> str:
    return name if name == "auto" else get_problem(name).name


def _checked_threshold(value: Any) -> float | str | None:
    if value is None or value == "auto":
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError(f"expected auto or a probability between 0 and 1, found {value!r}.")
    return float(value)


class PipelineSpec(_Frozen):
    """All that a run is made from.

    Attributes
    ----------
    name : str
        The pipeline's name, and the MLflow experiment's.
    problem : str
        A type of `tabular_dl.problems.problem_types`, or "auto" to tell it from the target.
    data : DataSpec
        Tables, target and id.
    metric : str or None
        What runs are scored by; None is the problem's own.
    threshold : float, "auto" or None
        Of two classes, the second is predicted where its probability is above this; "auto" is the value that suits the
        metric best on out-of-fold predictions, None one half.
    features : dict
        Derived columns (`tabular_dl.preprocessing.derived_features`).
    columns : tuple of ColumnRule
        How columns become numbers (`tabular_dl.preprocessing.column_transformer`).
    rest : {"error", "drop"}
        What becomes of columns that no rule and no feature names.
    network, training : dict
        Arguments of `KerasClassifier` or `KerasRegressor`, under their own names.
    ensemble : EnsembleSpec
        Folds and members, and the column, if any, whose equal values share a fold.
    search : dict
        Distributions at the leaves that a search tries (`tabular_dl.model_selection.search_space`).
    seed : int
        Fixes folds, held-out rows, initial weights, shuffling and dropout.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$")
    problem: Annotated[str, AfterValidator(_checked_problem)] = "auto"
    data: DataSpec
    metric: Annotated[str, AfterValidator(lambda name: get_metric(name).name)] | None = None
    threshold: Annotated[float | Literal["auto"] | None, BeforeValidator(_checked_threshold)] = None
    features: dict[str, dict[str, Any]] = {}
    columns: tuple[ColumnRule, ...] = Field(min_length=1)
    rest: Rest = "error"
    network: dict[str, Any] = {}
    training: dict[str, Any] = {}
    ensemble: EnsembleSpec = EnsembleSpec()
    search: dict[str, Any] = {}
    seed: Annotated[int, Field(ge=0, strict=True)] = 0

    @field_validator("features", "network", "training", "ensemble", "search", mode="before")
    @classmethod
    def _nothing_is_empty(cls, section: Any) -> Any:
        return {} if section is None else section


@cache
def hyperparameters() -> tuple[str, ...]:
    """Name the hyperparameters that ``network`` and ``training`` may set: the estimators' constructor arguments.

    They are read from the source of `tabular_dl.estimators.keras_estimators` rather than by importing it, which would
    load scikit-learn. Members and seed are left out: ``ensemble.members`` and ``seed`` set them.

    Examples
    --------
    >>> "dropout" in hyperparameters()
    True
    """
    tree = ast.parse((Path(__file__).parents[1] / "estimators" / "hyperparameters.py").read_text(encoding="utf-8"))
    constructor = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    names = (argument.arg for argument in constructor.args.kwonlyargs)
    return tuple(name for name in names if name not in ("members", "problem", "random_state", "verbose"))
