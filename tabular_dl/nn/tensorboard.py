"""TensorBoard logs of a population: curves of every member, histograms of weights and activations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.sparse import issparse

__all__ = ["MemberTensorBoard"]

# Activations are drawn from so many rows.
SAMPLE_ROWS = 256


class MemberTensorBoard(keras.callbacks.Callback):
    """Write events that TensorBoard reads: a folder a member, so that their curves lie over each other.

    Parameters
    ----------
    directory : str
        Where to write; a folder ``member_0``, ``member_1``... is made in it.
    X : ndarray of shape (rows, inputs)
        What the first network of a group is given; the activations of its first rows are drawn.
    """

    def __init__(self, directory: str, X: Any) -> None:
        super().__init__()
        self.directory = Path(directory)
        rows = X[:SAMPLE_ROWS]
        self.sample = np.asarray(rows.toarray() if issparse(rows) else rows, np.float32)
        self.writers: list[Any] = []

    def on_members_epoch_end(self, epoch: int, figures: dict[str, np.ndarray], members: Sequence[keras.Model]) -> None:
        """Write an epoch, counted from 0: figures of shape (P,), and the members as Keras models."""
        if not self.writers:
            folders = [self.directory / f"member_{number}" for number in range(len(members))]
            self.writers = [tf.summary.create_file_writer(str(folder)) for folder in folders]
        for number, (writer, model) in enumerate(zip(self.writers, members, strict=True)):
            values = {name: float(figure[number]) for name, figure in figures.items()}
            if np.isnan(values["loss"]):  # this member has stopped
                continue
            with writer.as_default(step=epoch):
                for name, value in values.items():
                    tf.summary.scalar(f"epoch_{name}", value)
                self._histograms(model)

    def _histograms(self, model: keras.Model) -> None:
        dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        for index, layer in enumerate(dense):
            for weight in layer.weights:
                tf.summary.histogram(f"weights/dense_{index}/{weight.name}", weight.value)
        activations = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
        outputs = keras.Model(model.inputs[0], [layer.output for layer in activations])(self.sample)
        for index, values in enumerate(outputs if isinstance(outputs, list) else [outputs]):
            tf.summary.histogram(f"activations/dense_{index}", values)

    def on_train_end(self, logs: Any = None) -> None:
        """Close the files."""
        del logs
        for writer in self.writers:
            writer.close()
