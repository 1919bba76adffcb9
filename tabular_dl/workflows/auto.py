"""Submission of a blend of several kinds of models, trained within a given time: `tabular-dl auto`.

portfolio, cheapest first -> searches of the two best kinds -> greedy blend with a nested score -> checked submission
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.atomic_files import write_text
from tabular_dl.checks import run_checks
from tabular_dl.competition import Competition, ids_of
from tabular_dl.drafting import Candidate, make_portfolio
from tabular_dl.errors import UserError
from tabular_dl.model_selection import error_ratio, mean_and_error
from tabular_dl.problems import Metric, Problem
from tabular_dl.spec import (
    PipelineSpec,
    check_network,
    dump_spec,
    load_spec,
    problem_of,
    scoring_metric,
    whole_tables,
)
from tabular_dl.workflows.auto_board import Board
from tabular_dl.workflows.auto_search import found_candidate
from tabular_dl.workflows.auto_session import Member, Session, blend_scores
from tabular_dl.workflows.auto_time import Estimates
from tabular_dl.workflows.console import check_command, print_lines, print_notes, stop_at_errors, warn_in_short
from tabular_dl.workflows.ensemble import ensemble
from tabular_dl.workflows.fit import fit_and_log
from tabular_dl.workflows.recover import recover
from tabular_dl.workflows.submit import submit

__all__ = ["auto"]

# Seconds for blend and submission: at least, and per member until the time to store a member has been measured.
END, END_A_MEMBER = 8.0, 2.0
# Seconds below which no training begins.
SHORTEST = 3.0
# Share of the time left that one member may train.
SHARE = 0.6


@dataclass(frozen=True)
class _Setting:
    """Pipeline, tables, type of problem and metric that all members share."""

    spec: PipelineSpec
    competition: Competition
    problem: Problem
    metric: Metric

    @property
    def y(self) -> np.ndarray:
        return self.competition.train[self.spec.data.target].to_numpy()


def auto(
    pipeline: str,
    overrides: Sequence[str] = (),
    seconds: float = 600.0,
    *,
    output: Path = Path("submission.csv"),
    resume: str | None = None,
    began: float | None = None,
    console: Console | None = None,
) -> tracking.LoggedRun | None:
    """Train a portfolio of models for a given time, blend them, and write a submission.

    Each member is a run with a pipeline file of its own, ``pipelines/NAME.auto/LABEL.yaml``. The command ends early
    when searches do not improve the blend by more than a standard error.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    overrides : sequence of str
        Changed values, such as ``"ensemble.folds=10"``.
    seconds : float, default=600.0
        Time to spend, blend and submission included.
    output : Path
        File of the submission.
    resume : str, optional
        Id or name of the run of a command that was killed; its members are kept, and its remaining time is used.
    began : float, optional
        Start of the given time, of `time.monotonic`; now by default.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    LoggedRun or None
        Run of the blend, or of the only member; None if it could not be logged.

    Raises
    ------
    UserError
        If the pipeline or the tables cannot be used, or no member could be trained.
    """
    began, console = began or time.monotonic(), console or Console()
    spec = load_spec(pipeline, overrides, check_network)
    tracking.prepare_store(create=False, write=True)
    setting = _checked(_without_further(spec, console), check_command(pipeline, overrides), console)
    session = Session.open(spec, setting.competition.digest, seconds, began, resume)
    print_lines(console, f"Session [bold]{escape(session.run.name)}[/]: {session.seconds:.0f} s")
    try:
        if resume is not None:
            recover(console=Console(quiet=True))
        with Board(console, spec.name, setting.metric, session) as board:
            _Trainer(setting, session, board).run()
        run = _blend(pipeline, board.members, console)
        _submit(pipeline, setting, run, output, console)
        session.note()
    except KeyboardInterrupt:
        session.run.close("KILLED")
        command = f"tabular-dl auto {escape(pipeline)} --resume {session.run.name}"
        print_lines(console, f"Ctrl-C ended it. [bold]{command}[/] continues it with the time that is left.")
        raise
    except Exception:  # raised again, after the run has got its status
        session.run.close("FAILED")
        raise
    session.run.close()
    print_lines(console, f"{session.spent:.0f} s of {session.seconds:.0f} s spent")
    return run


def _without_further(spec: PipelineSpec, console: Console) -> PipelineSpec:
    """Return a pipeline without trainings after that of the folds, so that more models can be trained.

    With folds by time, the training on all rows stays: without it, no model would have seen the latest rows.
    """
    names = ("pseudo_labels",) if spec.ensemble.split == "time" else ("pseudo_labels", "refit")
    keys = [name for name in names if getattr(spec.ensemble, name) is not None]
    if keys:
        print_notes([f"ensemble.{' and ensemble.'.join(keys)} left out: the time goes to more models"], console)
    ensemble = spec.ensemble.model_copy(update=dict.fromkeys(keys))
    return spec.model_copy(update={"ensemble": ensemble})


def _checked(spec: PipelineSpec, command: str, console: Console) -> _Setting:
    """Return the tables after the checks of a fit."""
    competition = whole_tables(spec)
    problem = problem_of(spec, competition.train[spec.data.target])
    findings = run_checks(competition, spec, problem)
    stop_at_errors(findings, command)
    print_notes(competition.notes, console)
    warn_in_short(findings, console, command)
    metric = scoring_metric(spec, problem, competition.train, competition.train_file.name)
    return _Setting(spec, competition, problem, metric)


class _Trainer:
    """Fits candidates while there is time, and shows them as members.

    Attributes
    ----------
    members : list of Member
        Members so far.
    """

    def __init__(self, setting: _Setting, session: Session, board: Board) -> None:
        self.setting, self.session, self.board = setting, session, board
        spec, train = setting.spec, setting.competition.train
        self.candidates = make_portfolio(spec, setting.problem, train)
        self.estimates = Estimates(setting.problem, train, spec.data.target)
        self.stored: list[float] = []  # seconds that it took to store each member

    @property
    def members(self) -> list[Member]:
        return self.board.members

    @property
    def left(self) -> float:
        """Number of seconds that are left for one more member; blend and submission load and store all of them."""
        each = float(np.median(self.stored)) if self.stored else END_A_MEMBER
        return self.session.left - END - each * (len(self.members) + 2)

    def run(self) -> None:
        """Fit the portfolio, then winners of searches, until the time is over or searches do not improve the blend."""
        for member in self.session.members():
            self.board.add(member)
        for candidate in self.candidates:
            self.fit(candidate)
        if not self.members:
            raise UserError(f"No model could be trained in {self.session.seconds:.0f} s: give more time: --time 10m.")
        self.search()

    def fit(self, candidate: Candidate) -> bool:
        """Fit a candidate, and return whether it is a new member."""
        if candidate.label in {member.label for member in self.members}:
            return False
        left = self.left
        spec = self.estimates.fitting(candidate.spec, SHARE * left if self.members else left)
        if left < SHORTEST or spec is None:
            self.board.note(f"{candidate.label}: not enough time")
            return False
        self.board.begin(candidate.label)
        clock = time.monotonic()
        try:
            result, _, run = fit_and_log(
                spec.model_copy(update={"baselines": "none"}),
                Console(quiet=True),
                competition=self.setting.competition,
                checked=True,
                stop_at=clock + max(SHORTEST, SHARE * left),
                tags=self.session.tags(candidate.label),
            )
        except UserError as error:
            self.board.note(f"{candidate.label}: {str(error).splitlines()[0]}")
            return False
        if run is None:
            return False
        self.stored.append(max(0.0, time.monotonic() - clock - result.seconds))
        self.estimates.learn(spec, result.seconds)
        self._keep(candidate.label, spec)
        self.board.add(Member.of(candidate.label, run.name, result.crossfit, result.seconds, result.scores))
        self.session.note()
        if result.interrupted and result.ended_by == "Ctrl-C":
            raise KeyboardInterrupt  # the first Ctrl-C ends the training of networks, which are kept
        return True

    def _keep(self, label: str, spec: PipelineSpec) -> None:
        """Write the pipeline file of a member."""
        folder = Path("pipelines") / f"{self.setting.spec.name}.auto"
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / f"{label}.yaml", dump_spec(spec))

    def search(self) -> None:
        """Search the hyperparameters of the two best kinds in turns, until a turn does not improve the blend."""
        sign = 1.0 if self.setting.metric.greater_is_better else -1.0
        by_label = {candidate.label: candidate for candidate in self.candidates}
        ranked = sorted(self.members, key=lambda member: -sign * member.scores.mean())
        best = [by_label[member.label] for member in ranked if member.label in by_label][:2]
        score = blend_scores(self.members, self.setting.y, self.setting.metric, self.setting.spec.seed)
        for turn in count(1):
            gained = False
            for place, candidate in enumerate(best):
                if not self._search(candidate, turn, self.left / (len(best) - place)):
                    continue
                now = blend_scores(self.members, self.setting.y, self.setting.metric, self.setting.spec.seed)
                gain, error = mean_and_error(sign * (now - score), error_ratio(self.members[0].predictions))
                gained |= gain > error
                self.board.note(f"{self.members[-1].label}: the blend changes by {sign * gain:+.4f} ({error:.4f})")
                score = now
            if not gained:
                return

    def _search(self, candidate: Candidate, turn: int, budget: float) -> bool:
        """Fit the winner of a search, and return whether there was time for it."""
        label = f"{candidate.label}-search-{turn}"
        if label in {member.label for member in self.members}:
            return False
        self.board.begin(f"search of {candidate.label}")
        trained = self.estimates.seconds(candidate.spec)
        try:
            winner = found_candidate(candidate, label, self.setting.competition, trained, budget, turn)
        except UserError as error:
            self.board.note(f"{label}: {str(error).splitlines()[0]}")
            return False
        finally:
            self.board.begin("")
        return winner is not None and self.fit(winner)


def _blend(pipeline: str, members: Sequence[Member], console: Console) -> tracking.LoggedRun | None:
    if len(members) < 2:
        return tracking.find_run(members[0].run)
    return ensemble(pipeline, [member.run for member in members], console=console)


def _submit(pipeline: str, setting: _Setting, run: tracking.LoggedRun | None, output: Path, console: Console) -> None:
    """Write the submission, if there is a test table with ids."""
    competition = setting.competition
    if run is None or competition.test is None:
        return
    if ids_of(competition.test, competition.sample, setting.spec.data.id) is None:
        return
    submit(pipeline, run.name, output, console)
