"""Early stopping, plateaus and divergence of members."""

from __future__ import annotations

import numpy as np

from tabular_dl.nn.members import Members, Monitor

__all__ = ["Stopping"]


class Stopping:
    """State of P members between epochs; each member's is independent of the others.

    Parameters
    ----------
    members : Members
        Patience, minimal improvement and plateau settings of each member.
    monitor : Monitor
        Monitored figure, for its direction of improvement.

    Attributes
    ----------
    active : ndarray of shape (P,), bool
        Whether a member still trains.
    diverged : ndarray of shape (P,), bool
        Whether a member's loss became NaN or infinite; such a member stops at once.
    best : ndarray of shape (P,)
        Best monitored figure so far, negated if greater is better.
    best_epoch : ndarray of shape (P,)
        Epoch, from 1, of the best monitored figure; 0 if there is none yet.
    last_epoch : ndarray of shape (P,)
        Last epoch, from 1, with finite losses.
    waited : ndarray of shape (P,)
        Epochs since the last improvement or the last change of the rate.
    rate_factors : ndarray of shape (P,)
        Factor of each member's learning rate after its plateaus.
    """

    def __init__(self, members: Members, monitor: Monitor) -> None:
        size = len(members)
        self.patience, self.min_delta = members.patience, members.min_delta
        self.plateau_patience, self.plateau_factor = members.plateau_patience, members.plateau_factor
        self.sign = -1.0 if monitor.greater_is_better else 1.0
        self.active = np.ones(size, bool)
        self.diverged = np.zeros(size, bool)
        # The last of equal epochs is kept if all are trained to the end.
        self.last_of_equals = members.restore_best & np.isinf(members.patience)
        self.best = np.full(size, np.inf)
        self.best_epoch = np.zeros(size, int)
        self.last_epoch = np.zeros(size, int)
        self.waited = np.zeros(size, int)
        self.rate_factors = np.ones(size, np.float32)

    def update(self, epoch: int, figures: np.ndarray, sound: np.ndarray) -> np.ndarray:
        """Update the state after an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 1.
        figures : ndarray of shape (P,)
            Monitored figure of each member.
        sound : ndarray of shape (P,), bool
            Whether a member's losses are finite; if not, it has diverged.

        Returns
        -------
        ndarray of shape (P,), bool
            Whether a member has improved.
        """
        figures = self.sign * figures
        self.diverged |= self.active & ~sound
        improved = self.active & sound & (figures < self.best - self.min_delta)
        improved |= self.active & sound & self.last_of_equals & (figures <= self.best)
        # The first finite epoch is an improvement whatever `min_delta` is.
        improved |= self.active & sound & np.isinf(self.best)
        self.best[improved] = figures[improved]
        self.best_epoch[improved] = epoch
        self.last_epoch[self.active & sound] = epoch
        self.waited = np.where(improved, 0, self.waited + 1)
        plateau = self.active & (self.waited >= self.plateau_patience)
        self.rate_factors[plateau] *= self.plateau_factor[plateau]
        self.waited[plateau] = 0
        self.active = self.active & sound & (epoch - self.best_epoch < self.patience)
        return improved
