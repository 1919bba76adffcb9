"""Imports point down the layers of the package, and a heavy library is imported where it belongs and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import tabular_dl

PACKAGE = "tabular_dl"

# From the top down: a module imports from the lines below its own, not from its own. `__init__` is the public face of
# the package, and a folder's name, such as `nn`, its `__init__`. A line may name a module that is still to come.
LAYERS = """
    cli
    commands
    commands.*
    commands.options
    __init__
    workflows
    workflows.*
    workflows.search_store
    workflows.pages workflows.search_task
    workflows.drafts workflows.training
    workflows.files workflows.findings workflows.models workflows.notes workflows.progress workflows.surroundings
    blended crossfit population_search open_runs
    importance report score_plots tracking
    samplers search_rounds stored_runs blending preflight
    trials refusals column_findings row_findings submissions
    full_spec pipeline schema remedies thresholds
    estimators
    keras_estimator
    hyperparameters features preprocessing datasets spec persistence downloads drafting
    roles treatments sizing commented_yaml column_readers
    column_kinds
    groups plots search_plots encoders
    assembly
    drift leaks overlap column_faults grouping
    tree_input findings
    nn
    nn.training
    nn.chunks
    nn.callbacks nn.program nn.stopping nn.whole
    nn.feeding nn.inference
    nn.members nn.network
    nn.random_layers
    nn.layers nn.optimizers nn.schedules nn.tensorboard
    nn.streams
    spec_models
    metrics feature_rules inputs diagnosis tables narrowing leaderboard matrices scalers loaders constant_scaler folds
    infer table_files
    delimited_text
    cells
    dates group_statistics
    problems columns expressions yaml_reader distributions kaggle_client
    quantities
    targets losses rule_words column_patterns
    resources errors
