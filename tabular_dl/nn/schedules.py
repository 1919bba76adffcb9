"""Learning-rate schedules: what a member's rate is multiplied by, from its first step to its last.

A schedule is a function of progress, from 0 at the first step to 1 after the last planned one, so that it fits a
training of any length.

===========  ================================================================================================
constant     1
cosine       ``(1 + cos(pi t)) / 2`` (Loshchilov & Hutter, 2017, arXiv:1608.03983)
exponential  ``0.01 ** t``: down to a hundredth, by the same factor each step
step         1, then 0.1 from half way on, then 0.01 in the last quarter
one_cycle    a straight warm-up from 0.04 to 1 over 30 % of the steps, then a cosine to 0 (Smith & Topin, 2018,
             arXiv:1708.07120)
===========  ================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["SCHEDULES"]

WARM_UP, START = 0.3, 0.04


def _cosine(progress: tf.Tensor) -> tf.Tensor:
    return 0.5 * (1.0 + tf.cos(math.pi * tf.minimum(progress, 1.0)))


def _step(progress: tf.Tensor) -> tf.Tensor:
    return tf.where(progress < 0.5, 1.0, tf.where(progress < 0.75, 0.1, 0.01))


def _one_cycle(progress: tf.Tensor) -> tf.Tensor:
    warming = START + (1.0 - START) * progress / WARM_UP
    return tf.where(progress < WARM_UP, warming, _cosine((progress - WARM_UP) / (1.0 - WARM_UP)))


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "constant": tf.ones_like,
    "cosine": _cosine,
    "exponential": lambda progress: 0.01**progress,
    "step": _step,
    "one_cycle": _one_cycle,
}
