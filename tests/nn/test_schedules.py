"""Learning-rate schedules: their values at chosen points, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn.schedules import SCHEDULES


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("constant", {0.0: 1.0, 0.5: 1.0, 1.0: 1.0}),
        ("cosine", {0.0: 1.0, 0.25: 0.853553, 0.5: 0.5, 1.0: 0.0}),
        ("exponential", {0.0: 1.0, 0.5: 0.1, 1.0: 0.01}),
        ("step", {0.0: 1.0, 0.49: 1.0, 0.5: 0.1, 0.74: 0.1, 0.75: 0.01, 1.0: 0.01}),
        ("one_cycle", {0.0: 0.04, 0.15: 0.52, 0.3: 1.0, 0.65: 0.5, 1.0: 0.0}),
    ],
)
def test_a_schedule_has_its_values(name: str, values: dict[float, float]) -> None:
    found = SCHEDULES[name](tf.constant(list(values), tf.float32)).numpy()
    np.testing.assert_allclose(found, list(values.values()), atol=1e-5)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_schedule_stays_between_nothing_and_the_whole_rate(name: str) -> None:
    found = SCHEDULES[name](tf.linspace(0.0, 1.0, 201)).numpy()
    assert found.min() >= -1e-6
    assert found.max() <= 1 + 1e-6
