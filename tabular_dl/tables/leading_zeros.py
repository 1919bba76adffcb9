"""Numbers with leading zeros, such as 007, and other texts that numbers cannot represent."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["LOST", "doubtful_columns", "has_leading_zeros"]

LOST = r"^\s*[+-]?(?:0[0-9]|[0-9]{16})"  # texts that pandas may read as another number
_EXACT = 2**53  # from here on floats cannot represent every integer
_PIECE = 1_000_000  # bytes that are searched at once
_BEFORE = 3  # bytes in front of a zero that are looked at
_STARTS = np.isin(np.arange(256), [*b'\n\r,;\t|"'])  # bytes after which a field may begin


def has_leading_zeros(content: bytes) -> bool:
    r"""Whether a field of a table may begin with a zero and another digit, after a blank or a sign at most.

    Parameters
    ----------
    content : bytes
        Text of the table, with any of the usual delimiters.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_leading_zeros(b"zip,x\n01234,1\n"), has_leading_zeros(b"day,x\n2024-01-31,0.05\n")
    (True, False)
    """
    for start in range(0, len(content), _PIECE):
        before = content[max(0, start - _BEFORE) : start].rjust(_BEFORE, b"\n")
        text = np.frombuffer(before + content[start : start + _PIECE + 1], dtype=np.uint8)
        digit = text - np.uint8(ord("0")) < 10
        # A zero after another digit or a point, as most are, begins no field.
        follows = digit | (text == ord("."))
        zeros = np.flatnonzero((text[_BEFORE:-1] == ord("0")) & digit[_BEFORE + 1 :] & ~follows[_BEFORE - 1 : -2])
        places = zeros + _BEFORE - 1
        places -= (text[places] == ord("+")) | (text[places] == ord("-"))
        places -= text[places] == ord(" ")
        if _STARTS[text[places]].any():
            return True
    return False


def doubtful_columns(frame: pd.DataFrame, *, zero_first: bool) -> list[str]:
    """Return the names of numeric columns that may have lost leading zeros or digits when pandas read them.

    Parameters
    ----------
    frame : DataFrame of shape (rows, columns)
        Table as pandas reads it.
    zero_first : bool
        Whether the text of the table has numbers with zeros in front.

    Returns
    -------
    list of str

    Examples
    --------
    >>> table = pd.DataFrame({"code": [7], "size": [1e17], "name": ["a"]})
    >>> doubtful_columns(table, zero_first=False), doubtful_columns(table, zero_first=True)
    (['size'], ['code', 'size'])
    """
    long = (frame.select_dtypes("float").abs() >= _EXACT).any().to_dict()
    names = []
    for name, kind in frame.dtypes.items():
        if kind == "object":  # integers too large for any type, or booleans with missing values, which are fine
            if not frame[name].dropna().map(lambda value: isinstance(value, bool)).all():
                names.append(str(name))
        elif kind.kind in "iuf" and (zero_first or long.get(name, False)):
            names.append(str(name))
    return names