"""

# Who may import a library whose place is part of the design.
OWNERS = {
    "mlflow": "open_runs stored_runs tracking",
    "matplotlib": "keras_estimator plots report score_plots search_plots",
    "keras": "keras_estimator loaders nn nn.*",  # loaders: Keras's own data sets are read by Keras
    "tensorflow": "keras_estimator nn nn.*",
}


def named(module: str, patterns: str) -> bool:
    """Say whether one of the patterns names the module, where a star stands for one name without a dot."""
    return any(fnmatchcase(module, pattern) and module.count(".") == pattern.count(".") for pattern in patterns.split())


def layer(module: str) -> int | None:
    """Return how far down the module lies, by the lowest line that names it; None if no line does."""
    rows = [row for row, line in enumerate(LAYERS.strip().splitlines()) if named(module, line)]
    return max(rows, default=None)


def imports(tree: ast.Module, package: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, module and name of every import of a file that lies in `package`; the name of `import x` is empty.

    Imports inside functions count: they put off a load, not a dependency. So do those for the type checker alone: who
    needs a type of the layer above to explain itself already knows too much about it.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            # One dot is the file's own package, each further dot the package around it.
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            for alias in node.names:
                yield node.lineno, ".".join([*above, *filter(None, [node.module])]), alias.name


def violations(root: Path) -> list[str]:
    """Return a sentence for every import in a package folder that breaks the layers, and every module outside them."""
    files = {".".join(path.relative_to(root).with_suffix("").parts): path for path in sorted(root.rglob("*.py"))}
    modules = {module.removesuffix(".__init__"): path for module, path in files.items()}
    found = [f"{module} is in no layer: give it one" for module in modules if layer(module) is None]
    for module, path in modules.items():
        package = ".".join([PACKAGE, *path.relative_to(root).parent.parts])
        for line, source, name in imports(ast.parse(path.read_text(encoding="utf-8")), package):
            where = f"{path.relative_to(root).as_posix()}:{line}"
            library, _, inside = source.partition(".")
            if library != PACKAGE:
                if library in OWNERS and not named(module, OWNERS[library]):
                    found.append(f"{where} imports {library}, which is for {OWNERS[library]}")
                continue
            # `from nn import training` names a module, `from nn.training import Members` a name inside one.
            target = ".".join(filter(None, [inside, name]))
            if target not in modules and layer(target) is None:
                target = inside or "__init__"
            own, other = layer(module), layer(target)
            if other is None:
                found.append(f"{where} imports {target}, which is in no layer")
            elif own is not None and target != module and other <= own:
                found.append(f"{where} imports {target}, which lies {'beside' if other == own else 'above'} {module}")
    return found


def test_imports_point_down() -> None:
    assert violations(Path(tabular_dl.__file__).parent) == []


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        (
            "metrics.py",
            "from tabular_dl.spec import PipelineSpec",
            "metrics.py:2 imports spec, which lies above metrics",
        ),
        ("metrics.py", "import tabular_dl.spec", "metrics.py:2 imports spec, which lies above metrics"),
        ("metrics.py", "from tabular_dl import spec", "metrics.py:2 imports spec, which lies above metrics"),
        ("metrics.py", "from .spec import PipelineSpec", "metrics.py:2 imports spec, which lies above metrics"),
        ("metrics.py", "def f():\n  from . import spec", "metrics.py:3 imports spec, which lies above metrics"),
        (
            "metrics.py",
            "if TYPE_CHECKING:\n  from .spec import A",
            "metrics.py:3 imports spec, which lies above metrics",
        ),
        (
            "metrics.py",
            "from tabular_dl import KerasClassifier",
            "metrics.py:2 imports __init__, which lies above metrics",
        ),
        (
            "nn/layers.py",
            "from .training import Members",
            "nn/layers.py:2 imports nn.training, which lies above nn.layers",
        ),
        ("nn/layers.py", "from ..nn import training", "nn/layers.py:2 imports nn.training, which lies above nn.layers"),
        ("nn/layers.py", "from . import Dense", "nn/layers.py:2 imports nn, which lies above nn.layers"),
        ("workflows/fit.py", "from ..cli import app", "workflows/fit.py:2 imports cli, which lies above workflows.fit"),
        (
            "workflows/fit.py",
            "from .submit import submit",
            "workflows/fit.py:2 imports workflows.submit, which lies beside workflows.fit",
        ),
        ("features.py", "from tabular_dl.spec import A", "features.py:2 imports spec, which lies beside features"),
        ("features.py", "from tabular_dl.utils import A", "features.py:2 imports utils, which is in no layer"),
        ("utils.py", "", "utils is in no layer: give it one"),
        ("nn/helpers.py", "", "nn.helpers is in no layer: give it one"),
        ("cli.py", "import mlflow.tracking", "cli.py:2 imports mlflow, which is for open_runs stored_runs tracking"),
        (
            "crossfit.py",
            "def f():\n  from matplotlib import figure",
            "crossfit.py:3 imports matplotlib, which is for keras_estimator plots report score_plots search_plots",
        ),
        ("groups.py", "import keras", "groups.py:2 imports keras, which is for keras_estimator loaders nn nn.*"),
        (
            "metrics.py",
            "from tensorflow import math",
            "metrics.py:2 imports tensorflow, which is for keras_estimator nn nn.*",
        ),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, file: str, line: str, complaint: str) -> None:
    plant(tmp_path, file, line)
    assert violations(tmp_path) == [complaint]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("cli.py", "from tabular_dl import __version__"),
        ("__init__.py", "from tabular_dl.estimators import KerasClassifier"),
        ("workflows/fit.py", "from tabular_dl import pipeline, tracking\nfrom ..crossfit import CrossFit"),
        ("spec.py", "import tabular_dl.nn.training"),
        (
            "nn/training.py",
            "import keras, tensorflow as tf\nfrom tabular_dl.nn import layers\nfrom ..errors import UserError",
        ),
        ("tracking.py", "import mlflow.sklearn"),
        ("report.py", "import matplotlib.pyplot, json\nfrom keras_like import Model"),
    ],
)
def test_imports_from_below_are_fine(tmp_path: Path, file: str, line: str) -> None:
    plant(tmp_path, file, line)
    assert violations(tmp_path) == []


def plant(root: Path, file: str, line: str) -> None:
    """Write a package of one module: the layers must hold whether or not the modules that it imports are there."""
    path = root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'"""A module."""\n{line}\n')
