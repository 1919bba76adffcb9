"""State of `tabular-dl auto` in the store: time spent and members, so that a killed command can be continued."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tabular_dl import tracking
from tabular_dl.errors import SpecError
from tabular_dl.model_selection import Blend, OutOfFold, nested_scores
from tabular_dl.problems import Metric
from tabular_dl.reporting import Model
from tabular_dl.spec import PipelineSpec, leaves
from tabular_dl.tracking import OpenRun

__all__ = ["Member", "Session", "blend_scores"]

AUTO_TAG, LABEL_TAG = "tabular_dl.auto", "tabular_dl.auto_label"


@dataclass(frozen=True)
class Member:
    """Fitted pipeline of the portfolio.

    Attributes
    ----------
    label : str
        Short name, such as "lightgbm".
    run : str
        Name of its run.
    seconds : float
        Duration of its training.
    scores : ndarray of shape (folds,)
        Score of each fold.
    predictions : OutOfFold
        Out-of-fold predictions.
    classes : ndarray or None
        Labels; None for numbers.
    """

    label: str
    run: str
    seconds: float
    scores: np.ndarray
    predictions: OutOfFold
    classes: np.ndarray | None

    @classmethod
    def of(cls, label: str, run: str, model: Model, seconds: float, scores: np.ndarray) -> Member:
        """Return the member of a fitted model."""
        classes = getattr(model, "classes_", None)
        return cls(label, run, seconds, scores, OutOfFold.of(model), classes)


def blend_scores(members: Sequence[Member], y: np.ndarray, metric: Metric, seed: int) -> np.ndarray:
    """Return the score of each fold of the greedy blend of members, with weights from the other folds.

    Parameters
    ----------
    members : sequence of Member
        Members with the same folds.
    y : ndarray of shape (rows,)
        Target.
    metric : Metric
        Metric of the scores.
    seed : int
        Seed of the greedy selection.

    Returns
    -------
    ndarray of shape (folds,)
        Scores.
    """
    first = members[0]
    if len(members) == 1:
        return first.scores
    predictions = [member.predictions for member in members]
    return nested_scores(Blend("greedy", seed), predictions, y, metric, first.classes)


class Session:
    """Run in the store that members belong to, and its time.

    Parameters
    ----------
    run : OpenRun
        Run of the session.
    seconds : float
        Time of the command.
    began : float
        Time, of `time.monotonic`, at which the command began.
    spent : float, default=0.0
        Time that earlier processes have spent.
    """

    def __init__(self, run: OpenRun, seconds: float, began: float, spent: float = 0.0) -> None:
        self.run, self.seconds, self._spent, self._began = run, seconds, spent, began

    @classmethod
    def open(cls, spec: PipelineSpec, digest: str, seconds: float, began: float, resume: str | None) -> Session:
        """Create a run, or continue that of a killed command.

        Parameters
        ----------
        spec : PipelineSpec
            Pipeline.
        digest : str
            SHA-256 of the training table.
        seconds : float
            Time of the command; to continue a run, its own time is used.
        began : float
            Time, of `time.monotonic`, at which the command began.
        resume : str or None
            Id or name of the run to continue.

        Returns
        -------
        Session
            The session.

        Raises
        ------
        SpecError
            If the run to continue is not one of `auto`, has ended, or began with another pipeline or other data.
        """
        settings = {name: str(value) for name, value in leaves(spec).items()}
        content = json.dumps({"spec": settings, "data": digest}, sort_keys=True)
        identity = hashlib.sha256(content.encode()).hexdigest()  # as a tag has a limited length
        if resume is None:
            tracking.prepare_store(create=True)
            tags = {"tabular_dl.data_digest": digest, "tabular_dl.identity": identity}
            run = OpenRun.create(spec.name, "auto", {**settings, "time_seconds": seconds}, tags)
            return cls(run, seconds, began)
        run = OpenRun(tracking.find_run_id(resume))
        stored = run.client.get_run(run.id)
        if run.tags.get("tabular_dl.kind") != "auto":
            raise SpecError(f"--resume {resume}: expected a run of auto, found a {run.tags.get('tabular_dl.kind')}.")
        if stored.info.status == "FINISHED":
            raise SpecError(f"--resume {resume}: it has finished. Start a new one: tabular-dl auto {spec.name}")
        if run.tags.get("tabular_dl.identity") != identity:
            raise SpecError(f"--resume {resume}: it began with another pipeline or other data. Start a new one.")
        run.reopen()
        return cls(run, float(stored.data.params["time_seconds"]), began, stored.data.metrics.get("seconds_spent", 0.0))

    @property
    def spent(self) -> float:
        """Number of seconds since the beginning, without those between two processes."""
        return self._spent + time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Number of seconds that are left."""
        return self.seconds - self.spent

    def tags(self, label: str) -> dict[str, str]:
        """Return the tags of a member's run."""
        return {AUTO_TAG: self.run.id, LABEL_TAG: label}

    def note(self) -> None:
        """Log the time spent."""
        self.run.log({"seconds_spent": self.spent}, step=int(self.spent))

    def members(self) -> list[Member]:
        """Return the members that earlier processes have fitted, oldest first."""
        runs = [run for run in tracking.find_tagged(AUTO_TAG, self.run.id) if run.status == "FINISHED"]
        members = []
        for run in reversed(runs):
            logged = tracking.find_run(run.id)
            model, _ = tracking.open_model(logged)
            scores = np.array(json.loads(logged.tags["tabular_dl.fold_scores"]))
            seconds = logged.metrics["training_seconds"]
            members.append(Member.of(logged.tags[LABEL_TAG], logged.name, model, seconds, scores))
        return members
