"""Figures of the trials: printed, as JSON, and as the table of a page."""

from __future__ import annotations

import json
import os
import platform
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.torture.trials import Outcome

__all__ = ["as_json", "print_figures", "write_figures"]

PLACE = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->)", re.DOTALL)


@dataclass(frozen=True)
class Figures:
    """Figures of all trials of one name."""

    name: str
    runs: str
    faults: str
    slowest: str
    notes: str


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in counts.most_common())


def _figures(outcomes: Sequence[Outcome]) -> list[Figures]:
    found = []
    for name in dict.fromkeys(outcome.name for outcome in outcomes):
        group = [outcome for outcome in outcomes if outcome.name == name]
        faults = Counter(fault.kind for outcome in group for fault in outcome.faults)
        notes: Counter[str] = sum((outcome.notes for outcome in group), Counter())
        made = [outcome for outcome in group if not outcome.skipped]
        reasons = dict.fromkeys(outcome.skipped for outcome in group if outcome.skipped)
        found.append(
            Figures(
                name,
                str(sum(outcome.runs for outcome in made)) if made else "skipped",
                _counted(faults) or ("0" if made else ""),
                f"{max(outcome.slowest for outcome in made):.1f} s" if made else "",
                "; ".join([*reasons, *([_counted(notes)] if notes else [])]),
            )
        )
    return found


def print_figures(outcomes: Sequence[Outcome], seed: int, console: Console) -> None:
    """Print a row for each kind of trial, and each fault with the command that makes it again."""
    table = Table("trial", "runs", "faults", "slowest command", "of these", title=f"seed {seed}")
    for figures in _figures(outcomes):
        table.add_row(figures.name, figures.runs, figures.faults, figures.slowest, figures.notes)
    console.print(table)
    for outcome in outcomes:
        name, _, calm = outcome.name.partition(", ")
        again = f"python -m tests.torture --seed {seed} --only {name} {'' if calm else f'--index {outcome.index}'}"
        for fault in outcome.faults:
            console.print(f"{fault.kind}: {fault.detail}\n    {again}", markup=False, highlight=False, soft_wrap=True)


def as_json(outcomes: Sequence[Outcome], seconds: float, seed: int) -> str:
    """Return the outcomes as JSON."""
    content = [{**vars(outcome), "faults": [vars(fault) for fault in outcome.faults]} for outcome in outcomes]
    return json.dumps({"seed": seed, "seconds": round(seconds), "outcomes": content}, indent=1)


def write_figures(page: Path, outcomes: Sequence[Outcome], seconds: float, seed: int) -> None:
    """Replace the table of figures in a page, which stands between two comments."""
    rows = [" | ".join(["", *vars(figures).values(), ""]).strip() for figures in _figures(outcomes)]
    runs = sum(outcome.runs for outcome in outcomes if not outcome.skipped)
    lines = [
        f"{runs:,} trials in {seconds / 60:.0f} minutes on {os.cpu_count()} CPU cores ({platform.machine()}), Python "
        f"{platform.python_version()}, seed {seed}:",
        "",
        "| trial | runs | faults | slowest command | of these |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]
    text = page.read_text(encoding="utf-8")
    page.write_text(PLACE.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text), encoding="utf-8")
