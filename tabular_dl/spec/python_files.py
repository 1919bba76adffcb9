"""Text of the Python files that lie beside a pipeline file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing import PythonSource, read_source

__all__ = ["PythonFiles", "code_in", "is_reference"]

# Hyperparameters of networks that are names of Keras, or the user's Python.
NAMES = ("activation", "loss")


class PythonFiles:
    """Text of the Python files of a pipeline, read when it is needed, and only once.

    Parameters
    ----------
    folder : Path, optional
        Folder of the pipeline file, to read from.
    sources : mapping of str to PythonSource, optional
        Text that is known already, such as that of a stored model.

    Examples
    --------
    >>> PythonFiles(sources={"a.py": PythonSource("a.py", "x = 1")}).source("a.py").text
    'x = 1'
    """

    def __init__(self, folder: Path | None = None, sources: Mapping[str, PythonSource] | None = None) -> None:
        self.folder = folder
        self._sources = dict(sources or {})

    def source(self, file: str) -> PythonSource:
        """Return the text of a file.

        Parameters
        ----------
        file : str
            Path relative to the folder.

        Raises
        ------
        SpecError
            If it cannot be read.
        """
        if file not in self._sources:
            if self.folder is None:
                raise SpecError(f"{file}: the pipeline was not read from a file, so there is no folder to find it in.")
            self._sources[file] = read_source(self.folder, file)
        return self._sources[file]

    def __eq__(self, other: object) -> bool:
        """Whether the other object is of this class: specifications are equal if their settings are."""
        return isinstance(other, PythonFiles)

    __hash__ = None  # type: ignore[assignment]


def is_reference(name: object, feature: object) -> bool:
    """Whether an entry of ``features`` names a function of the user instead of declaring a feature.

    Examples
    --------
    >>> is_reference("python", "my_features.py:add"), is_reference("python", {"from": "Name"})
    (True, False)
    """
    return name == "python" and isinstance(feature, str)


def code_in(name: str, value: object) -> list[Any]:
    """Return the references to the user's Python in the value of a hyperparameter of networks.

    Examples
    --------
    >>> code_in("loss", "my_losses.py:weighted"), code_in("loss", "huber"), code_in("blocks", ["my_blocks.py:Gate"])
    (['my_losses.py:weighted'], [], ['my_blocks.py:Gate'])
    """
    if name == "blocks" and value is not None:
        return list(value) if isinstance(value, list | tuple) else [value]
    # No name of Keras has a colon.
    return [value] if name in NAMES and isinstance(value, str) and ":" in value else []
