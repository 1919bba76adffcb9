"""A table of ranges, numbers without an end and durations as text: the draft reads them, and predicts hidden rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.drafting.models import with_model
from tabular_dl.preprocessing import DerivedFeatures
from tabular_dl.problems import get_problem
from tabular_dl.spec import build_pipeline, competition_of, load_spec

pytestmark = pytest.mark.slow

ROWS, HIDDEN = 150, 400


def trips() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the trips of travellers as a file has them, and the numbers that are meant."""
    generator = np.random.default_rng(0)
    count = ROWS + HIDDEN
    minutes = generator.integers(30, 400, count)
    years = generator.integers(0, 14, count)
    income = generator.integers(0, 26, count) * 1000
    age = generator.integers(18, 90, count)
    start = generator.integers(2015, 2021, count)
    goals = generator.integers(0, 4, (count, 2))
    numbers = pd.DataFrame(
        {
            "duration": minutes,
            "customer": np.where(years == 0, 0.5, years.clip(max=10)),
            "income": np.where(income < 25000, income + 499.5, 25000),
            "age": np.where(age < 66, (age - 16) // 10 * 10 + 20.5, 66),
        }
    )
    numbers["price"] = (
        minutes + 8 * numbers["customer"] + income / 150 + 2 * numbers["age"] + generator.normal(0, 10, count)
    )
    hours = [f"{m // 60}h{m % 60:02d}" if m % 3 else f"{m} min" if m % 60 else f"{m // 60}h" for m in minutes]
    table = pd.DataFrame(
        {
            "duration": hours,
            "customer": ["< 1 year" if y == 0 else "10+ years" if y >= 10 else f"{y} years" for y in years],
            "income": [f"${i:,}-{i + 999:,}" if i < 25000 else "> $25,000" for i in income],
            "age": [f"{(a - 16) // 10 * 10 + 16}-{(a - 16) // 10 * 10 + 25}" if a < 66 else "66+" for a in age],
            "season": [f"{s}-{s % 100 + 1}" for s in start],
            "score": [f"{home}-{guest}" for home, guest in goals],
            "price": numbers["price"].round(2),
        }
    )
    return table, numbers


def test_a_draft_reads_ranges_as_numbers_and_predicts_hidden_rows(cli: Any, store: Any, workspace: Path) -> None:
    table, numbers = trips()
    (workspace / "trips").mkdir()
    table[:ROWS].to_csv(workspace / "trips" / "train.csv", index=False)
    table[ROWS:].drop(columns="price").to_csv(workspace / "trips" / "test.csv", index=False)
    drafted = cli("init", "trips", "--train", "trips/train.csv", "--target", "price")
    assert drafted.code == 0, drafted
    text = " ".join((workspace / "pipelines" / "trips.yaml").read_text().replace("#", " ").split())
    assert "duration: numbers in min." in text
    assert (
        "customer: 11 different numbers in years ('< 1 year' as 0.5, '10+ years' as 10): categories, or amounts."
        in text
    )
    assert "'> $25,000' as 25000)" in text
    assert "'66+' as 66): categories, or amounts." in text

    spec = load_spec("trips")
    competition = competition_of(spec)
    features = DerivedFeatures(spec.derived).fit_transform(competition.train)
    for column in ("duration", "customer", "income", "age"):
        (name,) = [name for name, feature in spec.derived.items() if feature["from"] == column]
        np.testing.assert_allclose(features[name], numbers[column][:ROWS], rtol=1e-12, err_msg=column)
    assert not {"season", "score"} & {feature["from"] for feature in spec.derived.values()}

    model = build_pipeline(with_model(load_spec("trips", ["model=ridge"])), get_problem("regression"))
    model.fit(competition.train.drop(columns="price"), competition.train["price"])
    predicted = np.ravel(model.predict(table[ROWS:].drop(columns="price")))
    error = np.sqrt(np.mean((predicted - numbers["price"][ROWS:]) ** 2))
    assert (
        error < 0.15 * numbers["price"].std()
    )  # the noise alone is 0.08 of it; categories without an order leave 0.88
