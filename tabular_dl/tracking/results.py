"""Results of a fit or a blend as a folder: files, model, and the record of the run for the store.

A folder is complete once it holds ``run.json``, which is written last. Any later process can log it, without the
libraries that trained the model.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

# First, because it sets MLflow's environment variables, which MLflow reads when it is imported.
from tabular_dl.tracking.store import quiet

# isort: split
import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

from tabular_dl.atomic_files import write_text
from tabular_dl.competition import is_loaded
from tabular_dl.model_selection import error_ratio
from tabular_dl.preprocessing import PythonMetric
from tabular_dl.tracking import compressed
from tabular_dl.tracking.environment import libraries_of
from tabular_dl.tracking.persistence import TRUSTED_TYPES
from tabular_dl.tracking.python_code import write_sources
from tabular_dl.tracking.record import MODEL, RECORD
from tabular_dl.tracking.runs import GREATER_IS_BETTER, METRIC_DIGEST

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from tabular_dl.problems import Metric

__all__ = ["RunContent", "Table", "fold_tags", "metric_tags", "save_model", "write_results"]

# Cells of a table above which MLflow is slow to infer the types of columns, and the number of values used instead.
MOST_CELLS, ROWS_FOR_TYPES = 100_000, 100
REQUIREMENTS = ("keras", "lazy-loader", "mlflow", "numpy", "pandas", "pydantic", "scikit-learn", "skops", "tensorflow")


@dataclass(frozen=True)
class Table:
    """Table that a run was computed from.

    Parameters
    ----------
    name : str
        Name, such as "titanic-train".
    context : str
        Use of the table, such as "training".
    frame : DataFrame of shape (rows, columns)
        Rows.
    source : str
        File or data set that the rows were read from.
    digest : str
        Hash of the content.
    target : str, optional
        Target column.
    """

    name: str
    context: str
    frame: pd.DataFrame
    source: str
    digest: str
    target: str | list[str] | None = None


@dataclass(frozen=True)
class RunContent:
    """Content of one run.

    Parameters
    ----------
    pipeline, kind : str
        Name of the pipeline and its experiment, and kind of run, such as "fit".
    parameters : dict
        Settings of the specification by dotted path.
    metrics : dict of str to float
        Final values.
    curves : dict of str to ndarray of shape (epochs,)
        Values by epoch, the first at step 1.
    folds : list of dict of str to float
        Metrics of each fold, for one child run each.
    tags : dict of str to str
        Tags, by which runs are searched.
    description : str
        Markdown text for the page of the run.
    tables : list of Table
        Tables that the run was computed from.
    model : estimator
        Fitted model.
    example : DataFrame of shape (rows, columns)
        Raw rows as input of the model.
    started : float
        Start of the run in seconds since 1970.
    name : str, optional
        Name of the run; by default MLflow draws one.
    """

    pipeline: str
    kind: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    curves: Mapping[str, np.ndarray]
    folds: Sequence[Mapping[str, float]]
    tags: Mapping[str, str]
    description: str
    tables: Sequence[Table]
    model: BaseEstimator
    example: pd.DataFrame
    started: float
    name: str | None = None


def write_results(content: RunContent, folder: Path) -> None:
    """Write the model and the record of a run into a folder that holds the run's files.

    Parameters
    ----------
    content : RunContent
        Content of the run.
    folder : Path
        Folder with the files of the run, among them the specification in spec.yaml.
    """
    save_model(content, folder)
    record: dict[str, Any] = {
        field.name: getattr(content, field.name)
        for field in fields(content)
        if field.name not in ("model", "example", "tables", "curves")
    }
    record["id"] = uuid.uuid4().hex
    record["parameters"] = {name: str(value) for name, value in content.parameters.items()}
    record["curves"] = {
        name: [float(value) if math.isfinite(value) else None for value in values]
        for name, values in content.curves.items()
    }
    with quiet():
        record["inputs"] = [_described(table) for table in content.tables]
    write_text(folder / RECORD, json.dumps(record, default=float))


def save_model(content: RunContent, folder: Path) -> None:
    """Write the model in MLflow's form into ``model`` in a folder that holds the run's files."""
    write_sources(content.model, folder)
    with quiet(), tempfile.TemporaryDirectory(dir=folder) as code:
        arguments = _model_arguments(content, folder, Path(code))
        try:
            compressed.save_model(content.model, folder / MODEL, **arguments)
        except MlflowException as error:
            # MLflow reports a full disk as a mistake of the caller.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def fold_tags(model: Any, scores: np.ndarray) -> dict[str, str]:
    """Return the tags that identify the folds of a run and hold its scores by fold, for paired comparisons.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.
    scores : ndarray of shape (folds,)
        Score of each fold.
    """
    digest = hashlib.sha256()
    ratio = error_ratio(model)
    for rows in model.test_rows_:
        digest.update(np.asarray(rows, np.int64).tobytes() + b"|")
    return {
        "tabular_dl.folds": digest.hexdigest()[:16],
        "tabular_dl.fold_scores": json.dumps([float(score) for score in scores]),
        **({} if ratio is None else {"tabular_dl.test_ratio": repr(ratio)}),
    }


def metric_tags(metric: Metric) -> dict[str, str]:
    """Return the tags that identify the metric of a run; for a function of the user also direction and text.

    Parameters
    ----------
    metric : Metric
        Metric of the run's scores.

    Returns
    -------
    dict of str to str
        Tags.
    """
    tags = {"tabular_dl.metric": metric.name}
    if isinstance(metric.function, PythonMetric):
        tags[GREATER_IS_BETTER] = str(metric.greater_is_better).lower()
        tags[METRIC_DIGEST] = metric.function.source.digest
    return tags


def _described(table: Table) -> dict[str, str]:
    """Return a table in MLflow's form: name, digest, source and columns, without the rows."""
    from mlflow.data.code_dataset_source import CodeDatasetSource

    # Keras's data sets are not files that MLflow could open.
    target = table.target if isinstance(table.target, str) else None  # MLflow takes a single target only
    source = CodeDatasetSource({"source": table.source}) if is_loaded(table.source) else table.source
    dataset = mlflow.data.from_pandas(
        table.frame, source=source, targets=target, name=table.name, digest=table.digest[:32]
    )
    if table.frame.size > MOST_CELLS:
        dataset.schema = _schema(table.frame)
    return {**dict(dataset._to_mlflow_entity()), "context": table.context}


