"""Arrays that all parts read, sent once: files that the processes of a machine map, or what a scheduler has spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse

from tabular_dl.errors import DataError

__all__ = ["Array", "ArrayFiles", "arrays_of", "digest_of"]

Array = Any  # ndarray or CSR matrix of scipy, whose types mypy does not read


@dataclass(frozen=True)
class ArrayFiles:
    """Arrays in files of a folder that all processes can read.

    Parameters
    ----------
    folder : Path
        The folder.
    count : int
        Number of arrays.
    """

    folder: Path
    count: int

    @classmethod
    def write(cls, folder: Path, arrays: Sequence[Array]) -> ArrayFiles:
        """Write arrays into a folder.

        Parameters
        ----------
        folder : Path
            New folder.
        arrays : sequence of ndarray or CSR matrix
            The arrays.

        Returns
        -------
        ArrayFiles
            The files.
        """
        folder.mkdir()
        for number, array in enumerate(arrays):
            for name, part in _parts(array).items():
                np.save(folder / f"{number}.{name}.npy", part, allow_pickle=False)
        return cls(folder, len(arrays))

    def read(self) -> list[Array]:
        """Return the arrays, mapped into memory."""
        return [self._read(number) for number in range(self.count)]

    def _read(self, number: int) -> Array:
        files = {path.name.split(".")[1]: path for path in self.folder.glob(f"{number}.*.npy")}
        parts = {name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in files.items()}
        if "shape" not in parts:
            return parts["values"]
        return csr_matrix((parts["values"], parts["columns"], parts["starts"]), shape=tuple(map(int, parts["shape"])))


def _parts(array: Array) -> dict[str, Any]:
    """Return the dense arrays that an array consists of."""
    if not issparse(array):
        return {"values": array}
    return {"values": array.data, "columns": array.indices, "starts": array.indptr, "shape": np.array(array.shape)}


def digest_of(arrays: Sequence[Array]) -> str:
    """Return the SHA-256 of types, shapes and values of arrays.

    Parameters
    ----------
    arrays : sequence of ndarray or CSR matrix
        The arrays.

    Returns
    -------
    str
        Digest.

    Examples
    --------
    >>> digest_of([np.zeros(2)]) == digest_of([np.zeros(2)]), digest_of([np.zeros(2)]) == digest_of([np.zeros(1)] * 2)
    (True, False)
    """
    digest = sha256()
    for array in arrays:
        for part in _parts(array).values():
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            for start in range(0, len(part), max(1, len(part) // 64)):  # a block at a time: it may be a memory map
                digest.update(np.ascontiguousarray(part[start : start + max(1, len(part) // 64)]).data)
    return digest.hexdigest()


def arrays_of(shared: ArrayFiles | Sequence[Array], digest: str) -> list[Array]:
    """Return shared arrays in a worker.

    Parameters
    ----------
    shared : ArrayFiles, or sequence of ndarray or CSR matrix
        Files, or the arrays themselves where a scheduler has sent them.
    digest : str
        Digest of the arrays in the process that sends work.

    Returns
    -------
    list of ndarray or CSR matrix
        The arrays.

    Raises
    ------
    DataError
        If these are other arrays.

    Examples
    --------
    >>> arrays = [np.arange(3)]
    >>> arrays_of(arrays, digest_of(arrays))
    [array([0, 1, 2])]
    """
    arrays = shared.read() if isinstance(shared, ArrayFiles) else list(shared)
    actual = digest_of(arrays)
    if actual != digest:
        raise DataError(
            f"The table of a worker has the digest {actual[:12]}, that of the process that sends work {digest[:12]}: "
            "a file was changed or sent incompletely. Start the command again."
        )
    return arrays
