"""`tabular-dl search`: hyperparameters by rounds of narrowing ranges, each round a few populations; tracked, resumable.

spec and space -> hold-out rows set aside -> rounds of (sample, train folds x configurations, narrow) -> the leading
ones again -> winner -> its score on the hold-out rows -> a spec that `tabular-dl fit` runs
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table as Grid
from scipy.stats import bootstrap
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from tabular_dl import search_plots
from tabular_dl.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.distributions import Distribution, read_distribution
from tabular_dl.errors import SpecError
from tabular_dl.metrics import Metric
from tabular_dl.open_runs import Child, OpenRun
from tabular_dl.pipeline import (
    build_pipeline,
    check_rows,
    check_target,
    columns_used,
    competition_of,
    metric_of,
    problem_of,
)
from tabular_dl.problems import Problem
from tabular_dl.samplers import make_sampler
from tabular_dl.search_rounds import Record, SearchPlan, SearchState, choose
from tabular_dl.search_rounds import search as run_rounds
from tabular_dl.spec import PipelineSpec, dump_spec, leaves, load_spec, read_space, with_values
from tabular_dl.tracking import find_run_id
from tabular_dl.trials import Outcome, evaluate
from tabular_dl.workflows.files import write_text
from tabular_dl.workflows.notes import print_notes
from tabular_dl.yaml_reader import read_yaml

__all__ = ["SearchOptions", "SearchResult", "search"]

# With more trials than this, child runs would make the UI slow: a table holds them.
MOST_CHILDREN = 200
HOLD_OUT = 0.2


@dataclass(frozen=True)
class SearchOptions:
    """What the command line says about a search.

    Parameters
    ----------
    trials, rounds, epochs : int
        Configurations in all, rounds, and the most epochs of a trial.
    timeout : float or None
        Seconds after which no further round begins.
    seed : int or None
        None is the pipeline's.
    sampler : {"random", "tpe"}
        How values are drawn.
    pick : {"simplest", "best"}
        What is chosen among the leading ones.
    holdout : bool
        Whether a fifth of the rows takes no part in choosing.
    space : Path or None
        A YAML file with the space; None is the pipeline's own.
    output : Path or None
        Where the winner is written; None is pipelines/NAME.best.yaml.
    resume : str or None
        A search's run that was broken off.
    """

    trials: int = 100
    rounds: int = 3
    epochs: int = 20
    timeout: float | None = None
    seed: int | None = None
    sampler: str = "random"
    pick: str = "simplest"
    holdout: bool = True
    space: Path | None = None
    output: Path | None = None
    resume: str | None = None


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    winner : Record
        The configuration that was chosen.
    spec : PipelineSpec
        The pipeline with it.
    state : SearchState
        All that was tried.
    holdout : dict of str to float
        The winner's score on the hold-out rows, its standard error, and those of the pipeline as it was.
    output : Path
        Where the winner is.
    run_id : str
        The search's run.
    """

    winner: Record
    spec: PipelineSpec
    state: SearchState
    holdout: dict[str, float]
    output: Path
    run_id: str


