"""A dense block is a matrix product for each member."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn.blocks import Activation, Dense, OwnInputs

DENSE = Dense("dense_0", 0, inputs=5, outputs=4, parts=(0, 3, 2))
GENERATOR = np.random.default_rng(0)
WEIGHTS = {
    "kernel": GENERATOR.normal(size=(3, 5, 4)).astype("float32"),
    "bias": GENERATOR.normal(size=(3, 1, 4)).astype("float32"),
}


def test_each_member_is_its_own_matrix_product() -> None:
    inputs = np.random.default_rng(1).normal(size=(3, 7, 5)).astype("float32")
    by_hand = np.stack([inputs[k] @ WEIGHTS["kernel"][k] + WEIGHTS["bias"][k] for k in range(3)])
    np.testing.assert_allclose(DENSE.forward(inputs, WEIGHTS), by_hand, atol=1e-5)


def test_rows_given_once_go_to_every_member() -> None:
    inputs = np.random.default_rng(1).normal(size=(1, 7, 5)).astype("float32")
    repeated = tf.repeat(inputs, 3, axis=0)
    np.testing.assert_array_equal(DENSE.forward(inputs, WEIGHTS), DENSE.forward(repeated, WEIGHTS))


def test_an_exported_member_is_keras_own_layer() -> None:
    inputs = keras.Input((5,))
    output, variables = DENSE.export(inputs)
    for name, variable in variables.items():
        variable.assign(WEIGHTS[name][1].reshape(variable.shape))
    rows = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    np.testing.assert_allclose(keras.Model(inputs, output)(rows), DENSE.forward(rows[None], WEIGHTS)[1], atol=1e-5)


def test_a_narrower_member_has_the_rows_of_its_own_numbers_and_of_all_embeddings() -> None:
    assert DENSE.own_rows(OwnInputs(2))["kernel"].tolist() == [0, 1, 3, 4]
    assert not Dense("dense_1", 1, inputs=5, outputs=4).own_rows(OwnInputs(2))


def test_a_block_draws_only_weights_that_it_has() -> None:
    with pytest.raises(LookupError, match="no weight 'gamma'"):
        Activation("activation_0", "relu").draw("gamma", np.arange(1), [0])
