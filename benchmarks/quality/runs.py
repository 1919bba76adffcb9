"""One variant on one split: its commands in a temporary folder, the CPU seconds of their processes, and its figures."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.quality.figures import figures
from benchmarks.quality.others import OTHERS, missing_packages
from benchmarks.quality.tables import Table, split
from tabular_dl.errors import UserError

__all__ = ["PRODUCTS", "Variant", "commit", "find_variant", "run"]

ROOT = Path(__file__).parents[2]
PRODUCTS = {
    **{"product": None, "product-fast": "fast", "product-good": "good", "product-best": "best"},
    **{"auto-2m": None, "auto-10m": None},
}
AUTO = {"auto-2m": "2m", "auto-10m": "10m"}  # time of `auto`, in place of `fit` and `submit`
PIPELINE = "table"  # name of the pipeline that init writes


@dataclass(frozen=True)
class Variant:
    """Way to predict the test rows.

    Parameters
    ----------
    name : str
        Name in the CSV file.
    kind : str
        One of `PRODUCTS`, or of `others.OTHERS`.
    overrides : tuple of str, optional
        Arguments of ``fit --set``, where the product is meant.
    """

    name: str
    kind: str
    overrides: tuple[str, ...] = ()

    def commands(self, folder: Path, table: Table) -> list[list[str]]:
        """Return the commands that predict the test rows."""
        python = [sys.executable, "-m"]
        if self.kind in OTHERS:
            python[0] = OTHERS[self.kind].python
            return [[*python, "benchmarks.quality.others", self.kind, str(folder), table.target, table.problem]]
        preset = PRODUCTS[self.kind]
        limit = AUTO.get(self.kind)
        settings = [argument for each in self.overrides for argument in ("--set", each)]
        product = [*python, "tabular_dl.cli.app"]
        if limit is not None:
            return [
                [*product, "init", PIPELINE, "--train", "train.csv"],
                [*product, "auto", PIPELINE, "--time", limit, *settings],
            ]
        return [
            [*product, "init", PIPELINE, "--train", "train.csv", *(["--preset", preset] if preset else [])],
            [*product, "fit", PIPELINE, *settings],
            [*product, "submit", PIPELINE],
        ]

    def predictions(self, folder: Path) -> pd.DataFrame:
        """Return the predictions of the test rows that the commands have left in the folder."""
        if self.kind in OTHERS:
            return pd.read_csv(folder / "predictions.csv")
        files = folder.glob("mlruns/*/*/artifacts/predictions/test.csv")
        return pd.read_csv(max(files, key=lambda file: file.stat().st_mtime))  # of auto, the blend is the last


def find_variant(kind: str, overrides: Sequence[str] = (), label: str | None = None) -> Variant | str:
    """Return a variant, or the reason why it has to be left out."""
    if kind not in PRODUCTS and kind not in OTHERS:
        raise UserError(f"--variants: there is no {kind}. Write some of {', '.join([*PRODUCTS, *OTHERS])}.")
    if kind in OTHERS and (missing := missing_packages(OTHERS[kind])):
        return f"{kind} is left out: {', '.join(missing)} not installed."
    return Variant(label or kind, kind, tuple(overrides) if kind in PRODUCTS else ())


def run(table: Table, variant: Variant, number: int, code: Path = ROOT) -> dict[str, object]:
    """Fit a variant to one split, and return a row of the CSV file.

    Parameters
    ----------
    table : Table
        The table.
    variant : Variant
        The variant.
    number : int
        Number of the split.
    code : Path, optional
        Working tree whose ``tabular_dl`` is run.

    Returns
    -------
    dict of str to object
        Value of each column of the file.

    Raises
    ------
    UserError
        If a command fails; the message has the end of its output.
    """
    train, test = split(table, number)
    with tempfile.TemporaryDirectory(prefix="quality-") as name:
        folder = Path(name)
        train.to_csv(folder / "train.csv", index=False)
        test.drop(columns=table.target).to_csv(folder / "test.csv", index=False)
        # Waiting threads of most other models would count as CPU seconds; the product runs with its defaults.
        one_thread = variant.kind in OTHERS and not OTHERS[variant.kind].threads
        environment = {"OMP_NUM_THREADS": "1"} if one_thread else {}
        commands = variant.commands(folder, table)
        seconds = sum(_cpu_seconds(command, folder, code, environment) for command in commands)
        results = figures(test[table.target].reset_index(drop=True), variant.predictions(folder), table.problem)
    return {
        "table": table.name,
        "variant": variant.name,
        "split": number,
        "rows": len(train),
        "columns": train.shape[1] - 2,
        "problem": table.problem,
        **{name: _text(value) if isinstance(value, np.ndarray) else value for name, value in vars(results).items()},
        "cpu_seconds": round(seconds, 1),
        "commit": commit(code),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _text(values: np.ndarray) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def _cpu_seconds(command: list[str], folder: Path, code: Path, environment: dict[str, str]) -> float:
    """Run a command, and return the CPU seconds of its process and of those that it has waited for."""
    path = os.pathsep.join([str(code.resolve()), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")[-1500:]
        raise UserError(f"{' '.join(command[2:])} ended with exit code {process.returncode}:\n{end}")
    return usage.ru_utime + usage.ru_stime


@cache
def commit(code: Path = ROOT) -> str:
    """Return the last commit that changed the package of a working tree, with a plus sign if files differ from it."""
    git = ["git", "-C", str(code)]
    last = [*git, "log", "-1", "--format=%h", "--", "tabular_dl"]
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "tabular_dl"], check=False).returncode
    return subprocess.run(last, capture_output=True, text=True, check=True).stdout.strip() + ("+" if changed else "")