def _schema(frame: pd.DataFrame) -> Schema | None:
    """Return the schema that MLflow would infer, faster: types from the first values, missing ones from all rows.

    MLflow reads every cell, in Python, which takes a minute for 60,000 images.
    """
    columns = []
    for name, column in frame.items():
        missing = column.isna().to_numpy()
        values = column[~missing] if 0 < missing.sum() < len(missing) else column
        inferred = mlflow.data.from_pandas(values.head(ROWS_FOR_TYPES).to_frame(), digest="unused").schema
        if inferred is None:
            return None
        columns.append(ColSpec(inferred.inputs[0].type, str(name), required=not missing.any()))
    return Schema(columns)


def _model_arguments(content: RunContent, folder: Path, code: Path) -> dict[str, Any]:
    """Return the arguments for storing a model: skops instead of pickle, raw rows as input, this package's code."""
    return {
        "serialization_format": "skops",
        "skops_trusted_types": TRUSTED_TYPES,
        "signature": _signature(content.model, content.example),
        "pip_requirements": [f"{name}=={version(name)}" for name in (*REQUIREMENTS, *libraries_of(content.model))],
        # With the code instead of a requirement, the model can be served without a registry that has this package.
        "code_paths": [str(copy_code(Path(__file__).parents[1], code))],
        "extra_files": [str(folder / name) for name in ("spec.yaml", "python") if (folder / name).exists()],
    }


def copy_code(package: Path, folder: Path) -> Path:
    """Copy the code of a package, without bundled tables and pipelines, and return the folder of the copy."""
    copy = folder / package.name
    if not copy.exists():
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("data", "pipelines", "__pycache__"))
    return copy


def _signature(model: BaseEstimator, example: pd.DataFrame) -> ModelSignature:
    """Return a signature in which every raw column is optional and of any type.

    With types, MLflow would reject whole numbers for double, missing values for long, and batches without a text
    column. The model can read all of these, and its errors name column, row and value.
    """
    columns = [ColSpec(AnyType(), str(name), required=False) for name in example.columns]
    kinds = {"i": DataType.long, "u": DataType.long, "f": DataType.double, "b": DataType.boolean}
    classes = getattr(model, "classes_", None)
    labels = classes[0] if isinstance(classes, list) else classes
    output = "f" if labels is None else labels.dtype.kind
    return ModelSignature(inputs=Schema(columns), outputs=Schema([ColSpec(kinds.get(output, DataType.string))]))
