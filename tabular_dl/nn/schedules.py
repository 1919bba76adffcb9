"""Schedules: factors of a member's learning rate, dropout, weight decay or smoothing from its first step to its last.

A schedule is a function of progress t, from 0 at the first step to 1 after the last planned step, so that it suits
training of any length.

===========  ================================================================================================
constant     1
cosine       ``(1 + cos(pi t)) / 2`` (Loshchilov & Hutter, 2017, arXiv:1608.03983)
exponential  ``0.01 ** t``: down to a hundredth, by the same factor each step
step         1 in the first half, 0.1 in the third quarter, 0.01 in the last
one_cycle    linear from 0.04 to 1 over the first 30 % of the steps, then a cosine to 0 (Smith & Topin, 2018,
             arXiv:1708.07120)
coslog4      ``(1 - cos(2 pi log2(1 + 15 t))) / 2``: four cycles from 0 to 1 and back, each twice as long as the one
             before (Holzmüller et al., 2024, arXiv:2407.04491)
flat_cos     1 in the first half, then a cosine to 0 (the same)
===========  ================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from tabular_dl.nn.choices import Schedule

__all__ = ["SCHEDULES"]

WARM_UP, START = 0.3, 0.04


def _cosine(progress: tf.Tensor) -> tf.Tensor:
    return 0.5 * (1.0 + tf.cos(math.pi * tf.minimum(progress, 1.0)))


def _step(progress: tf.Tensor) -> tf.Tensor:
    return tf.where(progress < 0.5, 1.0, tf.where(progress < 0.75, 0.1, 0.01))


def _one_cycle(progress: tf.Tensor) -> tf.Tensor:
    warming = START + (1.0 - START) * progress / WARM_UP
    return tf.where(progress < WARM_UP, warming, _cosine((progress - WARM_UP) / (1.0 - WARM_UP)))


def _coslog4(progress: tf.Tensor) -> tf.Tensor:
    cycles = tf.math.log(1.0 + 15.0 * tf.minimum(progress, 1.0)) / math.log(2.0)
    return 0.5 * (1.0 - tf.cos(2.0 * math.pi * cycles))


def _flat_cos(progress: tf.Tensor) -> tf.Tensor:
    return _cosine(tf.maximum(2.0 * progress - 1.0, 0.0))


SCHEDULES: dict[Schedule, Callable[[tf.Tensor], tf.Tensor]] = {
    "constant": tf.ones_like,
    "cosine": _cosine,
    "exponential": lambda progress: 0.01**progress,
    "step": _step,
    "one_cycle": _one_cycle,
    "coslog4": _coslog4,
    "flat_cos": _flat_cos,
}
