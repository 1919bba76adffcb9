"""Search of hyperparameters in rounds with narrowing ranges, tracked and resumable: `tabular-dl search`.

spec and space -> hold-out rows set aside -> rounds of (sample, train folds x configurations, narrow)
-> leading configurations trained again -> winner -> its score on the hold-out rows -> pipeline file
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table as Grid

from tabular_dl.atomic_files import check_place, write_text
from tabular_dl.clusters import open_cluster
from tabular_dl.errors import TrackingError, UserError
from tabular_dl.model_selection import Outcome, Record, SearchPlan, SearchState, choose, make_sampler
from tabular_dl.model_selection import search as run_rounds
from tabular_dl.problems import Metric
from tabular_dl.reporting import SearchResult
from tabular_dl.spec import PipelineSpec, changed_file, check_network, load_spec, with_values
from tabular_dl.tracking import OpenRun
from tabular_dl.workflows.console import print_lines, print_notes
from tabular_dl.workflows.python_tag import left_behind_python
from tabular_dl.workflows.search_run import finish, log_round, open_search
from tabular_dl.workflows.search_task import SearchOptions, SearchTask

__all__ = ["SearchOptions", "holdout_lines", "search", "search_spec"]


def search(
    pipeline: str, overrides: Sequence[str], options: SearchOptions, console: Console | None = None
) -> SearchResult:
    """Search the hyperparameters of a pipeline.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    overrides : sequence of str
        Changed values, such as ``"network.activation=tanh"``.
    options : SearchOptions
        Options of the search.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    SearchResult
        Winner, all trials, and the score on the hold-out rows.

    Raises
    ------
    UserError
        If the space, the pipeline or the tables cannot be used, or all trials of a round diverge.
    """
    return search_spec(load_spec(pipeline, overrides, check_network), pipeline, overrides, options, console)


def search_spec(
    spec: PipelineSpec,
    pipeline: str,
    overrides: Sequence[str],
    options: SearchOptions,
    console: Console | None = None,
) -> SearchResult:
    """Search the hyperparameters of a pipeline that has been read, as `search` does.

    Parameters
    ----------
    spec : PipelineSpec
        The pipeline, overrides included.
    pipeline, overrides, options, console
        As in `search`; the winner is written as the file of the pipeline, with its comments.
    """
    console = console or Console()
    with open_cluster(options.cluster):
        return _search_spec(spec, pipeline, overrides, options, console)


def _search_spec(
    spec: PipelineSpec, pipeline: str, overrides: Sequence[str], options: SearchOptions, console: Console
) -> SearchResult:
    task = SearchTask(spec, options)
    print_notes(task.notes, console)
    plan = SearchPlan(
        options.trials, options.rounds, task.seed, options.pick, make_sampler(options.sampler), options.timeout
    )
    output = options.output or Path("pipelines") / f"{task.spec.name}.best.yaml"
    check_place(output)
    run, state = open_search(task, options)
    print_lines(console, f"Run [bold]{escape(run.name)}[/] ({run.id}), experiment {escape(task.spec.name)}")
    begun = time.perf_counter()
    state = _run_rounds(task, plan, run, state, pipeline, console)
    print_lines(console, *state.said, markup=False)
    winner = choose(state.finals, task.sign, options.pick)
    best = with_values(task.spec, winner.params)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, _winner_head(winner, run, task) + changed_file(pipeline, overrides, winner.params, best))
    holdout = task.score_on_holdout({"winner": best, "pipeline": task.spec}) if options.holdout else {}
    result = SearchResult(
        winner,
        best,
        state,
        holdout,
        output,
        run.id,
        task.metric,
        folds=len(task.splits),
        rows=len(task.rows),
        holdout_rows=len(task.held_out),
        digest=task.digest,
        seed=task.seed,
    )
    seconds = time.perf_counter() - begun
    console.print(_final_grid(state, winner, task))
    print_lines(console, *_last_lines(holdout, task, output, seconds, len(state.records)))
    try:
        finish(run, result, seconds)
    except UserError as error:
        command = f"tabular-dl search {shlex.join([pipeline])} --resume {run.name}"
        raise TrackingError(
            f"The search ended, but: {error} To log it then: {command}, with the same options"
        ) from None
    return result


def _run_rounds(
    task: SearchTask, plan: SearchPlan, run: OpenRun, state: SearchState, pipeline: str, console: Console
) -> SearchState:
    """Run the rounds that are left, with a live table, and log each; a run that ends early gets its status."""
    begun = time.perf_counter()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        board = _Board(live, plan, task, state, begun)
        logged = len(state.records)

        def on_round(new_state: SearchState) -> None:
            nonlocal logged
            board.state = new_state
            log_round(run, new_state, logged, task)
            logged = len(new_state.records)

        try:
            return run_rounds(plan, state, board.train, task.sign, task.allowed, on_round)
        except KeyboardInterrupt:
            run.close("KILLED")
            command = f"tabular-dl search {shlex.join([pipeline])} --resume {run.name}"
            print_lines(
                console,
                f"Ctrl-C ended the search. [bold]{escape(command)}[/], with the same options, continues it after the "
                "last finished round.",
            )
            raise
        except Exception:  # raised again, after the run has got its status
            with suppress(UserError):  # perhaps the store failed
                run.close("FAILED")
            raise


class _Board:
    """Live table of a search."""

    def __init__(self, live: Live, plan: SearchPlan, task: SearchTask, state: SearchState, begun: float) -> None:
        self.live, self.plan, self.task, self.state, self.begun = live, plan, task, state, begun
        self.done_before = len(state.records)

    def train(self, values: Sequence[Mapping[str, Any]], seeds: Sequence[int], final: bool) -> list[Outcome]:
        """Train configurations, and update the table after each epoch."""
        self.show("compiling", 0)

        def on_epoch(epoch: int, alive: int) -> None:
            step = "leading configurations" if final else f"round {self.state.rounds_done + 1} of {self.plan.rounds}"
            unit = "epoch" if self.task.spec.model.is_network else "stage"
            self.show(f"{step}: {unit} {epoch}, {alive} of {len(values)} still training", len(values))

        return self.task.train(values, seeds, final, on_epoch)

    def show(self, activity: str, running: int) -> None:
        """Draw the table: finished trials, best score, current ranges, remaining time."""
        records, sign = self.state.records, self.task.sign
        scored = [record for record in records if np.isfinite(record.mean)]
        best = f"{max(scored, key=lambda r: sign * r.mean).mean:.4f}" if scored else "-"
        spent, done = time.perf_counter() - self.begun, len(records) - self.done_before
        left = f"{spent / done * (self.plan.trials - len(records)):.0f} s left" if done else "time left unknown"
        grid = Grid(title=f"searching {self.task.spec.name}: {escape(activity)}", caption=f"{spent:.0f} s, {left}")
        grid.add_column("trials")
        grid.add_column(f"best {self.task.metric.name}")
        for leaf in self.state.ranges[-1]:
            grid.add_column(escape(_heading(leaf)))
        trained = f"{len(records)} of {self.plan.trials}" + (f" (+{running})" if running else "")
        grid.add_row(trained, best, *(escape(str(distribution)) for distribution in self.state.ranges[-1].values()))
        self.live.update(grid)


def _heading(leaf: str) -> str:
    """Return the name of a hyperparameter without its sections."""
    return leaf.split(".", 1)[-1].removeprefix("parameters.")


def _winner_head(winner: Record, run: OpenRun, task: SearchTask) -> str:
    rows = f"{len(task.rows)} rows, {len(task.splits)} folds, seed {task.seed}"
    return (
        f"# Winner of search {run.name} ({run.id}): cross-validated {task.metric.name} {winner.mean:.4f},\n"
        f"# standard error {winner.error:.4f} ({rows}). The score is optimistic: it was used to choose the winner.\n"
    )


def _final_grid(state: SearchState, winner: Record, task: SearchTask) -> Grid:
    better = "higher" if task.metric.greater_is_better else "lower"
    folds = len(task.splits)
    grid = Grid(
        title=f"leading configurations, trained again with new seeds: {task.metric.name}, {better} is better",
        caption=f"{len(state.records)} trials; mean of {folds} folds; *: chosen",
    )
    size = "weights" if task.spec.model.is_network else "rounds"
    for heading in ("", task.metric.name, "standard error", size, *map(_heading, winner.params)):
        grid.add_column(heading, overflow="fold")
    for record in sorted(state.finals, key=lambda record: -task.sign * record.mean):
        chosen = "*" if record == winner else ""
        scores = (f"{record.mean:.4f}", f"{record.error:.4f}", str(record.parameters))
        grid.add_row(
            chosen,
            *scores,
            *(escape(str(value)) for value in record.params.values()),
            style="bold" if record == winner else None,
        )
    return grid


def _last_lines(holdout: Mapping[str, float], task: SearchTask, output: Path, seconds: float, trials: int) -> list[str]:
    lines = []
    if trials < task.options.trials:
        lines.append(f"--timeout ended the search after {trials} of {task.options.trials} trials")
    if holdout:
        lines.extend(holdout_lines(holdout, task.metric, len(task.held_out)))
    lines.append(f"{trials} trials in {seconds:.0f} s. The winner is in [bold]{escape(str(output))}[/]")
    lines += map(escape, left_behind_python(task.spec, output))
    lines.append(f"Next: [bold]tabular-dl fit {escape(str(output))}[/]")
    return lines


def holdout_lines(holdout: Mapping[str, float], metric: Metric, rows: int) -> list[str]:
    """Return lines about the score of the winner on the hold-out rows, with a warning if the pipeline's is better.

    Parameters
    ----------
    holdout : mapping of str to float
        Scores and standard errors: ``winner``, ``winner_error``, ``pipeline``, ``difference`` and
        ``difference_error``.
    metric : Metric
        Metric of the scores.
    rows : int
        Number of hold-out rows.

    Returns
    -------
    list of str
        One or two lines.
    """
    difference, error = holdout["difference"], holdout["difference_error"]
    lines = [
        f"On {rows} hold-out rows: {metric.name} [bold]{holdout['winner']:.4f}[/] (standard error "
        f"{holdout['winner_error']:.4f}), the original pipeline {holdout['pipeline']:.4f}; the difference is "
        f"{difference:+.4f} (standard error {error:.4f})"
    ]
    if (difference < 0) == metric.greater_is_better and difference != 0:
        comparison = "more" if abs(difference) > 2 * error else "less"
        lines.append(
            f"There, the original pipeline is better, by {comparison} than two standard errors: keep it, or search "
            "longer (--trials, --epochs)"
        )
    return lines
