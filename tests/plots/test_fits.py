"""Figures contain the given values; their style is not tested."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from tabular_dl.errors import DataError
from tabular_dl.plots import fits

NAN = np.nan
# Two networks; the second stops after two epochs, and both have stopped before the last.
HISTORY = {
    "loss": np.array([[0.8, 1.0], [0.6, 0.8], [0.5, NAN], [NAN, NAN]]),
    "val_loss": np.array([[0.9, 1.1], [0.7, 0.9], [0.8, NAN], [NAN, NAN]]),
    "accuracy": np.array([[0.5, 0.7], [0.6, 0.8], [0.9, NAN], [NAN, NAN]]),
    "val_accuracy": np.array([[0.4, 0.6], [0.5, 0.7], [0.8, NAN], [NAN, NAN]]),
}


def lines(axes: Any) -> dict[str, tuple[list[float], list[float]]]:
    """Return the x and y values of each labelled line of a panel."""
    return {
        line.get_label(): (np.asarray(line.get_xdata()).tolist(), np.round(line.get_ydata(), 9).tolist())
        for line in axes.lines
    }


def texts(figure: Figure) -> list[list[str]]:
    """Return the texts in the cells of a confusion matrix, row by row."""
    cells = [text.get_text() for text in figure.axes[0].texts]
    side = round(len(cells) ** 0.5)
    return [cells[start : start + side] for start in range(0, len(cells), side)]


def test_learning_curves_draw_the_mean_of_the_networks_still_training_from_epoch_1() -> None:
    (axes,) = fits.learning_curves(HISTORY).axes
    assert lines(axes) == {
        "training": ([1, 2, 3], [0.9, 0.7, 0.5]),
        "validation": ([1, 2, 3], [1.0, 0.8, 0.8]),
    }
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == "loss"


def test_the_band_goes_from_the_10_to_the_90_percent_quantile() -> None:
    # Of 0, 1, ..., 10 these are 1 and 9.
    (axes,) = fits.learning_curves({"loss": np.tile(np.arange(11.0), (2, 1))}).axes
    (band,) = axes.collections
    corners = band.get_paths()[0].vertices
    assert sorted(set(corners[:, 1])) == [1, 9]
    assert sorted(set(corners[:, 0])) == [1, 2]


def test_the_metric_has_its_own_panel() -> None:
    loss, accuracy = fits.learning_curves(HISTORY, names=["loss", "accuracy"]).axes
    assert loss.get_ylabel() == "loss"
    assert accuracy.get_ylabel() == "accuracy"
    assert lines(accuracy) == {
        "training": ([1, 2, 3], [0.6, 0.7, 0.9]),
        "validation": ([1, 2, 3], [0.5, 0.6, 0.8]),
    }


def test_the_mean_best_epoch_is_marked_in_every_panel() -> None:
    for axes in fits.learning_curves(HISTORY, best_epoch=np.array([2, 3]), names=["loss", "accuracy"]).axes:
        assert lines(axes)["best epoch: 2.5 on average"][0] == [2.5, 2.5]
        assert [text.get_text() for text in axes.get_legend().get_texts()][:2] == ["training", "validation"]


def test_training_and_validation_differ_in_colour() -> None:
    (axes,) = fits.learning_curves(HISTORY).axes
    assert len({line.get_color() for line in axes.lines}) == 2


@pytest.mark.parametrize("given", ["loss", "val_loss"])
def test_one_of_training_and_validation_is_enough(given: str) -> None:
    (axes,) = fits.learning_curves({given: HISTORY[given]}).axes
    assert list(lines(axes)) == ["training" if given == "loss" else "validation"]


def test_a_network_that_diverges_does_not_spoil_the_mean_of_the_others() -> None:
    (axes,) = fits.learning_curves({"loss": np.array([[1.0, 3.0], [2.0, np.inf]])}).axes
    assert lines(axes)["training"] == ([1, 2], [2, 2])


def test_one_epoch_of_one_network_can_be_seen() -> None:
    (axes,) = fits.learning_curves({"loss": np.array([[0.7]])}).axes
    assert axes.lines[0].get_marker() == "o"


def test_a_metric_that_was_not_recorded_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected 'auc' or 'val_auc', found \['accuracy', 'loss'"):
        fits.learning_curves(HISTORY, names=["loss", "auc"])


def test_confusion_matrix_shows_counts_and_shares_of_the_true_class() -> None:
    # Three cats, one of them taken for a dog. Two dogs, taken for a cat and a cow. No cow.
    true = ["cat", "cat", "cat", "dog", "dog"]
    predicted = ["cat", "dog", "cat", "cat", "cow"]
    figure = fits.confusion_matrix(true, predicted, labels=["dog", "cat", "cow"])
    assert texts(figure) == [
        ["0\n0.0 %", "1\n50.0 %", "1\n50.0 %"],
        ["1\n33.3 %", "2\n66.7 %", "0\n0.0 %"],
        ["0\n0.0 %", "0\n0.0 %", "0\n0.0 %"],
    ]
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["dog", "cat", "cow"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dog", "cat", "cow"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert axes.get_title(loc="left") == "Confusion matrix: 40.0 % right of 5 rows"
    np.testing.assert_allclose(axes.images[0].get_array()[1], [1 / 3, 2 / 3, 0])


@pytest.mark.parametrize("right", range(0, 101, 4))
def test_text_stands_out_from_its_cell(right: int) -> None:
    figure = fits.confusion_matrix(["a"] * 100, ["a"] * right + ["b"] * (100 - right), labels=["a", "b"])
    image = figure.axes[0].images[0]
    backgrounds = image.to_rgba(image.get_array())
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        foreground = matplotlib.colors.to_rgb(text.get_color())
        assert contrast(backgrounds[row, column, :3], foreground) > 4.5  # what WCAG 2 asks of small text


def contrast(one: Any, other: Any) -> float:
    """Return the contrast ratio of two sRGB colours, as defined by WCAG 2.2."""

    def luminance(colour: Any) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_many_classes_are_drawn_without_numbers() -> None:
    figure = fits.confusion_matrix(np.arange(30), np.arange(30), labels=range(30))
    assert not figure.axes[0].texts


def test_a_confusion_matrix_of_hundreds_of_classes_names_some_and_hides_no_cell() -> None:
    classes = [f"class {number}" for number in range(300)]
    axes = fits.confusion_matrix(classes, classes, labels=classes).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == classes[::5]
    assert list(axes.get_yticks()) == list(range(0, 300, 5))
    assert len(axes.get_xticks(minor=True)) == 0


def test_a_class_outside_the_labels_is_refused() -> None:
    with pytest.raises(DataError, match="labels: expected every class of the rows, found no cow"):
        fits.confusion_matrix(["cat"], ["cow"], labels=["cat", "dog"])


def test_residuals_draw_predictions_against_truth_and_the_diagonal() -> None:
    scatter, histogram = fits.residuals([1.0, 2.0, 6.0], [2.0, 2.0, 4.0], target="MEDV").axes
    assert scatter.collections[0].get_offsets().tolist() == [[1, 2], [2, 2], [6, 4]]
    assert lines(scatter) == {"perfect prediction": ([1, 6], [1, 6])}
    assert (scatter.get_xlabel(), scatter.get_ylabel()) == ("true MEDV", "predicted MEDV")
    assert histogram.get_xlabel() == "true - predicted MEDV"


def test_residuals_histogram_counts_each_row_once_and_states_mean_and_rmse() -> None:
    # Residuals -1, 0, 2: mean 1/3, RMSE sqrt(5/3) = 1.291.
    histogram = fits.residuals(np.array([[1.0], [2.0], [6.0]]), [2.0, 2.0, 4.0], target="MEDV").axes[1]
    full = [bar for bar in histogram.patches if bar.get_height()]
    assert [bar.get_height() for bar in full] == [1, 1, 1]
    for bar, residual in zip(full, [-1, 0, 2], strict=True):
        assert bar.get_x() - 1e-9 <= residual <= bar.get_x() + bar.get_width() + 1e-9
    assert histogram.get_title(loc="left") == "Residuals: mean 0.333, RMSE 1.29"


def test_figures_are_1200_by_500_pixels_and_unknown_to_pyplot() -> None:
    from matplotlib import pyplot

    figures = [
        fits.learning_curves(HISTORY, best_epoch=[2, 3], names=["loss", "accuracy"]),
        fits.confusion_matrix([0, 1], [0, 1], labels=[0, 1]),
        fits.residuals([1.0, 2.0], [1.0, 2.0], target="y"),
    ]
    for figure in figures:
        figure.draw_without_rendering()
        assert figure.bbox.size.tolist() == pytest.approx([1200, 500])
    assert pyplot.get_fignums() == []
