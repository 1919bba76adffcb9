"""Column ``data.weight`` of a pipeline: the weights of the training rows, validated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.utils.validation import has_fit_parameter

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.estimators import model_class, model_named
from tabular_dl.problems import Problem
from tabular_dl.spec.reader import PipelineSpec

if TYPE_CHECKING:
    import numpy as np

__all__ = ["check_weighted_model", "weights_of"]


def weights_of(spec: PipelineSpec, train: pd.DataFrame, where: str) -> np.ndarray | None:
    """Return the weight of each training row, by the column ``data.weight``.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Raw training rows.
    where : str
        Name of the table in messages.

    Returns
    -------
    ndarray of shape (rows,) or None
        Weights from 0 on; None if the pipeline names no column, or all weights are 1.

    Raises
    ------
    DataError
        If the column does not exist, a value is no number from 0 on, or all are 0.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> wine = load_spec("wine", ["data.weight=w"])
    >>> weights_of(wine, pd.DataFrame({"w": [1, -2]}, index=[1, 2]), "train.csv")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: train.csv, column w (data.weight), row 2: expected a number from 0 on, found -2.
    Correct it, or leave data.weight out.
    """
    name = spec.data.weight
    if name is None:
        return None
    if name not in train:
        hint = did_you_mean(name, [str(column) for column in train if column not in (*spec.data.targets, spec.data.id)])
        raise DataError(f"{where}: there is no column {name!r}, which data.weight names. {hint}")
    column: pd.Series[Any] = train[name]
    subject = f"{where}, column {name} (data.weight)"
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = column[~numbers.between(0, float("inf"), inclusive="left")]
    if len(wrong):
        others = f" ({len(wrong):,} such rows)" if len(wrong) > 1 else ""
        value = "a missing value" if wrong.isna().iloc[0] else repr(wrong.tolist()[0])
        raise DataError(
            f"{subject}, row {wrong.index[0]}: expected a number from 0 on, found {value}{others}. Correct it, or "
            "leave data.weight out."
        )
    if not numbers.any():
        raise DataError(f"{subject}: all {len(numbers):,} weights are 0. Correct them, or leave data.weight out.")
    # Weights that are all 1 have the same result as none, bit for bit.
    return None if numbers.eq(1).all() else numbers.to_numpy()


def check_weighted_model(spec: PipelineSpec, problem: Problem) -> None:
    """Raise an error if rows have weights, as soft labels of classes do, and the model does not accept them.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.

    Raises
    ------
    SpecError
        If the model takes no weights of rows.
    """
    soft = spec.ensemble.pseudo_labels is not None and problem.classification
    weighted = soft or spec.data.weight is not None
    if not weighted or spec.model.is_network or model_named(spec.model.name).library != "scikit-learn":
        return
    key = "data.weight" if spec.data.weight is not None else "ensemble.pseudo_labels"
    model_type = model_class(spec.model.name, classification=problem.classification)
    if not has_fit_parameter(model_type, "sample_weight"):
        raise SpecError(
            f"pipeline {spec.name}: {key}: {model_type.__name__} takes no weights of rows. Leave {key} out, or take "
            "another model."
        )
