"""Competitions that look like real ones: tables of random rows, and what kind each of their columns is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

WORDS = ("red", "small", "house", "near", "the", "river", "with", "old", "garden", "view", "quiet", "street", "new")


@dataclass(frozen=True)
class MadeCompetition:
    """The tables of a competition, and what is to be found out about them."""

    train: pd.DataFrame
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    target: str
    id: str | None
    problem: str
    kinds: dict[str, str]
    answers: pd.DataFrame | None = None  # ids and targets of the test rows, which nobody is given

    def write(self, folder: Path) -> Path:
        """Write the tables as Kaggle does, without the answers; return the file of the training table."""
        folder.mkdir(parents=True, exist_ok=True)
        tables = {"train": self.train, "test": self.test, "sample_submission": self.sample}
        for name, table in tables.items():
            if table is not None:
                table.to_csv(folder / f"{name}.csv", index=False)
        return folder / "train.csv"


def _split(
    table: pd.DataFrame, tested: int, target: str, id_column: str, example: object
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    train, test = table.iloc[:-tested], table.iloc[-tested:].drop(columns=target)
    return train, test, test[[id_column]].assign(**{target: example})


def mixed_columns(rows: int = 260, seed: int = 0) -> MadeCompetition:
    """80 columns of every kind, a skewed price with a space in its name, ids that look like numbers."""
    generator = np.random.default_rng(seed)
    columns: dict[str, object] = {"Id": np.arange(1461, 1461 + rows)}
    kinds: dict[str, str] = {}

    def add(name: str, values: object, kind: str) -> None:
        columns[name], kinds[name] = values, kind

    def holes(values: object, share: float) -> pd.Series:
        return pd.Series(values).mask(generator.random(rows) < share)

    size = generator.normal(100, 25, rows).round(1)
    add("living area", size, "numeric")
    for number in range(27):
        add(f"measure_{number}", generator.normal(number, 1 + number, rows).round(3), "numeric")
    for number in range(6):
        add(f"gap_{number}", holes(generator.normal(size=rows).round(3), 0.1 * (number + 1)), "numeric")
    for number in range(4):
        add(f"amount_{number}", generator.lognormal(3, 1.5, rows).round(2), "numeric")
    for number in range(8):
        add(f"opinion_{number}", generator.integers(1, 6, rows), "low_cardinality")
    for number in range(9):
        add(f"choice_{number}", generator.choice(["a", "b", "c", "d"][: 3 + number % 2], rows), "low_cardinality")
    for number in range(4):
        add(f"place_{number}", [f"place {k}" for k in generator.integers(0, 60, rows)], "high_cardinality")
    add("pool", generator.choice(["yes", "no"], rows), "boolean")
    add("heated", generator.choice(["Y", "N"], rows), "boolean")
    add("paved", generator.choice([True, False], rows), "boolean")
    add("flag", generator.integers(0, 2, rows), "boolean")
    add("sold with", holes(generator.choice(["true", "false"], rows), 0.2), "boolean")
    days = pd.Timestamp("2015-03-01") + pd.to_timedelta(generator.integers(0, 1500, rows), unit="D")
    add("listed", days.strftime("%Y-%m-%d"), "date")
    add("renewed", holes(days.strftime("%d/%m/%Y"), 0.3), "date")
    add("remark", [" ".join(generator.choice(WORDS, generator.integers(3, 9))) for _ in range(rows)], "text")
    add("row", np.arange(rows), "id")
    add("account", generator.permutation(np.arange(10_000_000, 99_999_999, 80_000_000 // rows))[:rows], "id")
    add("uuid", [str(uuid.UUID(bytes=generator.bytes(16))) for _ in range(rows)], "id")
    for number in range(3):
        add(f"always_{number}", ["same", 1, 0.5][number], "constant")
    for number in range(3):
        add(f"never_{number}", None, "missing")
    add(
        "unit code",
        [f"{letter}{n}" for letter, n in zip(generator.choice(list("ABC"), rows), range(rows), strict=True)],
        "id",
    )
    price = np.exp(11 + size / 50 + generator.normal(0, 0.3, rows)).round()
    table = pd.DataFrame({**columns, "Sale Price": price})
    train, test, sample = _split(table, 60, "Sale Price", "Id", 100_000.0)
    return MadeCompetition(train, test, sample, "Sale Price", "Id", "regression", kinds)


def many_classes(classes: int = 300, a_class: int = 4, seed: int = 0) -> MadeCompetition:
    """A target of 300 classes in text, told by two of six numbers and by a site."""
    generator = np.random.default_rng(seed)
    label = np.tile(np.arange(classes), a_class)
    place = generator.permutation(len(label))
    table = pd.DataFrame(
        {
            "sample id": [f"S{number:06d}" for number in range(len(label))],
            "leaf": (label % 20 + generator.normal(0, 0.1, len(label)))[place].round(3),
            "stem": (label // 20 + generator.normal(0, 0.1, len(label)))[place].round(3),
            **{f"noise_{n}": generator.normal(size=len(label)).round(3) for n in range(4)},
            "site": [f"site {k}" for k in generator.integers(0, 40, len(label))],
            "species": [f"species {k}" for k in label[place]],
        }
    )
    test = table.sample(50, random_state=seed).drop(columns="species")
    test["sample id"] = [f"T{number:06d}" for number in range(50)]
    sample = test[["sample id"]].assign(species="species 0")
    kinds = dict.fromkeys(["leaf", "stem", *(f"noise_{n}" for n in range(4))], "numeric")
    return MadeCompetition(
        table, test, sample, "species", "sample id", "multiclass", {**kinds, "site": "high_cardinality"}
    )


def dates_and_text(rows: int = 240, seed: int = 0) -> MadeCompetition:
    """Tickets: will one be answered late? Times, dates in words, subjects and names, and a yes or no to predict."""
    generator = np.random.default_rng(seed)
    opened = pd.Timestamp("2023-01-01") + pd.to_timedelta(generator.integers(0, 600 * 24 * 60, rows), unit="min")
    subjects = [" ".join(generator.choice(WORDS, generator.integers(4, 12))) for _ in range(rows)]
    titles = generator.choice(["Mr", "Mrs", "Dr"], rows)
    late = (opened.day_of_week >= 5) | (generator.random(rows) < 0.2)
    table = pd.DataFrame(
        {
            "ticket_id": [f"{number:05d}" for number in generator.permutation(90_000)[:rows]],
            "opened": opened.strftime("%Y-%m-%d %H:%M:%S"),
            "born": (
                pd.Timestamp("1960-01-01") + pd.to_timedelta(generator.integers(0, 15_000, rows), unit="D")
            ).strftime("%b %d, %Y"),
            "subject": subjects,
            "customer": [f"{title}. Name{n} of Place{n % 37}" for n, title in enumerate(titles)],
            "channel": generator.choice(["mail", "phone", "chat", "shop"], rows),
            "late": np.where(late, "yes", "no"),
        }
    )
    train, test, sample = _split(table, 40, "late", "ticket_id", "no")
    kinds = {"opened": "date", "born": "date", "subject": "text", "customer": "text", "channel": "low_cardinality"}
    return MadeCompetition(train, test, sample, "late", "ticket_id", "binary", kinds)


def heavy_missing(rows: int = 240, seed: int = 0) -> MadeCompetition:
    """Most values missing, in numbers, categories and dates; no sample submission, and no id."""
    generator = np.random.default_rng(seed)
    risk = generator.choice(["low", "middle", "high"], rows, p=[0.6, 0.3, 0.1])
    level = pd.Series(risk).map({"low": 0.0, "middle": 1.0, "high": 2.0}).to_numpy()
    table = pd.DataFrame({f"lab_{n}": (level + generator.normal(0, 1 + n, rows)).round(2) for n in range(8)})
    table["grade"] = generator.choice(["A", "B", "C"], rows)
    table["ward"] = [f"W-{k}" for k in generator.integers(0, 50, rows)]
    table["seen"] = (pd.Timestamp("2022-05-01") + pd.to_timedelta(generator.integers(0, 300, rows), unit="D")).strftime(
        "%Y-%m-%d"
    )
    table = table.mask(generator.random(table.shape) < 0.65).assign(risk=risk)
    table.loc[table.index[:-40], "lab_7"] = np.nan
    kinds = {f"lab_{n}": "numeric" for n in range(7)} | {"lab_7": "missing"}
    kinds |= {"grade": "low_cardinality", "ward": "high_cardinality", "seen": "date"}
    train, test = table.iloc[:-40], table.iloc[-40:].drop(columns="risk")
    return MadeCompetition(train, test, None, "risk", None, "multiclass", kinds)


def store_sales(days: int = 600, seed: int = 0) -> MadeCompetition:
    """Sales by store and day, with a week, a month, a year and a trend; test rows are the next month.

    Only test rows have ids.
    """
    generator = np.random.default_rng(seed)
    dates = pd.date_range("2022-01-01", periods=days + 31)
    table = pd.DataFrame(
        [(date, store) for date in dates for store in ("Aba", "Bor", "Cel", "Dun", "Ewe")], columns=["date", "store"]
    )
    date, age = table["date"].dt, (table["date"] - dates[0]).dt.days
    table["promo"] = generator.integers(0, 2, len(table))
    table["price"] = generator.normal(5, 0.5, len(table)).round(2)
    sales = (
        table["store"].map({"Aba": 300, "Bor": 500, "Cel": 200, "Dun": 800, "Ewe": 400})
        * date.day_of_week.map(dict(enumerate([0.8, 0.7, 0.75, 0.9, 1.2, 1.5, 1.1])))
        * (1 + 0.2 * np.sin(2 * np.pi * date.day_of_year / 365))
        * (1 + 0.3 * np.exp(-((date.day - 1) ** 2) / 20))
        * (1 + 0.3 * age / 600)
        * (1 + 0.25 * table["promo"])
        * np.exp(generator.normal(0, 0.07, len(table)))
    )
    table["sales"] = sales.round().astype(int)
    table["date"] = table["date"].dt.strftime("%Y-%m-%d")
    train, test = table.iloc[: 5 * days], table.iloc[5 * days :].reset_index(drop=True)
    test.insert(0, "id", np.arange(len(test)))
    kinds = {"date": "date", "store": "low_cardinality", "promo": "boolean", "price": "numeric"}
    sample = test[["id"]].assign(sales=0)
    rows = test.drop(columns="sales")
    return MadeCompetition(train, rows, sample, "sales", "id", "regression", kinds, test[["id", "sales"]])


def bike_rentals(days: int = 365, seed: int = 0) -> MadeCompetition:
    """Rented bikes by hour; test rows are the days of each month from the 20th on, whose hours are their ids.

    Two columns that the test table lacks add up to the target.
    """
    generator = np.random.default_rng(seed)
    hours = pd.date_range("2011-01-01", periods=24 * days, freq="h")
    age, working = np.arange(len(hours)) / 24, np.asarray(hours.day_of_week < 5)
    season = 1 - np.cos(2 * np.pi * (hours.day_of_year.to_numpy() - 20) / 365)
    hour = hours.hour.to_numpy()
    temperature = (8 + 9 * season + 4 * np.sin((hour - 9) * np.pi / 12) + generator.normal(0, 2, len(hours))).round(2)
    commuting = np.exp(-((hour - 8) ** 2) / 4) + np.exp(-((hour - 18) ** 2) / 4)
    leisure = np.exp(-((hour - 14) ** 2) / 30)
    weather = generator.choice([1, 2, 3], len(hours), p=[0.65, 0.25, 0.1])
    level = (0.3 + temperature / 25).clip(0.1) * np.array([1, 0.85, 0.5])[weather - 1] * (1 + age / 400)
    registered = generator.poisson(level * (5 + np.where(working, 180 * commuting, 90 * leisure)))
    casual = generator.poisson(level * leisure * np.where(working, 20, 60))
    table = pd.DataFrame(
        {
            "datetime": hours.strftime("%Y-%m-%d %H:%M:%S"),
            "workingday": working.astype(int),
            "weather": weather,
            "temp": temperature,
            "humidity": generator.integers(30, 100, len(hours)),
            "casual": casual,
            "registered": registered,
            "count": casual + registered,
        }
    )
    tested = hours.day >= 20
    train, answers = table[~tested], table.loc[tested, ["datetime", "count"]].reset_index(drop=True)
    test = table[tested].drop(columns=["casual", "registered", "count"]).reset_index(drop=True)
    kinds = {"workingday": "boolean", "weather": "low_cardinality", "temp": "numeric", "humidity": "numeric"}
    sample = test[["datetime"]].assign(count=0)
    return MadeCompetition(train, test, sample, "count", "datetime", "regression", kinds, answers)


def search_engine(queries: int = 60, seed: int = 0) -> MadeCompetition:
    """Results of a search engine: relevance 0 to 4 of each page for a query, whose pages follow each other.

    Queries have from 1 to 12 pages, and of every ninth query none is relevant. How relevant a page is follows from two
    columns; a third differs between queries alone. Test rows are those of the last sixth of the queries.
    """
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 13, queries)
    query = np.repeat(np.arange(queries), sizes)
    rows = len(query)
    match, links = generator.normal(size=rows), generator.normal(size=rows)
    wanted = match + 0.5 * links + generator.normal(0, 0.5, rows)
    relevance = np.digitize(wanted, [-0.5, 0.4, 1.2, 2.0]) * (query % 9 != 8)
    table = pd.DataFrame(
        {
            "row": np.arange(5000, 5000 + rows),
            "query": 900_000 + 7 * query,
            "match": match.round(4),
            "links": links.round(4),
            "words": generator.integers(1, 7, queries)[query],
            "host": generator.choice(["news", "shop", "wiki"], rows),
            "relevance": relevance,
        }
    )
    tested = query >= queries - queries // 6
    train, answers = table[~tested], table.loc[tested, ["row", "relevance"]].reset_index(drop=True)
    test = table[tested].drop(columns="relevance").reset_index(drop=True)
    kinds = {"match": "numeric", "links": "numeric", "words": "low_cardinality", "host": "low_cardinality"}
    sample = test[["row"]].assign(relevance=0.5)
    return MadeCompetition(train, test, sample, "relevance", "row", "regression", kinds, answers)


OF_TIME: dict[str, Callable[[], MadeCompetition]] = {"store_sales": store_sales, "bike_rentals": bike_rentals}
COMPETITIONS: dict[str, Callable[[], MadeCompetition]] = {
    "mixed_columns": mixed_columns,
    "many_classes": many_classes,
    "dates_and_text": dates_and_text,
    "heavy_missing": heavy_missing,
}
