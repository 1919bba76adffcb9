"""Repetition of a fit to compare the predictions: `tabular-dl reproduce`."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.errors import SpecError
from tabular_dl.model_selection import predicted_rows
from tabular_dl.spec import competition_of
from tabular_dl.tracking import environment, open_model
from tabular_dl.workflows.console import print_lines
from tabular_dl.workflows.python_tag import changed_python
from tabular_dl.workflows.training import train

__all__ = ["Reproduction", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """Result of fitting a run again.

    Attributes
    ----------
    identical : bool
        Whether all out-of-fold predictions are the same bit for bit.
    largest : float
        Largest absolute difference of two predictions.
    different : dict of str to (str, str)
        Versions and properties of the machine that differ: value of the run and value now.
    """

    identical: bool
    largest: float
    different: dict[str, tuple[str, str]]


def reproduce(run: str, console: Console | None = None, *, trust: bool = False) -> Reproduction:
    """Fit a run's specification again, with its seed and data, and compare the out-of-fold predictions.

    Parameters
    ----------
    run : str
        Id or name of the run.
    console : Console, optional
        Console to print to; standard output by default.
    trust : bool, default=False
        Whether to execute Python in the model that was not stored by this user on this machine.

    Returns
    -------
    Reproduction
        Comparison of the predictions.

    Raises
    ------
    UserError
        If there is no such run, it is not a fit, it was ended early, or its data has changed.
    """
    console = console or Console()
    logged = tracking.find_run(run)
    if logged.tags.get("tabular_dl.kind") == "import":
        raise SpecError(
            f"Run {logged.name} was imported and cannot be fitted again here: repeat its predictions where they were "
            "made, and import them again."
        )
    if logged.tags.get("tabular_dl.kind") != "fit":
        raise SpecError(
            f"Run {logged.name} is not a fit, but a {logged.tags.get('tabular_dl.kind')}: reproduce its runs."
        )
    if "tabular_dl.interrupted" in logged.tags:
        raise SpecError(
            f"Run {logged.name} was ended early, {logged.tags['tabular_dl.interrupted']} and cannot be reproduced: "
            f"tabular-dl fit {logged.tags.get('tabular_dl.pipeline')} fits it completely."
        )
    model, spec = open_model(logged, trust=trust, training=True)
    competition = competition_of(spec)
    if competition.digest != logged.tags.get("tabular_dl.data_digest"):
        raise SpecError(f"{competition.train_file} has changed since run {logged.name}: put the old file back.")
    if logged.tags.get("tabular_dl.test_digest", competition.test_digest) != competition.test_digest:
        raise SpecError(
            f"{competition.test_file} has changed since run {logged.name}, which was trained on its rows as well "
            "(ensemble.pseudo_labels): put the old file back."
        )
    again, rows = train(spec, console, competition=competition).crossfit, predicted_rows(model)
    old, new = (crossfit.oof_predictions_[rows] for crossfit in (model, again))
    then, now = json.loads(logged.tags.get("tabular_dl.surroundings", "{}")), environment(model)
    different = {name: (then[name], now.get(name, "-")) for name in then if then[name] != now.get(name)}
    result = Reproduction(bool(np.array_equal(old, new)), float(np.abs(old - new).max()), different)
    if result.identical:
        lines = [f"Identical: all {old.size} out-of-fold predictions of {escape(logged.name)}, bit for bit."]
    else:
        lines = [
            f"Not identical: predictions of {escape(logged.name)} differ by up to {result.largest:.3g}, on average by "
            f"{np.abs(old - new).mean():.3g}."
        ]
    lines += map(escape, changed_python(logged.tags, logged.name))
    lines += [f"{name} was {escape(before)}, is {escape(after)}" for name, (before, after) in different.items()]
    if not result.identical and not different:
        lines.append("Versions and machine are the same.")
    print_lines(console, *lines)
    return result
