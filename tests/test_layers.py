"""Packages import from lower floors only, no file is part of a circle, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tabular_dl

# From the top down. `__init__` is the package's public face; everything else is a package, or a file of the ground.
FLOORS = """
    cli
    workflows __init__
    checks drafting reporting serving tracking
    spec
    model_selection profiling
    preprocessing estimators competition
    tables problems nn plots clusters
    errors atomic_files limits resources
"""
FLOOR = {name: -row for row, line in enumerate(FLOORS.strip().splitlines()) for name in line.split()}
GROUND = {name for name, floor in FLOOR.items() if floor == min(FLOOR.values())}  # these files are one package

# Which packages may import a library whose place is part of the design.
OWNERS = {
    "mlflow": "tracking",
    "matplotlib": "estimators plots reporting",
    "keras": "competition estimators nn",  # competition: Keras's own data sets are read by Keras
    "tensorflow": "estimators nn",
}


def imported(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything that a file of ``package`` imports: ``a.b`` for ``from a import b``.

    Imports inside functions and those for the type checker count: they put off a load, not a dependency.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # One dot is the file's own package, each further dot the package around it.
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            yield from ((node.lineno, ".".join([*above, *filter(None, [node.module]), a.name])) for a in node.names)


def violations(root: Path) -> list[str]:
    """Return a sentence for every import below a package's folder that breaks the floors, and every circle of files."""
    files = {".".join(path.relative_to(root).with_suffix("").parts): path for path in sorted(root.rglob("*.py*"))}
    files = {module: path for module, path in files.items() if path.suffix in {".py", ".pyi"}}
    faults: list[str] = []
    graph: dict[str, set[str]] = {module: set() for module in files}
    for module, path in files.items():
        own = module.partition(".")[0]
        if own not in FLOOR:
            faults.append(f"{own} is on no floor: give it one")
            continue
        package = ".".join(["tabular_dl", *path.relative_to(root).parent.parts])
        for line, name in imported(ast.parse(path.read_text(encoding="utf-8")), package):
            where = f"{path.relative_to(root).as_posix()}:{line}"
            library, _, inside = name.partition(".")
            if library != "tabular_dl":
                if library in OWNERS and own not in OWNERS[library].split():
                    faults.append(f"{where} imports {library}, which is for {OWNERS[library]}")
                continue
            other = inside.partition(".")[0] if inside.partition(".")[0] in FLOOR else "__init__"
            if other == own != "__init__" or {own, other} <= GROUND:
                graph[module] |= {target for target in (inside, inside.rpartition(".")[0]) if target in files}
            elif other != own and FLOOR[other] >= FLOOR[own]:
                faults.append(f"{where} imports {other}, which lies {_place(other, own)} {own}")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        faults.append(f"files that import each other in a circle: {' -> '.join(error.args[1])}")
    return faults


def _place(other: str, own: str) -> str:
    return "beside" if FLOOR[other] == FLOOR[own] else "above"


def test_imports_point_down() -> None:
    assert violations(Path(tabular_dl.__file__).parent) == []


def test_at_most_six_modules_lie_in_the_root() -> None:
    assert len([*Path(tabular_dl.__file__).parent.glob("*.py")]) <= 6


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("problems/a.py", "from tabular_dl.spec import A", "problems/a.py:2 imports spec, which lies above problems"),
        ("problems/a.py", "import tabular_dl.spec.b", "problems/a.py:2 imports spec, which lies above problems"),
        ("problems/a.py", "from tabular_dl import spec", "problems/a.py:2 imports spec, which lies above problems"),
        ("problems/a.py", "from ..spec import A", "problems/a.py:2 imports spec, which lies above problems"),
        ("problems/a.py", "def f():\n  from .. import nn", "problems/a.py:3 imports nn, which lies beside problems"),
        (
            "problems/__init__.pyi",
            "from ..spec import A",
            "problems/__init__.pyi:2 imports spec, which lies above problems",
        ),
        (
            "tables/a.py",
            "if TYPE_CHECKING:\n  from ..spec.b import A",
            "tables/a.py:3 imports spec, which lies above tables",
        ),
        (
            "problems/a.py",
            "from tabular_dl import KerasClassifier",
            "problems/a.py:2 imports __init__, which lies above problems",
        ),
        ("workflows/fit.py", "from ..cli import app", "workflows/fit.py:2 imports cli, which lies above workflows"),
        ("helpers/a.py", "", "helpers is on no floor: give it one"),
        ("helpers.py", "", "helpers is on no floor: give it one"),
        ("nn/a.py", "from .a import b", "files that import each other in a circle: nn.a -> nn.a"),
        ("cli/app.py", "import mlflow.tracking", "cli/app.py:2 imports mlflow, which is for tracking"),
        (
            "checks/a.py",
            "def f():\n  from matplotlib import figure",
            "checks/a.py:3 imports matplotlib, which is for estimators plots reporting",
        ),
        ("tables/a.py", "import keras", "tables/a.py:2 imports keras, which is for competition estimators nn"),
        ("tables/a.py", "from tensorflow import math", "tables/a.py:2 imports tensorflow, which is for estimators nn"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, file: str, line: str, complaint: str) -> None:
    plant(tmp_path, file, line)
    assert violations(tmp_path) == [complaint]


def test_a_circle_of_several_files_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "nn/a.py", "from tabular_dl.nn.b import x")
    plant(tmp_path, "nn/b.py", "def f():\n  from . import c")
    plant(tmp_path, "nn/c.py", "from tabular_dl.nn import a")
    (fault,) = violations(tmp_path)
    assert fault.startswith("files that import each other in a circle: ")
    assert all(f"nn.{name}" in fault for name in "abc")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("cli/app.py", "from tabular_dl import __version__"),
        ("__init__.py", "from tabular_dl.estimators import KerasClassifier"),
        ("workflows/fit.py", "from tabular_dl import tracking\nfrom ..model_selection import CrossFit"),
        ("spec/build.py", "import tabular_dl.nn.training"),
        ("nn/training.py", "import keras, tensorflow as tf\nfrom tabular_dl.nn import layers\nfrom ..errors import A"),
        ("tracking/run_log.py", "import mlflow.sklearn"),
        ("reporting/a.py", "import matplotlib.pyplot, json\nfrom keras_like import Model"),
    ],
)
def test_imports_from_below_are_fine(tmp_path: Path, file: str, line: str) -> None:
    plant(tmp_path, file, line)
    assert violations(tmp_path) == []


def plant(root: Path, file: str, line: str) -> None:
    """Write a package of one module: the floors must hold whether or not the modules that it imports are there."""
    path = root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'"""A module."""\n{line}\n')