def search(
    pipeline: str, overrides: Sequence[str], options: SearchOptions, console: Console | None = None
) -> SearchResult:
    """Search the hyperparameters of a pipeline.

    Parameters
    ----------
    pipeline : str
        The name of a pipeline, or the path of a YAML file.
    overrides : sequence of str
        Changes of single leaves.
    options : SearchOptions
        How to search.
    console : Console, optional
        Where to print.

    Raises
    ------
    UserError
        If the space, the pipeline or the tables cannot be used, or all trials of a round diverge.
    """
    console = console or Console()
    task = _Task(load_spec(pipeline, overrides), options)
    print_notes(task.notes, console)
    plan = SearchPlan(
        options.trials, options.rounds, task.seed, options.pick, make_sampler(options.sampler), options.timeout
    )
    run, state = _opened(task, options)
    console.print(f"Run [bold]{escape(run.name)}[/] ({run.id}), experiment {escape(task.spec.name)}", highlight=False)
    begun = time.perf_counter()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        board = _Board(live, plan, task, state, begun)
        logged = len(state.records)

        def keep(present: SearchState) -> None:
            nonlocal logged
            board.state = present
            _log_round(run, present, logged, task)
            logged = len(present.records)

        try:
            state = run_rounds(plan, state, board.train, task.sign, task.allowed, keep)
        except BaseException as error:
            if isinstance(error, Exception):
                run.close("FAILED")
            raise
    for sentence in state.said:
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    winner = choose(state.finals, task.sign, options.pick)
    spec = with_values(task.spec, winner.params)
    output = options.output or Path("pipelines") / f"{task.spec.name}.best.yaml"
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, _winner_text(spec, winner, run, task))
    holdout = task.score_on_holdout({"winner": spec, "pipeline": task.spec}) if options.holdout else {}
    _finish(run, state, winner, holdout, task, output, time.perf_counter() - begun)
    console.print(_final_grid(state, winner, task))
    for line in _last_lines(holdout, task, output, time.perf_counter() - begun, options):
        console.print(line, highlight=False, soft_wrap=True)
    return SearchResult(winner, spec, state, holdout, output, run.id)


class _Task:
    """What is searched: the tables, the folds, and how a configuration is scored."""

    def __init__(self, spec: PipelineSpec, options: SearchOptions) -> None:
        self.spec, self.options = spec, options
        self.seed = spec.seed if options.seed is None else options.seed
        section: Mapping[str, Any] = spec.search if options.space is None else read_yaml(options.space)[0]
        if not section:
            raise SpecError(
                f"pipeline {spec.name} has no search space: add a section like\n"
                "search:\n  learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}\n  l2: {log_uniform: [1.0e-8, 1.0e-3]}\n"
                "to it, or give one by --space FILE."
            )
        self.space = read_space(spec, section.get("search", section) if options.space else section)
        competition = competition_of(spec)
        self.notes = competition.notes
        self.digest = competition.digest
        train, target = competition.train, competition.train[spec.data.target]
        where = str(competition.train_file)
        self.problem: Problem = problem_of(spec, target)
        self.metric: Metric = metric_of(spec, self.problem)
        self.sign = 1.0 if self.metric.greater_is_better else -1.0
        check_target(spec, self.problem, target, where)
        check_rows(spec, train.drop(columns=spec.data.target), where)
        build_pipeline(spec, self.problem)
        self.X, self.y = train, target.to_numpy()
        self.classes = np.unique(self.y) if self.problem.classification else None
        rows = np.arange(len(train))
        self.rows, self.held_out = rows, rows[:0]
        if options.holdout:
            labels = self.y if self.problem.stratified else None
            self.rows, self.held_out = train_test_split(
                rows, test_size=HOLD_OUT, stratify=labels, random_state=self.seed
            )
        kind = StratifiedKFold if self.problem.stratified else KFold
        splitter = kind(spec.ensemble.folds, shuffle=True, random_state=self.seed)
        self.splits = list(splitter.split(self.rows, self.y[self.rows] if self.problem.stratified else None))

    def train(
        self, values: Sequence[Mapping[str, Any]], seeds: Sequence[int], final: bool, on_epoch: Any
    ) -> list[Outcome]:
        """Cross-validate configurations: briefly, or at the end with the pipeline's own epochs; a network a fold."""
        brief = {} if final else {f"{self._section('epochs')}.epochs": self.options.epochs}
        specs = [with_values(self.spec, {**brief, "ensemble.members": 1, **each}) for each in values]
        pipelines = [build_pipeline(spec, self.problem) for spec in specs]
        rows = self.X.iloc[self.rows]
        table = rows[sorted({name for spec in specs for name in columns_used(spec, rows)})]
        return evaluate(
            pipelines,
            table,
            self.y[self.rows],
            self.splits,
            self.metric,
            seeds,
            classes=self.classes,
            halving=not final,
            on_epoch=on_epoch,
        )

    def _section(self, name: str) -> str:
        return "network" if name in self.spec.network else "training"

    def allowed(self, leaf: str, value: Any) -> bool:
        """Tell whether a leaf may have a value."""
        try:
            build_pipeline(with_values(self.spec, {leaf: value}), self.problem)
        except SpecError:
            return False
        return True

    def identity(self) -> dict[str, Any]:
        """Return what has to be the same for a search to go on."""
        options = {name: getattr(self.options, name) for name in ("trials", "rounds", "epochs", "sampler", "holdout")}
        space = {leaf: distribution.as_dict() for leaf, distribution in self.space.items()}
        spec = {name: str(value) for name, value in leaves(self.spec).items()}
        return {"spec": spec, "space": space, "data": self.digest, "seed": self.seed, **options}

    def score_on_holdout(self, specs: Mapping[str, PipelineSpec]) -> dict[str, float]:
        """Cross-fit specs on the rows that took part; score them on the others, with bootstrapped errors."""
        kind = CrossFitClassifier if self.problem.classification else CrossFitRegressor
        inside, outside = self.X.iloc[self.rows], self.X.iloc[self.held_out]
        y, predictions = self.y[self.held_out], {}
        for name, spec in specs.items():
            model = kind(build_pipeline(spec, self.problem), cv=spec.ensemble.folds, random_state=spec.seed)
            model.fit(inside[columns_used(spec, inside)], self.y[self.rows])
            predictions[name] = model.predict(outside) if self.classes is None else model.predict_proba(outside)

        def score(name: str, rows: np.ndarray) -> float:
            return self.metric(y[rows], predictions[name][rows], self.classes)

        rows = np.arange(len(y))
        found = {name: score(name, rows) for name in specs}
        for name in specs:
            found[f"{name}_error"] = self._error(lambda chosen, name=name: score(name, chosen), rows)
        found["difference"] = found["winner"] - found["pipeline"]
        found["difference_error"] = self._error(
            lambda chosen: score("winner", chosen) - score("pipeline", chosen), rows
        )
        return found

    def _error(self, statistic: Any, rows: np.ndarray) -> float:
        drawn = bootstrap(
            (rows,),
            statistic,
            n_resamples=300,
            method="percentile",
            vectorized=False,
            rng=np.random.default_rng(self.seed),
        )
        return float(drawn.standard_error)


