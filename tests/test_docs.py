"""The pages in docs name tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tabular_dl.problems.metrics import METRICS
from tests.test_layers import FLOORS

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "course.md").read_text(encoding="utf-8"))


def test_the_course_names_many_tests() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED)))
def test_each_row_of_the_course_names_a_test_that_exists(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_each_file_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tabular_dl|tests|docs)/[\w/.]+?)`", text))
    assert len(named) >= 4
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_table_of_floors_has_every_package_on_its_floor() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|\s+(\d?)\s*\| ((?:`[\w.]+`(?:, )?)+) \|", text, re.MULTILINE)
    floors, floor = {}, ""
    for number, names in rows:
        floor = number or floor
        floors |= {name.removesuffix(".py"): int(floor) for name in re.findall(r"`([\w.]+)`", names)}
    lines = FLOORS.strip().splitlines()
    assert floors == {name: len(lines) - row for row, line in enumerate(lines) for name in line.split()}


def test_the_page_of_metrics_has_each_with_its_problems_and_its_direction() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (higher|lower) \|", text, re.MULTILINE)
    known = [(n, ", ".join(m.problems), "higher" if m.greater_is_better else "lower") for n, m in METRICS.items()]
    assert rows == known
