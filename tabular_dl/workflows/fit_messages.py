"""Printed result of a fit: scores beside those of simple models, and messages about them."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table as Grid

from tabular_dl.competition import ids_of
from tabular_dl.model_selection import fold_names, may_be_smeared, mean_and_error, predicted_rows, target_fold_scores
from tabular_dl.reporting import FitResult, by_split, further_trainings
from tabular_dl.workflows.training import BOOSTED

__all__ = ["fit_messages", "next_command", "score_grid", "target_grid"]

MOST_TARGETS = 20  # whose scores are printed, if there are several


def fit_messages(result: FitResult, pipeline: str | None) -> list[str]:
    """Return the messages that are printed below the scores."""
    messages = [*_unpredicted(result), *further_trainings(result), *_better_baselines(result, pipeline)]
    if result.interrupted:
        messages.append(
            f"[bold]{result.ended_by}[/] ended training {result.interrupted}: what was trained so far is scored and "
            "stored."
        )
    if result.spec.threshold == "auto":
        others = "earlier" if result.spec.ensemble.split == "time" else "the other"
        messages.append(
            f"Threshold {result.crossfit.threshold_:.3f}; each fold is scored with the threshold of {others} folds, "
            "the simple models with 0.5."
        )
    messages += _smearing(result)
    cut_points = getattr(result.crossfit, "cut_points_", None)
    if cut_points is not None:
        shown = ", ".join(f"{value:.3f}" for value in cut_points)
        messages.append(
            f"Cut points {shown} between the labels; each fold is scored with those of the other folds, the simple "
            "models by rounding."
        )
    return messages


def _unpredicted(result: FitResult) -> list[str]:
    """Return a sentence about the rows that no fold predicts, which are the earliest of folds by time."""
    rows, predicted = len(result.competition.train), len(predicted_rows(result.crossfit))
    if rows == predicted:
        return []
    time = escape(str(result.spec.ensemble.time))
    return [
        f"{rows - predicted:,} of {rows:,} rows are predicted by no fold, the earliest by {time}: scores and "
        "out-of-fold predictions are those of the later rows. New rows are predicted by models of all rows."
    ]


def _smearing(result: FitResult) -> list[str]:
    """Return a sentence about the corrected mean of a model of logarithms, if one was tried."""
    scores, name = getattr(result.crossfit, "smearing_scores_", None), result.metric.name
    if scores is None:
        skipped = may_be_smeared(result.crossfit, result.metric)
        return [
            "The mean of the predicted logarithms is not corrected (smearing), which is for one target: of "
            f"{len(result.spec.data.targets)} targets, {name} may be better without target_transform."
        ] * skipped
    without, corrected = scores
    if result.crossfit.smearing_ == 1:
        return [
            f"Correcting the mean of the predicted logarithms (smearing) was tried and left out: {name} "
            f"{corrected:.4f} with it, {without:.4f} without."
        ]
    return [
        f"The mean of the predicted logarithms is corrected by a factor of {result.crossfit.smearing_:.4f} (smearing): "
        f"{name} {corrected:.4f}, {without:.4f} without; each fold is corrected by the other folds, "
        "and the simple models are not."
    ]


def _better_baselines(result: FitResult, pipeline: str | None) -> list[str]:
    """Return a sentence for each simple model with a better mean score than the fit."""
    sign = 1 if result.metric.greater_is_better else -1
    messages = []
    for name, scores in result.baselines.items():
        difference, error = mean_and_error(scores - result.scores, result.ratio)
        if sign * difference > 0:
            messages.append(
                f"{_better(name)} better than {escape(result.subject)} by {abs(difference):.4f} on the same folds "
                f"(standard error {error:.4f})."
            )
            if name == BOOSTED and pipeline is not None:
                trees = f"[bold]tabular-dl fit {escape(pipeline)} --model hist_gradient_boosting[/]"
                messages[-1] += f" {trees}, then [bold]tabular-dl ensemble {escape(pipeline)}[/] blends both."
    if messages and pipeline is not None and result.of_networks:
        messages.append(f"[bold]tabular-dl search {escape(pipeline)}[/] looks for better networks.")
    return messages


def _better(name: str) -> str:
    return "Boosted trees are" if name == BOOSTED else f"The {name} is"


def score_grid(result: FitResult) -> Grid:
    """Return a table with the score of each fold, beside those of simple models."""
    spec, metric = result.spec, result.metric
    better = "higher" if metric.greater_is_better else "lower"
    grid = Grid(
        title=f"{spec.name}: {metric.name} of {result.folds} folds{by_split(spec)}, {better} is better",
        caption=f"{result.models}, {result.rows} rows, {result.seconds:.1f} s{_others(result)}, seed {spec.seed}",
    )
    columns = {result.models_a_fold: result.scores, **result.baselines}
    grid.add_column("fold")
    for name in columns:
        grid.add_column(name, justify="right")
    for fold, name in enumerate(fold_names(result.crossfit)):
        grid.add_row(name, *(f"{scores[fold]:.4f}" for scores in columns.values()))
    grid.add_section()
    summaries = [mean_and_error(scores, result.ratio) for scores in columns.values()]
    grid.add_row("mean", *(f"{mean:.4f}" for mean, _ in summaries), style="bold")
    grid.add_row("standard error", *(f"{error:.4f}" for _, error in summaries))
    return grid


def target_grid(result: FitResult) -> Grid:
    """Return a table of the score of each of several targets: the mean over the folds, and its standard error."""
    spec, metric, y = result.spec, result.metric, result.competition.train[result.spec.data.target].to_numpy()
    grid = Grid(title=f"{metric.name} of each target", title_justify="left")
    grid.add_column("target", overflow="fold")
    for heading in (metric.name, "standard error"):
        grid.add_column(heading, justify="right")
    scores = target_fold_scores(result.crossfit, y, metric)
    for name, values in zip(spec.data.targets[:MOST_TARGETS], scores.T, strict=False):
        mean, error = mean_and_error(values)
        grid.add_row(escape(name), f"{mean:.4f}", f"{error:.4f}")
    if len(scores.T) > MOST_TARGETS:
        grid.caption = f"The other {len(scores.T) - MOST_TARGETS} are in the report."
    return grid


def _others(result: FitResult) -> str:
    return f" (simple models {result.baseline_seconds:.1f} s)" if result.baselines else ""


def next_command(result: FitResult, pipeline: str | None, run: str) -> str:
    """Return the command to suggest before `tabular-dl ui`; empty if there is none."""
    if pipeline is None:
        name = escape(result.spec.name)
        command = f"tabular-dl init {name} --train {escape(str(result.competition.train_file))}"
        return f"[bold]{command}[/], with the same options, writes this pipeline to a file; "
    competition = result.competition
    if competition.test is None:
        return ""
    if ids_of(competition.test, competition.sample, result.spec.data.id) is None:
        # Without an id there is no submission, but the test rows can be predicted.
        return f"[bold]tabular-dl predict {escape(run)} {escape(str(result.competition.test_file))}[/], or "
    return f"[bold]tabular-dl submit {escape(pipeline)}[/], or "
