"""Figures of names with any letters and of any length are saved without a warning, which pytest makes an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tabular_dl.plots import importances, residuals, save_png, svg_of

NAMES = ["나이", "x" * 300, "Âge"]


def figure_of(names: list[str]) -> Figure:
    return importances(pd.DataFrame({"column": names, "importance": [0.3, 0.2, 0.1], "error": 0.01}), "rmse")


def test_letters_that_the_font_lacks_are_text_in_svg_and_boxes_in_png(tmp_path: Path) -> None:
    svg = svg_of(figure_of(NAMES)).decode()
    assert "나이</text>" in svg
    save_png(figure_of(NAMES), tmp_path / "figure.png", dpi=50)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_other_letters_are_paths_and_equal_figures_are_equal_files() -> None:
    svg = svg_of(figure_of(["Age", "Sex", "Âge"]))
    assert b"</text>" not in svg
    assert svg == svg_of(figure_of(["Age", "Sex", "Âge"]))


def test_long_names_leave_room_for_what_is_drawn() -> None:
    labels = [label.get_text() for label in figure_of(NAMES).axes[0].get_yticklabels()]
    assert labels == ["나이", f"{'x' * 39}…", "Âge"]
    figure = residuals(np.arange(5.0), np.arange(5.0), target="y" * 300)
    svg_of(figure)
    assert len(figure.axes[0].get_xlabel()) < 60
