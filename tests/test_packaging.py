"""What a user's first commands rely on: the pins, the Makefile, the MLflow project and the wheel."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKED = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCK = [entry.partition(" \\\n")[0] for entry in re.split(r"\n(?=\S)", LOCKED.strip())]  # without hashes
PYTHONS = ["3.11", "3.12", "3.13"]
TARGETS = ["install", "fit", "test", "test-fast", "lint", "format", "bench", "torture", "ui", "lock", "clean"]
# A make of our own, not a part of the `make test` that may have started us.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)


def declared() -> list[Requirement]:
    """Return everything that pyproject.toml asks for, extras and build backend included."""
    project = PYPROJECT["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    return [Requirement(line) for line in [*project["dependencies"], *extras, *PYPROJECT["build-system"]["requires"]]]


def pinned(python: str) -> dict[str, str]:
    """Return the versions that the lock gives one Python on Linux."""
    pins: dict[str, str] = {}
    for line in LOCK:
        requirement, _, marker = line.partition(" ; ")
        environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
        if not marker or Marker(marker).evaluate(environment):
            name, _, version = requirement.partition("==")
            assert pins.setdefault(name, version) == version, f"two versions of {name} for Python {python}"
    return pins


# The lock


def test_the_lock_holds_names_and_exact_versions_only() -> None:
    # No option, address, path, hash or comment: each installer takes the packages from where it always does.
    pin = re.compile(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*( ; [^#@/]+)?")
    assert [line for line in LOCK if not pin.fullmatch(line)] == []
    assert sorted(LOCK, key=lambda line: line.partition("==")[0]) == LOCK


def test_every_package_of_the_lock_has_hashes_and_nothing_else() -> None:
    entries = re.split(r"\n(?=\S)", LOCKED.strip())
    assert [entry for entry in entries if not re.fullmatch(r".+( \\\n {4}--hash=sha256:[0-9a-f]{64})+", entry)] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_pins_every_dependency_to_a_version_that_pyproject_allows(python: str) -> None:
    pins = pinned(python)
    for requirement in declared():
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"requirements.lock lacks {requirement.name}: run make lock"
        assert version in requirement.specifier, f"{requirement} is pinned to {version}: run make lock"


def test_the_lock_serves_the_pythons_that_pyproject_names() -> None:
    classifiers = PYPROJECT["project"]["classifiers"]
    prefix = "Programming Language :: Python :: "
    assert [line.removeprefix(prefix) for line in classifiers if line.startswith(prefix)] == PYTHONS
    assert PYPROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


# The Makefile


def test_help_lists_every_target_and_is_the_default() -> None:
    shown = make("help")
    assert shown.returncode == 0, shown.stderr
    assert re.findall(r"^  make ([\w-]+) +\S", shown.stdout, re.MULTILINE) == ["help", *TARGETS]
    assert make().stdout == shown.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a folder with our Makefile and a `python` that writes down what it is asked instead of installing."""
    for name in ["Makefile", "requirements.lock", "pyproject.toml"]:
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    script(
        tmp_path / "python",
        'case "$*" in',
        f'  -c*) exec "{sys.executable}" "$@";;',
        '  "-m venv"*) mkdir -p .venv/bin && cp python .venv/bin/python;;',
        "esac",
        'echo "$@" >> asked.txt',
        'test ! -e offline || case "$*" in *lock*) exit 1;; esac',
    )
    return tmp_path


def script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def install(checkout: Path) -> tuple[bool, list[str]]:
    """Run `make install`; return whether it succeeded, and what Python was asked to do meanwhile."""
    (checkout / "asked.txt").unlink(missing_ok=True)
    done = make("install", "PYTHON=./python", folder=checkout)
    asked = checkout / "asked.txt"
    lines = asked.read_text().splitlines() if asked.exists() else []
    return done.returncode == 0, [line for line in lines if "pip --version" not in line]


PIP = "-m pip install --quiet --disable-pip-version-check"
PACKAGES = f"{PIP} --requirement requirements.lock"
PROJECT = f"{PIP} --no-deps --no-build-isolation --editable ."
VENV = "-m venv --clear .venv"


def test_install_makes_the_environment_once(checkout: Path) -> None:
    assert install(checkout) == (True, [VENV, PACKAGES, PROJECT])
    assert install(checkout) == (True, [])
    (checkout / "requirements.lock").touch()
    assert install(checkout) == (True, []), "dates do not matter"


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_install_runs_again_when_a_file_that_it_depends_on_changes(checkout: Path, name: str) -> None:
    install(checkout)
    with (checkout / name).open("a") as file:
        file.write("# changed\n")
    assert install(checkout) == (True, [PACKAGES, PROJECT]), "the environment itself is kept"


def test_an_install_that_failed_is_made_again(checkout: Path) -> None:
    (checkout / "offline").touch()
    assert install(checkout) == (False, [VENV, PACKAGES])
    (checkout / "offline").unlink()
    assert install(checkout) == (True, [PACKAGES, PROJECT])


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_install_refuses_a_python_that_the_packages_do_not_support(checkout: Path, version: tuple[int, int]) -> None:
    pretend = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
    script(checkout / "python", f'exec "{sys.executable}" -c "{pretend}" "$2"')
    refused = make("install", "PYTHON=./python", folder=checkout)
    assert refused.returncode != 0
    found = ".".join(map(str, version))
    assert f"Python 3.11, 3.12 or 3.13 is needed, but ./python is {found}." in refused.stderr
    assert not (checkout / ".venv").exists()


