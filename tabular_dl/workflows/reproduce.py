"""`tabular-dl reproduce`: fit a run's specification again and compare the predictions."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.errors import SpecError
from tabular_dl.spec import competition_of
from tabular_dl.tracking import environment, open_model
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
        The largest difference of a prediction.
    different : dict of str to (str, str)
        Versions and machine, where they differ: then and now.
    """

    identical: bool
    largest: float
    different: dict[str, tuple[str, str]]


def reproduce(run: str, console: Console | None = None) -> Reproduction:
    """Fit a run's specification again, with its seed and data, and compare the out-of-fold predictions.

    Parameters
    ----------
    run : str
        A run's id or name.
    console : Console, optional
        Where to print.

    Raises
    ------
    UserError
        If there is no such run, it is a blend, or its data has changed.
    """
    console = console or Console()
    logged = tracking.find_run(run)
    if logged.tags.get("tabular_dl.kind") != "fit":
        raise SpecError(f"Run {logged.name} is no fit, but a {logged.tags.get('tabular_dl.kind')}: reproduce its runs.")
    if "tabular_dl.interrupted" in logged.tags:
        raise SpecError(
            f"Run {logged.name} was ended by Ctrl-C {logged.tags['tabular_dl.interrupted']}, which no fit repeats: "
            f"tabular-dl fit {logged.tags.get('tabular_dl.pipeline')} fits it whole."
        )
    model, spec = open_model(logged)
    competition = competition_of(spec)
    if competition.digest != logged.tags.get("tabular_dl.data_digest"):
        raise SpecError(
            f"Run {logged.name} was fitted on another {competition.train_file} than is there now: put the "
            "old file back."
        )
    again = train(spec, console, competition=competition).crossfit
    then = json.loads(logged.tags.get("tabular_dl.surroundings", "{}"))
    now = environment()
    different = {name: (then[name], now.get(name, "-")) for name in then if then[name] != now.get(name)}
    one, other = model.oof_predictions_, again.oof_predictions_
    result = Reproduction(bool(np.array_equal(one, other)), float(np.abs(one - other).max()), different)
    if result.identical:
        message = f"Identical: all {one.size} out-of-fold predictions of {escape(logged.name)}, bit for bit."
        console.print(message, soft_wrap=True)
    else:
        console.print(
            f"Not identical: predictions of {escape(logged.name)} differ by up to {result.largest:.3g}, on average by "
            f"{np.abs(one - other).mean():.3g}.",
            soft_wrap=True,
        )
    for name, (before, after) in different.items():
        console.print(f"{name} was {before}, is {after}", highlight=False)
    if not result.identical and not different:
        console.print("Versions and machine are the same.")
    return result
