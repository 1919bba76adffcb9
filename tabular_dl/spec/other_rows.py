"""Rows without a target, which ``ensemble.pseudo_labels`` trains on: training rows that lack it, and test rows."""

from __future__ import annotations

import pandas as pd

from tabular_dl.competition import Competition
from tabular_dl.errors import DataError, SpecError
from tabular_dl.problems import Problem
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.used_columns import columns_used

__all__ = ["check_other_rows", "other_rows", "other_tables"]


def other_rows(spec: PipelineSpec, competition: Competition) -> pd.DataFrame | None:
    """Return the rows without a target.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    competition : Competition
        Tables.

    Returns
    -------
    DataFrame of shape (other rows, columns) or None
        Columns that predictions are made from; None if the pipeline trains on no such rows.

    Examples
    --------
    >>> from tabular_dl.competition.competition import load_competition
    >>> from tabular_dl.spec.reader import load_spec
    >>> wine = load_competition("wine", "cultivar", "Id")
    >>> other_rows(load_spec("wine", ["ensemble.pseudo_labels={}"]), wine).shape
    (36, 13)
    """
    if spec.ensemble.pseudo_labels is None:
        return None
    columns = columns_used(spec, competition.train, competition.test)
    tables = other_tables(competition)
    return pd.concat([table[columns] for table in tables]) if tables else None


def other_tables(competition: Competition) -> list[pd.DataFrame]:
    """Return the tables of rows without a target: training rows that lack it, and test rows."""
    return [table for table in (competition.unlabeled, competition.test) if table is not None]


def check_other_rows(spec: PipelineSpec, problem: Problem, competition: Competition) -> None:
    """Raise an error if ``ensemble.pseudo_labels`` cannot be followed.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    competition : Competition
        Tables.

    Raises
    ------
    DataError
        If there are no rows without a target.
    SpecError
        If there are several targets with classes.
    """
    if spec.ensemble.pseudo_labels is None:
        return
    if problem.classification and len(spec.data.targets) > 1:
        raise SpecError(
            f"pipeline {spec.name}: ensemble.pseudo_labels is for one target with classes, or for numbers; data.target "
            f"names {len(spec.data.targets)} with classes. Leave pseudo_labels out."
        )
    if not other_tables(competition):
        raise DataError(
            f"pipeline {spec.name}: ensemble.pseudo_labels needs rows without a target: there is no "
            f"{competition.test_file}, and each row of {competition.train_file.name} has one. Add a test table, or "
            "leave pseudo_labels out."
        )
