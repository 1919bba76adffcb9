"""Changed tables and pipeline files through the command line: refused or read, and nothing half-written.

`python -m tests.torture` runs hundreds; these are the first of each kind.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tabular_dl.spec.json_schema import pipeline_schema
from tests.torture import command_line, specs, tables
from tests.torture.command_line import Outcome, trial
from tests.torture.mutation import Mutation

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def as_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A warning is printed, as by the command; no store but that of the folder."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        yield


def faults(outcomes: list[Outcome]) -> list[str]:
    """Return what must not be: tracebacks, other exit codes and files of commands that were refused."""
    return [
        f"{outcome.name}: {outcome.command}: {outcome.code} {outcome.left} {outcome.traceback}"
        for outcome in outcomes
        if outcome.traceback or outcome.left or outcome.code not in (0, 2)
    ]


@pytest.mark.parametrize("kind", command_line.KINDS)
def test_a_changed_file_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    outcomes = trial(kind, 0, 40, tmp_path)
    assert len(outcomes) == 40
    assert {outcome.code for outcome in outcomes} == {0, 2}
    assert not faults(outcomes)
    assert not list(tmp_path.iterdir())
    # A message can be read, whatever it repeats.
    assert max(len(line) for outcome in outcomes for line in outcome.printed.splitlines() if outcome.code) < 3000


@pytest.mark.parametrize("module", [tables, specs])
def test_a_mutation_is_made_again_by_its_seed_and_number(module: object) -> None:
    made = list(module.mutations(3, 12))  # type: ignore[attr-defined]
    assert [module.mutation(3, index) for index in reversed(range(12))] == made[::-1]  # type: ignore[attr-defined]
    assert len({mutation.content for mutation in made}) > 10
    assert made != list(module.mutations(4, 12))  # type: ignore[attr-defined]


def test_the_pipeline_that_is_changed_sets_every_key_that_there_is() -> None:
    schema, content = pipeline_schema(), specs.whole_content()
    assert set(content) == set(schema["properties"])
    for section, model in (("data", "DataSpec"), ("ensemble", "EnsembleSpec")):
        assert set(content[section]) == set(schema["$defs"][model]["properties"])
    # An estimator is another word for a name.
    assert {*content["model"], "estimator"} == set(schema["$defs"]["ModelSpec"]["properties"])
    hyperparameters = schema["properties"]["network"]["properties"]
    assert {*content["network"], *content["training"]} == set(hyperparameters)
    features = schema["properties"]["features"]["additionalProperties"]["properties"]
    assert {key for feature in content["features"].values() for key in feature} == set(features)
    keys = {key for rule in content["columns"] for key in rule}
    # Python files do not lie beside the pipeline: wrong references are in tests/workflows/test_user_python.py.
    assert keys | {"fill_value", "divisor", "transformer", "parameters"} == set(
        schema["$defs"]["ColumnRule"]["properties"]
    )


def test_every_leaf_gets_a_wrong_value_in_time() -> None:
    count = len(list(specs.leaves(specs.whole_content())))
    names = {specs.mutation(0, index).name.split(": ")[2].split(" is ")[0] for index in range(4 * count)}
    assert {".".join(map(str, key)) for key in specs.leaves(specs.whole_content())} <= names


@pytest.mark.parametrize("kind", command_line.KINDS)
def test_what_is_changed_is_valid_unchanged(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whole = (
        Mutation("whole", "train.csv", tables.whole_table().to_csv(index=False).encode())
        if kind == "tables"
        else Mutation("whole", specs.FILE, specs.written(specs.whole_content()))
    )
    command_line.lay(kind, whole)
    outcome = command_line.run("whole", ["check", "own.yaml"])
    assert (outcome.code, outcome.traceback, outcome.left) == (0, None, ()), outcome.printed


def test_tracebacks_and_what_is_left_behind_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        Path("half.csv").write_text("x")
        raise ZeroDivisionError("a defect")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line, "main", broken)
    outcome = command_line.run("broken", ["check"])
    assert (outcome.code, outcome.left) == (1, ("half.csv",))
    assert "ZeroDivisionError: a defect" in str(outcome.traceback)
    assert np.isfinite(outcome.seconds)
