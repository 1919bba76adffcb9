"""Zeros in front of numbers are found as a regular expression finds them, in whole pieces of a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.tables import leading_zeros
from tabular_dl.tables.leading_zeros import has_leading_zeros

FIELD = re.compile(rb'(?:^|[\n\r,;\t|"])[ ]?[+-]?0[0-9]')


@given(text=st.lists(st.sampled_from(list('\n\r,;\t|"0019 +-.a')), max_size=30).map("".join))
def test_zeros_in_front_are_those_of_a_regular_expression(text: str) -> None:
    assert has_leading_zeros(text.encode()) == (FIELD.search(text.encode()) is not None)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_a_field_may_lie_across_two_pieces(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(leading_zeros, "_PIECE", length)
    for text in ("a,b\n1, -07\n", "07", " +00", "x,-05,1"):
        assert has_leading_zeros(text.encode())
    for text in ("a,b\n1,  07\n", "0", "10.05,100", "2024-01-01", "a07"):
        assert not has_leading_zeros(text.encode())
