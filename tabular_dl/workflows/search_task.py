"""Task of a search: tables, folds and hold-out rows, and training and scoring of configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap
from sklearn.model_selection import train_test_split

from tabular_dl.checks import find_errors
from tabular_dl.competition import Competition
from tabular_dl.errors import SpecError, UserError
from tabular_dl.estimators import hold_out
from tabular_dl.limits import limit
from tabular_dl.model_selection import (
    Choice,
    CrossFitClassifier,
    CrossFitRegressor,
    Outcome,
    check_fold_weights,
    evaluate,
    evaluate_models,
    make_folds,
    weights_at,
)
from tabular_dl.preprocessing import split_reference
from tabular_dl.problems import Metric, Problem, classes_of, metric_at
from tabular_dl.spec import (
    PipelineSpec,
    build_pipeline,
    check_memory,
    check_network,
    columns_used,
    folds_of,
    leaves,
    problem_of,
    read_space,
    read_yaml,
    references,
    row_keys,
    scoring_metric,
    validate_rows,
    weights_of,
    whole_tables,
    with_values,
)
from tabular_dl.workflows.console import stop_at_errors
from tabular_dl.workflows.predictions import predict_rows

__all__ = ["SearchOptions", "SearchTask"]

HOLD_OUT = 0.2  # share of the rows
LAST_SEED = 2**32 - 1  # of NumPy's generators
MOST_TRIALS, MOST_EPOCHS = 100_000, 2**31 - 1


@dataclass(frozen=True)
class SearchOptions:
    """Options of a search, as on the command line.

    Parameters
    ----------
    trials : int, default=100
        Total number of configurations.
    rounds : int, default=3
        Number of rounds.
    epochs : int, default=20
        Maximum number of epochs of a trial.
    timeout : float or None
        Seconds after which no further round begins.
    seed : int or None
        Seed of configurations and folds; None for the seed of the pipeline.
    sampler : {"random", "tpe"}
        Sampler of configurations.
    pick : {"simplest", "best"}
        Rule that chooses the winner, as for `tabular_dl.model_selection.choose`.
    holdout : bool, default=True
        Whether to set a fifth of the rows aside to score the winner.
    space : Path or None
        YAML file with the search space; None for the ``search`` section of the pipeline.
    output : Path or None
        File for the winner; None for pipelines/NAME.best.yaml.
    resume : str or None
        Id or name of an interrupted search to continue.
    cluster : str or None
        Address of a cluster, as for `tabular_dl.clusters.open_cluster`.
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
    cluster: str | None = None


def _check_options(options: SearchOptions) -> None:
    """Raise an error for numbers that a search could not begin with."""
    if options.seed is not None and not 0 <= options.seed <= LAST_SEED:
        raise SpecError(f"--seed: expected a number from 0 to {LAST_SEED}, found {options.seed}.")
    for name, most in (("trials", limit(MOST_TRIALS)), ("rounds", limit(MOST_TRIALS)), ("epochs", MOST_EPOCHS)):
        if getattr(options, name) > most:
            raise SpecError(f"--{name}: expected {most:,} or less, found {getattr(options, name)}.")


