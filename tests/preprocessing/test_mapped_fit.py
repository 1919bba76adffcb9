"""Steps that are fitted to a map are those that the rows themselves fit, and its matrix is what they transform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.preprocessing.mapped_fit import fit_mapped
from tabular_dl.preprocessing.mapped_matrix import MappedMatrix
from tabular_dl.tables.row_map import RowMap, write_row_map

KINDS = {"a": "number", "b": "number", "city": "text", "deck": "text", "class": "number", "alone": "boolean"}
EXACT: list[dict[str, Any]] = [
    {"columns": ["a", "b"], "scale": "minmax"},
    {"columns": ["a", "b"], "impute": {"constant": -1}, "scale": "symmetric", "missing_flag": True},
    {"columns": ["a", "b"], "impute": "most_frequent", "clip": 0.05, "scale": "robust"},
    {"columns": ["a", "b"], "scale": "quantile"},
    {"columns": ["a", "alone"], "scale": {"constant": 7}},
    {"columns": ["city", "deck", "class", "alone"], "encode": "onehot"},
    {"columns": ["city", "deck"], "encode": "onehot", "impute": "most_frequent"},
    {"columns": ["city", "class"], "encode": "onehot", "rare": 12},
    {"columns": ["city", "class"], "encode": "label", "rare": 12},
    {"columns": ["deck", "class"], "encode": "ordinal", "scale": "minmax"},
    {"columns": ["city", "alone"], "encode": "hash", "buckets": 5},
    {"columns": ["city", "deck"], "encode": "onehot", "impute": {"constant": "none"}},
]


def table_of(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "a": random.normal(size=rows),
            "b": random.integers(0, 9, rows).astype(float),
            "city": pd.Series(random.choice([*"ABCDE", "été"], rows, p=[0.4, 0.3, 0.2, 0.06, 0.03, 0.01]), dtype="str"),
            "deck": pd.Series(random.choice([*"xyz"], rows), dtype="str"),
            "class": random.choice([1.0, 2.0, 3.5], rows),
            "alone": pd.Series(random.choice([True, False], rows), dtype=object),
        }
    )
    for name in table:
        table.loc[random.random(rows) < 0.1, name] = np.nan
    return table


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, RowMap]:
    table = table_of()
    blocks = [table[start : start + 33] for start in range(0, len(table), 33)]
    return table, write_row_map(tmp_path_factory.mktemp("maps") / "map", blocks, KINDS, len(table))


@pytest.mark.parametrize("rule", EXACT, ids=str)
def test_steps_and_matrix_are_those_of_rows_in_memory(
    mapped: tuple[pd.DataFrame, RowMap], rule: dict[str, Any]
) -> None:
    table, rows_on_disk = mapped
    train = np.flatnonzero(np.random.default_rng(1).random(len(table)) < 0.7)
    unfitted = build_preprocessing([rule], random_state=0)
    expected = build_preprocessing([rule], random_state=0).fit(table.iloc[train])
    fitted = fit_mapped(unfitted, rows_on_disk, train)
    assert fitted.get_feature_names_out().tolist() == expected.get_feature_names_out().tolist()
    np.testing.assert_array_equal(fitted.transform(table), expected.transform(table))
    matrix, whole = MappedMatrix(fitted, rows_on_disk), expected.transform(table).astype(np.float32)
    assert matrix.shape == whole.shape
    for part in (slice(None), slice(50, 90), slice(190, 900), np.array([3, 199, 3, 0])):
        np.testing.assert_array_equal(matrix[part], whole[part])


@pytest.mark.parametrize("rule", [{"scale": "standard"}, {"impute": "mean"}, {"scale": "power"}], ids=str)
def test_means_differ_by_rounding_only(mapped: tuple[pd.DataFrame, RowMap], rule: dict[str, Any]) -> None:
    table, rows_on_disk = mapped
    rules, train = [{"columns": ["a", "b"], **rule}], np.arange(150)
    fitted = fit_mapped(build_preprocessing(rules), rows_on_disk, train)
    expected = build_preprocessing(rules).fit(table.iloc[train])
    np.testing.assert_allclose(fitted.transform(table), expected.transform(table), rtol=1e-9, atol=1e-9)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1000), st.integers(20, 120), st.integers(1, 6))
def test_several_rules_of_any_rows(tmp_path_factory: pytest.TempPathFactory, seed: int, rows: int, rare: int) -> None:
    table = table_of(rows, seed)
    rules: list[dict[str, Any]] = [
        {"columns": ["deck"], "encode": "embedding"},
        {"columns": ["a", "b"], "scale": "minmax", "missing_flag": True},
        {"columns": ["deck", "class"], "encode": "onehot", "rare": rare if rows >= 60 else 1},
    ]
    on_disk = write_row_map(tmp_path_factory.mktemp("maps") / "map", [table], KINDS, rows)
    train = np.arange(rows // 2, rows)
    expected = build_preprocessing(rules).fit(table.iloc[train])
    matrix = MappedMatrix(fit_mapped(build_preprocessing(rules), on_disk, train), on_disk)
    np.testing.assert_array_equal(matrix[:], expected.transform(table).astype(np.float32))


@pytest.mark.parametrize("encode", ["target", "frequency", "text"])
def test_what_needs_all_rows_is_refused(mapped: tuple[pd.DataFrame, RowMap], encode: str) -> None:
    rules: list[dict[str, Any]] = [{"columns": ["a"]}, {"columns": ["city"], "encode": encode}]
    with pytest.raises(SpecError, match=r"columns, rule 2: the step \w+ cannot be fitted to a table that is larger"):
        fit_mapped(build_preprocessing(rules), mapped[1], np.arange(9))


def test_a_wider_matrix_has_zeros_elsewhere(mapped: tuple[pd.DataFrame, RowMap], tmp_path: Path) -> None:
    del tmp_path
    encoder = fit_mapped(build_preprocessing([{"columns": ["a", "b"]}]), mapped[1], np.arange(100))
    narrow = MappedMatrix(encoder, mapped[1])
    wide = narrow.placed(np.array([0, 3]), 4)
    assert wide.shape == (200, 4)
    np.testing.assert_array_equal(wide[:9][:, [0, 3]], narrow[:9])
    assert not wide[:9][:, [1, 2]].any()


def test_a_column_without_values_is_kept(tmp_path: Path) -> None:
    table = table_of(40).assign(a=np.nan)
    on_disk = write_row_map(tmp_path / "map", [table], KINDS, 40)
    rules: list[dict[str, Any]] = [{"columns": ["a", "b"], "scale": "minmax", "missing_flag": True}]
    expected = build_preprocessing(rules).fit(table)
    fitted = fit_mapped(build_preprocessing(rules), on_disk, np.arange(40))
    np.testing.assert_array_equal(fitted.transform(table), expected.transform(table))
