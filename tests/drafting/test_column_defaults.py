"""Default rules and features for each kind of column."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.drafting.column_defaults import Treatments, treat
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.profiling.column_kinds import column_kinds

RANDOM = np.random.default_rng(0)


def treated(classes: int | None = None, **columns: Any) -> Treatments:
    rows = pd.DataFrame(columns)
    return treat(column_kinds(rows), rows, classes)


def beside(train: Any, test: Any, classes: int | None = 2) -> Treatments:
    """Return the treatment of a column ``a`` of training and test rows, beside a number."""
    rows, others = (pd.DataFrame({"a": values}).assign(b=RANDOM.normal(size=len(values))) for values in (train, test))
    return treat(column_kinds(rows, others), rows, classes, others)


def rules(plan: Treatments, column: str) -> list[dict[str, Any]]:
    """Return the rules of a column, without the columns that share them."""
    return [{k: v for k, v in rule.items() if k != "columns"} for rule in plan.rules if column in rule["columns"]]


def test_numbers_are_imputed_flagged_and_scaled_by_their_tails() -> None:
    plain, heavy = RANDOM.normal(size=300), RANDOM.lognormal(0, 2, 300)
    plan = treated(a=plain, b=heavy, c=pd.Series(plain).mask(RANDOM.random(300) < 0.1), d=[None, *plain[1:]])
    assert rules(plan, "a") == rules(plan, "d") == [{"impute": "median", "scale": "standard"}]
    assert rules(plan, "b") == [{"impute": "median", "scale": "quantile"}]
    assert rules(plan, "c") == [{"impute": "median", "missing_flag": True, "scale": "standard"}]


def test_ranks_are_not_for_a_column_with_many_zeros() -> None:
    amounts = np.where(RANDOM.random(300) < 0.3, 0.0, RANDOM.lognormal(0, 2, 300))
    assert rules(treated(a=amounts), "a") == [{"impute": "median", "clip": 0.01, "scale": "standard"}]


def test_yes_and_no_are_one_column_unless_missing_is_a_third() -> None:
    plan = treated(a=["yes", "no"] * 20, b=["yes", None] * 10 + ["no"] * 20)
    assert rules(plan, "a") == [{"encode": "label"}]
    assert rules(plan, "b") == [{"encode": "onehot"}]


def test_rare_categories_are_joined_where_there_are_rows_enough_to_tell() -> None:
    plan = treated(a=["x", "y"] * 97 + ["z"] * 6, b=["x", "y"] * 90 + ["z"] * 20)
    assert rules(plan, "a") == [{"encode": "onehot", "rare": 10}]
    assert rules(plan, "b") == [{"encode": "onehot"}]
    few = treated(a=["x", "y"] * 12 + ["z"] * 6)
    assert rules(few, "a") == [{"encode": "onehot"}]


def test_whole_numbers_of_few_values_are_categories_and_numbers() -> None:
    plan = treated(a=[1, 2, 3, 4] * 20)
    assert rules(plan, "a") == [{"impute": "median", "scale": "standard"}, {"encode": "onehot"}]


def test_many_categories_go_by_target_and_frequency_or_are_embedded() -> None:
    places = [f"place {number}" for number in RANDOM.integers(0, 40, 300)]
    by_target = [{"encode": "target", "scale": "standard"}, {"encode": "frequency", "scale": "standard"}]
    assert rules(treated(a=places), "a") == rules(treated(10, a=places), "a") == by_target
    assert rules(treated(11, a=places), "a") == [{"encode": "embedding", "rare": 10}]
    assert rules(treated(2, a=places * 70), "a") == [{"encode": "embedding", "rare": 10}]


def test_categories_that_test_rows_do_not_share() -> None:
    places = [f"place {number}" for number in RANDOM.integers(0, 30, 300)]
    same, other = places[:90], [f"other {number}" for number in range(90)]
    by_target = [{"encode": "target", "scale": "standard"}, {"encode": "frequency", "scale": "standard"}]
    assert rules(beside(places, same), "a") == by_target
    assert beside(places, other).dropped == {"most test rows have categories that no training row has": ["a"]}
    sides = ["x", "y", "z"] * 100
    assert rules(beside(sides, ["x", "y"] * 40), "a") == [{"encode": "onehot"}]
    assert rules(beside(sides, ["x", "y", "w"] * 40), "a") == [{"encode": "onehot", "rare": 10}]
    assert beside(sides, ["u", "w"] * 40).dropped == {"most test rows have categories that no training row has": ["a"]}
    assert rules(beside([1, 2, 3] * 100, [7, 8, 8] * 30), "a") == [{"impute": "median", "scale": "standard"}]


def test_categories_that_are_missing_in_test_rows_only_are_filled() -> None:
    assert rules(beside(["x", "y", "z"] * 100, ["x", None] * 40), "a") == [
        {"impute": "most_frequent", "encode": "onehot"}
    ]
    assert rules(beside(["x", None, "z"] * 100, ["x", None] * 40), "a") == [{"encode": "onehot"}]
    assert rules(beside(["yes", "no"] * 50, ["no", None] * 20), "a") == [{"impute": "most_frequent", "encode": "label"}]


def test_names_of_persons_are_text_and_codes_of_rows_are_left_out() -> None:
    names = [f"Ann{number} Lee{number % 97}" for number in range(300)]
    plan = treated(name=names, a=RANDOM.normal(size=300))
    assert {feature["text"] for feature in plan.features.values() if "text" in feature} == {"length"}  # two words each
    assert rules(plan, "name") == []
    # Numbers that the test table writes as text are categories, of which each row has its own.
    mixed = beside(np.arange(300) * 7919.5, ["?", *map(str, range(80))])
    assert mixed.dropped == {"nearly all values are different": ["a"]}


def test_the_letters_of_codes_are_categories() -> None:
    letters = RANDOM.choice(["A", "B", "PC"], 300)
    plan = treated(cabin=[f"{letter}{number}" for number, letter in enumerate(letters)])
    (name,) = plan.features
    feature = plan.features[name]
    assert (name, feature["from"], feature["rare"]) == ("cabin_letters", "cabin", 10)
    assert [re.search(feature["extract"], text)[1] for text in ("C85", "PC 17599", "A/5 21")] == ["C", "PC", "A"]
    assert re.search(feature["extract"], "347082") is None
    assert rules(plan, name) == [{"encode": "onehot"}]
    assert plan.dropped == {}


def test_ids_constants_and_empty_columns_are_left_out_with_the_reason() -> None:
    plan = treated(row=range(30), same=["x"] * 30, none=[None] * 30, a=RANDOM.normal(size=30))
    assert [rule["columns"] for rule in plan.rules] == [["a"]]
    assert plan.dropped == {
        "its 30 whole numbers are all different, and its name is that of an id": ["row"],
        "every training row has 'x'": ["same"],
        "no value in any training row": ["none"],
    }


def test_a_column_that_cannot_be_read_as_what_it_is_is_left_out() -> None:
    days = list(pd.date_range("2021-01-20", periods=60).strftime("%Y-%m-%d"))
    plan = treated(day=[*days[:-1], "soon"], a=[1e39, *RANDOM.normal(size=59)])
    assert plan.features == {}
    assert plan.rules == []
    assert list(plan.dropped.values()) == [["day"], ["a"]]
    assert "'soon' in row 59" in next(iter(plan.dropped))


def test_infinite_numbers_become_missing_and_cost_no_column() -> None:
    plan = treated(a=[np.inf, -np.inf, *RANDOM.normal(size=58)], b=[1, 2, np.inf] * 20)
    assert plan.features == {f"{name}_finite": {"from": name, "map": {"inf": None, "-inf": None}} for name in "ab"}
    assert rules(plan, "a_finite") == [{"impute": "median", "missing_flag": True, "scale": "standard"}]
    assert rules(plan, "b_finite") == rules(plan, "a_finite")
    assert plan.feature_reasons["a_finite"] == "a: numbers; row 0 is infinite."
    values = DerivedFeatures(plan.features).fit_transform(pd.DataFrame({"a": [np.inf, 2.5], "b": [1, -np.inf]}))
    assert values["a_finite"].isna().tolist() == [True, False]
    assert values["b_finite"].isna().tolist() == [False, True]


def test_dates_become_parts_with_the_hour_where_there_is_one() -> None:
    days = pd.date_range("2021-01-20", periods=60, freq="37h")
    others = pd.Series(RANDOM.permutation(days))
    plan = treated(day=days.strftime("%Y-%m-%d"), time=others.dt.strftime("%Y-%m-%d %H:%M"))
    parts = {name: (feature["date"], feature.get("cyclic")) for name, feature in plan.features.items()}
    circles = {"day": ("month", "weekday"), "time": ("month", "weekday", "hour")}
    expected = {f"{name}_{part}": (part, None) for name in circles for part in ("day", "elapsed")}
    expected |= {
        f"{name}_{part}_{f}": (part, f)
        for name, used_parts in circles.items()
        for part in used_parts
        for f in ("sin", "cos")
    }
    assert parts == expected
    assert rules(plan, "time_hour_sin") == rules(plan, "day_weekday_cos") == rules(plan, "time_day")
    assert rules(plan, "time_day") == rules(plan, "day_elapsed") == [{"impute": "median", "scale": "standard"}]


def test_text_becomes_lengths_and_a_word_that_many_rows_share() -> None:
    titles = RANDOM.choice(["Mr", "Mrs", "Dr"], 300)
    plan = treated(name=[f"{title}. Name{n} of Place{n % 37}" for n, title in enumerate(titles)])
    measures = [(feature["from"], feature["text"]) for feature in plan.features.values() if "text" in feature]
    assert measures == [("name", "length")]  # each has three words
    extract = plan.features["name_word"]["extract"]
    assert [re.search(extract, f"x, {title}. Of")[1] for title in ("Mrs", "Mr", "Dr")] == ["Mrs", "Mr", "Dr"]
    assert re.search(extract, "of Mrss Drone") is None  # "of" is in every row


def test_prose_is_encoded_by_its_words_and_names_of_persons_and_codes_are_not() -> None:
    words = re.findall(r"\w+", "a nice quiet room near the old station with very friendly people but no lift")
    plan = treated(
        review=[f"{' '.join(RANDOM.choice(words, 7 + n % 3))} {n}" for n in range(400)],
        person=[f"Name{n}, Mr. Jon Surname{n % 37} Of Place{n % 11}" for n in range(400)],
        code=[f"{n:04d} {n * 7} {n * 3} 17 {n * 5} {n + 9}" for n in range(400)],
    )
    encoded = {tuple(rule["columns"]): rule for rule in plan.rules if rule.get("encode") == "text"}
    assert encoded == {("review",): {"columns": ["review"], "encode": "text", "components": 10, "scale": "standard"}}
    assert plan.used["review"] == "text: words and letters, length"
    assert [name for name in plan.features if name.startswith("review")] == ["review_length", "review_words"]


def test_names_of_features_are_new() -> None:
    days = pd.date_range("2021-01-20", periods=60).strftime("%Y-%m-%d")
    plan = treated(day=days, day_elapsed=RANDOM.normal(size=60))
    assert plan.features["day_elapsed_"]["date"] == "elapsed"
    assert "day_elapsed" not in plan.features


def test_rules_name_each_column_once_and_numbers_come_first() -> None:
    plan = treated(
        a=["x", "y", "z"] * 20, b=RANDOM.normal(size=60), c=["u", "v", "w", "w"] * 15, d=RANDOM.normal(size=60)
    )
    assert [rule["columns"] for rule in plan.rules] == [["b", "d"], ["a", "c"]]
    assert len(plan.rule_reasons) == 2


def test_how_text_writes_dates_is_said_unless_it_is_iso() -> None:
    days = pd.date_range("2021-01-20", periods=60)
    plan = treated(day=days.strftime("%Y-%m-%d"), other=days[::-1].strftime("%d/%m/%Y"))
    assert plan.features["day_month"] == {"from": "day", "date": "month"}
    assert plan.features["other_month"] == {"from": "other", "date": "month", "format": "%d/%m/%Y"}


def test_many_numbered_columns_are_written_as_a_pattern() -> None:
    pixels = {f"pixel{number}": RANDOM.normal(size=30) for number in range(60)}
    plan = treated(first=RANDOM.normal(size=30), **pixels, last=RANDOM.normal(size=30))
    assert [rule["columns"] for rule in plan.rules] == [["first", "pixel*", "last"]]
    (names,) = [rule["columns"] for rule in treated(**dict(list(pixels.items())[:49])).rules]
    assert names == list(pixels)[:49]


def test_a_pattern_never_takes_in_a_column_of_another_rule() -> None:
    pixels = {f"pixel{number}": RANDOM.normal(size=30) for number in range(60)}
    plan = treated(**pixels, pixels_seen=["yes", "no"] * 15)
    assert [rule["columns"] for rule in plan.rules] == [[*pixels], ["pixels_seen"]]
    starred = {f"p*{number}": values for number, values in enumerate(pixels.values())}
    assert [rule["columns"] for rule in treated(**starred).rules] == [[*starred]]


def test_numbers_in_text_become_features_with_the_rules_of_their_numbers() -> None:
    amounts = RANDOM.normal(20, 4, 300).round(2)
    plan = treated(
        speed=[f"{value} kmpl" for value in amounts],
        price=[f"${value:,}" for value in RANDOM.lognormal(0, 2, 300).round(2)],
        age=[f"{value} yrs" for value in RANDOM.integers(1, 5, 300)],
        way=[f"{value} km".replace(".", ",") for value in RANDOM.normal(20, 4, 300).round(2)],
    )
    assert plan.features == {
        "speed_kmpl": {"from": "speed", "number": "kmpl"},
        "price_number": {"from": "price", "number": "$"},
        "age_yrs": {"from": "age", "number": "yrs"},
        "way_km": {"from": "way", "number": "km", "decimal": ","},
    }
    assert rules(plan, "speed_kmpl") == [{"impute": "median", "scale": "standard"}]
    assert rules(plan, "price_number") == [{"impute": "median", "scale": "quantile"}]
    assert rules(plan, "age_yrs") == [{"impute": "median", "scale": "standard"}, {"encode": "onehot"}]
    assert plan.feature_reasons["speed_kmpl"] == "speed: numbers in kmpl."
    assert plan.used["price"] == "numbers in $"


def test_units_that_cannot_be_converted_are_categories_beside_the_numbers() -> None:
    texts = [f"{number} {unit}" for number, unit in zip(range(60), ["BHK", "Bedroom", "Bedrooms"] * 20, strict=True)]
    plan = treated(size=texts)
    assert plan.features == {
        "size_number": {"from": "size", "number": ["Bedroom", "BHK"]},
        "size_unit": {"from": "size", "extract": "(Bedrooms|Bedroom|BHK)"},
    }
    assert rules(plan, "size_unit") == [{"encode": "onehot"}]
