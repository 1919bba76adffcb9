"""Files of pipelines that are named without a path."""

from __future__ import annotations

from pathlib import Path

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.resources import bundled

__all__ = ["find_pipeline", "list_pipelines"]


def list_pipelines() -> dict[str, Path]:
    """Return the files of the pipelines that can be loaded by name.

    These are the bundled ones and those in the folder ``pipelines``, which take precedence.

    Examples
    --------
    >>> sorted(list_pipelines())
    ['boston', 'digits', 'fashion_mnist', 'imdb', 'mnist', 'titanic', 'wine']
    """
    folders = (bundled("pipelines"), Path("pipelines"))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def find_pipeline(pipeline: str | Path) -> Path:
    """Return the file of a pipeline that is given by its name or its path.

    Raises
    ------
    SpecError
        If no pipeline has that name.
    """
    path = Path(pipeline)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    pipelines = list_pipelines()
    if str(pipeline) not in pipelines:
        raise SpecError(
            f"There is no pipeline {str(pipeline)!r}. {did_you_mean(str(pipeline), pipelines)} "
            "Put your own file at pipelines/NAME.yaml, or give its path."
        )
    return pipelines[str(pipeline)]
