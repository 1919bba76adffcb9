"""A declaration that no table could satisfy is refused before any table is read."""

import pytest

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing.feature_rules import check_features, columns_read, first_mistake

TITANIC = {
    "Title": {"from": "Name", "extract": r", ([^.]+)\.", "map": {"Mlle": "Miss"}, "fill": "unknown", "rare": 10},
    "Family": {"eval": "SibSp + Parch + 1"},
    "Deck": {"from": "Cabin", "extract": "^([A-Z])", "fill": "none"},
    "TicketGroup": {"from": "Ticket", "count": True},
    "LogFare": {"eval": "log1p(Fare / Family)"},
}


def test_every_operation_is_accepted():
    check_features(TITANIC)
    check_features({})
    check_features({"Month": {"from": "Sold", "date": "month", "format": "%d/%m/%Y", "map": {12: "winter"}}})
    check_features({"Words": {"from": "Text", "text": "words"}, "Level": {"eval": "A", "by": "B", "statistic": "std"}})
    check_features({"Alone": {"eval": "Family", "map": {1: "yes", 2.5: None, False: 0}, "fill": 0, "count": False}})


def test_the_columns_that_features_are_made_from():
    assert columns_read(TITANIC) == ("Name", "SibSp", "Parch", "Cabin", "Ticket", "Fare", "Family")


def test_the_columns_of_groups_are_read_too():
    features = {"F": {"eval": "A + B", "by": "C", "statistic": "mean"}, "G": {"from": "A", "by": ["C", "D"]}}
    assert columns_read(features) == ("A", "B", "C", "D")


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ("Name", "feature 'F': expected a mapping such as"),
        ({}, "expected one source, .* found neither"),
        ({"from": "A", "eval": "A"}, "expected one source, .* found both"),
        ({"from": "A", "extrct": "x"}, "unknown key 'extrct'. Did you mean 'extract'"),
        ({"from": "A", True: 1}, "unknown key True"),
        ({"from": 3}, "key 'from': expected the name of a column, found 3"),
        ({"eval": "A.b"}, "feature 'F', key 'eval': 'A.b': 'A.b' is not allowed"),
        ({"eval": 3}, "key 'eval': expected an expression"),
        ({"from": "A", "extract": "("}, "key 'extract': .* is not a regular expression"),
        ({"from": "A", "extract": 3}, "key 'extract': expected a regular expression"),
        ({"from": "A", "map": {}}, "key 'map': expected a mapping of old to new"),
        ({"from": "A", "map": ["x"]}, "key 'map': expected a mapping of old to new"),
        ({"from": "A", "map": {None: 1}}, "key 'map': cannot replace None; use `fill`"),
        ({"from": "A", "map": {"x": ["y"]}}, "key 'map': expected text, a number or null for 'x'"),
        ({"from": "A", "fill": None}, "key 'fill': expected text or a number"),
        ({"from": "A", "fill": float("nan")}, "key 'fill': expected text or a number"),
        ({"from": "A", "rare": 0}, "key 'rare': expected a number of rows, 1 or more, found 0"),
        ({"from": "A", "rare": True}, "key 'rare': expected a number of rows"),
        ({"from": "A", "rare": 2.5}, "key 'rare': expected a number of rows"),
        ({"from": "A", "count": 1}, "key 'count': expected true or false, found 1"),
        ({"from": "A", "number": 3}, "key 'number': expected a unit such as kg, a list of units, or true .* found 3"),
        ({"from": "A", "number": False}, "key 'number': expected a unit .* found False"),
        ({"from": "A", "number": ["GB", "MB"]}, "key 'number': one unit is enough for 'GB' and 'MB'"),
        ({"from": "A", "number": "kg", "date": "day"}, "key 'number': .* `date`: declare a feature for each"),
        ({"from": "A", "decimal": ","}, "key 'decimal': needs `number`"),
        ({"from": "A", "number": "kg", "decimal": ";"}, "key 'decimal': there is no ';'"),
        ({"from": "A", "date": "moth"}, "key 'date': there is no 'moth'. Did you mean 'month'"),
        ({"from": "A", "date": True}, "key 'date': there is no True"),
        ({"from": "A", "text": "lenght"}, "key 'text': there is no 'lenght'. Did you mean 'length'"),
        ({"from": "A", "text": "words", "date": "day"}, "key 'text': .* `date`: declare a feature for each"),
        ({"from": "A", "format": "%Y"}, "key 'format': needs `date`"),
        ({"from": "A", "date": "day", "format": "day"}, "key 'format': expected a format such as '%d/%m/%Y'"),
        ({"from": "A", "date": "day", "format": "%d %Q"}, "key 'format': expected a format .* found '%d %Q': 'Q' is"),
        ({"from": "A", "date": "day", "format": 3}, "key 'format': expected a format"),
        ({"from": "A", "by": "B"}, "key 'by': needs `statistic`"),
        ({"from": "A", "statistic": "mean"}, "key 'statistic': needs `by`"),
        ({"from": "A", "by": "B", "statistic": "mode"}, "there is no 'mode'. Known: max, mean, median, min, std"),
        ({"from": "A", "by": [], "statistic": "min"}, "key 'by': expected the name of a column, or a list of names"),
        ({"from": "A", "by": [3], "statistic": "min"}, r"key 'by': .* found \[3\]"),
        (
            {"from": "A", "rare": 3, "by": "B", "statistic": "min"},
            "key 'statistic': .* `rare`: declare a feature for each",
        ),
        (
            {"count": True, "from": "A", "by": "B", "statistic": "min"},
            "key 'statistic': .* `count`: declare a feature for each",
        ),
    ],
)
def test_a_refusal_names_feature_and_key(feature, message):
    with pytest.raises(SpecError, match=message):
        check_features({"F": feature})


@pytest.mark.parametrize(
    ("name", "feature", "key"),
    [
        ("F", {"from": "A", "fill": {"key 'from'": 1}}, "fill"),
        ("F", {"from": "A", "extrct": "x"}, "extrct"),
        ("F", {"from": "A", "eval": "A"}, None),
        ("F", "A", None),
        ("", {"from": "A"}, None),
    ],
)
def test_a_mistake_comes_with_its_key(name, feature, key):
    mistake = first_mistake(name, feature)
    assert mistake[0] == key
    with pytest.raises(SpecError) as refused:
        check_features({name: feature})
    assert str(refused.value) == mistake[1]
    assert first_mistake("F", {"from": "A"}) is None


def test_features_are_a_mapping_of_names():
    with pytest.raises(SpecError, match="expected a mapping of names"):
        check_features([{"from": "A"}])
    with pytest.raises(SpecError, match=r"features: expected text .* found 3"):
        check_features({3: {"from": "A"}})
