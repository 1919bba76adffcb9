"""Notes about tables are lines of their own, whatever is in them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tabular_dl.workflows.console import print_notes


@pytest.mark.parametrize(
    ("quiet", "printed"), [(False, "Note: [b].csv: tabs between fields.\nNote: two.\n"), (True, "")]
)
def test_each_note_is_a_line_as_it_is(quiet: bool, printed: str) -> None:
    out = io.StringIO()
    print_notes(["[b].csv: tabs between fields", "two"], Console(file=out, width=20, quiet=quiet))
    assert out.getvalue() == printed
