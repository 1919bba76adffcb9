"""`fit` and `check` give the same findings, and a fit reads, parses and checks its input once."""

from __future__ import annotations

import ast
import re
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from rich.console import Console

from tabular_dl.checks import Finding
from tabular_dl.errors import DataError
from tabular_dl.preprocessing import DerivedFeatures, expressions
from tabular_dl.resources import bundled
from tabular_dl.spec import PipelineSpec, load_spec, reader, validate
from tabular_dl.workflows.check import check, check_spec
from tabular_dl.workflows.fit import fit
from tests.checks.test_run import mended
from tests.workflows.conftest import TINY

pytestmark = pytest.mark.slow

QUIET = Console(quiet=True)
REPORT = 4  # tables a fold that the report computes features of, to say what predictions rest on

# Overrides of titanic that no fit is possible with, by what is wrong.
FAULTS = {
    "text where numbers are read, and a column without a rule": ["columns.0.columns=[Sex]"],
    "text beside numbers": ["columns.0.columns=[Age, Sex]"],
    "a column that is not there": ["columns.0.columns=[Age, Fair]"],
    "a column that is nearly there": ["columns.0.columns=[Agee]"],
    "a feature of a column that is not there": ["features.LogFare.eval=log1p(Fore)"],
    "a feature of text": ["features.LogFare.eval=log1p(Sex)"],
    "the id as a feature": ["columns.0.columns=[Age, PassengerId]"],
    "the target as a feature": ["columns.0.columns=[Age, Survived]"],
    "missing values": ["columns.0={columns: [Age], impute: none}"],
    "a target of labels that are to be numbers": ["data.target=Sex", "problem=regression", "metric=rmse"],
    "a target of three classes": ["data.target=Pclass"],
    "a group that is not there": ["ensemble.group=Tickett"],
    "a group of few values": ["ensemble.group=Sex", "ensemble.folds=5"],
    "a group with missing values": ["ensemble.group=Cabin"],
    "the target as a group": ["ensemble.group=Survived"],
    "a metric of numbers": ["metric=rmse"],
    "a threshold that no metric chooses": ["metric=roc_auc", "threshold=auto"],
    "a network that contradicts a rule": [
        "columns.3={columns: [Sex], encode: embedding}",
        "network.categorical_features=[0]",
    ],
    "several at once": [
        "columns.0.columns=[Age, Sex]",
        "metric=rmse",
        "ensemble.group=Survived",
        "features.Deck.from=Cabn",
    ],
}
# Only a change of the tables mends these.
OF_TABLES = {"a group with missing values"}


def errors_of(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(DataError) as refused:
        action()
    return str(refused.value)


def told(message: str) -> set[tuple[str, str]]:
    """Return message and fix of each error in what a fit refuses."""
    message = message.partition("\nAll findings: ")[0]
    parts = (part.partition("\n  fix: ") for part in message.split("\nerror  "))
    return {(text, fix) for text, _, fix in parts}


@pytest.mark.parametrize("fault", FAULTS)
def test_fit_refuses_what_check_finds_with_the_same_lines_that_mend_it(workspace: Path, fault: str) -> None:
    overrides = [*TINY, *FAULTS[fault]]
    found = errors_of(check("titanic", overrides, QUIET))
    message = refusal(lambda: fit("titanic", overrides, track=False, console=QUIET))
    assert told(message) == {(finding.message, finding.fix) for finding in found} != set()
    changes = [part for change in overrides for part in ("--set", change)]
    assert message.endswith(f"\nAll findings: {shlex.join(['tabular-dl', 'check', 'titanic', *changes])}")
    assert list(workspace.iterdir()) == []


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - OF_TABLES))
def test_the_lines_that_mend_do_so(workspace: Path, fault: str) -> None:
    spec = load_spec("titanic", [*TINY, *FAULTS[fault]])
    for finding in errors_of(check_spec(spec, QUIET)):
        if finding.fix:
            assert finding not in check_spec(applied(spec, finding.fix), QUIET), finding


def applied(spec: PipelineSpec, fix: str) -> PipelineSpec:
    """Do what a line says, as a user would, to rules or to features."""
    changed = mended(spec, fix)
    features = {name: dict(feature) for name, feature in changed.features.items()}
    gone = re.search(r"take (\w+(?:, \w+)*) out of (?:rule .* and of )?features", fix)
    for name in gone[1].split(", ") if gone else ():
        del features[name]
    written = re.search(r"in features write (\w+) for (\w+)", fix)
    if written:
        text = re.sub(rf"\b{written[2]}\b", written[1], yaml.safe_dump(features))
        features = yaml.safe_load(text)
    return changed.model_copy(update={"features": features})


@pytest.mark.parametrize("columns", ["[Age,Sex]", "[Sex]"])
def test_the_commands_print_the_same_errors(cli: Any, workspace: Path, columns: str) -> None:
    arguments = ["titanic", "--set", f"columns.0.columns={columns}"]
    found = errors_of(check("titanic", [arguments[2]], QUIET))
    checked, fitted = cli("check", *arguments), cli("fit", *arguments, "--no-track")
    assert checked.code == 2
    assert told(fitted.refused()) == {(finding.message, finding.fix) for finding in found}
    for finding in found:
        assert f"error  {finding.message}" in " ".join(checked.out.split("\n"))
        assert f"  fix: {finding.fix}\n" in checked.out
    assert fitted.out == ""
    assert list(workspace.iterdir()) == []


