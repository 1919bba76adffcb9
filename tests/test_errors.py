"""Messages suggest the nearest option and describe expected values in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tabular_dl.errors import UserError, did_you_mean, listed, nearest, plain_words, shortened


@pytest.mark.parametrize(
    ("word", "options", "nearest"),
    [("titanc", ["boston", "titanic"], "titanic"), ("id", ["Id", "size"], "Id"), ("AGE", ["Age", "Wage"], "Age"),
     ("survived", ["Survived", "Sex"], "Survived"), ("Fair", ["FARE", "Age"], "FARE")],
)  # fmt: skip
def test_the_nearest_option_is_suggested_in_its_own_case(word: str, options: list[str], nearest: str) -> None:
    assert did_you_mean(word, options) == f"Did you mean {nearest!r}?"


@pytest.mark.parametrize(("count", "rest"), [(1, "."), (12, "."), (13, " and 1 more."), (80, " and 68 more.")])
def test_at_most_twelve_options_are_listed(count: int, rest: str) -> None:
    options = [f"column{number:02}" for number in range(count)]
    assert did_you_mean("zzz", reversed(options)) == f"Known: {', '.join(options[:12])}{rest}"


def test_there_may_be_no_options() -> None:
    assert did_you_mean("x", []) == "There are none."


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (dict[str, int], [1], "expected a mapping, found [1]."),
        (list[int], 1, "expected a list, found 1."),
        (tuple[int, ...], "ab", "expected a list, found 'ab'."),
        (str, 1, "expected text, found 1."),
        (int, "x", "expected a whole number, found 'x'."),
        (int, 1.5, "expected a whole number, found 1.5."),
        (int, None, "expected a whole number, found None."),
        (float, [], "expected a number, found []."),
        (float, "x", "expected a number, found 'x'."),
        (bool, "maybe", "expected true or false, found 'maybe'."),
        (bool, 1.5, "expected true or false, found 1.5."),
    ],
)
def test_a_wrong_type_is_said_in_plain_words(kind: Any, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(kind).validate_python(value)
    assert plain_words(error.value.errors()[0]) == words


def test_a_mistake_without_words_of_its_own_keeps_pydantics() -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(bytes).validate_python(1)
    assert plain_words(error.value.errors()[0]) == "Input should be a valid bytes; found 1."


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d"], "a, b, c and 1 more"),
     (range(9), "0, 1, 2 and 6 more")],
)  # fmt: skip
def test_names_beyond_the_most_are_counted(names: Sequence[object], text: str) -> None:
    assert listed(names, 3) == text


# Names and values of any length and kind


@pytest.mark.parametrize("long", ["n" * 100_000, "two words " * 10_000, "line\n" * 10_000, repr(list(range(50_000)))])
def test_a_message_stays_short_whatever_it_repeats(long: str) -> None:
    told = str(UserError(f"data.target: there is no column {long}. Did you mean 'y'?"))
    assert len(told) < 5000
    assert told.startswith("data.target: there is no column ")
    assert told.count("more") == 1


def test_a_message_of_usual_length_is_left_as_it_is() -> None:
    message = "\n".join(
        f"{'/tables/a folder' * 10}/file-{line}.csv, line {line}: a\ttab, caf\u00e9 \u4e2d" for line in range(50)
    )
    assert str(UserError(message)) == message


def test_control_characters_are_escaped() -> None:
    assert shortened("a\x1b[31mb\x00c\u202ed\ud800e\r\nf") == "a\\x1b[31mb\\x00c\\u202ed\\ud800e\\r\nf"


def test_long_words_are_not_compared() -> None:
    long = "n" * 100_000
    assert nearest(long, [long[:-1], "n"]) is None
    assert nearest("titanc", [long, "titanic"]) == "titanic"
