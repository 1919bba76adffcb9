"""Time of `fit --model lightgbm` against the bare library on the same folds.

    python benchmarks/models.py [ROWS]

Both are whole processes, imports included. The bare one reads the same CSV, encodes categories once, trains the same
folds with the same parameters and held-out rows, one after another with a thread a core, and writes
out-of-fold and test predictions. Ours also checks the tables, fits the encoding of each fold, stores models, draws
figures and a report, and tracks all in MLflow.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

ROWS = 20_000
MODELS = ("lightgbm", "xgboost", "hist_gradient_boosting")
REPEATS = 3
PIPELINE = """\
name: made
problem: binary
data: {source: SOURCE, target: y, id: Id}
metric: roc_auc
columns:
  - {columns: [NUMBERS], impute: none}
  - {columns: [c0, c1], encode: native}
baselines: none
ensemble: {folds: 5, members: 1}
"""
BARE = """
import sys, os
import numpy as np, pandas as pd
from sklearn.model_selection import StratifiedKFold, train_test_split
folder, name = sys.argv[1:]
train, test = pd.read_csv(f"{folder}/train.csv"), pd.read_csv(f"{folder}/test.csv")
y = train["y"].to_numpy()
both = pd.concat([train.drop(columns=["y", "Id"]), test.drop(columns="Id")])
for column in ("c0", "c1"):
    both[column] = both[column].astype("category").cat.codes
columns = ["c0", "c1", *(c for c in both if c not in ("c0", "c1"))]
X = both[columns].to_numpy(float)
X, Z = X[: len(y)], X[len(y) :]
cores = len(os.sched_getaffinity(0))
oof, predicted = np.zeros(len(y)), np.zeros(len(Z))
for rows, held in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
    a, b = train_test_split(rows, test_size=0.1, stratify=y[rows], random_state=0)
    if name == "lightgbm":
        import lightgbm
        m = lightgbm.LGBMClassifier(n_estimators=2000, learning_rate=0.05, n_jobs=cores, verbose=-1, random_state=0)
        m.fit(X[a], y[a], eval_X=X[b], eval_y=y[b], categorical_feature=[0, 1],
              callbacks=[lightgbm.early_stopping(50, verbose=False)])
    elif name == "xgboost":
        import xgboost
        m = xgboost.XGBClassifier(n_estimators=2000, learning_rate=0.05, n_jobs=cores, enable_categorical=True,
                                  feature_types=["c", "c", *"q" * (X.shape[1] - 2)], early_stopping_rounds=50)
        m.fit(X[a], y[a], eval_set=[(X[b], y[b])], verbose=False)
    else:
        from sklearn.ensemble import HistGradientBoostingClassifier
        m = HistGradientBoostingClassifier(learning_rate=0.05, max_iter=1000, categorical_features=[0, 1],
                                           early_stopping=True, n_iter_no_change=20, random_state=0)
        m.fit(X[a], y[a], X_val=X[b], y_val=y[b])
    oof[held] = m.predict_proba(X[held])[:, 1]
    predicted += m.predict_proba(Z)[:, 1] / 5
pd.DataFrame({"Id": train["Id"], "p": oof}).to_csv(f"{folder}/oof.csv", index=False)
pd.DataFrame({"Id": test["Id"], "p": predicted}).to_csv(f"{folder}/predicted.csv", index=False)
"""


def make_tables(folder: Path, rows: int) -> str:
    """Write train.csv and test.csv, and return the text of a pipeline."""
    rng = np.random.default_rng(0)
    count = rows + rows // 4
    numbers = rng.normal(size=(count, 18)).round(4)
    table = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(18)])
    table["c0"], table["c1"] = (np.array(list("abcdefghij"))[rng.integers(0, 10, count)] for _ in range(2))
    effect = numbers[:, 0] * numbers[:, 1] + np.sin(3 * numbers[:, 2]) + numbers[:, 3:8].sum(axis=1) / 3
    effect += (table["c0"] < "d") * 1.0
    table.insert(0, "Id", np.arange(count))
    table["y"] = (effect + rng.normal(size=count) > 0.3).astype(int)
    table.head(rows).to_csv(folder / "train.csv", index=False)
    table.tail(count - rows).drop(columns="y").to_csv(folder / "test.csv", index=False)
    names = ", ".join(f"x{i}" for i in range(18))
    return PIPELINE.replace("SOURCE", str(folder)).replace("NUMBERS", names)


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Return wall and CPU seconds of a process and its children."""
    before = psutil.Process().cpu_times()
    clock = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = psutil.Process().cpu_times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - clock, cpu


def main() -> None:
    """Print the ratio of each model."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "made.yaml").write_text(make_tables(folder, rows), encoding="utf-8")
        (folder / "bare.py").write_text(BARE, encoding="utf-8")
        ours = [sys.executable, "-m", "tabular_dl.cli.app", "fit", "made.yaml", "--quiet", "--set"]
        measured([*ours, "model=lightgbm"], folder)  # makes the store
        print(f"{rows} rows x 20 columns, 5 folds, {REPEATS} runs each in turn; medians of wall seconds (CPU seconds)")
        for model in MODELS:
            pairs = [
                (
                    measured([*ours, f"model={model}"], folder),
                    measured([sys.executable, "bare.py", name, model], folder),
                )
                for _ in range(REPEATS)
            ]
            (wall, cpu), (bare_wall, bare_cpu) = np.median(np.array(pairs), axis=0)
            ratio = f"wall {wall / bare_wall:.2f}, CPU {cpu / bare_cpu:.2f}"
            print(f"{model}: ours {wall:.1f} ({cpu:.1f}), bare {bare_wall:.1f} ({bare_cpu:.1f}); ratio {ratio}")


if __name__ == "__main__":
    main()
