"""Networks for the time that training may take: what an effort decides, and what stays the user's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.drafting import EFFORTS, check_effort, with_effort
from tabular_dl.drafting.network_defaults import choose_sizes
from tabular_dl.errors import SpecError
from tabular_dl.estimators import KerasClassifier, KerasRegressor
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec import PipelineSpec, about_seconds, load_spec, training_time
from tabular_dl.spec.reader import hyperparameters

TARGET = pd.Series(["a", "b", "c"] * 1_000, name="cultivar")
TABLE = pd.DataFrame({"x": np.arange(3_000.0)})


def drafted(effort: Any, *changes: str, given: tuple[str, ...] = ()) -> PipelineSpec:
    return with_effort(
        load_spec("wine", changes), get_problem("multiclass"), TABLE.assign(cultivar=TARGET), effort, given
    )


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("rows", [50, 700, 3_000, 30_000, 300_000])
def test_every_draft_is_valid(effort: Any, problem: str, rows: int) -> None:
    sizes = choose_sizes(rows, get_problem(problem), effort=effort)
    assert {*sizes.network, *sizes.training, *sizes.search} <= {*hyperparameters()}
    kind = KerasRegressor if problem == "regression" else KerasClassifier
    kind(**sizes.network, **sizes.training).check_parameters()


def test_a_greater_effort_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of one machine: the speed of a product depends on what else the machine does.
    monkeypatch.setattr(training_time, "_operations_a_second", lambda: 1e11)
    seconds = []
    for effort in EFFORTS:
        sizes = choose_sizes(3_000, get_problem("multiclass"), effort=effort)
        content = {**load_spec("wine").model_dump(), "network": sizes.network, "training": sizes.training}
        spec = PipelineSpec(**{**content, "ensemble": sizes.ensemble, "columns": [{"columns": ["x"]}], "features": {}})
        seconds.append(about_seconds(spec, get_problem("multiclass"), TABLE, TARGET))
    assert seconds == sorted(seconds)
    assert seconds[0] < seconds[2]


def test_what_is_not_a_matter_of_size_stays() -> None:
    spec = drafted("best", "network.loss=categorical_crossentropy", "training.noise=0.1", "network.hidden=[7]")
    assert spec.network == {"preset": "realmlp", "loss": "categorical_crossentropy"}
    assert spec.training["noise"] == 0.1
    assert spec.ensemble.folds == load_spec("wine").ensemble.folds


def test_what_was_set_stays_as_it_was_set() -> None:
    changes = ("network.dropout=0.4", "ensemble.members=3")
    spec = drafted("best", *changes, given=("network.dropout", "ensemble.members"))
    assert (spec.network["preset"], spec.network["dropout"], spec.ensemble.members) == ("realmlp", 0.4, 3)


def test_many_numbers_get_shorter_vectors() -> None:
    few, many = (choose_sizes(3_000, get_problem("binary"), numbers=count).network for count in (30, 300))
    assert (few["bins"], few["numeric_embedding_size"]) == (16, 8)
    assert (many["bins"], many["numeric_embedding_size"]) == (4, 2)
    wide = choose_sizes(3_000, get_problem("binary"), effort="good", numbers=60).network
    assert wide["frequencies"] == 8


def test_an_unknown_effort_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"--preset: there is no 'fats'\. Did you mean 'fast'"):
        check_effort("fats")
