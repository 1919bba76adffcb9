"""Tag of a run with its Python files, to detect later changes of the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing import read_source, split_reference
from tabular_dl.spec import PipelineSpec, references

__all__ = ["changed_python", "left_behind_python", "python_tag"]

TAG = "tabular_dl.python"


def python_tag(spec: PipelineSpec) -> dict[str, str]:
    """Return the tag with SHA-256 and folder of each Python file of a pipeline; empty if it has none.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.

    Returns
    -------
    dict of str to str
        At most one tag.
    """
    files = sorted({split_reference(reference)[0] for _, reference in references(spec)})
    if not files:
        return {}
    folder = None if spec.python.folder is None else str(spec.python.folder.resolve())
    return {TAG: json.dumps({"folder": folder, "sha256": {file: spec.python.source(file).digest for file in files}})}


def left_behind_python(spec: PipelineSpec, pipeline: Path) -> list[str]:
    """Return a line for each Python file of a pipeline that is missing beside a new pipeline file.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    pipeline : Path
        New file of the pipeline.

    Returns
    -------
    list of str
        Lines.
    """
    files = sorted({split_reference(reference)[0] for _, reference in references(spec)})
    missing = [file for file in files if not (pipeline.parent / file).is_file()]
    return [f"Copy {(spec.python.folder or Path()) / file} beside it: {pipeline.parent / file}" for file in missing]


def changed_python(tags: Mapping[str, str], run: str) -> list[str]:
    """Return a line for each Python file that has changed since a run.

    Parameters
    ----------
    tags : mapping of str to str
        Tags of the run.
    run : str
        Name of the run.

    Returns
    -------
    list of str
        Lines; empty if the files are unchanged, or the run has none.
    """
    content = json.loads(tags.get(TAG, "{}"))
    lines = []
    for file, digest in content.get("sha256", {}).items():
        if not content.get("folder"):
            continue
        try:
            now = read_source(Path(content["folder"]), file).digest
        except SpecError:
            lines.append(f"{file} is not in {content['folder']} any more: the text stored with run {run} was used.")
            continue
        if now != digest:
            lines.append(
                f"{file} has changed since run {run} (SHA-256 {digest[:12]} then, {now[:12]} now): the text "
                "stored with the run was used."
            )
    return lines
