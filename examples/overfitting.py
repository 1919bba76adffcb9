"""Six trainings of seven hidden layers on 300 digits, to show what reduces overfitting.

Three hundred rows of scikit-learn's digits train, the other 1,497 validate: plain, with decoupled weight decay, with
dropout, with both, with batch normalisation, and an ensemble of ten plain networks. One figure with a panel each, and a
table. Run it by

    python examples/overfitting.py overfitting.png
"""

from __future__ import annotations

import sys

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tabular_dl.estimators import KerasClassifier

EPOCHS = 100
PLAIN = {"hidden": [64] * 7, "epochs": EPOCHS, "early_stopping": None, "dropout": 0.0, "batch_size": 32, "members": 5}
DECAY = {"optimizer": "adamw", "weight_decay": 0.3}
TRAININGS = {
    "plain": {},
    "weight decay": DECAY,
    "dropout": {"dropout": 0.2},
    "weight decay and dropout": {**DECAY, "dropout": 0.2},
    "batch normalisation": {"batch_norm": True},
    "ensemble of 10": {"members": 10},
}


def train(settings: dict[str, object], rows: np.ndarray, y: np.ndarray, share: float, epochs: int) -> KerasClassifier:
    """Train networks, each of which holds out its own `share` of the rows for validation."""
    options = {**PLAIN, **settings, "epochs": epochs, "random_state": 0, "validation_fraction": share}
    return KerasClassifier(**options).fit(rows, y)


def draw(models: dict[str, KerasClassifier], scores: dict[str, tuple[float, float]]) -> Figure:
    """Draw training against validation accuracy, one panel per training."""
    figure = Figure(figsize=(13, 7), layout="constrained")
    for axes, (name, model) in zip(figure.subplots(2, 3, sharex=True, sharey=True).flat, models.items(), strict=True):
        curves = {"training": model.curves_["accuracy"], "validation": model.curves_["val_accuracy"]}
        for (label, values), colour in zip(curves.items(), ("#0072B2", "#D55E00"), strict=True):
            epochs = np.arange(1, len(values) + 1)
            axes.fill_between(epochs, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0)
            axes.plot(epochs, values.mean(axis=1), color=colour, label=label)
        if name.startswith("ensemble"):
            axes.axhline(scores[name][1], color="#22272E", linestyle="--", label="mean of the networks, validation")
        gap = curves["training"][-10:].mean() - curves["validation"][-10:].mean()
        axes.set_title(f"{name}: gap {gap:.3f}", loc="left")
        axes.legend(loc="lower right", frameon=False)
        axes.grid(color="#E6E9ED")
        axes.set_ylim(0, 1.02)
    figure.supxlabel("epoch")
    figure.supylabel("accuracy")
    return figure


def main(file: str, epochs: int = EPOCHS) -> None:
    """Train all, print the table, write the figure."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    share = 1 - 300 / len(X)
    print(f"{300} training rows, {len(X) - 300} validation rows, 7 hidden layers of 64, {epochs} epochs, seed 0")
    print(f"{'':26}training  validation    gap")
    models: dict[str, KerasClassifier] = {}
    scores: dict[str, tuple[float, float]] = {}
    for name, settings in TRAININGS.items():
        # Each network holds out its own rows, so its figures are those of a network that has not seen them.
        model = train(settings, X, y, share, epochs)
        last = {side: model.curves_[side][-10:].mean() for side in ("accuracy", "val_accuracy")}
        held_out = last["val_accuracy"]
        if name.startswith("ensemble"):
            held_out = ensemble_accuracy(settings, X, y, share, epochs)
        models[name], scores[name] = model, (last["val_accuracy"], held_out)
        print(f"{name:26}{last['accuracy']:8.3f}  {held_out:10.3f}  {last['accuracy'] - held_out:5.3f}")
    draw(models, scores).savefig(file, dpi=110)
    print(f"The figure is in {file}.")


def ensemble_accuracy(settings: dict[str, object], X: np.ndarray, y: np.ndarray, share: float, epochs: int) -> float:
    """Score the mean of networks that all train on the same 300 rows, on the others."""
    a, b, y_a, y_b = train_test_split(X, y, test_size=share, stratify=y, random_state=0)
    return float(train(settings, a, y_a, 0.0, epochs).score(b, y_b))


if __name__ == "__main__":
    main(*sys.argv[1:2] or ["overfitting.png"])
