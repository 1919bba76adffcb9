"""The unit in which the dates of a table follow each other, and the step of each row."""

import numpy as np
import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.time_steps import learn_steps, steps_of

WHERE = "column 'date'"


@pytest.mark.parametrize(
    ("dates", "unit"),
    [
        (["2020-05-01", "2021-05-01", "2024-05-01"], "year"),
        (["2020-05-03", "2020-06-03", "2021-01-03"], "month"),
        (["2020-01-31", "2020-02-29", "2020-04-30"], "month"),
        (["2020-05-04", "2020-05-18", "2020-06-01"], "week"),
        (["2020-05-04", "2020-05-05", "2020-06-01"], "day"),
        (["2020-05-04 12:00", "2020-05-05 12:00"], "day"),
        (["2020-05-04 12:30", "2020-05-05 13:30"], "hour"),
        (["2020-05-04 12:30", "2020-05-05 13:31"], "minute"),
        (["2020-05-04 12:30:01", "2020-05-05 13:31:02"], "second"),
        (["2020-05-04", "2020-05-04", None], "day"),
        ([20200131, 20200229], "month"),
        ([None, None], "day"),
    ],
)
def test_a_step_is_the_longest_unit_that_fits_all_dates(dates, unit):
    assert learn_steps(pd.Series(dates), None, None, WHERE)["unit"] == unit


@pytest.mark.parametrize("times", [[2019, 2020, 2022], [202001, 202002], ["3", "12"], [0.5, 1.0], [99999999, 20200131]])
def test_a_step_of_numbers_is_one(times):
    learned = learn_steps(pd.Series(times), None, None, WHERE)
    assert learned == {"unit": "number", "dates": None}
    assert steps_of(pd.Series(times), learned, WHERE).tolist() == [float(time) for time in times]


@pytest.mark.parametrize("unit", ["year", "month", "week", "day", "hour", "minute", "second"])
def test_steps_count_as_the_periods_of_pandas(unit):
    dates = pd.Series(pd.date_range("1969-11-28 13:45:11", periods=40, freq="37h 13min 7s"))
    steps = steps_of(dates, learn_steps(dates, unit, None, WHERE), WHERE)
    codes = {"year": "Y", "month": "M", "week": "W", "day": "D", "hour": "h", "minute": "min", "second": "s"}
    periods = dates.dt.to_period(codes[unit])
    expected = [float((period - periods[0]).n) for period in periods]
    assert (steps - steps[0]).tolist() == expected


def test_later_dates_are_counted_in_the_unit_and_the_format_of_training():
    learned = learn_steps(pd.Series(["31/01/2024", "29/02/2024"]), None, None, WHERE)
    steps = steps_of(pd.Series(["29/02/2024", "15/05/2024", None]), learned, WHERE)
    assert (steps - steps[0])[1] == 3
    assert np.isnan(steps[2])
    with pytest.raises(DataError, match="column 'date', row 0: expected a date like"):
        steps_of(pd.Series(["2024-02-29"]), learned, WHERE)


def test_months_as_numbers_become_dates_by_a_format():
    learned = learn_steps(pd.Series([202311, 202401]), None, "%Y%m", WHERE)
    steps = steps_of(pd.Series([202311, 202401]), learned, WHERE)
    assert learned["unit"] == "month"
    assert steps[1] - steps[0] == 2


def test_numbers_have_no_unit_of_dates():
    with pytest.raises(DataError, match=r"`unit: day` is one of dates, and these are numbers.*`format: '%Y%m'`"):
        learn_steps(pd.Series([1, 2]), "day", None, WHERE)
    assert learn_steps(pd.Series([1, 2]), "row", None, WHERE)["unit"] == "row"
