"""Arrays that workers read are those that were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import random as random_matrix

from tabular_dl.clusters.shared_arrays import ArrayFiles, arrays_of, digest_of
from tabular_dl.errors import DataError


def test_a_round_trip_by_files(tmp_path: Path) -> None:
    arrays = [np.arange(6.0).reshape(2, 3), random_matrix(5, 4, 0.5, format="csr", rng=0), np.zeros((0, 2), "float32")]
    dense, sparse, empty = arrays_of(ArrayFiles.write(tmp_path / "table", arrays), digest_of(arrays))
    assert isinstance(dense, np.memmap)
    np.testing.assert_array_equal(dense, arrays[0])
    np.testing.assert_array_equal(sparse.toarray(), arrays[1].toarray())
    assert empty.shape == (0, 2)


def test_other_arrays_are_refused(tmp_path: Path) -> None:
    files = ArrayFiles.write(tmp_path / "table", [np.zeros(3)])
    np.save(tmp_path / "table" / "0.values.npy", np.ones(3))
    with pytest.raises(DataError, match="has the digest"):
        arrays_of(files, digest_of([np.zeros(3)]))
