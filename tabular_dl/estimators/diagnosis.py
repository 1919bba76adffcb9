"""Diagnosis of learning curves: underfitting, overfitting or fine, with the numbers behind the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Diagnosis", "diagnose", "tidy_history"]

# A validation loss this much above the training loss, as a share of it, is a gap.
GAP = 0.2
# A training loss that is still above this share of the first epoch's says that little was learned.
LITTLE_LEARNED = 0.8
# A rise of the validation loss after its best epoch, as a share of it.
RISE = 0.05
# A network whose best epoch is among the last tenth was still learning.
LATE = 0.9


def tidy_history(curves: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return learning curves as a tidy table.

    Parameters
    ----------
    curves : mapping of str to ndarray of shape (epochs, members)
        Figures of training rows, and under "val_" of validation rows; NaN after a member stopped.

    Returns
    -------
    DataFrame
        Columns "epoch" (from 1), "member" (from 0), "metric", "train" and "validation", which is NaN where there is no
        such figure; a row for each epoch that a member trained in.

    Examples
    --------
    >>> tidy_history({"loss": np.array([[1.0], [0.5]]), "val_loss": np.array([[1.2], [0.9]])})
       epoch  member metric  train  validation
    0      1       0   loss    1.0         1.2
    1      2       0   loss    0.5         0.9
    """
    names = dict.fromkeys(name.removeprefix("val_") for name in curves)
    trained = np.isfinite(curves["loss"])
    epochs, members = np.nonzero(trained)
    nothing = np.full(trained.shape, np.nan)
    parts = [
        pd.DataFrame(
            {
                "epoch": epochs + 1,
                "member": members,
                "metric": name,
                "train": curves.get(name, nothing)[trained],
                "validation": curves.get(f"val_{name}", nothing)[trained],
            }
        )
        for name in names
    ]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Diagnosis:
    """A verdict on learning curves.

    Attributes
    ----------
    verdict : {"underfitting", "overfitting", "fine"}
        What the curves show.
    reason : str
        Why, in words and numbers.
    train_loss, validation_loss : float
        Means over the members, each at its best epoch; NaN without validation rows.
    gap : float
        ``(validation_loss - train_loss) / train_loss``.
    learned : float
        Training loss at the best epoch over that of the first.
    rise : float
        The validation loss of the last epoch over that of the best one, minus 1.
    best_epoch, epochs : float
        The mean best epoch, and the mean of epochs trained.
    """

    verdict: str
    reason: str
    train_loss: float
    validation_loss: float
    gap: float
    learned: float
    rise: float
    best_epoch: float
    epochs: float


def diagnose(curves: Mapping[str, np.ndarray], best_epoch: np.ndarray) -> Diagnosis:
    """Return whether networks are underfitting, overfitting or fine, by their learning curves.

    Underfitting: the training loss at the best epoch is above 80 % of the first epoch's, or the validation loss was
    still falling in the last tenth of the epochs without a gap. Overfitting: the validation loss at the best epoch is
    more than 20 % above the training loss, or it has risen by more than 5 % since. Otherwise: fine. Without validation
    rows no gap is known, and a training loss that still falls is no sign: it always falls.

    Parameters
    ----------
    curves : mapping of str to ndarray of shape (epochs, members)
        "loss" and, with validation rows, "val_loss"; NaN after a member stopped.
    best_epoch : ndarray of shape (members,)
        The epoch, from 1, that each member's weights are from.

    Returns
    -------
    Diagnosis

    Examples
    --------
    >>> curves = {"loss": np.array([[1.0], [0.5], [0.1]]), "val_loss": np.array([[1.0], [0.8], [1.2]])}
    >>> diagnose(curves, np.array([2])).verdict
    'overfitting'
    """
    loss, members = curves["loss"], np.arange(len(best_epoch))
    lengths = np.isfinite(loss).sum(axis=0)
    at = np.clip(best_epoch, 1, None) - 1
    train = float(np.mean(loss[at, members]))
    learned = float(np.mean(loss[at, members] / loss[0]))
    validation = gap = rise = float("nan")
    if "val_loss" in curves:
        held_out = curves["val_loss"]
        validation = float(np.mean(held_out[at, members]))
        last = np.maximum(lengths, 1) - 1
        gap = (validation - train) / max(train, 1e-12)
        rise = float(np.mean(held_out[last, members] / np.maximum(held_out[at, members], 1e-12))) - 1.0
    late = "val_loss" in curves and bool(np.mean(best_epoch / np.maximum(lengths, 1)) >= LATE)
    verdict, reason = _verdict(gap, rise, learned, late)
    return Diagnosis(
        verdict, reason, train, validation, gap, learned, rise, float(np.mean(best_epoch)), float(np.mean(lengths))
    )


def _verdict(gap: float, rise: float, learned: float, late: bool) -> tuple[str, str]:
    if gap > GAP:
        return "overfitting", (
            f"the validation loss is {gap:.0%} above the training loss (more than {GAP:.0%}): more dropout, l2 or "
            "data, or fewer units"
        )
    if rise > RISE:
        return "overfitting", (
            f"the validation loss has risen by {rise:.0%} since its best epoch (more than {RISE:.0%}): early_stopping "
            "kept the best weights"
        )
    if learned > LITTLE_LEARNED:
        return "underfitting", (
            f"the training loss is still {learned:.0%} of the first epoch's (more than {LITTLE_LEARNED:.0%}): more "
            "units, a higher learning_rate or better features"
        )
    if late:
        return "underfitting", "the networks were still getting better when training ended: more epochs"
    if np.isnan(gap):
        return "fine", (
            f"the training loss has fallen to {learned:.0%} of the first epoch's; whether that is too much by heart, "
            "only validation rows would show (validation_fraction), or the folds' scores"
        )
    return "fine", f"the validation loss is {gap:.0%} above the training loss, and the best epoch is not the last"