class _Board:
    """The live table of a search."""

    def __init__(self, live: Live, plan: SearchPlan, task: _Task, state: SearchState, begun: float) -> None:
        self.live, self.plan, self.task, self.state, self.begun = live, plan, task, state, begun
        self.done_before = len(state.records)

    def train(self, values: Sequence[Mapping[str, Any]], seeds: Sequence[int], final: bool) -> list[Outcome]:
        """Train configurations with the table moving."""
        self.show("compiling", 0)

        def on_epoch(epoch: int, alive: int) -> None:
            what = "the leading ones again" if final else f"round {self.state.rounds_done + 1} of {self.plan.rounds}"
            self.show(f"{what}: epoch {epoch}, {alive} of {len(values)} still training", len(values))

        return self.task.train(values, seeds, final, on_epoch)

    def show(self, doing: str, running: int) -> None:
        """Draw the table: what is done, the best score, the ranges, the time left."""
        records, sign = self.state.records, self.task.sign
        known = [record for record in records if np.isfinite(record.mean)]
        best = f"{max(known, key=lambda r: sign * r.mean).mean:.4f}" if known else "-"
        spent, done = time.perf_counter() - self.begun, len(records) - self.done_before
        left = f"{spent / done * (self.plan.trials - len(records)):.0f} s left" if done else "time left: not yet known"
        grid = Grid(title=f"searching {self.task.spec.name}: {escape(doing)}", caption=f"{spent:.0f} s, {left}")
        grid.add_column("trials")
        grid.add_column(f"best {self.task.metric.name}")
        for leaf in self.state.ranges[-1]:
            grid.add_column(escape(leaf.split(".", 1)[-1]))
        trained = f"{len(records)} of {self.plan.trials}" + (f" (+{running})" if running else "")
        grid.add_row(trained, best, *(escape(str(each)) for each in self.state.ranges[-1].values()))
        self.live.update(grid)


