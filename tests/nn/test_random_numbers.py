"""Streams of random numbers: each member's own, uniform or normal, independent of each other."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tabular_dl.nn.random_numbers import normal, uniform

SHAPE = (500, 20)


def column(*values: int) -> tf.Tensor:
    return tf.constant(np.array(values, np.uint32).reshape(-1, 1, 1))


def test_numbers_have_the_distribution_that_their_name_says() -> None:
    seeds, steps = column(3), column(7)
    flat = uniform(seeds, 0, steps, SHAPE).numpy().ravel()
    assert 0 <= flat.min() <= flat.max() < 1
    assert stats.kstest(flat, "uniform").pvalue > 1e-3
    assert stats.kstest(normal(seeds, 0, steps, SHAPE).numpy().ravel(), "norm").pvalue > 1e-3


def test_a_member_has_the_same_numbers_in_any_population() -> None:
    together = uniform(column(5, 6, 7), 1, column(2, 9, 4), SHAPE).numpy()
    np.testing.assert_array_equal(together[1], uniform(column(6), 1, column(9), SHAPE).numpy()[0])


def test_numbers_of_named_columns_do_not_depend_on_how_many_there_are() -> None:
    seeds, steps = column(3), column(7)
    names = tf.constant([0, 1, 2, -2, -1])
    wide = uniform(seeds, 0, steps, (SHAPE[0], 20), tf.range(20)).numpy()[0]
    narrow = uniform(seeds, 0, steps, (SHAPE[0], 5), names).numpy()[0]
    np.testing.assert_array_equal(narrow[:, :3], wide[:, :3])
    assert np.unique(np.concatenate([wide, narrow[:, 3:]], axis=1)).size > 0.999 * SHAPE[0] * 22
    assert stats.kstest(wide.ravel(), "uniform").pvalue > 1e-3
    for one, other in [(wide[1:], wide[:-1]), (wide[:, 1:], wide[:, :-1]), (wide[1:, 1:], wide[:-1, :-1])]:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(one.size)


@pytest.mark.parametrize("other", [(6, 0, 1), (5, 1, 1), (5, 0, 2)], ids=["seed", "layer", "step"])
def test_another_seed_layer_or_step_gives_other_numbers(other: tuple[int, int, int]) -> None:
    one = uniform(column(5), 0, column(1), SHAPE).numpy().ravel()
    seed, layer, step = other
    two = uniform(column(seed), layer, column(step), SHAPE).numpy().ravel()
    # Neither at the same position nor shifted by a few.
    for shift in range(5):
        assert abs(np.corrcoef(one, np.roll(two, shift))[0, 1]) < 4 / np.sqrt(one.size)
