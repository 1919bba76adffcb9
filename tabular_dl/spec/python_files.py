"""Python files of a pipeline: their references in a specification, their text, and the steps made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing import (
    ColumnRule,
    PythonSource,
    check_defines,
    read_source,
    reference_problem,
    split_reference,
)

if TYPE_CHECKING:
    from tabular_dl.preprocessing import PythonFeatures, PythonTransformer
    from tabular_dl.spec.models import PipelineSpec
    from tabular_dl.spec.yaml_io import Key

__all__ = ["PythonFiles", "check_python", "is_reference", "python_features", "python_transformer", "references"]


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
        """Whether the other is one, too: two specifications are equal if they say the same."""
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


def references(spec: PipelineSpec) -> Iterator[tuple[Key, str]]:
    """Yield each reference to Python with its key."""
    if spec.python_features is not None:
        yield ("features", "python"), spec.python_features
    for place, rule in enumerate(spec.columns):
        if rule.transformer is not None:
            yield ("columns", place, "transformer"), rule.transformer


def check_python(spec: PipelineSpec, place: Callable[[Key], str], *, read: bool) -> None:
    """Raise an error for a reference to Python that cannot be used. Nothing is executed.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    place : callable
        Function that returns the file and line of a key.
    read : bool
        Whether to read the files as well, which other commands than those that fit do not need.

    Raises
    ------
    SpecError
        If a reference is invalid; with `read`, also if there is no such file, it is no Python, or it does not define
        the name.
    """
    for key, reference in references(spec):
        where = f"{place(key)}: {'.'.join(map(str, key))}"
        problem = reference_problem(reference)
        if problem:
            raise SpecError(f"{where}: {problem}")
        if read:
            file, name = split_reference(reference)
            try:
                check_defines(spec.python.source(file), name)
            except SpecError as error:
                raise SpecError(f"{where}: {error}") from None


def python_features(spec: PipelineSpec) -> PythonFeatures | None:
    """Return the unfitted step of ``features.python``, signed; None if the pipeline has none.

    Raises
    ------
    SpecError
        If the file cannot be read.
    """
    from tabular_dl.preprocessing import PythonFeatures, approve  # imported here, since they load scikit-learn

    if spec.python_features is None:
        return None
    file, name = split_reference(spec.python_features)
    source = spec.python.source(file)
    return PythonFeatures(source, name, approve(source, name, {}))


def python_transformer(spec: PipelineSpec, rule: ColumnRule) -> PythonTransformer:
    """Return the unfitted step of a rule with ``transformer``, signed.

    Raises
    ------
    SpecError
        If the file cannot be read.
    """
    from tabular_dl.preprocessing import PythonTransformer, approve  # imported here for the same reason

    file, name = split_reference(str(rule.transformer))
    source = spec.python.source(file)
    return PythonTransformer(source, name, rule.parameters, approve(source, name, rule.parameters))