def _opened(task: _Task, options: SearchOptions) -> tuple[OpenRun, SearchState]:
    """Open a run, or take up one that was broken off."""
    identity = task.identity()
    if options.resume is None:
        parameters = {**leaves(task.spec), **{f"search.{leaf}": str(each) for leaf, each in task.space.items()}}
        tags = {
            "tabular_dl.metric": task.metric.name,
            "tabular_dl.problem": task.problem.name,
            "tabular_dl.data_digest": task.digest,
        }
        run = OpenRun.create(task.spec.name, "search", {**parameters, **_plain(options)}, tags)
        _write_json(run, "search.json", {"identity": identity})
        state = SearchState([task.space])
        _write_json(run, "state.json", _as_json(state))
        return run, state
    run = OpenRun(find_run_id(options.resume))
    if run.tags.get("tabular_dl.kind") != "search":
        raise SpecError(f"--resume {options.resume}: that run is no search, but a {run.tags.get('tabular_dl.kind')}.")
    before = json.loads(run.read("search.json"))["identity"]
    now = json.loads(json.dumps(identity))
    different = sorted(name for name in now if now[name] != before.get(name))
    if different:
        keys = [key for key in {*now["spec"], *before["spec"]} if now["spec"].get(key) != before["spec"].get(key)]
        what = ", ".join(sorted(keys)) if different == ["spec"] else ", ".join(different)
        raise SpecError(
            f"--resume {options.resume}: that search was of another pipeline or had other options ({what}). Give the "
            "same, or start a new search."
        )
    return run, _from_json(json.loads(run.read("state.json")))


def _plain(options: SearchOptions) -> dict[str, Any]:
    return {
        f"search_{name}": value for name, value in asdict(options).items() if value is not None and name != "resume"
    }


def _as_json(state: SearchState) -> dict[str, Any]:
    ranges = [{leaf: each.as_dict() for leaf, each in present.items()} for present in state.ranges]
    records, finals = ([asdict(record) for record in some] for some in (state.records, state.finals))
    return {"ranges": ranges, "records": records, "said": state.said, "finals": finals}


def _from_json(content: Mapping[str, Any]) -> SearchState:
    ranges: list[dict[str, Distribution]] = [
        {leaf: read_distribution(leaf, each) for leaf, each in present.items()} for present in content["ranges"]
    ]
    records, finals = ([Record(**record) for record in content[name]] for name in ("records", "finals"))
    return SearchState(ranges, records, list(content["said"]), finals)


