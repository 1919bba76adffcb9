"""The page is one complete file, escapes its texts, and is shown correctly by a browser."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from tabular_dl.plots import fits
from tabular_dl.reporting.html_page import Page, Picture, Section, Table, render


def page() -> Page:
    figure = fits.learning_curves({"loss": np.array([[2.0], [1.0]])})
    table = Table(["name", "value"], [["<script>alert(1)</script>", 0.123456], ["whole", 3]], "A caption.")
    section = Section("Numbers", ["Said & done."], [table], [Picture(figure, 'A "curve".', resize=True)], "a: {b: <c>}")
    return Page("A <title>", "A summary.", [section, Section("More")])


def test_text_of_tables_is_text_and_numbers_are_rounded() -> None:
    html = render(page())
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert '<td class="number">0.1235</td>' in html
    assert '<td class="number">3</td>' in html
    assert "<pre><code>a: {b: &lt;c&gt;}</code></pre>" in html


def test_nothing_is_loaded_from_anywhere() -> None:
    html = render(page())
    assert re.findall(r'(?:src|href)="(?!data:|#)', html) == []
    assert "default-src 'none'" in html
    assert "http" not in html.replace("http-equiv", "")


def test_figures_are_in_the_page_with_their_text() -> None:
    html = render(page())
    (source,) = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)"', html)
    svg = base64.b64decode(source).decode()
    assert svg.lstrip().startswith("<?xml")
    assert 'width="460.8pt"' in svg  # 6.4 inches
    assert 'alt="A &#34;curve&#34;."' in html


def test_the_same_page_is_written_the_same_way() -> None:
    assert render(page()) == render(page())


@pytest.mark.parametrize("header", [[], ["name", "value"]])
def test_a_table_without_a_header_has_its_names_as_headings(header: list[str]) -> None:
    html = render(Page("t", "s", [Section("x", tables=[Table(header, [["seed", "0"]])])]))
    assert ('<th scope="row">seed</th>' in html) == (not header)
