"""The command line: quick help, user errors without a traceback, no partial files, defects with a traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.cli.app import main
from tabular_dl.resources import bundled
from tabular_dl.spec.reader import load_spec
from tabular_dl.workflows import show

HEAVY = {"keras", "matplotlib", "mlflow", "numpy", "pandas", "sklearn", "skops", "tensorflow"}
OPTIONS = {
    "check": ["--data", "--set"],
    "fit": [
        *("--data", "--set", "--folds", "--members", "--epochs", "--seed", "--no-track", "--quiet", "-q"),
        *("--train", "--test", "--target", "--id", "--metric", "--preset", "--model", "--cluster"),
    ],
    "auto": ["--time", "--data", "--set", "--output", "-o", "--resume", "--quiet", "-q"],
    "folds": ["--data", "--set", "--output", "-o", "--quiet", "-q"],
    "import": ["--oof", "--test", "--folds", "--name", "--note", "--data", "--set", "--quiet", "-q"],
    "init": [
        *("--train", "--test", "--sample", "--labels", "--target", "--id", "--metric", "--preset", "--force"),
        *("--quiet", "-q"),
    ],
    "spec": ["--set"],
    "schema": [],
    "search": [
        *("--trials", "--rounds", "--epochs", "--timeout", "--seed", "--sampler", "--pick", "--no-holdout", "--space"),
        *("--data", "--set", "--output", "-o", "--resume", "--model", "--cluster", "--quiet", "-q"),
    ],
    "compare": ["--top", "--all", "--csv", "--json"],
    "recover": [],
    "ensemble": [
        *("--runs", "--top", "--method", "--meta", "--levels", "--passthrough", "--quiet", "-q", "--trust"),
    ],
    "promote": ["--as"],
    "report": ["--output", "-o", "--open"],
    "reproduce": ["--trust"],
    "serve": ["--port", "--host", "--workers", "--trust"],
    "predict": ["--output", "-o", "--quiet", "--trust"],
    "submit": [
        *(
            "--run",
            "--output",
            "-o",
            "--proba",
            "--top-k",
            "--send",
            "--message",
            "-m",
            "--timeout",
            "--quiet",
            "--trust",
        ),
    ],
    "data": [],
    "list": [],
    "problems": [],
    "ui": ["--port", "--open"],
}
TRAIN = pd.read_csv(bundled("data") / "titanic" / "train.csv").head(40)
TEST = pd.read_csv(bundled("data") / "titanic" / "test.csv").head(10)
TINY = ["--folds", 2, "--members", 1, "--epochs", 1, "--set", "network.hidden=[2]", "--no-track", "--quiet"]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that runs a command as the shell would, but in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tabular-dl", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Outcome(int(ended.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a store that does not exist and Kaggle's files in kaggle/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "kaggle").mkdir()
    TRAIN.to_csv("kaggle/train.csv", index=False)
    TEST.to_csv("kaggle/test.csv", index=False)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def refuses(cli: Any, folder: Path) -> Callable[..., str]:
    """Return a function that runs a command which must be refused, and returns the message."""

    def run(*arguments: object) -> str:
        before = contents(folder)
        outcome = cli(*arguments)
        assert outcome.code == 2, outcome
        assert outcome.err.startswith("Error: "), outcome.err
        assert "Traceback" not in outcome.out + outcome.err
        assert outcome.out == ""
        assert contents(folder) == before
        return outcome.err.removeprefix("Error: ").strip()

    return run


# Help


def test_version_is_that_of_the_package(cli: Any) -> None:
    assert cli("--version").out.strip() == f"tabular-dl {version('tabular-dl')}"


def test_help_lists_every_command_and_where_to_start(cli: Any) -> None:
    outcome = cli("--help")
    assert outcome.code == 0
    for command in OPTIONS:
        assert re.search(rf"│ {command} +[A-Z]", outcome.out), command
    assert "tabular-dl fit titanic" in outcome.out


@pytest.mark.parametrize("command", OPTIONS)
def test_the_help_of_a_command_explains_each_of_its_options(cli: Any, command: str) -> None:
    outcome = cli(command, "--help")
    assert outcome.code == 0
    for option in OPTIONS[command]:
        assert re.search(rf"(?<!\S){option}(?!\S)", outcome.out), option
    found = {option for line in outcome.out.splitlines() for option in re.findall(r"^│[ *]+(--[a-z-]+)", line)}
    assert found == {option for option in OPTIONS[command] if option.startswith("--")} | {"--help"}


def test_no_command_at_all_shows_the_help(cli: Any) -> None:
    assert "Usage: tabular-dl [OPTIONS] COMMAND" in cli().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submit"], "Missing argument 'NAME|FILE.yaml'"),
        (["fit", "wine", "--folds", "1"], "Invalid value for '--folds'"),
        (["fit", "wine", "--members", "0"], "Invalid value for '--members'"),
        (["fit", "wine", "--epochs", "many"], "Invalid value for '--epochs'"),
        (["fit", "wine", "--seed", "-1"], "Invalid value for '--seed'"),
        (["fit", "wine", "--fold", "3"], "No such option: --fold"),
        (["ui", "--port", "0"], "Invalid value for '--port'"),
        (["fti"], "No such command 'fti'"),
    ],
)
def test_a_mistake_in_an_option_is_told_with_code_2(cli: Any, folder: Path, arguments: list[str], message: str) -> None:
    before = contents(folder)
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert message in " ".join(outcome.err.replace("│", " ").split())
    assert "Traceback" not in outcome.err
    assert contents(folder) == before


@pytest.mark.slow
def test_help_version_list_and_mistakes_in_a_pipeline_load_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    text = (bundled("pipelines") / "titanic.yaml").read_text().replace("dropout", "droput")
    (tmp_path / "pipelines" / "mine.yaml").write_text(text)
    commands = [
        *([command, "--help"] for command in OPTIONS),
        ["--help"],
        ["--version"],
        ["list"],
        ["problems"],
        ["fit", "titanc"],
        ["fit", "mine"],
        ["fit", "titanic", "--set", "network.hiden=[3]"],
        ["submit", "titanc"],
    ]
    script = f"""