class SearchTask:
    """Tables, folds and hold-out rows of a search, on which configurations are trained and scored.

    Parameters
    ----------
    spec : PipelineSpec
        Original pipeline.
    options : SearchOptions
        Options of the search.
    competition : Competition, optional
        Tables, if they have been read already.

    Raises
    ------
    UserError
        If space, pipeline or tables cannot be used.
    """

    def __init__(self, spec: PipelineSpec, options: SearchOptions, competition: Competition | None = None) -> None:
        self.spec, self.options = spec, options
        self.seed = spec.seed if options.seed is None else options.seed
        _check_options(options)
        section: Mapping[str, Any] = spec.search if options.space is None else read_yaml(options.space)[0]
        if not section:
            raise SpecError(
                f"pipeline {spec.name} has no search space: add a section like\n"
                "search:\n  learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}\n  l2: {log_uniform: [1.0e-8, 1.0e-3]}\n"
                "to it, or name a file with --space FILE."
            )
        self.space = read_space(spec, section.get("search", section) if options.space else section, check_network)
        competition = whole_tables(spec, competition)
        self.notes = competition.notes
        self.digest = competition.digest
        train, target = competition.train, competition.train[spec.data.target]
        self.problem: Problem = problem_of(spec, target)
        # A search does not read the test table: trials are scored on training rows.
        stop_at_errors(find_errors(replace(competition, test=None), spec, self.problem, competition.test))
        self._check_choices(competition)
        self.metric: Metric = scoring_metric(spec, self.problem, train, competition.train_file.name)
        self.sign = 1.0 if self.metric.greater_is_better else -1.0
        self.X, self.y, self.test = train, target.to_numpy(), competition.test
        self.classes = classes_of(self.y, self.problem)
        self.keys = row_keys(spec, train, competition.train_file.name)
        rows: np.ndarray = np.arange(len(train))
        self.rows, self.held_out = self._set_aside(rows) if options.holdout else (rows, rows[:0])
        self.splits = self._folds_inside(spec, self.seed)
        self.weights = weights_of(spec, train, competition.train_file.name)
        inside, outside = weights_at(self.weights, self.rows), weights_at(self.weights, self.held_out)
        check_fold_weights(inside, self.splits)
        if len(self.held_out):
            places = np.arange(len(self.held_out))
            check_fold_weights(outside, [(places, places)])
            if self.metric.queries is not None and not np.ptp(self.metric.queries[self.held_out]):
                raise SpecError(f"{self.metric.name}: the rows held out are of one query: search with --no-holdout.")

    def _check_choices(self, competition: Competition) -> None:
        """Raise an error for a choice, or a bound, that no configuration could be trained with on these tables."""
        train, target = competition.train, competition.train[self.spec.data.target]
        only = None if self.spec.data.only_target is None else train[self.spec.data.only_target]
        rows = train.drop(columns=self.spec.data.target)
        name = competition.train_file.name
        table = validate_rows(self.spec, rows, name, test=competition.test, target=only).table
        for leaf, distribution in self.space.items():
            bounds = () if isinstance(distribution, Choice) else (distribution.low, distribution.high)
            for option in distribution.options if isinstance(distribution, Choice) else bounds:
                changed = with_values(self.spec, {leaf: option})
                try:
                    if leaf.startswith(("columns.", "features.")):
                        stop_at_errors(
                            find_errors(replace(competition, test=None), changed, self.problem, competition.test)
                        )
                    else:
                        check_memory(changed, self.problem, table, target)
                except UserError as error:
                    raise SpecError(f"search.{leaf}: {option!r} cannot be used: {error}") from None

    def _set_aside(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows for the search and the hold-out rows, which are as far from them as folds are from others.

        Groups of rows are not split, and by time the latest rows are held out. Of three folds of the user or more, it
        is the last.
        """
        stratified, keys = self.problem.stratified, self.keys
        if keys.folds is not None and keys.folds.max() > 1:
            last = keys.folds == keys.folds.max()
            return rows[~last], rows[last]
        if keys.times is not None:
            return hold_out(rows, None, HOLD_OUT, self.seed, keys.times)
        if keys.groups is not None:
            parts = round(1 / HOLD_OUT)
            return make_folds(parts, self.y, keys.groups, stratified=stratified, seed=self.seed)[0]
        labels = self.y if stratified else None
        inside, outside = train_test_split(rows, test_size=HOLD_OUT, stratify=labels, random_state=self.seed)
        return inside, outside

    def _folds_inside(self, spec: PipelineSpec, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the folds of the rows of the search, without repeats."""
        return folds_of(spec, self.problem, self.y[self.rows], self.keys[self.rows], seed=seed, repeated=False)

    def train(
        self,
        values: Sequence[Mapping[str, Any]],
        seeds: Sequence[int],
        final: bool,
        on_epoch: Callable[[int, int], None],
    ) -> list[Outcome]:
        """Cross-validate configurations with one network per fold.

        Parameters
        ----------
        values : sequence of mapping
            Hyperparameters of each configuration.
        seeds : sequence of int
            Seed of each configuration.
        final : bool
            Whether to train with the epochs of the pipeline and without halving, as for the leading configurations.
        on_epoch : callable
            Function called after each epoch with its number and the number of configurations still training.

        Returns
        -------
        list of Outcome
            Outcome of each configuration.
        """
        networks = self.spec.model.is_network
        epochs = {f"{self._section('epochs')}.epochs": self.options.epochs} if networks and not final else {}
        specs = [with_values(self.spec, {**epochs, "ensemble.members": 1, **params}) for params in values]
        pipelines = [build_pipeline(spec, self.problem) for spec in specs]
        rows = self.X.iloc[self.rows]
        table = rows[sorted({name for spec in specs for name in columns_used(spec, rows, self.test)})]
        return (evaluate if networks else evaluate_models)(
            pipelines,
            table,
            self.y[self.rows],
            self.splits,
            metric_at(self.metric, self.rows),
            seeds,
            classes=self.classes,
            halving=not final,
            on_epoch=on_epoch,
            row_groups=self.keys[self.rows].together,
            sample_weight=weights_at(self.weights, self.rows),
        )

    def _section(self, name: str) -> str:
        return "network" if name in self.spec.network else "training"

    def allowed(self, leaf: str, value: Any) -> bool:
        """Return whether a value is valid for a hyperparameter of the pipeline.

        Parameters
        ----------
        leaf : str
            Key with its section, such as ``"network.dropout"``.
        value : object
            Value to check.

        Returns
        -------
        bool
            Whether the pipeline can be built with it.
        """
        try:
            build_pipeline(with_values(self.spec, {leaf: value}), self.problem)
        except SpecError:
            return False
        return True

    def identity(self) -> dict[str, Any]:
        """Return the properties that have to be equal to resume a search: pipeline, space, data, seed and options."""
        options = {name: getattr(self.options, name) for name in ("trials", "rounds", "epochs", "sampler", "holdout")}
        space = {leaf: distribution.as_dict() for leaf, distribution in self.space.items()}
        spec = {name: str(value) for name, value in leaves(self.spec).items()}
        files = {split_reference(reference)[0] for _, reference in references(self.spec)}
        python = {"python": {file: self.spec.python.source(file).digest for file in sorted(files)}} if files else {}
        return {"spec": spec, "space": space, "data": self.digest, "seed": self.seed, **options, **python}

    def score_on_holdout(self, specs: Mapping[str, PipelineSpec]) -> dict[str, float]:
        """Cross-fit specifications on the rows of the search, and score them on the hold-out rows.

        Parameters
        ----------
        specs : mapping of str to PipelineSpec
            Specifications named "winner" and "pipeline".

        Returns
        -------
        dict of str to float
            Score of each, the difference winner - pipeline, and with suffix ``_error`` their bootstrapped standard
            errors.
        """
        kind = CrossFitClassifier if self.problem.classification else CrossFitRegressor
        inside, outside = self.X.iloc[self.rows], self.X.iloc[self.held_out]
        y, predictions = self.y[self.held_out], {}
        for name, spec in specs.items():
            splits = self._folds_inside(spec, spec.seed)
            model = kind(build_pipeline(spec, self.problem), cv=splits, random_state=spec.seed)
            columns, together = columns_used(spec, inside, self.test), self.keys[self.rows].together
            weights = weights_at(self.weights, self.rows)
            model.fit(inside[columns], self.y[self.rows], together, sample_weight=weights)
            predictions[name] = predict_rows(model, outside)

        def score(name: str, rows: np.ndarray) -> float:
            held_out = self.held_out[rows]
            weights, metric = weights_at(self.weights, held_out), metric_at(self.metric, held_out)
            return metric(y[rows], predictions[name][rows], self.classes, weights)

        rows = np.arange(len(y))
        scores = {name: score(name, rows) for name in specs}
        for name in specs:
            scores[f"{name}_error"] = self._error(partial(score, name), rows)
        scores["difference"] = scores["winner"] - scores["pipeline"]
        scores["difference_error"] = self._error(
            lambda sample: score("winner", sample) - score("pipeline", sample), rows
        )
        return scores

    def _error(self, statistic: Callable[[np.ndarray], float], rows: np.ndarray) -> float:
        """Return the bootstrapped standard error of a statistic of rows."""
        # Rows of a group, or of one time, are drawn together, because they are not independent.
        keys = self.keys[self.held_out]
        codes = keys.groups if keys.times is None else keys.times.steps
        units = rows if codes is None or len(np.unique(codes)) == 1 else np.unique(codes, return_inverse=True)[1]
        rows_of_units = [rows[units == unit] for unit in np.unique(units)]
        result = bootstrap(
            (np.arange(len(rows_of_units)),),
            lambda sample: statistic(np.concatenate([rows_of_units[unit] for unit in sample])),
            n_resamples=300,
            method="percentile",
            vectorized=False,
            rng=np.random.default_rng(self.seed),
        )
        return float(result.standard_error)
