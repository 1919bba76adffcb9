"""Numbers are written as the sample submission writes them."""

from __future__ import annotations

import pandas as pd
import pytest

from tabular_dl.competition.written_numbers import written_like
from tabular_dl.errors import SubmissionError
from tabular_dl.tables import read_unit_numbers

PREDICTED = [4436.271, 0.0, -12.5]


def written(sample: list[object], unit: object, predicted: list[float] = PREDICTED) -> list[object]:
    tables = [pd.DataFrame({"Id": range(len(column)), "price": column}) for column in (predicted, sample)]
    return written_like(*tables, unit, ("price", "sample.csv"))["price"].tolist()


@pytest.mark.parametrize(
    ("sample", "unit", "expected"),
    [
        (["$0", "$0", "$0"], "$", ["$4436.27", "$0.00", "-$12.50"]),
        (["$0.0", "$0.0", "$0.0"], "$", ["$4436.3", "$0.0", "-$12.5"]),
        (["$1,000.00", "$5.00", "$0.00"], "$", ["$4,436.27", "$0.00", "-$12.50"]),
        (["10.125%", "0%", "3%"], "%", ["4436.271%", "0.000%", "-12.500%"]),
        (["0.0 EUR", "0.0 EUR", "0.0 EUR"], "€", ["4436.3 EUR", "0.0 EUR", "-12.5 EUR"]),
        ([0, 0, 0], "$", PREDICTED),
        (["$0", "0 USD", "$0"], "$", PREDICTED),  # several forms
    ],
)
def test_currency_unit_separators_and_decimals_are_those_of_the_sample(
    sample: list[object], unit: str, expected: list[object]
) -> None:
    texts = written(sample, unit)
    assert texts == expected
    decimals = max(len(str(text).partition(".")[2].strip("% EUR")) for text in texts)
    numbers = read_unit_numbers(pd.Series(texts), unit)
    assert numbers.tolist() == pytest.approx([round(value, decimals) for value in PREDICTED])


def test_whole_numbers_stay_whole() -> None:
    assert written(["$0", "$0"], "$", [5, 1200]) == ["$5", "$1200"]
    assert written(["$0", "$1,000"], "$", [5, 1200]) == ["$5", "$1,200"]


def test_a_target_that_was_no_text_is_left_as_it_is() -> None:
    assert written(["$0", "$0", "$0"], None) == PREDICTED


@pytest.mark.parametrize(
    ("sample", "unit", "found"), [("0 MB", "GB", "1 MB"), ("€0", "$", "€1"), ("0M", True, "1M"), ("$0", True, "$1")]
)
def test_another_unit_than_that_of_the_target_is_refused(sample: str, unit: object, found: str) -> None:
    with pytest.raises(SubmissionError) as refused:
        written([sample] * 3, unit)
    assert f"sample.csv has numbers such as {found}, but price is read" in str(refused.value)
