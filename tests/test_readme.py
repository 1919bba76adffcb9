"""The README is correct: its commands run, its pipeline is valid, and its Python is executed as a doctest."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tabular_dl.cli import app
from tabular_dl.spec.reader import load_spec, read_space

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


# What makes a command of the README short.
FEW = ["--set", "ensemble.folds=2", "--set", "ensemble.members=1", "--set", "training.epochs=2"]
SHORT = {
    "fit": ["--folds", "2", "--members", "1", "--epochs", "2", "--set", "baselines=none"],
    "ensemble": ["--method", "mean"],
    "search": ["--trials", "2", "--rounds", "1", "--epochs", "2", *FEW],
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def command_lines() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
    return [shlex.split(line, comments=True) for line in lines]


def test_every_make_command_of_the_readme_is_a_target() -> None:
    targets = {words[1] for words in command_lines() if words[0] == "make"}
    targets |= set(re.findall(r"`make ([\w-]+)`", README))
    assert {"fit", "test", "test-fast"} <= targets
    for target in targets:
        result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = [words[1:] for words in command_lines() if words[0] == "tabular-dl"]
    assert {words[0] for words in commands} >= {"fit", "submit", "ui", "list"}
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "data" / "titanic", tmp_path / "kaggle-titanic")
    # Each fit as written, but short; the quick start's `make fit` comes first.
    for words in [["fit", "titanic"], *commands]:
        # One serves, one takes the time that it is given, one needs a notebook: tests/workflows has all three.
        if words[0] in ("ui", "auto", "import"):
            continue
        short = SHORT.get(words[0], [])
        monkeypatch.setattr(sys, "argv", ["tabular-dl", *words, *short])
        with pytest.raises(SystemExit) as stop:
            app.main()
        assert not stop.value.code, (words, capsys.readouterr().err)
    assert len((tmp_path / "my-submission.csv").read_text().splitlines()) == 1 + 418


def test_the_pipeline_of_the_readme_is_valid(tmp_path: Path) -> None:
    pipeline, network, space = blocks("yaml")
    file = tmp_path / "titanic.yaml"
    file.write_text(pipeline + space)
    spec = load_spec(file)
    (tmp_path / "realmlp.yaml").write_text(re.sub(r"(?m)^network: .*\n", network, pipeline))
    assert load_spec(tmp_path / "realmlp.yaml").network["preset"] == "realmlp"
    assert spec.ensemble.folds == 5
    assert "network.dropout" in read_space(spec, spec.search)


def test_the_figures_of_the_readme_name_every_bundled_pipeline() -> None:
    for path in (ROOT / "pipelines").glob("*.yaml"):
        assert f"| `{path.stem}` |" in README