def test_a_search_refuses_the_same(cli: Any, workspace: Path) -> None:
    arguments = ["titanic", "--set", "columns.0.columns=[Sex]"]
    message = cli("search", *arguments).refused()
    assert told(message) <= told(cli("fit", *arguments).refused())
    assert "fix: rest: drop" in message
    assert list(workspace.iterdir()) == []


# What is done once


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[Any]:
    """Count what is read, parsed, validated and computed."""
    counted: Counter[Any] = Counter()

    def count(owner: Any, name: str, key: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        def counting(*arguments: Any, **options: Any) -> Any:
            counted[key(*arguments, **options)] += 1
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, counting)

    count(PipelineSpec, "model_validate", lambda *_: "specification")
    count(reader, "read_yaml", lambda path: ("pipeline file", Path(path).name))
    # What a fit writes is no table that it reads: the digest of its predictions is kept.
    count(Path, "open", lambda path, mode="r", *_, **__: ("file", mode, path.name, path.parent.name != "predictions"))
    count(ast, "parse", lambda source, *_, mode="exec", **__: ("expression", source) if mode == "eval" else "code")
    count(validate, "column_faults", lambda rules, rest, frame, where, *_, **__: ("rows", where))
    for name in ("fit", "fit_transform"):
        count(DerivedFeatures, name, lambda *_, **__: "features fitted")
    count(DerivedFeatures, "transform", lambda *_: "features computed")
    expressions._parse.cache_clear()
    return counted


def files_read(counts: Counter[Any]) -> dict[str, int]:
    """Return how often each table was read."""
    tables = ((key[2], number) for key, number in counts.items() if key[:2] == ("file", "rb") and key[3])
    return {name: number for name, number in tables if name.endswith(".csv")}


def expressions_parsed(counts: Counter[Any]) -> dict[str, int]:
    """Return how often each expression was parsed; numpy parses the headers of arrays in the same way."""
    return {key[1]: n for key, n in counts.items() if key[0] == "expression" and not key[1].startswith("{")}


def test_a_fit_reads_parses_and_checks_once(cli: Any, workspace: Path, tiny: list[str], counts: Counter[Any]) -> None:
    assert cli("fit", "titanic", *tiny, "--no-track").code == 0
    assert counts["specification"] == counts["pipeline file", "titanic.yaml"] == 1
    assert files_read(counts) == {"train.csv": 1, "test.csv": 1, "sample_submission.csv": 1}
    parsed = expressions_parsed(counts)  # libraries that are imported now parse others
    assert [parsed.get(text) for text in ("SibSp + Parch + 1", "log1p(Fare)")] == [1, 1]
    assert {key[1]: number for key, number in counts.items() if key[0] == "rows"} == {"train.csv": 1, "test.csv": 1}
    # Each fold learns its own; the checks learn from all training rows, which no fold sees.
    folds = 2
    assert counts["features fitted"] == folds + 1
    # Of the checks' test rows; of each fold's other rows, of all rows for the simple models, and of the test rows.
    # The rest is the report, which shuffles columns.
    assert counts["features computed"] <= 1 + folds * 3 + REPORT * folds


def test_a_fit_of_a_table_reads_each_file_once(
    cli: Any, workspace: Path, tiny: list[str], counts: Counter[Any]
) -> None:
    for name in ("train", "test", "sample_submission"):
        table = pd.read_csv(bundled("data") / "titanic" / f"{name}.csv")
        table.to_csv(workspace / f"{name}.csv", index=False)
    counts.clear()
    assert cli("fit", "--train", "train.csv", *tiny, "--no-track").code == 0
    assert files_read(counts) == {"train.csv": 1, "test.csv": 1, "sample_submission.csv": 1}
    assert counts["specification"] == 1


def test_a_table_that_an_override_names_is_read_although_the_draft_is_of_another(
    workspace: Path, cli: Any, tiny: list[str]
) -> None:
    table = pd.read_csv(bundled("data") / "titanic" / "train.csv")[["Survived", "Age", "Fare"]]
    table.to_csv(workspace / "train.csv", index=False)
    table.head(100).to_csv(workspace / "few.csv", index=False)
    outcome = cli("fit", "--train", "train.csv", "--target", "Survived", *tiny, "--set", "data.train=few.csv")
    assert "100 rows" in outcome.out, outcome


def test_folds_learn_features_of_their_own_rows_alone(workspace: Path) -> None:
    result = fit("titanic", TINY, track=False, console=QUIET)
    train = result.competition.train
    for rows, pipeline in zip(result.crossfit.train_rows_, result.crossfit.pipelines_, strict=True):
        sizes = train.iloc[rows]["Ticket"].value_counts()
        assert pipeline["features"].learned_["TicketGroup"]["counts"] == sizes.to_dict()