def test_clean_keeps_the_data_and_the_environment(checkout: Path) -> None:
    kept = ["data/titanic/train.csv", "data/__pycache__/prepare.pyc", ".venv/bin/tabular-dl", "pipelines/titanic.yaml"]
    gone = ["mlflow.db", "mlruns/0/meta.yaml", "outputs/fit/oof.csv", "submission.csv", "tests/nn/__pycache__/a.pyc"]
    for name in [*kept, *gone]:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    assert make("clean", folder=checkout).returncode == 0
    assert [name for name in kept if not (checkout / name).exists()] == []
    assert [name for name in gone if (checkout / name).exists()] == []


# The MLflow project


def project_command(entry_point: str, **parameters: str) -> list[str]:
    """Return the words of the command that `mlflow run . -e entry_point -P name=value` runs."""
    from mlflow.projects._project_spec import load_project

    command = load_project(ROOT).get_entry_point(entry_point).compute_command(parameters, storage_dir=None)
    path, *words = shlex.split(command)
    assert path == "PATH=$PATH:$PWD/.venv/bin"
    return words


@pytest.mark.parametrize(
    ("entry_point", "parameters", "command"),
    [
        ("main", {}, "fit titanic"),
        ("fit", {}, "fit titanic"),
        ("fit", {"pipeline": "wine"}, "fit wine"),
        ("fit", {"members": "2", "epochs": "5"}, "fit titanic --members 2 --epochs 5"),
        (
            "fit",
            {"folds": "3", "seed": "1", "set": "network.dropout=0.4"},
            "fit titanic --folds 3 --seed 1 --set network.dropout=0.4",
        ),
        ("submit", {}, "submit titanic -o submission.csv"),
        ("search", {"pipeline": "wine", "trials": "8"}, "search wine --trials 8"),
        ("compare", {"top": "3"}, "compare titanic --top 3"),
        ("ensemble", {"runs": "a,b", "method": "mean"}, "ensemble titanic --runs a,b --method mean"),
        ("predict", {"model": "abc", "table": "/rows.csv"}, "predict abc /rows.csv -o predictions.csv"),
        ("promote", {"run": "abc"}, "promote abc --as champion"),
        ("report", {"run": "abc"}, "report abc"),
        ("reproduce", {"run": "abc"}, "reproduce abc"),
        ("serve", {"run": "abc", "port": "5002"}, "serve abc --port 5002"),
        (
            "submit",
            {"pipeline": "wine", "output": "my file.csv", "run": "abc"},
            "submit wine -o 'my file.csv' --run abc",
        ),
    ],
)
def test_the_entry_points_are_commands_of_ours(entry_point: str, parameters: dict[str, str], command: str) -> None:
    from typer.main import get_command

    from tabular_dl.cli.app import app

    words = project_command(entry_point, **parameters)
    assert words == ["tabular-dl", *shlex.split(command)]
    commands: Any = get_command(app)
    # Parses the options, and complains about unknown ones, without running anything.
    commands.commands[words[1]].make_context(words[1], words[2:])


def test_the_environment_of_the_project_is_the_locked_one() -> None:
    from mlflow.projects._project_spec import load_project
    from mlflow.utils.environment import _PythonEnv

    project = load_project(ROOT)
    assert project.name == PYPROJECT["project"]["name"].replace("-", "_")
    environment = _PythonEnv.from_yaml(project.env_config_path)
    assert environment.python in PYTHONS
    assert environment.dependencies == ["-r requirements.lock", "."]


# The wheel


def build(what: str, folder: Path) -> Path:
    """Build a wheel or a source distribution into a folder; return its path."""
    # The backend of this environment, called directly: nothing is downloaded.
    command = [sys.executable, "-m", "hatchling", "build", "-t", what, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel")))


def test_the_wheel_carries_the_tables_the_pipelines_and_the_types(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    files = ["train.csv", "test.csv", "sample_submission.csv", "answers.csv", "README.md"]
    for competition in ["titanic", "wine", "boston", "digits"]:
        assert {f"tabular_dl/data/{competition}/{file}" for file in files} <= names
        assert f"tabular_dl/pipelines/{competition}.yaml" in names
        for file in files:
            packed = wheel.read(f"tabular_dl/data/{competition}/{file}")
            assert packed == (ROOT / "data" / competition / file).read_bytes()
    assert {"tabular_dl/py.typed", "tabular_dl/reporting/templates/report.html"} <= names


def test_the_wheel_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    allowed = r"tabular_dl/(\w+/)*\w+\.pyi?|tabular_dl/py\.typed|tabular_dl/reporting/templates/report\.html"
    allowed += r"|tabular_dl/pipelines/\w+\.yaml"
    allowed += r"|tabular_dl/data/\w+/(\w+\.csv|README\.md)|tabular_dl-[^/]+\.dist-info/.*"
    assert [name for name in wheel.namelist() if not re.fullmatch(allowed, name)] == []


def test_the_wheel_brings_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    (metadata,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    assert "tabular-dl = tabular_dl.cli.app:main" in wheel.read(f"{metadata}/entry_points.txt").decode()
    licence = wheel.read(f"{metadata}/licenses/LICENSE").decode()
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


# The source distribution


@pytest.mark.slow
def test_the_source_distribution_brings_what_its_tests_read(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path / "built")) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.glob("tabular_dl-*")
    # Modules read files while they are collected. Of all tests run those that compare pages with what is there.
    done = pytest_in(source, "-k", "test_docs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (source / "examples" / "overfitting.py").is_file()


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder with the package that lies there."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
