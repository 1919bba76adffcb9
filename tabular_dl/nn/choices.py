"""Names of initialisers, optimizers, schedules and replaced callbacks, for checks that do not load Keras."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "INITIALIZERS",
    "REPLACED_CALLBACKS",
    "BiasInitializer",
    "Device",
    "Initializer",
    "NumericEmbedding",
    "Optimizer",
    "Parametrization",
    "Schedule",
    "Sharing",
    "WeightGroup",
]

# Keras's initialisers that draw a kernel from its shape and a seed, and "unit_variance", which is ours: each output of
# a layer has a standard deviation of 1 on training rows (`tabular_dl.nn.blocks.dense`).
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
    "unit_variance",
]
# Initialisers of biases (`tabular_dl.nn.blocks.dense`).
BiasInitializer = Literal["zeros", "he+5"]
# Devices that networks train on (`tabular_dl.nn.devices`).
Device = Literal["auto", "cpu", "gpu"]
# Embeddings of numbers (`tabular_dl.nn.blocks.numeric_embedding`).
NumericEmbedding = Literal["none", "piecewise_linear", "periodic", "plr", "pbld"]
# Scales of gradient steps of kernels (`tabular_dl.nn.optimizers`).
Parametrization = Literal["standard", "ntk"]
# Sharing of weights between the networks within a member (`tabular_dl.nn.blocks.weight_sharing`).
Sharing = Literal["mini", "full"]
# Groups of weights that have factors of their own for learning rate and weight decay.
WeightGroup = Literal[
    "first",
    "hidden",
    "head",
    "bias",
    "normalization",
    "scaling",
    "activation",
    "numeric_embedding",
    "embedding",
    "linear",
    "adapter",
]
# Keras's optimizers whose rules treat each weight by itself (`tabular_dl.nn.optimizers`).
Optimizer = Literal["adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop", "sgd"]
# Learning-rate schedules (`tabular_dl.nn.schedules`).
Schedule = Literal["constant", "cosine", "exponential", "step", "one_cycle", "coslog4", "flat_cos"]

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
