"""`tabular-dl list` shows the pipelines that can be fitted by name, and errors in the user's own files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tabular_dl.resources import bundled
from tabular_dl.workflows.show import list_all

OWN = """
name: wine
problem: multiclass
data: {source: somewhere, target: kind}
columns: [{columns: [a], scale: standard}]
ensemble: {folds: 7, members: 9}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pipelines").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pipelines"


def rows(width: int = 300) -> dict[str, list[str]]:
    """Return the cells of each row that is printed, by the pipeline's name."""
    printed = io.StringIO()
    list_all(Console(file=printed, width=width))
    lines = [line.strip("│").split("│") for line in printed.getvalue().splitlines() if line.startswith("│")]
    return {name: [cell.strip() for cell in cells] for name, *cells in ([c.strip() for c in line] for line in lines)}


BUNDLED = ["boston", "digits", "fashion_mnist", "imdb", "mnist", "titanic", "wine"]


def test_the_bundled_pipelines_are_listed_by_name_with_what_they_are() -> None:
    found = rows()
    assert list(found) == BUNDLED
    assert found["titanic"] == ["binary", "accuracy", "Survived", "titanic", "5 x 4", "bundled"]
    assert found["boston"] == ["regression", "rmse", "MEDV", "boston", "10 x 4", "bundled"]
    assert found["imdb"] == ["binary", "accuracy", "praises", "keras:imdb", "3 x 1", "bundled"]
    assert found["wine"][:3] == ["multiclass", "accuracy", "cultivar"]


def test_a_file_of_ones_own_wins_over_the_bundled_one(folder: Path) -> None:
    (folder / "wine.yaml").write_text(OWN)
    found = rows()
    assert list(found) == BUNDLED
    expected = ["multiclass", "the problem's own", "kind", "somewhere", "7 x 9", "pipelines/wine.yaml"]
    assert found["wine"] == expected


def test_a_broken_file_is_listed_with_its_error_beside_those_that_work(folder: Path) -> None:
    (folder / "mine.yaml").write_text(OWN.replace("ensemble", "ensembel"))
    found = rows()
    assert list(found) == sorted([*BUNDLED, "mine"])
    assert "pipelines/mine.yaml, line 6: ensembel: there is no such key. Did you mean 'ensemble'?" in found["mine"][0]


def test_square_brackets_in_a_file_are_shown_as_they_are(folder: Path) -> None:
    # Rich reads [bold] as a style, and fails on [/bold] where none is open.
    (folder / "a.yaml").write_text(OWN.replace("somewhere", "'data [bold] [/red]'"))
    (folder / "b.yaml").write_text(OWN.replace("7", "'[/red]'"))
    found = rows()
    assert found["a"][3] == "data [bold] [/red]"
    assert "found '[/red]'" in found["b"][0]


def test_the_command_prints_the_list_and_how_to_fit_one(cli: Any) -> None:
    outcome = cli("list")
    assert outcome.code == 0
    for path in bundled("pipelines").glob("*.yaml"):
        assert path.stem in outcome.out
    assert "tabular-dl fit NAME" in outcome.out
