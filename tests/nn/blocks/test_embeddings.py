"""Embeddings put each category's vector behind the numbers."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks import Embeddings, OwnInputs, TrainingStep

BLOCK = Embeddings("embeddings", 1, ((7, 3), (2, 1)))
TABLES = {
    "table_0": np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32"),
    "table_1": np.random.default_rng(1).normal(size=(2, 2, 1)).astype("float32"),
}
ROWS = np.array([[[0.5, 0, 1], [1.5, 6, 0], [2.5, 2, 1], [3.5, 2, 0]]], "float32")
BY_HAND = np.stack(
    [
        np.column_stack([ROWS[0, :, 0], TABLES["table_0"][k, [0, 6, 2, 2]], TABLES["table_1"][k, [1, 0, 1, 0]]])
        for k in (0, 1)
    ]
)


def step(masking: float) -> TrainingStep:
    zeros = tf.zeros((2, 1, 1), tf.uint32)
    return TrainingStep(zeros, zeros, {"embeddings.masking": tf.fill((2, 1, 1), masking)}, None, None, None)


def test_rows_of_all_categories_are_made_only_where_the_tables_are_learned() -> None:
    found = {}
    for name, given in (("prediction", None), ("training", step(0.0))):
        passed = partial(BLOCK.forward, tf.constant(ROWS), TABLES, given)
        traced = tf.function(passed, autograph=False).get_concrete_function()
        np.testing.assert_array_equal(traced(), BY_HAND)
        found[name] = "OneHot" in {operation.type for operation in traced.graph.get_operations()}
    assert found == {"prediction": False, "training": True}


def test_a_hidden_category_is_the_unknown_one() -> None:
    hidden = BLOCK.forward(tf.constant(ROWS), TABLES, step(1.0)).numpy()
    np.testing.assert_array_equal(hidden[1, :, 1:4], np.repeat(TABLES["table_0"][1, :1], 4, axis=0))
    np.testing.assert_array_equal(hidden[:, :, 0], np.repeat(ROWS[:, :, 0], 2, axis=0))


def test_an_exported_member_is_keras_own_layers() -> None:
    inputs = keras.Input((3,))
    output, variables = BLOCK.export(inputs)
    for name, variable in variables.items():
        variable.assign(TABLES[name][1])
    np.testing.assert_array_equal(keras.Model(inputs, output)(ROWS[0]), BY_HAND[1])


def test_a_member_with_fewer_categories_has_the_first_rows_of_the_tables() -> None:
    assert {name: rows.tolist() for name, rows in BLOCK.own_rows(OwnInputs(1, (3, 2))).items()} == {
        "table_0": [0, 1, 2],
        "table_1": [0, 1],
    }
