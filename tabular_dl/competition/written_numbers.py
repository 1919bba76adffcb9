"""Numbers of a submission written as the sample submission writes them, such as $4,436.00 or 17.1%."""

from __future__ import annotations

import re

import pandas as pd

from tabular_dl.errors import SubmissionError
from tabular_dl.tables import read_unit_numbers

__all__ = ["written_like"]

_PARTS = re.compile(r"([^\d.,()+-]*)([+-]?)([^\d.,()+-]*)([\d,]*)(?:\.(\d+))?(\s*[^\d\s.,()+-]*)")
DECIMALS = 2  # of numbers with a unit where the sample has whole numbers and the target has not


def written_like(
    submission: pd.DataFrame, sample: pd.DataFrame | None, unit: str | bool | None, names: tuple[str, str]
) -> pd.DataFrame:
    """Return a submission with numbers in the form of the sample: its currency or unit, separators and decimals.

    Parameters
    ----------
    submission : DataFrame of shape (rows, columns)
        Ids and predictions, in the columns of the sample.
    sample : DataFrame or None
        Sample submission.
    unit : str, True or None
        Unit that the target was read in (``data.target_number``).
    names : tuple of (str, str)
        Names of the target and of the file of the sample, for messages.

    Returns
    -------
    DataFrame of shape (rows, columns)
        Submission; columns of numbers are unchanged where the sample has plain numbers, or several forms.

    Raises
    ------
    SubmissionError
        If the sample has another unit than the target.

    Examples
    --------
    >>> predicted = pd.DataFrame({"Id": [7, 8], "price": [4436.271, -9.0]})
    >>> sample = pd.DataFrame({"Id": [7, 8], "price": ["$1,000.00", "$0.00"]})
    >>> written_like(predicted, sample, "$", ("price", "sample_submission.csv"))["price"].tolist()
    ['$4,436.27', '-$9.00']
    """
    if sample is None or unit is None:
        return submission
    written = {}
    for name in sample.columns[1:]:
        if sample[name].dtype.kind != "O" or submission[name].dtype.kind not in "iuf":
            continue
        texts = sample[name].dropna().astype(str).str.strip()
        matches = [_PARTS.fullmatch(text) for text in texts.drop_duplicates()]
        known = [match for match in matches if match is not None]
        signs = {(match[1] + match[3], match[6]) for match in known}
        if len(known) < len(matches) or len(signs) != 1:
            continue
        ((before, after),) = signs
        _check_unit(before, after, unit, names)
        decimals = max(len(match[5] or "") for match in known)
        if not decimals and submission[name].dtype.kind == "f" and (submission[name] % 1 != 0).any():
            decimals = DECIMALS
        separator = "," if any("," in match[4] for match in known) else ""
        numbers = submission[name].map(lambda number, form=f"{separator}.{decimals}f": format(abs(number), form))
        minus = (submission[name] < 0).map({True: "-", False: ""})
        written[name] = minus + before + numbers + after
    return submission.assign(**written)


def _check_unit(before: str, after: str, unit: str | bool, names: tuple[str, str]) -> None:
    """Raise an error if numbers between two texts are not in the unit of the target."""
    if read_unit_numbers(pd.Series([f"{before}1{after}"]), unit).item() != 1:
        raise SubmissionError(
            f"{names[1]} has numbers such as {before}1{after}, but {names[0]} is read "
            f"{'without a unit' if unit is True else f'in {unit}'}. Set data.target_number to the unit of the sample, "
            "and fit again."
        )
