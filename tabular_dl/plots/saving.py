"""Saving of figures whose texts, such as names of columns, may have letters that no installed font has."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

__all__ = ["save_png", "svg_of"]

_MISSING = "Glyph .* missing from"  # Matplotlib's warning of a letter that it draws as a box


def save_png(figure: Figure, file: Path, dpi: int) -> None:
    """Write a figure as PNG; letters that no font has are boxes, without a warning for each.

    Parameters
    ----------
    figure : Figure
        Figure.
    file : Path
        File to write.
    dpi : int
        Pixels per inch.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _MISSING)
        figure.savefig(file, dpi=dpi)


def svg_of(figure: Figure) -> bytes:
    """Return a figure as SVG, equal for equal figures.

    Letters are drawn as paths, so that they look the same everywhere. If the font lacks one, all are kept as text, for
    the fonts of the browser.

    Parameters
    ----------
    figure : Figure
        Figure.

    Returns
    -------
    bytes
        SVG document.

    Examples
    --------
    >>> figure = Figure()
    >>> _ = figure.text(0, 0, "\N{HANGUL SYLLABLE NA}")
    >>> "\N{HANGUL SYLLABLE NA}</text>" in svg_of(figure).decode()
    True
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", _MISSING)
        try:
            return _svg(figure, {})
        except UserWarning as warning:
            if not str(warning).startswith("Glyph "):
                raise
        warnings.filterwarnings("ignore", _MISSING)
        return _svg(figure, {"svg.fonttype": "none"})


def _svg(figure: Figure, settings: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    # Without a date and random names, equal runs have equal pages.
    with rc_context({"svg.hashsalt": "tabular_dl", **settings}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
