"""Names of initialisers, optimizers, schedules and replaced callbacks, for checks that do not load Keras."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["INITIALIZERS", "REPLACED_CALLBACKS", "Initializer", "Optimizer", "Schedule"]

# Keras's initialisers that draw a kernel from its shape and a seed.
Initializer = Literal[
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
]
# Keras's optimizers whose rules treat each weight by itself (`tabular_dl.nn.optimizers`).
Optimizer = Literal["adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop", "sgd"]
# Learning-rate schedules (`tabular_dl.nn.schedules`).
Schedule = Literal["constant", "cosine", "exponential", "step", "one_cycle"]

INITIALIZERS: tuple[Initializer, ...] = get_args(Initializer)

# Callbacks that would act on all members at once, and the setting that does the same for each member.
REPLACED_CALLBACKS = {
    "EarlyStopping": "early_stopping",
    "ReduceLROnPlateau": "reduce_lr",
    "LearningRateScheduler": "schedule",
    "TerminateOnNaN": "nothing: networks that diverge are always stopped",
    "History": "history_",
    "ProgbarLogger": "verbose",
    "BackupAndRestore": "nothing: a fit cannot be resumed",
}