def _write_json(run: OpenRun, name: str, content: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(json.dumps(content, indent=1), encoding="utf-8")
        run.log_file(file)


def _log_round(run: OpenRun, state: SearchState, before: int, task: _Task) -> None:
    """Write what a round has found: child runs, the best so far, and last the state, from which a search goes on."""
    records = state.records[before:]
    if records and len(state.records) <= MOST_CHILDREN:
        run.children([_child(record, before + place + 1, task) for place, record in enumerate(records)])
    known = [record.mean for record in state.records if np.isfinite(record.mean)]
    best = max(known, key=lambda score: task.sign * score)
    run.log({"best_cv_score": best, "trials": len(state.records)}, step=state.rounds_done)
    _write_json(run, "state.json", _as_json(state))


def _child(record: Record, number: int, task: _Task) -> Child:
    metrics = {"epochs": record.epochs, "parameters": record.parameters}
    if np.isfinite(record.mean):
        metrics |= {"cv_score": record.mean, "cv_standard_error": record.error, f"cv_{task.metric.name}": record.mean}
    tags = {"tabular_dl.kind": "trial", "tabular_dl.round": str(record.round)}
    return Child(f"trial-{number}", record.params, metrics, tags)


def _winner_text(spec: PipelineSpec, winner: Record, run: OpenRun, task: _Task) -> str:
    rows = f"{len(task.rows)} rows, {spec.ensemble.folds} folds, seed {task.seed}"
    return (
        f"# Found by search run {run.name} ({run.id}): cross-validated {task.metric.name} {winner.mean:.4f},\n"
        f"# standard error {winner.error:.4f} ({rows}). That score chose it, and so flatters it.\n" + dump_spec(spec)
    )


def _finish(
    run: OpenRun,
    state: SearchState,
    winner: Record,
    holdout: Mapping[str, float],
    task: _Task,
    output: Path,
    seconds: float,
) -> None:
    """Write figures, the table of trials, the winner and its scores, and end the run."""
    records = state.records
    scores = np.array([record.mean for record in records])
    params = [record.params for record in records]
    name = task.metric.name
    best = "highest" if task.metric.greater_is_better else "lowest"
    rounds = [record.round for record in records]
    figures = {
        "scores": search_plots.scores_by_hyperparameter(state.ranges, params, scores, rounds, name),
        "parallel_coordinates": search_plots.parallel_coordinates(state.ranges[0], params, scores, name, best),
    }
    table = pd.DataFrame(
        [{"round": r.round, **r.params, "cv_score": r.mean, "epochs": r.epochs} for r in [*records, *state.finals]]
    )
    with tempfile.TemporaryDirectory() as folder:
        for title, figure in figures.items():
            file = Path(folder) / f"{title}.png"
            figure.savefig(file, dpi=110)
            run.log_file(file, "figures")
        trials = Path(folder) / "trials.csv"
        trials.write_text(table.to_csv(index=False), encoding="utf-8")
        run.log_file(trials)
    run.log_file(output)
    metrics = {"search_score": winner.mean, "search_standard_error": winner.error, "search_seconds": seconds}
    metrics |= {f"holdout_{key}": value for key, value in holdout.items()}
    lines = [f"**Search of {task.spec.name}**: {len(records)} trials. The winner:", ""]
    lines += [f"- {leaf}: {value}" for leaf, value in winner.params.items()]
    lines += ["", "How the ranges went:", "", *(f"- {sentence}" for sentence in state.said)]
    run.log(metrics, {"mlflow.note.content": "\n".join(lines)})
    run.close()


def _final_grid(state: SearchState, winner: Record, task: _Task) -> Grid:
    better = "higher" if task.metric.greater_is_better else "lower"
    folds = len(task.splits)
    grid = Grid(
        title=f"the leading configurations, trained again with fresh seeds: {task.metric.name}, {better} is better",
        caption=f"{len(state.records)} trials; mean of {folds} folds; the row in bold is chosen",
    )
    for heading in (task.metric.name, "standard error", "weights", *(leaf.split(".", 1)[-1] for leaf in winner.params)):
        grid.add_column(heading, overflow="fold")
    for record in sorted(state.finals, key=lambda record: -task.sign * record.mean):
        cells = (f"{record.mean:.4f}", f"{record.error:.4f}", str(record.parameters), *map(str, record.params.values()))
        grid.add_row(*map(escape, cells), style="bold" if record == winner else None)
    return grid


def _last_lines(
    holdout: Mapping[str, float], task: _Task, output: Path, seconds: float, options: SearchOptions
) -> list[str]:
    lines = []
    if holdout:
        lines.append(
            f"On {len(task.held_out)} rows that took no part: {task.metric.name} [bold]{holdout['winner']:.4f}[/] "
            f"(standard error {holdout['winner_error']:.4f}), the pipeline as it was {holdout['pipeline']:.4f}; the "
            f"difference is {holdout['difference']:+.4f} (standard error {holdout['difference_error']:.4f})"
        )
    lines.append(f"{options.trials} trials in {seconds:.0f} s. The winner is in [bold]{escape(str(output))}[/]")
    lines.append(f"Next: [bold]tabular-dl fit {escape(str(output))}[/]")
    return lines
