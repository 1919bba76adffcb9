"""A stacked layer does for each member what the plain layer does for one network, and mixes no two members."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn.layers import MemberBatchNormalization, MemberDense, MemberEmbedding


@pytest.fixture(scope="module")
def dense() -> MemberDense:
    generator = np.random.default_rng(0)
    layer = MemberDense(members=3, units=4)
    layer.build((3, None, 5))
    layer.set_weights([generator.normal(size=(3, 5, 4)), generator.normal(size=(3, 1, 4))])
    return layer


def test_each_member_of_a_dense_layer_is_its_own_matrix_product(dense: MemberDense) -> None:
    inputs = np.random.default_rng(1).normal(size=(3, 7, 5)).astype("float32")
    kernel, bias = dense.get_weights()
    by_hand = np.stack([inputs[k] @ kernel[k] + bias[k] for k in range(3)])
    np.testing.assert_allclose(dense(inputs).numpy(), by_hand, atol=1e-5)
    assert dense.compute_output_shape(inputs.shape) == by_hand.shape


def test_rows_given_once_go_to_every_member_of_a_dense_layer(dense: MemberDense) -> None:
    inputs = np.random.default_rng(1).normal(size=(1, 7, 5)).astype("float32")
    np.testing.assert_array_equal(dense(inputs).numpy(), dense(np.repeat(inputs, 3, axis=0)).numpy())


@pytest.mark.parametrize("layer", [MemberDense(members=3, units=4), MemberBatchNormalization(members=3, momentum=0.9)])
def test_a_layer_is_rebuilt_from_its_config(layer: keras.layers.Layer) -> None:
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_an_embedding_makes_rows_of_all_categories_only_where_it_learns() -> None:
    layer = MemberEmbedding(members=2, categories=7, units=3, index=0)
    codes = np.array([[[0.0], [6.0], [2.0], [2.0]]], "float32")
    layer.build(codes.shape)
    table = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    layer.table.assign(table)
    steps = tf.zeros((2, 1, 1), tf.uint32)
    found = {}
    for name, given in (("prediction", ()), ("training", (steps,))):
        traced = tf.function(lambda *step: layer(codes, *step)).get_concrete_function(*given)
        np.testing.assert_array_equal(traced(*given), table[:, [0, 6, 2, 2]])
        found[name] = "OneHot" in {operation.type for operation in traced.graph.get_operations()}
    assert found == {"prediction": False, "training": True}
