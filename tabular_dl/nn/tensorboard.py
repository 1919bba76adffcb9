"""TensorBoard logs of a population: learning curves, and histograms of weights and activations, of each member."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

__all__ = ["MemberTensorBoard"]

# Number of rows whose activations are in the histograms.
SAMPLE_ROWS = 256


class MemberTensorBoard(keras.callbacks.Callback):
    """Writer of TensorBoard's event files, in one folder per member, so that TensorBoard overlays their curves.

    Parameters
    ----------
    directory : str
        Folder of the logs, in which folders ``member_0``, ``member_1``... are created.
    X : ndarray or CSR matrix of shape (rows, inputs)
        Inputs of networks; the histograms of activations are of its first rows.
    """

    def __init__(self, directory: str, X: np.ndarray | csr_matrix) -> None:
        super().__init__()
        self.directory = Path(directory)
        rows = X[:SAMPLE_ROWS]
        self.sample = np.asarray(rows if isinstance(rows, np.ndarray) else rows.toarray(), np.float32)
        self.writers: list[tf.summary.SummaryWriter] = []

    def on_members_epoch_end(self, epoch: int, figures: dict[str, np.ndarray], members: Sequence[keras.Model]) -> None:
        """Write the events of an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.
        figures : dict of str to ndarray of shape (P,)
            Losses and metrics of the epoch; NaN for members that had stopped.
        members : sequence of keras.Model
            Model of each member.
        """
        if not self.writers:
            folders = [self.directory / f"member_{number}" for number in range(len(members))]
            self.writers = [tf.summary.create_file_writer(str(folder)) for folder in folders]
        for number, (writer, model) in enumerate(zip(self.writers, members, strict=True)):
            values = {name: float(figure[number]) for name, figure in figures.items()}
            if np.isnan(values["loss"]):  # the member has stopped
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

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the files."""
        del logs
        for writer in self.writers:
            writer.close()