import sys
from tabular_dl.cli.app import main

for command in {commands!r}:
    sys.argv = ["tabular-dl", *command]
    try:
        main()
    except SystemExit as ended:
        print("code", ended.code or 0)
    print("loaded", command, sorted(set(sys.modules) & {HEAVY!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert re.findall(r"^code (\d)$", done.stdout, re.MULTILINE) == ["0"] * (len(commands) - 4) + ["2"] * 4, done.stderr
    loaded = re.findall(r"^loaded .*$", done.stdout, re.MULTILINE)
    assert loaded == [f"loaded {command} []" for command in commands]


# Defects


def test_libraries_are_loaded_without_a_full_garbage_collection(tmp_path: Path) -> None:
    script = (
        "import gc, sys\n"
        "from tabular_dl.cli.app import main\n"
        "sys.argv = ['tabular-dl', 'check', 'titanic']\n"
        "before = gc.get_stats()[2]['collections']\n"
        "ended = None\n"
        "try:\n    main()\nexcept SystemExit as end:\n    ended = end.code\n"
        "assert not ended and 'pandas' in sys.modules\n"
        "print(gc.get_stats()[2]['collections'] - before, gc.isenabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 True", done.stderr


def test_a_defect_of_the_package_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(show, "list_all", broken)
    monkeypatch.setattr(sys, "argv", ["tabular-dl", "list"])
    with pytest.raises(ZeroDivisionError, match="a defect"):
        main()


# Pipelines of one's own


def own_pipeline(folder: Path, **changes: str) -> Path:
    """Write pipelines/mine.yaml, the wine pipeline with some texts replaced."""
    text = (bundled("pipelines") / "wine.yaml").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "pipelines").mkdir(exist_ok=True)
    path = folder / "pipelines" / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.slow
def test_a_file_in_the_folder_pipelines_is_fitted_by_name_and_wins_over_the_bundled_one(cli: Any, folder: Path) -> None:
    own_pipeline(folder, standard="minmax").rename(folder / "pipelines" / "wine.yaml")
    assert cli("fit", "wine", *TINY).code == 0
    (kept,) = (folder / "outputs").iterdir()
    assert load_spec(kept / "spec.yaml").columns[0].scale == "minmax"


# Bad input: pipelines


def test_an_unknown_pipeline_is_refused_with_the_nearest_name(refuses: Any) -> None:
    message = refuses("fit", "titanc")
    assert message.startswith("There is no pipeline 'titanc'. Did you mean 'titanic'?")
    assert refuses("submit", "titanc") == message


def test_a_file_that_is_not_there_is_named(refuses: Any) -> None:
    assert refuses("fit", "nowhere/mine.yaml") == "There is no file nowhere/mine.yaml."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problem:": "probelm:"}, "mine.yaml, line 3: probelm: there is no such key. Did you mean 'problem'?"),
        ({"target:": "targte:"}, "mine.yaml, line 4: data.targte: there is no such key. Did you mean 'target'?"),
        ({"hidden": "hiden"}, "mine.yaml, line 24: network.hiden: there is no such key. Did you mean 'hidden'?"),
        ({"scale:": "scael:"}, "columns.0.scael: there is no such key. Did you mean 'scale'?"),
        ({"multiclass": "multiclas"}, "mine.yaml, line 3"),
        ({"accuracy": "acuracy"}, "There is no metric 'acuracy'. Did you mean 'accuracy'?"),
        ({"relu": "rellu"}, "activation: there is no 'rellu'. Did you mean 'relu'?"),
        ({"dropout: 0.3": "dropout: 3"}, "dropout"),
        ({"name: wine": "name: [wine"}, "mine.yaml, line"),
    ],
    ids=[
        "a key",
        "in data",
        "a hyperparameter",
        "in a rule",
        "a problem",
        "a metric",
        "activation",
        "value",
        "not YAML",
    ],
)
def test_a_mistake_in_a_pipeline_is_told_by_file_line_key_and_nearest_key(
    refuses: Any, folder: Path, changes: dict[str, str], message: str
) -> None:
    own_pipeline(folder, **changes)
    assert message in refuses("fit", "mine")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "network.droput=0.4",
            "--set network.droput=0.4: network.droput: there is no such key. Did you mean 'dropout'?",
        ),
        ("ensemble.fods=3", "--set ensemble.fods=3: ensemble.fods: there is no such key. Did you mean 'folds'?"),
        ("folds=3", "--set folds=3: folds: there is no such key."),
        ("ensemble.folds=few", "--set ensemble.folds=few: ensemble.folds: expected a whole number, found 'few'."),
        ("network.dropout", "--set network.dropout: expected key.path=value, like network.dropout=0.4."),
        ("network.dropout=[", "is not a YAML value"),
        ("seed.deep=1", "--set seed.deep=1"),
        ("columns.0={columns: [Age], encode: piecewise, bins: 1}", "columns.0.bins: expected 2 or more, found 1"),
        ("columns.0.bins=6", "columns.0: bins: belongs to encode: piecewise, found encode: none; leave bins out"),
        ("columns.7.scale=minmax", "--set columns.7.scale=minmax: there is no key '7' in columns"),
    ],
)
def test_a_setting_of_a_key_that_does_not_exist_is_refused(refuses: Any, setting: str, message: str) -> None:
    assert message in refuses("fit", "titanic", "--set", setting)


