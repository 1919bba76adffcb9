"""Figures of scores contain the numbers that scikit-learn computes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import sklearn.metrics

from tabular_dl.plots import scores

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 200)
P = np.clip(0.3 * Y + RNG.uniform(0, 0.7, 200), 0, 1)
TWO = np.column_stack([1 - P, P])


def test_a_roc_curve_has_scikit_learns_area() -> None:
    (axes,) = scores.roc_curves(Y, TWO, np.array([0, 1])).axes
    line = axes.lines[0]
    area = sklearn.metrics.roc_auc_score(Y, P)
    assert np.isclose(sklearn.metrics.auc(line.get_xdata(), line.get_ydata()), area)
    assert axes.get_legend().get_texts()[0].get_text() == f"1: area {area:.3f}"


def test_more_classes_have_a_curve_each_and_very_many_no_legend() -> None:
    for count, legend in ((3, True), (30, False)):
        y = np.arange(90) % count
        p = RNG.dirichlet(np.ones(count), 90)
        (axes,) = scores.roc_curves(y, p, np.arange(count)).axes
        assert len(axes.lines) == count + 1
        assert (axes.get_legend() is not None) == legend
        expected = np.mean([sklearn.metrics.roc_auc_score(y == k, p[:, k]) for k in range(count)])
        assert f"mean area {expected:.3f}" in axes.get_title(loc="left")


def test_calibration_compares_probability_and_share_in_bins_of_equally_many_rows() -> None:
    (axes,) = scores.calibration(Y, TWO, np.array([0, 1])).axes
    points = axes.lines[1]
    order = np.argsort(P)
    parts = np.array_split(order, 10)
    np.testing.assert_allclose(points.get_xdata(), [P[part].mean() for part in parts])
    np.testing.assert_allclose(points.get_ydata(), [Y[part].mean() for part in parts])


def test_calibration_of_many_classes_is_that_of_the_label_predicted() -> None:
    p = RNG.dirichlet(np.ones(3), 120)
    y = RNG.integers(0, 3, 120)
    (axes,) = scores.calibration(y, p, np.arange(3)).axes
    assert axes.get_xlabel() == "probability of the predicted label"
    np.testing.assert_allclose(np.mean(axes.lines[1].get_ydata()), np.mean(p.argmax(axis=1) == y))


def test_constant_probabilities_make_one_bin() -> None:
    (axes,) = scores.calibration(Y, np.full((200, 2), 0.5), np.array([0, 1])).axes
    assert len(axes.lines[1].get_xdata()) == 1


def test_fold_scores_show_mean_and_standard_error() -> None:
    networks = np.array([0.7, 0.8, 0.9])
    errors = {"networks": 0.02, "linear": 0.01}
    (axes,) = scores.fold_scores({"networks": networks, "linear": networks - 0.1}, errors, "accuracy").axes
    drawn = axes.containers[0]
    (low, _), (high, _) = drawn.lines[2][0].get_segments()[0]
    assert np.isclose((low + high) / 2, 0.8)
    assert np.isclose(high - low, 2 * 0.02)


def test_importances_beyond_the_most_are_said_to_be_left_out() -> None:
    table = pd.DataFrame({"column": list("abc"), "importance": [3.0, 2.0, 1.0], "error": [0.1] * 3})
    (axes,) = scores.importances(table, "rmse", most=2).axes
    assert [bar.get_width() for bar in axes.patches] == [3.0, 2.0]
    assert axes.get_title(loc="left") == "Permutation importance (the first 2 of 3)"
