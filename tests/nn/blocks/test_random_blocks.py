"""Blocks that act at random: how much, each member by its own stream, and nothing in prediction."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.nn.blocks import Dropout, Noise, Shift, TrainingStep

ROWS, FEATURES = 200, 50
SIZE = ROWS * FEATURES


def mask(seed: int, rate: float = 0.5, *, step: int = 0, index: int = 0) -> np.ndarray:
    """Return which activations (row, feature) a network alone keeps."""
    return masks([seed], [rate], [step], index)[0] != 0


def masks(seeds: list[int], rates: list[float], steps: list[int], index: int = 0) -> np.ndarray:
    """Return what dropout leaves of ones, (member, row, feature)."""
    block, ones = Dropout(f"dropout_{index}", index), np.ones((len(seeds), ROWS, FEATURES), "float32")
    return block.forward(ones, {}, step_of(seeds, steps, {f"dropout_{index}.rate": rates})).numpy()


def step_of(seeds: list[int], steps: list[int], settings: dict[str, Any]) -> TrainingStep:
    """Return a training pass of members with these seeds, numbers of steps and settings."""
    own = {name: tf.constant(np.reshape(np.array(values, "float32"), (-1, 1, 1))) for name, values in settings.items()}
    return TrainingStep(column(steps), column(seeds), own, counted=None, live=None, progress=None)


def column(values: list[int]) -> Any:
    return tf.constant(np.reshape(np.array(values, "uint32"), (-1, 1, 1)))


@settings(max_examples=20)
@given(rate=st.floats(0.0, 0.95), seed=st.integers(0, 2**32 - 1), step=st.integers(0, 2**24))
def test_dropout_keeps_an_activation_with_probability_one_minus_rate(rate: float, seed: int, step: int) -> None:
    deviation = np.sqrt(rate * (1 - rate) / SIZE)
    assert abs(mask(seed, rate, step=step).mean() - (1 - rate)) <= 5 * deviation + 1e-6


def test_inverted_dropout_divides_what_it_keeps_by_the_share_that_it_keeps() -> None:
    kept = masks([3], [0.2], [0])
    assert set(np.unique(kept).tolist()) == {0.0, 1.25}
    assert kept.mean() == pytest.approx(1.0, abs=5 * 1.25 * np.sqrt(0.2 * 0.8 / SIZE))


def test_each_member_drops_at_its_own_rate() -> None:
    kept = (masks([5, 6, 7], [0.0, 0.3, 0.8], [0, 0, 0]) != 0).mean(axis=(1, 2))
    np.testing.assert_allclose(kept, [1.0, 0.7, 0.2], atol=0.03)


def test_dropout_does_nothing_at_prediction() -> None:
    inputs = np.random.default_rng(0).normal(size=(2, ROWS, FEATURES)).astype("float32")
    np.testing.assert_array_equal(Dropout("dropout_0", 0).forward(inputs, {}), inputs)


def test_a_member_drops_the_same_activations_whatever_the_population_around_it() -> None:
    population = masks([8, 9, 10], [0.1, 0.5, 0.9], [4, 17, 0], index=1)
    np.testing.assert_array_equal(population[1:2], masks([9], [0.5], [17], index=1))


def test_the_masks_of_two_members_steps_or_layers_have_nothing_to_do_with_each_other() -> None:
    drawn = [mask(1), mask(2), mask(1, step=1), mask(1, step=2), mask(1, index=1), mask(2, index=1, step=1)]
    for a, b in itertools.combinations(drawn, 2):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(SIZE)


def test_neighbouring_rows_and_features_are_dropped_independently() -> None:
    kept = mask(11)
    for a, b in [(kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1])]:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


def test_no_activation_is_dropped_more_often_than_another_over_the_steps() -> None:
    block, ones = Dropout("dropout_0", 0), np.ones((1, 8, 8), "float32")
    steps = [step_of([21], [step], {"dropout_0.rate": [0.5]}) for step in range(400)]
    kept = np.mean([block.forward(ones, {}, step).numpy() != 0 for step in steps], axis=0)
    assert np.abs(kept - 0.5).max() < 5 * np.sqrt(0.25 / 400)


def test_noise_has_its_deviation_and_leaves_columns_that_only_fill_up_alone() -> None:
    step = step_of(
        [3, 4], [5, 6], {"noise.deviation": [0.5, 2.0], "noise.continuous": [0, 0], "noise.others": [FEATURES, 20]}
    )
    noise = Noise("noise", FEATURES).forward(np.zeros((2, ROWS, FEATURES), "float32"), {}, step).numpy()
    np.testing.assert_allclose([noise[0].std(), noise[1, :, :20].std()], [0.5, 2.0], rtol=0.05)
    assert not noise[1, :, 20:].any()


def test_noise_leaves_the_codes_behind_the_numbers_alone() -> None:
    step = step_of([3], [5], {"noise.deviation": [1.0], "noise.continuous": [0], "noise.others": [2]})
    inputs = np.ones((1, ROWS, 3), "float32")
    outputs = Noise("noise", 2).forward(inputs, {}, step).numpy()
    np.testing.assert_array_equal(outputs[:, :, 2], inputs[:, :, 2])
    numbers = Noise("noise", 2).forward(inputs[:, :, :2], {}, step).numpy()
    np.testing.assert_array_equal(outputs[:, :, :2], numbers)


# Shifts of images


HEIGHT, WIDTH = 5, 4
IMAGES = np.arange(1.0, 1 + 30 * HEIGHT * WIDTH, dtype="float32").reshape(30, HEIGHT, WIDTH)


def shifted(seeds: list[int], rates: list[int], most: int, steps: list[int]) -> np.ndarray:
    """Return what becomes of the images, (member, image, row, column)."""
    inputs = np.broadcast_to(IMAGES.reshape(1, 30, -1), (len(seeds), 30, HEIGHT * WIDTH))
    step = step_of(seeds, steps, {"shift.range": rates})
    outputs = Shift("shift", HEIGHT, WIDTH, most).forward(inputs, {}, step).numpy()
    return outputs.reshape(len(seeds), 30, HEIGHT, WIDTH)


def moved_by_hand(image: np.ndarray, dy: int, dx: int) -> np.ndarray:
    moved = np.zeros_like(image)
    for r, c in itertools.product(range(HEIGHT), range(WIDTH)):
        if 0 <= r - dy < HEIGHT and 0 <= c - dx < WIDTH:
            moved[r, c] = image[r - dy, c - dx]
    return moved


@pytest.mark.parametrize("rate", [1, 2, 3])
def test_images_move_by_at_most_their_rate_and_zeros_come_in(rate: int) -> None:
    seen = set()
    for step in range(8):
        for image, found in zip(IMAGES, shifted([7], [rate], 3, [step])[0], strict=True):
            moves = itertools.product(range(-rate, rate + 1), repeat=2)
            fitting = [move for move in moves if np.array_equal(moved_by_hand(image, *move), found)]
            assert len(fitting) == 1
            seen.add(fitting[0])
    # 240 images reach every place of 9 and of 25, and both ends of 49.
    assert len(seen) > 0.9 * (2 * rate + 1) ** 2
    assert {dy for dy, _ in seen} == {dx for _, dx in seen} == set(range(-rate, rate + 1))


def test_images_stay_where_they_are_at_rate_0_and_in_prediction() -> None:
    np.testing.assert_array_equal(shifted([7], [0], 2, [3])[0], IMAGES)
    inputs = IMAGES.reshape(1, 30, -1)
    np.testing.assert_array_equal(Shift("shift", HEIGHT, WIDTH, 2).forward(inputs, {}), inputs)


def test_a_member_shifts_its_images_as_it_would_alone() -> None:
    together = shifted([3, 7, 9], [1, 2, 0], 2, [5, 6, 7])
    for k, (seed, rate, step) in enumerate([(3, 1, 5), (7, 2, 6), (9, 0, 7)]):
        np.testing.assert_array_equal(together[k], shifted([seed], [rate], max(1, rate), [step])[0])
    assert not np.array_equal(shifted([3], [1], 1, [5]), shifted([3], [1], 1, [6]))
    assert not np.array_equal(shifted([3], [1], 1, [5]), shifted([4], [1], 1, [5]))
