"""The matrix of a fold: training rows cross-fitted, others encoded by what training rows taught, by nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import random as sparse_random
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder

from tabular_dl.model_selection.fold_matrices import fold_matrix
from tabular_dl.preprocessing.column_transformer import build_preprocessing

RNG = np.random.default_rng(0)
ROWS = 1000
# Some 400 categories that say nothing about the target.
NOISE = pd.DataFrame({"Noise": RNG.integers(0, 400, ROWS).astype(str), "x": RNG.normal(size=ROWS)})
Y = RNG.integers(0, 2, ROWS)
TRAIN = np.sort(RNG.permutation(ROWS)[:800])
TEST = np.setdiff1d(np.arange(ROWS), TRAIN)


def steps():
    rules = [{"columns": ["Noise"], "encode": "target"}, {"columns": ["x"], "scale": "standard"}]
    return make_pipeline(build_preprocessing(rules, random_state=0))


def test_training_rows_are_fitted_and_transformed_at_once_and_others_transformed() -> None:
    fitted, matrix, names = fold_matrix(steps(), NOISE, Y, TRAIN, np.float64)
    assert names is None
    alone = steps()
    np.testing.assert_array_equal(matrix[TRAIN], alone.fit_transform(NOISE.iloc[TRAIN], Y[TRAIN]))
    np.testing.assert_array_equal(matrix[TEST], alone.transform(NOISE.iloc[TEST]))
    np.testing.assert_array_equal(fitted.transform(NOISE), alone.transform(NOISE))
    assert fold_matrix(steps(), NOISE, Y, TRAIN)[1].dtype == np.float32


def test_a_column_of_noise_says_nothing_about_the_target_of_training_rows() -> None:
    matrix = fold_matrix(steps(), NOISE, Y, TRAIN)[1]
    assert roc_auc_score(Y[TRAIN], matrix[TRAIN, 0]) == pytest.approx(0.5, abs=0.06)
    assert roc_auc_score(Y[TEST], matrix[TEST, 0]) == pytest.approx(0.5, abs=0.1)
    leaking = steps().fit(NOISE.iloc[TRAIN], Y[TRAIN]).transform(NOISE.iloc[TRAIN])
    assert roc_auc_score(Y[TRAIN], leaking[:, 0]) > 0.75


def test_no_target_of_another_row_than_those_of_training_is_looked_at() -> None:
    changed = Y.copy()
    changed[TEST] = 1 - changed[TEST]
    np.testing.assert_array_equal(
        fold_matrix(steps(), NOISE, changed, TRAIN)[1], fold_matrix(steps(), NOISE, Y, TRAIN)[1]
    )


def test_no_training_rows_own_target_is_in_its_own_value() -> None:
    rules = [{"columns": ["Noise"], "encode": "target"}]
    numbers = make_pipeline(build_preprocessing(rules, classification=False, random_state=0))
    changed = Y.astype(float)
    changed[TRAIN[17]] = 99.0
    before, after = (fold_matrix(numbers, NOISE, y, TRAIN)[1] for y in (Y.astype(float), changed))
    assert after[TRAIN[17]] == before[TRAIN[17]]
    assert (after != before).sum() > 100


def test_a_seed_fixes_how_training_rows_are_encoded() -> None:
    def encoded(seed: int) -> np.ndarray:
        rules = [{"columns": ["Noise"], "encode": "target"}]
        return fold_matrix(make_pipeline(build_preprocessing(rules, random_state=seed)), NOISE, Y, TRAIN)[1]

    np.testing.assert_array_equal(encoded(0), encoded(0))
    assert (encoded(1)[TRAIN] != encoded(0)[TRAIN]).any()
    np.testing.assert_array_equal(encoded(1)[TEST], encoded(0)[TEST])


def test_rows_of_a_wider_type_than_the_training_rows_keep_their_values() -> None:
    def narrowest(values: np.ndarray) -> np.ndarray:
        whole = values.astype(np.uint8)
        return whole if np.array_equal(whole, values) else values

    values = np.array([[1.0], [2.0], [2.5], [300.0]], np.float32)
    steps = make_pipeline(FunctionTransformer(narrowest))
    matrix = fold_matrix(steps, values, np.zeros(4), np.array([0, 1]), (np.float32, np.uint8))[1]
    np.testing.assert_array_equal(matrix, values)
    assert matrix.dtype == np.float32


def test_a_sparse_table_becomes_a_dense_matrix() -> None:
    table = sparse_random(60, 5, 0.3, format="csr", random_state=0, dtype=np.float64)
    train = np.arange(0, 60, 2)
    fitted, matrix, _ = fold_matrix(make_pipeline(MaxAbsScaler()), table, np.zeros(60), train)
    expected = table.toarray() / np.abs(table.toarray()[train]).max(axis=0)
    np.testing.assert_allclose(matrix, expected, rtol=1e-6)
    assert fitted.transform(table).format == "csr"
    kinds = make_pipeline(OneHotEncoder(handle_unknown="ignore"))
    found = fold_matrix(kinds, NOISE[["Noise"]], Y, TRAIN)[1]
    assert (found[TRAIN].sum(axis=1) == 1).all()


def test_the_names_of_a_table_that_the_steps_return_are_known() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 5.0, 7.0]})
    scaler = make_pipeline(MaxAbsScaler()).set_output(transform="pandas")
    _, matrix, names = fold_matrix(scaler, table, np.zeros(3), np.array([0, 1]))
    assert names is not None
    assert names.tolist() == ["a", "b"]
    np.testing.assert_allclose(matrix, [[0.5, 0.6], [1.0, 1.0], [2.0, 1.4]])
