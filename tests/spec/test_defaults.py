"""A pipeline with every default: it says all, and is the same pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.build import build_pipeline, metric_of
from tabular_dl.spec.defaults import NETWORK, fill_defaults
from tabular_dl.spec.reader import hyperparameters, load_spec, read_spec
from tabular_dl.spec.yaml_io import read_value, write_yaml

OWN = """
name: own
data: {source: wine, target: cultivar}
columns: [{columns: [hue], impute: {constant: 1}}, {columns: [ash], encode: embedding, rare: 3}]
training: {activation: tanh}
"""


@pytest.fixture(params=["titanic", "wine", "boston", "own"])
def spec(request: Any, tmp_path: Path) -> Any:
    (tmp_path / "own.yaml").write_text(OWN)
    return load_spec(tmp_path / "own.yaml" if request.param == "own" else request.param)


def parameters(spec: Any) -> dict[str, Any]:
    """Return all that the scikit-learn pipeline of a spec is made from, lists and tuples as one."""
    problem = get_problem("multiclass" if spec.problem == "auto" else spec.problem)
    pipeline = build_pipeline(spec, problem)
    named = {"metric": metric_of(spec, problem).name, "preprocessing": repr(pipeline[1])}
    return named | {
        key: list(v) if isinstance(v, tuple) else v for key, v in pipeline[-1].resolved().get_params().items()
    }


def test_what_is_printed_loads_back_to_the_same_pipeline(spec: Any) -> None:
    text = write_yaml(fill_defaults(spec))
    again = read_spec(read_value(text), (), Path("printed.yaml"))
    assert parameters(again) == parameters(spec)
    for section in ("name", "problem", "data", "features", "columns", "rest", "ensemble", "search", "seed"):
        assert getattr(again, section) == getattr(spec, section)
    assert write_yaml(fill_defaults(again)) == text


def test_every_key_is_there_and_every_hyperparameter_once(spec: Any) -> None:
    content = fill_defaults(spec)
    assert list(content) == list(type(spec).model_fields)
    assert sorted([*content["network"], *content["training"]]) == sorted(hyperparameters())


def test_bins_are_written_where_they_belong() -> None:
    rules = (
        "columns: [{columns: [hue]}, {columns: [ash], encode: piecewise}, {columns: [ash], encode: piecewise, bins: 4}]"
    )
    spec = read_spec(read_value(f"name: own\ndata: {{source: wine, target: cultivar}}\n{rules}"), (), Path("own.yaml"))
    bins = [(rule.get("bins"), rule.get("bin_strategy")) for rule in fill_defaults(spec)["columns"]]
    assert bins == [(None, None), (12, "quantile"), (4, "quantile")]


def test_what_the_user_wrote_stays_where_it_was_written() -> None:
    spec = read_spec(read_value(OWN), (), Path("own.yaml"))
    content = fill_defaults(spec)
    assert content["training"]["activation"] == "tanh"
    assert "activation" not in content["network"]
    assert content["columns"][0]["fill_value"] == 1
    assert content["metric"] is None  # problem: auto leaves it to the target


def test_the_names_of_the_network_section_are_hyperparameters() -> None:
    assert {*NETWORK} <= {*hyperparameters()}
