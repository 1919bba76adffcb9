"""What `init` drafts, `check` accepts: on tables of many kinds, it warns of nothing that the draft itself caused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabular_dl.checks.run import run_checks
from tabular_dl.drafting.draft import Draft, draft_pipeline
from tabular_dl.drafting.from_files import Tables, draft_from_files
from tabular_dl.profiling.target_and_id import find_roles
from tabular_dl.spec.reader import read_spec
from tests.competitions import COMPETITIONS, MadeCompetition, bike_rentals, store_sales

ROWS, TESTED = 240, 80


def split(table: pd.DataFrame, problem: str = "regression", target: str = "y", tested: int = TESTED) -> MadeCompetition:
    train, test = table.iloc[:-tested], table.iloc[-tested:].drop(columns=target)
    return MadeCompetition(train, test, None, target, None, problem, {})


def base(seed: int = 0) -> tuple[np.random.Generator, pd.DataFrame]:
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"size": random.normal(10, 2, ROWS + TESTED), "width": random.normal(size=ROWS + TESTED)})
    return random, table.assign(y=table["size"] + table["width"] + random.normal(0, 1, len(table)))


def persons() -> MadeCompetition:
    """Names, addresses and telephone numbers of persons, of whom one in 30 leaves."""
    random, table = base()
    first, last = (random.choice([f"{stem}{n}" for n in range(90)], len(table)) for stem in ("Ann", "Lee"))
    table["name"] = [f"{a} {b}" for a, b in zip(first, last, strict=True)]
    table["e-mail"] = [f"{a}.{b}@post{n}.org" for n, (a, b) in enumerate(zip(first, last, strict=True))]
    table["PhoneNumber"] = random.permutation(90_000)[: len(table)] + 555_000_000
    table["BodyMassIndex"] = random.normal(25, 4, len(table)).round(4)
    return split(table.assign(y=(random.random(len(table)) < 1 / 30).astype(int)), "binary")


def twins() -> MadeCompetition:
    """Each column twice, some under other words, and dates of one month."""
    random, table = base(1)
    table["side"] = random.choice(["left", "right", "both"], len(table))
    table["sold"] = pd.Series(
        pd.date_range("2024-03-01", periods=30, freq="D")[random.integers(0, 28, len(table))]
    ).astype(str)
    doubled = table.drop(columns="y").add_suffix(" again")
    doubled["side again"] = doubled["side again"].str[0]
    return split(pd.concat([table, doubled], axis=1))


def broken_cells() -> MadeCompetition:
    """An infinite cell, and columns without values in some test rows only."""
    random, table = base(2)
    table["ratio"] = random.normal(size=len(table))
    table.loc[[3, 301], "ratio"] = np.inf, -np.inf
    table["side"] = random.choice(["left", "right", "both"], len(table))
    table["paid"] = random.choice(["yes", "no"], len(table))
    table["place"] = random.choice([f"place {n}" for n in range(25)], len(table))
    table.loc[ROWS : ROWS + 2, ["side", "paid", "place"]] = None
    return split(table)


def other_categories() -> MadeCompetition:
    """Categories that only test rows have: some, or nearly all."""
    random, table = base(3)
    table["colour"] = random.choice(["red", "green", "blue"], len(table))
    table.loc[ROWS : ROWS + 11, "colour"] = "pink"
    table["batch"] = random.choice([f"batch {n}" for n in range(30)], len(table))
    table.loc[ROWS:, "batch"] = random.choice([f"lot {n}" for n in range(30)], TESTED)
    table["ticket"] = [f"no {n}" for n in random.integers(0, 300, len(table))]
    return split(table)


def patients() -> MadeCompetition:
    """Several visits of a patient; the test rows are of others."""
    random, table = base(4)
    table["patient"] = np.arange(len(table)) // 5
    sick = random.integers(0, 2, len(table))[table["patient"]]
    return split(table.assign(y=np.where(sick, "sick", "well")), "binary")


def months() -> MadeCompetition:
    """Amounts by year, month and branch; test rows are of the next months."""
    random, _ = base(5)
    months = pd.DataFrame({"year": 2021 + np.arange(40) // 12, "month": np.arange(40) % 12 + 1})
    table = months.loc[months.index.repeat(8)].reset_index(drop=True)
    table["branch"] = random.choice(["north", "south", "east"], len(table))
    table["price"] = random.normal(5, 1, len(table)).round(3)
    table["y"] = table["month"] - 2 * table["price"] + random.normal(0, 2, len(table))
    return split(table)


def codes() -> MadeCompetition:
    """Numbers with zeros in front, keys, a row number, whole numbers of few values, days as whole numbers."""
    random, table = base(6)
    table["zip"] = [f"{n:05d}" for n in random.integers(0, 40, len(table))]
    table["order_key"] = random.permutation(10**6)[: len(table)]
    table["row"] = np.arange(len(table))
    table["stars"] = random.integers(1, 6, len(table))
    days = pd.date_range("2020-01-01", periods=900)[random.integers(0, 900, len(table))]
    table["order_date"] = days.strftime("%Y%m%d").astype(int)
    return split(table.assign(y=random.choice(["a", "b", "c"], len(table))), "multiclass")


MADE: dict[str, Callable[[], MadeCompetition]] = {
    **COMPETITIONS,
    "store_sales": lambda: store_sales(200),
    "bike_rentals": lambda: bike_rentals(120),
    **{f.__name__: f for f in (persons, twins, broken_cells, other_categories, patients, months, codes)},
}


# Of rows that are in both tables, no draft can be the cause.
OF_TABLES = {"many_classes": ["overlap"]}


@pytest.mark.parametrize("name", MADE)
def test_the_draft_is_not_warned_of(name: str, tmp_path: Path) -> None:
    made = MADE[name]()
    draft, competition = draft_from_files("own", Tables(made.write(tmp_path)))
    assert draft.problem.name == made.problem
    findings = run_checks(competition, read_spec(draft.content, (), tmp_path / "own.yaml"), draft.problem)
    warnings = [finding for finding in findings if finding.level != "note"]
    assert [finding.code for finding in warnings] == OF_TABLES.get(name, []), warnings


def drafted(made: MadeCompetition) -> Draft:
    roles = find_roles(made.train, made.test, made.sample)
    return draft_pipeline("own", {"source": "here"}, roles, made.train, made.test, made.sample)


def test_what_is_drafted_for_tables_that_were_misread() -> None:
    draft = drafted(persons())
    assert draft.content["metric"] == "balanced_accuracy"
    assert draft.content["training"]["class_weight"] == "balanced"
    assert {"name_length", "BodyMassIndex"} <= {name for rule in draft.content["columns"] for name in rule["columns"]}
    assert "name" not in {name for rule in draft.content["columns"] for name in rule["columns"]}
    draft = drafted(twins())
    assert [*draft.content["features"]] == ["sold_weekday_sin", "sold_weekday_cos", "sold_day", "sold_elapsed"]
    assert sorted(name for names in draft.treatments.dropped.values() for name in names) == [
        f"{name} again" for name in ("side", "size", "sold", "width")
    ]
    assert "ratio_finite" in drafted(broken_cells()).content["features"]
    assert drafted(patients()).content["ensemble"]["group"] == "patient"
    assert drafted(months()).content["ensemble"]["time"] == "time_order"
