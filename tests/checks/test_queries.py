"""A metric of queries without them is refused before a fit, with the line that names them."""

from __future__ import annotations

from typing import Any

import pytest

from tabular_dl.checks.run import find_errors
from tabular_dl.competition import Competition, load_competition
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.reader import PipelineSpec
from tests.competitions import search_engine

MADE = search_engine()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Competition:
    """Return the tables of a search engine, as they are read from files."""
    folder = tmp_path_factory.mktemp("pages")
    MADE.write(folder)
    return load_competition(str(folder), "relevance", "row")


def spec(ensemble: dict[str, Any], **changes: Any) -> PipelineSpec:
    data = {"source": "pages", "target": "relevance", "id": "row"}
    columns = [{"columns": ["match", "links"], "scale": "standard"}]
    content = {"name": "pages", "data": data, "metric": "ndcg:5", "columns": columns, "rest": "drop"}
    return PipelineSpec.model_validate({**content, "ensemble": ensemble, **changes})


@pytest.mark.parametrize(
    ("ensemble", "told", "fix"),
    [
        ({"folds": 3}, "each row. Write ensemble: {split: group, group", "{folds: 3, split: group, group: query}"),
        ({"split": "plain"}, "(split: plain does not keep queries whole)", "{split: group, group: query}"),
        ({"split": "time", "time": "row"}, "(split: time does not keep", "{split: group, group: query}"),
        ({"split": "column", "fold": "words"}, "COLUMN, group: COLUMN}.", "{split: column, fold: words, group: query}"),
    ],
)
def test_queries_are_named(ensemble: dict[str, Any], told: str, fix: str, tables: Competition) -> None:
    (error,) = find_errors(tables, spec(ensemble), get_problem("regression"))
    assert (error.code, error.fix) == ("queries", f"ensemble: {fix}")
    assert error.message.startswith(
        "pipeline pages: metric: ndcg:5 is the mean over queries, and the pipeline names no"
    )
    assert told in error.message


def test_the_folds_of_a_column_keep_queries_whole(tables: Competition) -> None:
    own = spec({"split": "column", "fold": "words", "group": "query"})
    assert find_errors(tables, own, get_problem("regression")) == ()
    (error,) = find_errors(
        tables, spec({"split": "column", "fold": "host", "group": "query"}), get_problem("regression")
    )
    assert "column host (ensemble.fold), row" in error.message
    assert "its group (query) is in several folds" in error.message


def test_rows_have_no_weights(tables: Competition) -> None:
    data = {"source": "pages", "target": "relevance", "id": "row", "weight": "words"}
    (error,) = find_errors(tables, spec({"split": "group", "group": "query"}, data=data), get_problem("regression"))
    assert (error.code, error.fix) == ("queries", "data: {source: pages, target: relevance, id: row}")
    assert "data.weight: metric: ndcg:5 is the mean over queries, in which rows have no weights" in error.message


@pytest.mark.parametrize(
    ("problem", "values", "told"),
    [
        ("regression", {0: -1}, "row 1: ndcg:5 is for numbers from 0 on, found -1. Correct it"),
        ("multiclass", {0: -1}, "row 1: ndcg:5 is for numbers from 0 on, found -1. Correct it"),
        ("multiclass", dict(enumerate(["bad", "poor", "fair", "good", "best"])), "texts such as"),
    ],
)
def test_relevance_is_a_number_from_0_on(problem: str, values: dict[int, Any], told: str, tables: Competition) -> None:
    relevance = MADE.train["relevance"].set_axis(tables.train.index).astype(object)
    relevance = relevance.map(lambda grade: values.get(grade, grade)).infer_objects()
    relevance.iloc[0] = values[0]
    changed = tables.__class__(**{**vars(tables), "train": tables.train.assign(relevance=relevance)})
    own = spec({"folds": 2, "split": "group", "group": "query"}, problem=problem)
    (error,) = find_errors(changed, own, get_problem(problem))
    assert error.code == "target"
    assert error.message.startswith("train.csv, column relevance (the target)")
    assert told in error.message