# Bad input: tables


def test_a_folder_that_is_not_there_or_a_file_in_its_place_is_named(refuses: Any, folder: Path) -> None:
    assert f"There is no folder {folder}/nowhere" in refuses("fit", "titanic", "--data", "nowhere")
    message = refuses("fit", "titanic", "--data", "kaggle/train.csv")
    assert "kaggle/train.csv is a file: name the folder that holds train.csv and test.csv." in message


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_a_missing_or_empty_table_is_named(refuses: Any, folder: Path, name: str) -> None:
    path = folder / "kaggle" / name
    header = path.read_text().splitlines()[0]
    path.write_text("")
    assert refuses("fit", "titanic", "--data", "kaggle") == f"{path} is empty: expected a header and rows."
    path.write_text(header + "\n")
    assert refuses("fit", "titanic", "--data", "kaggle") == f"{path} has a header and no rows."
    path.unlink()
    # A test table is optional, unless it is named.
    named = ["--set", f"data.{path.stem}={name}"]
    assert f"There is no file {path}." in refuses("fit", "titanic", "--data", "kaggle", *named)


def text_in_age(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(Age=table["Age"].astype(object).mask(table.index == 3, "old"))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("train", lambda t: t.drop(columns="Survived"), r"train\.csv: there is no column 'Survived' \(the target\)"),
        ("train", lambda t: t.rename(columns={"Survived": "survived"}), r"Did you mean 'survived'\?"),
        (
            "train",
            lambda t: t.assign(Survived=float("nan")),
            r"train\.csv, column Survived \(the target\): no row has a value",
        ),
        ("train", lambda t: t.assign(Survived=1), r"column Survived \(the target\): every row has the value 1"),
        ("train", lambda t: t.assign(Survived=t.index % 3), r"Survived.* has 3 different values.*needs two"),
        ("train", lambda t: t.drop(columns="Age"), r"train\.csv lacks columns that the rules name\. 'Age'"),
        ("test", lambda t: t.drop(columns="Age"), r"test\.csv lacks columns that the rules name\. 'Age'"),
        ("train", lambda t: t.drop(columns="Name"), r"train\.csv: feature 'Title' reads column 'Name'"),
        ("test", lambda t: t.drop(columns="Cabin"), r"test\.csv: feature 'Deck' reads column 'Cabin'"),
        ("train", text_in_age, r"train\.csv, column 'Age', row 4: .*'old'"),
        ("test", text_in_age, r"test\.csv, column 'Age', row 4: .*'old'"),
        (
            "test",
            lambda t: t.assign(PassengerId=5),
            r"test\.csv, column PassengerId \(the id\): '5' in row 2 .*\(9 such",
        ),
        (
            "train",
            lambda t: t.rename(columns={"PassengerId": "PassengerIds"}),
            r"train\.csv: there is no column 'PassengerId' \(the id\)",
        ),
        ("train", lambda t: t.assign(Age=t["Age"].mask(t.index == 2, np.inf)), r"column 'Age', row 3: .*inf"),
        ("test", lambda t: t.assign(Fare=-np.inf), r"test\.csv.*column 'Fare', row 1: .*-inf"),
        (
            "train",
            lambda t: t.sort_values("Survived").iloc[[0, 1, -1]],
            r"train\.csv has 3 rows, fewer than the 5 folds: set ensemble\.folds lower",
        ),
        ("train", lambda t: t.assign(Survived=[1] * 3 + [0] * 37), r"the class 1 has 3 rows, fewer than the 5 folds"),
        ("train", lambda t: t.assign(Remark=1), r"train\.csv: no rule names the column\(s\) Remark"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_file_column_row_and_value(
    refuses: Any, folder: Path, name: str, change: Any, message: str
) -> None:
    path = folder / "kaggle" / f"{name}.csv"
    change(TRAIN if name == "train" else TEST).to_csv(path, index=False)
    found = refuses("fit", "titanic", "--data", "kaggle")
    assert re.search(message, found), found


def test_a_target_of_text_is_no_number(refuses: Any, folder: Path) -> None:
    arguments = ["--set", "problem=regression", "--set", "metric=rmse"]
    TRAIN.assign(Survived=["much", *range(39)]).to_csv(folder / "kaggle" / "train.csv", index=False)
    message = refuses("fit", "titanic", "--data", "kaggle", *arguments)
    assert (
        "column Survived (the target), row 1: expected a finite number for problem: regression, found 'much'" in message
    )


def test_a_metric_that_cannot_score_the_problem_is_refused_with_those_that_can(refuses: Any) -> None:
    message = refuses("fit", "boston", "--set", "metric=accuracy")
    possible = "gini, mae, mape, ndcg, pinball, "
    assert f"metric: accuracy cannot score a regression problem. Metrics that can: {possible}" in message


# Bad input: runs


def test_a_run_that_does_not_exist_is_refused_without_making_a_store(refuses: Any) -> None:
    for arguments in (["submit", "titanic", "--run", "calm-owl-1"], ["predict", "calm-owl-1", "kaggle/test.csv"]):
        message = refuses(*arguments)
        assert re.match(r"There is no run 'calm-owl-1' in sqlite:///.*mlflow\.db\.", message)
    assert refuses("submit", "titanic").endswith("Fit one first: tabular-dl fit titanic")


def test_quotation_marks_in_a_run_are_refused(refuses: Any) -> None:
    assert "quotation marks" in refuses("predict", "it's", "kaggle/test.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--meta", "ridge"], "--meta ridge: --method greedy trains no meta models: write --method stack --meta ridge"),
        (["--levels", 2], "--levels 2: --method greedy trains no meta models"),
        (["--passthrough", "--method", "mean"], "--passthrough: --method mean trains no meta models"),
        (["--method", "stack", "--meta", "netwrok"], "--meta: there is no 'netwrok'. Did you mean 'network'?"),
        (["--method", "stack", "--levels", 3], "--levels: expected 1 or 2, found 3"),
    ],
)
def test_options_of_a_blend_that_do_not_belong_together_are_named(refuses: Any, options: Any, message: str) -> None:
    assert message in refuses("ensemble", "titanic", *options)
