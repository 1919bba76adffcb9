"""Sentences about the trainings after that of the folds."""

from __future__ import annotations

from tabular_dl.reporting.results import FitResult
from tabular_dl.spec import other_tables

__all__ = ["further_trainings"]


def further_trainings(result: FitResult) -> list[str]:
    """Return a sentence about pseudo-labels and one about the training on all rows, where a fit had them.

    Parameters
    ----------
    result : FitResult
        Fitted cross-fit and its scores.

    Returns
    -------
    list of str
        Sentences.
    """
    return [*_pseudo_labels(result), *_all_rows(result)]


def _pseudo_labels(result: FitResult) -> list[str]:
    crossfit, plan = result.crossfit, result.spec.ensemble.pseudo_labels
    if plan is None or not crossfit.pseudo_rounds_:
        return []
    others = sum(map(len, other_tables(result.competition)))
    times = "once" if crossfit.pseudo_rounds_ == 1 else f"{crossfit.pseudo_rounds_} times"
    return [
        f"Pseudo-labels: each fold was trained {times} more on {plan.share:.0%} of {others:,} rows without a "
        "target, with the predictions of its own models as labels."
    ]


def _all_rows(result: FitResult) -> list[str]:
    crossfit = result.crossfit
    if not crossfit.refitted_ or crossfit.final_pipeline_ is None:
        return []
    last, rows = crossfit.final_pipeline_[-1], len(result.competition.train)
    lengths = last.best_epoch_ if result.of_networks else last.rounds_
    unit = "epochs" if result.of_networks else "boosting rounds"
    length = "" if lengths is None else f" for {lengths[0]:,} {unit}, the mean of the folds"
    beside = "" if len(crossfit.predicting_pipelines) == 1 else ", beside those of the folds"
    return [f"Trained once more on all {rows:,} rows{length}: these models predict new rows{beside}."]
