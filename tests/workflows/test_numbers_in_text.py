"""A table whose numbers are text with units, from `init` to a checked submission, without an edit by hand."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.preprocessing import DerivedFeatures
from tabular_dl.spec import competition_of, load_spec
from tabular_dl.workflows.predictions import write_predictions

pytestmark = pytest.mark.slow

ROWS, TESTED = 160, 40
UNLABELED = [3, 60]  # rows of the training table


def used_cars() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return cars as a file has them, and the numbers that are meant; one cell of the power is none."""
    generator = np.random.default_rng(0)
    cars = ROWS + TESTED
    numbers = pd.DataFrame(
        {
            "mileage": generator.uniform(9, 30, cars).round(2),
            "engine": generator.integers(800, 3000, cars),
            "power": generator.uniform(40, 250, cars).round(1),
            "tank": generator.integers(20, 90, cars) * 1000.0,
            "discount": generator.uniform(0, 30, cars).round(1),
            "age": generator.integers(1, 16, cars),
            "balance": generator.integers(-9000, 9000, cars),
            "seen": generator.integers(2, 99, cars) * 1000,
            "trip": generator.integers(61, 900, cars),
            "roof": generator.integers(48, 84, cars),
        }
    )
    numbers["price"] = (
        100 * numbers["power"] - 500 * numbers["age"] + 0.1 * numbers["balance"] + generator.normal(0, 100, cars) + 9000
    ).round()
    units = np.where(generator.random(cars) < 0.2, "km/kg", "kmpl")
    as_text = {
        "mileage": [f"{value} {unit}" for value, unit in zip(numbers["mileage"], units, strict=True)],
        "engine": [f"{value:,} CC" for value in numbers["engine"]],
        "power": [f"{value} bhp" for value in numbers["power"]],
        "tank": [f"{ml / 1000:.0f} l" if ml % 3000 else f"{ml:.0f} ml" for ml in numbers["tank"]],
        "discount": [f"{value}%" for value in numbers["discount"]],
        "age": [f"{value} {'yr' if value == 1 else 'yrs'}" for value in numbers["age"]],
        "balance": [f"({-value:,})" if value < 0 else f"{value:,}" for value in numbers["balance"]],
        "seen": [f"{value // 1000}k" for value in numbers["seen"]],
        "trip": [f"{value // 60}h {value % 60}m" for value in numbers["trip"]],
        "roof": [f"{value // 12}'{value % 12}\"" for value in numbers["roof"]],
        "price": [f"${value:,.0f}" for value in numbers["price"]],
    }
    ids = [f"car {number:04d}" for number in range(cars)]
    table = pd.DataFrame({"car_id": ids, **as_text}, index=range(1, cars + 1))
    table.loc[5, "power"] = "null bhp"
    return table, numbers.set_axis(table.index).assign(unit=units)


