"""Limits of what is read from outside: one factor raises all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tabular_dl.cli.app import app
from tabular_dl.errors import SpecError, UserError
from tabular_dl.limits import VARIABLE, limit, raised_by
from tabular_dl.spec.yaml_io import read_yaml


def test_the_factor_of_the_environment_raises_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit(7) == 7
    monkeypatch.setenv(VARIABLE, "2.5")
    assert limit(7) == 18


@pytest.mark.parametrize("text", ["many", "0", "-3", "nan", "inf", "1e400"])
def test_a_factor_has_to_be_a_positive_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(UserError, match=rf"--limits.*{text}"):
        limit(7)


def test_the_factor_of_the_advice_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("name: x\n" + "# nothing\n" * 900_000)
    with pytest.raises(SpecError, match=r"more than 4,000,000 bytes.*--limits 3"):
        read_yaml(file)
    monkeypatch.setenv(VARIABLE, "3")
    assert read_yaml(file)[0] == {"name": "x"}
    assert raised_by(1, 10).endswith("--limits 2 COMMAND.")


def test_the_command_line_sets_it_before_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")  # restored afterwards
    assert CliRunner().invoke(app, ["--limits", "4", "list"]).exit_code == 0
    assert limit(2) == 8
    refused = CliRunner().invoke(app, ["--limits", "-1", "list"])
    assert isinstance(refused.exception, UserError)
