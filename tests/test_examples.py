"""The examples run, and show what they say."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import matplotlib.image
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
def test_the_quick_start_prints_a_score_with_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "quickstart.py"))
    said = re.match(r"accuracy (0\.\d+), standard error (0\.\d+) \(178 rows", capsys.readouterr().out)
    assert said is not None
    assert float(said[1]) > 0.93
    assert len((EXAMPLES / "quickstart.py").read_text().splitlines()) <= 25


@pytest.mark.slow
def test_the_gap_of_the_overfitting_example_closes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "overfitting.png"
    example = runpy.run_path(str(EXAMPLES / "overfitting.py"))
    # Three layers and fewer networks, so that it takes seconds: they learn the 300 rows by heart all the same.
    example["PLAIN"].update(hidden=[64] * 3, members=2)
    example["TRAININGS"]["ensemble of 10"].update(members=5)
    example["main"](str(figure), epochs=20)
    rows = re.findall(r"^([a-z 0-9]+?)  +(\d\.\d+) +(\d\.\d+) +(-?\d\.\d+)$", capsys.readouterr().out, re.MULTILINE)
    gaps = {name.strip(): float(gap) for name, _, _, gap in rows}
    assert len(gaps) == 6
    assert gaps["dropout"] < 0.5 * gaps["plain"]
    held_out = {name.strip(): float(score) for name, _, score, _ in rows}
    assert held_out["ensemble of 10"] > held_out["plain"]
    assert matplotlib.image.imread(figure).shape[:2] == (770, 1430)