@pytest.fixture
def cars(store: Any, workspace: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the tables of a competition into the folder cars: names as elsewhere, labels in a file of their own."""
    table, numbers = used_cars()
    folder = workspace / "cars"
    folder.mkdir()
    train, test = table.iloc[:ROWS], table.iloc[ROWS:]
    train.drop(columns="price").rename(columns={"age": " age "}).to_csv(folder / "train.csv", index=False)
    train.drop(index=UNLABELED)[["car_id", "price"]].to_csv(folder / "train_labels.csv", index=False)
    test.drop(columns="price").to_csv(folder / "test.csv", index=False)
    test[["car_id"]].assign(price="$0").to_csv(folder / "sampleSubmission.csv", index=False)
    test[["car_id", "price"]].to_csv(folder / "answers.csv", index=False)
    return table, numbers


def test_a_table_full_of_units_goes_from_init_to_a_submission(cli: Any, workspace: Path, cars: Any) -> None:
    table, numbers = cars
    drafted = cli("init", "cars", "--train", "cars/train.csv")
    assert drafted.code == 0, drafted
    assert "Note: train.csv: price (the target) is read as numbers in $." in drafted.out
    assert "2 of 160 rows have no value of price (the target), the first is row 3; they are left out" in drafted.out
    assert "Note: train.csv: the names of columns have blanks around them, which are left out: ' age '." in drafted.out
    unread = "train.csv, column power: 1 of 158 values are no numbers in bhp and become missing, the first in row 5"
    assert f"Note: {unread}: 'null bhp'." in drafted.out
    spec = load_spec("cars")
    data = spec.data
    assert (data.labels, data.sample, data.target_number) == ("train_labels.csv", "sampleSubmission.csv", "$")
    assert (data.id, data.target, spec.problem) == ("car_id", "price", "regression")
    assert re.search(r"numbers in kmpl and km/kg +│ mileage ", drafted.out), drafted.out
    text = (workspace / "pipelines" / "cars.yaml").read_text()
    assert re.search(r"power: numbers in bhp; 1 of 198 values .*, such as 'null bhp'\.", text)

    competition = competition_of(spec)
    expected = numbers.loc[competition.train.index]
    pd.testing.assert_series_equal(competition.train["price"], expected["price"].astype("int64"))
    assert competition.unlabeled is not None
    assert competition.unlabeled["car_id"].tolist() == table.loc[UNLABELED, "car_id"].tolist()
    features = DerivedFeatures(spec.derived).fit_transform(competition.train)
    names = {name.partition("_")[0]: name for name in spec.derived if not name.endswith("_unit")}
    assert {spec.derived[name]["number"] for column, name in names.items() if column not in ("mileage", "tank")} == {
        *("CC", "bhp", "%", "yrs", True, "min", "inch")
    }
    assert features["mileage_unit"].tolist() == expected["unit"].tolist()
    scales = {"tank": {"l": 1 / 1000, "ml": 1}[spec.derived[names["tank"]]["number"]]}
    expected = expected.assign(power=expected["power"].mask(expected.index == 5))
    for column, name in names.items():
        np.testing.assert_allclose(features[name], expected[column] * scales.get(column, 1), rtol=1e-12, err_msg=name)
    assert {*numbers} - {"price", "unit"} == {*names}

    checked = cli("check", "cars")
    assert checked.code == 0, checked
    assert unread in " ".join(checked.out.split())
    assert "error" not in checked.out
    fitted = cli("fit", "cars", "--model", "ridge", "--folds", "3", "--set", "baselines=none")
    assert fitted.code == 0, fitted
    (file,) = workspace.rglob("oof.csv")
    out_of_fold = pd.read_csv(file)
    assert out_of_fold["car_id"].tolist() == competition.train["car_id"].tolist()
    assert out_of_fold["price"].dtype == "float64"
    submitted = cli("submit", "cars")
    assert submitted.code == 0, submitted
    submission = pd.read_csv(workspace / "submission.csv")
    assert submission["car_id"].tolist() == table["car_id"].iloc[ROWS:].tolist()
    assert submission["price"].str.fullmatch(r"-?\$[0-9]+(\.[0-9]{2})?").all()
    predicted = submission["price"].str.replace("$", "", regex=False).astype(float)
    error = float(np.sqrt(np.mean((predicted.to_numpy() - numbers["price"].iloc[ROWS:].to_numpy()) ** 2)))
    assert error < 0.2 * numbers["price"].std()  # the noise alone is 0.02 of it
    score = re.search(r"Its rmse against answers.csv: ([0-9.]+)", submitted.out)
    assert score is not None, submitted.out
    assert float(score[1]) == pytest.approx(error, rel=0.01)

    rows = table.drop(columns="price").head(2).assign(engine=["1.2 l", "fast"])
    rows.to_csv("rows.csv", index=False)
    outcome = cli("predict", run_of(submitted.out), "rows.csv")
    assert outcome.code == 0, outcome
    assert "Note: rows.csv, column engine: 1 of 2 values are no numbers in CC and become missing" in outcome.out
    assert pd.read_csv("predictions.csv")["price"].notna().all()


def test_without_an_id_rows_keep_their_numbers_in_the_file(cli: Any, workspace: Path) -> None:
    pd.DataFrame({"x": range(8), "y": [1.5, None, 2, 3, None, 4, 5, 6]}).to_csv("train.csv", index=False)
    Path("own.yaml").write_text(
        "name: own\nproblem: regression\ndata: {source: ., target: y}\n"
        "columns: [{columns: [x], scale: standard}]\nensemble: {folds: 2}\n"
    )
    spec = load_spec("own.yaml")
    competition = competition_of(spec)
    model = SimpleNamespace(oof_predictions_=competition.train["y"].to_numpy(), test_rows_=[np.arange(6)])
    write_predictions(model, spec, competition, workspace)
    expected = pd.DataFrame({"row": [1, 3, 4, 6, 7, 8], "y": [1.5, 2, 3, 4, 5, 6]})
    pd.testing.assert_frame_equal(pd.read_csv("oof.csv"), expected)
    assert cli("folds", "own.yaml").code == 0
    assert pd.read_csv("folds.csv")["row"].tolist() == expected["row"].tolist()


def run_of(printed: str) -> str:
    """Return the name of the run that a submission says it is made from."""
    match = re.search(r"Run (\S+) \(", printed)
    assert match is not None, printed
    return match[1]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ("features={power: {from: power, number: 3}}", ["feature 'power', key 'number'", "found 3"]),
        ("features={tank: {from: tank, number: [l, ml]}}", ["one unit is enough for 'l' and 'ml'"]),
        ("data.target_number=3 kg", ["data.target_number", "expected a unit such as kg", "'3 kg'"]),
        ("data.labels=lables.csv", ["There is no file", "lables.csv", "Did you mean"]),
        ("data.id=null", ["data.labels", "labels are joined by id", "id: COLUMN"]),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_written(
    cli: Any, workspace: Path, cars: Any, change: str, parts: list[str]
) -> None:
    (workspace / "cars.yaml").write_text(
        "name: cars\nproblem: regression\n"
        "data: {source: cars, labels: train_labels.csv, target: price, target_number: $, id: car_id}\n"
        "features: {power: {from: power, number: bhp}}\n"
        "columns: [{columns: [power], impute: median, scale: standard}]\nrest: drop\n"
    )
    before = {*workspace.iterdir()}
    for command in ("fit", "check"):
        message = cli(command, "cars.yaml", "--set", change).refused()
        assert all(part in message for part in parts), message
    assert {*workspace.iterdir()} == before


def test_a_sample_of_another_unit_is_said_before_the_fit(cli: Any, workspace: Path, cars: Any) -> None:
    sample = workspace / "cars" / "sampleSubmission.csv"
    sample.write_text(sample.read_text().replace("$0", "€0"))
    assert cli("init", "cars", "--train", "cars/train.csv", "--quiet").code == 0
    printed = " ".join(cli("check", "cars").out.split())
    assert "sampleSubmission.csv has numbers such as €1, but price is read in $" in printed
