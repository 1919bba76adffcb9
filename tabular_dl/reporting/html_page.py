"""One self-contained HTML page: what is said of a run in, text out. It loads nothing, from no network.

Figures are inside the page as SVG, each with a text that says what it shows. The page's content security policy allows
nothing but them, so that a class name or an id from a table cannot do anything.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, Template, select_autoescape
from matplotlib import rc_context
from matplotlib.figure import Figure

__all__ = ["Page", "Picture", "Section", "Table", "render"]

# Narrow enough for a phone's screen to keep letters legible; more panels stand one below the other.
WIDTH, HEIGHT = 6.4, 4.4


@dataclass(frozen=True)
class Picture:
    """A figure in a page.

    Parameters
    ----------
    figure : Figure
        Of one panel.
    text : str
        What it shows, in words and numbers, for those who cannot see it.
    resize : bool
        Whether to give it the page's size.
    """

    figure: Figure
    text: str
    resize: bool = False

    @property
    def source(self) -> str:
        """The figure as an address that holds it."""
        if self.resize:
            self.figure.set_size_inches(WIDTH, HEIGHT)
        out = io.BytesIO()
        # No date and no random names: the same run makes the same page.
        with rc_context({"svg.hashsalt": "tabular_dl"}):
            self.figure.savefig(out, format="svg", metadata={"Date": None})
        return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"


@dataclass(frozen=True)
class Table:
    """A table in a page.

    Parameters
    ----------
    header : sequence of str
        The columns' names; empty for a list of names and values.
    rows : sequence of sequence
        Cells; numbers stand to the right.
    caption : str
        What it shows.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Parameters
    ----------
    title : str
        Its heading.
    paragraphs : sequence of str
        Sentences.
    tables, pictures : sequence of Table and Picture
        What follows them.
    code : str
        Text as it is, such as a specification.
    """

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    code: str = ""


@dataclass(frozen=True)
class Page:
    """A report.

    Parameters
    ----------
    title, summary : str
        What it is about, and what came out, in a sentence.
    sections : sequence of Section
        In the order of reading.
    """

    title: str
    summary: str
    sections: Sequence[Section] = field(default_factory=tuple)


def render(page: Page) -> str:
    """Write a page as HTML.

    Parameters
    ----------
    page : Page
        What to write.

    Returns
    -------
    str
        A whole document; text from tables is escaped.

    Examples
    --------
    >>> page = Page("wine", "accuracy 0.98", [Section("Rows", ["<b> is text here"])])
    >>> html = render(page)
    >>> "<h2>Rows</h2>" in html, "<b>" in html, "&lt;b&gt; is text here" in html
    (True, False, True)
    """
    return _template().render(page=page)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tabular_dl.reporting", "templates"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
