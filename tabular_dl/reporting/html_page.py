"""Self-contained HTML page with texts, tables and figures.

Figures are embedded as SVG, each with a text alternative. The page's content security policy allows embedded figures
and styles only, so that no class name or id from a table can load or run anything.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, Template, select_autoescape
from matplotlib.figure import Figure

from tabular_dl.plots import svg_of

__all__ = ["Page", "Picture", "Section", "Table", "render"]

# Size of a figure in inches, with letters that stay legible on a phone.
WIDTH, HEIGHT = 6.4, 4.4


@dataclass(frozen=True)
class Picture:
    """Figure in a page.

    Parameters
    ----------
    figure : Figure
        Figure with one panel.
    text : str
        Caption and text alternative, with the numbers that the figure shows.
    resize : bool, default=False
        Whether to give the figure the standard size.
    """

    figure: Figure
    text: str
    resize: bool = False

    @property
    def source(self) -> str:
        """Figure as a data URL with an SVG image."""
        if self.resize:
            self.figure.set_size_inches(WIDTH, HEIGHT)
        return f"data:image/svg+xml;base64,{base64.b64encode(svg_of(self.figure)).decode('ascii')}"


@dataclass(frozen=True)
class Table:
    """Table in a page.

    Parameters
    ----------
    header : sequence of str
        Names of the columns; empty for a list of names and values.
    rows : sequence of sequence
        Cells; numbers are aligned to the right.
    caption : str
        Caption below the table.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """Section of a page.

    Parameters
    ----------
    title : str
        Heading.
    paragraphs : sequence of str
        Texts below the heading.
    tables : sequence of Table
        Tables below the paragraphs.
    pictures : sequence of Picture
        Pictures below the tables.
    code : str
        Preformatted text, such as a specification.
    """

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    code: str = ""


@dataclass(frozen=True)
class Page:
    """Page of a report.

    Parameters
    ----------
    title : str
        Title of the page.
    summary : str
        Result in a sentence.
    sections : sequence of Section
        Sections from top to bottom.
    """

    title: str
    summary: str
    sections: Sequence[Section] = field(default_factory=tuple)


def render(page: Page) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    page : Page
        Content of the page.

    Returns
    -------
    str
        Complete HTML document with escaped texts.

    Examples
    --------
    >>> page = Page("wine", "accuracy 0.98", [Section("Rows", ["<b> is escaped"])])
    >>> html = render(page)
    >>> "<h2>Rows</h2>" in html, "<b>" in html, "&lt;b&gt; is escaped" in html
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
