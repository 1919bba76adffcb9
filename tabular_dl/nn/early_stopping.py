"""Early stopping, plateaus and divergence of each member."""

from __future__ import annotations

import numpy as np

from tabular_dl.nn.members import Members, Monitor

__all__ = ["Stopping"]


class Stopping:
    """The state of P members between epochs; nothing in it mixes two members.

    Parameters
    ----------
    members : Members
        Patience, minimal improvement and plateaus of each.
    monitor : Monitor
        The direction of improvement.

    Attributes
    ----------
    active : ndarray of shape (P,), bool
        Whether a member still trains.
    diverged : ndarray of shape (P,), bool
        Whether a member's loss became NaN or infinite; such a member stops at once.
    best_epoch : ndarray of shape (P,)
        The epoch, from 1, of the best monitored figure; 0 while there is none.
    rate_factors : ndarray of shape (P,)
        Factor of the learning rates that plateaus have led to.
    """

    def __init__(self, members: Members, monitor: Monitor) -> None:
        size = len(members)
        self.patience, self.min_delta = members.patience, members.min_delta
        self.plateau_patience, self.plateau_factor = members.plateau_patience, members.plateau_factor
        self.sign = -1.0 if monitor.greater_is_better else 1.0
        self.active = np.ones(size, bool)
        self.diverged = np.zeros(size, bool)
        self.best = np.full(size, np.inf)
        self.best_epoch = np.zeros(size, int)
        self.last_epoch = np.zeros(size, int)
        self.waited = np.zeros(size, int)
        self.rate_factors = np.ones(size, np.float32)

    def update(self, epoch: int, figures: np.ndarray, sound: np.ndarray) -> np.ndarray:
        """Take in an epoch.

        Parameters
        ----------
        epoch : int
            Its number, from 1.
        figures : ndarray of shape (P,)
            The monitored figure.
        sound : ndarray of shape (P,), bool
            Whether a member's losses are finite; others have diverged.

        Returns
        -------
        ndarray of shape (P,), bool
            Whether a member's weights are its best so far.
        """
        figures = self.sign * figures
        self.diverged |= self.active & ~sound
        improved = self.active & sound & (figures < self.best - self.min_delta)
        # The first finite epoch counts whatever the minimal improvement.
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
