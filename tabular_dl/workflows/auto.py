"""From tables to the best submission that this machine can make in a given time: `tabular-dl auto`.

portfolio, cheapest first -> searches of the two best kinds -> greedy blend with a nested score -> checked submission
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.atomic_files import write_text
from tabular_dl.checks import run_checks
from tabular_dl.competition import Competition, ids_of
from tabular_dl.drafting import Candidate, portfolio
from tabular_dl.errors import UserError
from tabular_dl.model_selection import Blend, mean_and_error, nested_predictions
from tabular_dl.problems import Metric, Problem
from tabular_dl.spec import (
    PipelineSpec,
    about_seconds,
    check_network,
    competition_of,
    dump_spec,
    load_spec,
    metric_of,
    problem_of,
)
from tabular_dl.workflows.auto_board import Board
from tabular_dl.workflows.auto_search import found_candidate
from tabular_dl.workflows.auto_session import Member, Session
from tabular_dl.workflows.console import check_command, print_lines, print_notes, stop_at_errors, warn_in_short
from tabular_dl.workflows.ensemble import ensemble
from tabular_dl.workflows.fit import fit_and_log
from tabular_dl.workflows.recover import recover
from tabular_dl.workflows.submit import submit

__all__ = ["auto"]

# Seconds that a blend and a submission take at least, and by member; replaced by what is measured as members are stored.
END, END_A_MEMBER = 8.0, 1.0
# Seconds below which nothing is begun.
SHORTEST = 3.0
# Share of the time left that one member may train.
SHARE = 0.6


@dataclass(frozen=True)
class _Setting:
    """What all members share."""

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

    Each member is a run with a pipeline file of its own, ``pipelines/NAME.auto/LABEL.yaml``. The command ends early when
    searches do not improve the blend by more than a standard error.

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
        Id or name of the run of a command that was killed; its members are kept, and its time is spent to the end.
    began : float, optional
        Time, of `time.monotonic`, from which on the time counts; now by default.
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
    setting = _checked(spec, check_command(pipeline, overrides), console)
    session = Session.open(spec, setting.competition.digest, seconds, began, resume)
    print_lines(console, f"Session [bold]{escape(session.run.name)}[/]: {session.seconds:.0f} s")
    try:
        if resume is not None:
            recover(console=Console(quiet=True))
        with Board(console, spec.name, setting.metric, session) as board:
            _train(setting, session, board)
        run = _blend(pipeline, setting, board.members, console)
        _submit(pipeline, setting, run, output, console)
        session.note()
    except KeyboardInterrupt:
        session.run.close("KILLED")
        command = f"tabular-dl auto {escape(pipeline)} --resume {session.run.name}"
        print_lines(console, f"Ctrl-C ended it. [bold]{command}[/] continues it with the time that is left.")
        raise
    except Exception:  # raised again: the run gets its status before
        session.run.close("FAILED")
        raise
    session.run.close()
    print_lines(console, f"{session.spent:.0f} s of {session.seconds:.0f} s spent")
    return run


def _checked(spec: PipelineSpec, command: str, console: Console) -> _Setting:
    """Return the tables after the checks of a fit."""
    competition = competition_of(spec)
    problem = problem_of(spec, competition.train[spec.data.target])
    findings = run_checks(competition, spec, problem)
    stop_at_errors(findings, command)
    print_notes(competition.notes, console)
    warn_in_short(findings, console, command)
    return _Setting(spec, competition, problem, metric_of(spec, problem))


def _train(setting: _Setting, session: Session, board: Board) -> None:
    """Fit the portfolio, then what searches find, until the time is over or nothing more is gained."""
    for member in session.members():
        board.add(member)
    end = _End(setting)
    candidates = portfolio(setting.spec, setting.problem, setting.competition.train)
    for candidate in candidates:
        if candidate.label not in {member.label for member in board.members}:
            _fit(candidate, setting, session, board, end)
    if not board.members:
        raise UserError(f"No model could be trained in {session.seconds:.0f} s: give more time, like --time 10m.")
    _search_best(candidates, setting, session, board, end)


class _End:
    """Seconds that blend and submission will take, by what storing the members took."""

    def __init__(self, setting: _Setting) -> None:
        self.stored: list[float] = []
        self.setting = setting

    def seconds(self, members: int) -> float:
        """Return the seconds to keep for the end."""
        each = float(np.median(self.stored)) if self.stored else END_A_MEMBER
        return END + each * (members + 1)


def _fit(candidate: Candidate, setting: _Setting, session: Session, board: Board, end: _End) -> Member | None:
    """Fit a candidate if there is time, and return it as a member."""
    left = session.left - end.seconds(len(board.members) + 1)
    spec = candidate.spec.model_copy(update={"baselines": "none"})
    if left < SHORTEST or (board.members and _estimate(spec, setting) > left):
        board.note(f"{candidate.label}: not enough time")
        return None
    board.begin(candidate.label)
    clock = time.monotonic()
    try:
        result, _, run = fit_and_log(
            spec,
            Console(quiet=True),
            competition=setting.competition,
            checked=True,
            stop_at=clock + max(SHORTEST, SHARE * left),
            tags=session.tags(candidate.label),
        )
    except UserError as error:
        board.note(f"{candidate.label}: {str(error).splitlines()[0]}")
        return None
    if run is None:
        return None
    end.stored.append(max(0.0, time.monotonic() - clock - result.seconds))
    member = Member.of(candidate.label, run.name, result)
    folder = Path("pipelines") / f"{setting.spec.name}.auto"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{candidate.label}.yaml", dump_spec(candidate.spec))
    board.add(member)
    session.note()
    return member


def _estimate(spec: PipelineSpec, setting: _Setting) -> float:
    """Return about how many seconds networks train; other models say so only by training."""
    if not spec.model.is_network:
        return 0.0
    train = setting.competition.train
    return about_seconds(spec, setting.problem, train, train[spec.data.target])


def _search_best(candidates: Sequence[Candidate], setting: _Setting, session: Session, board: Board, end: _End) -> None:
    """Search the hyperparameters of the two best kinds, and end when neither improves the blend."""
    sign = 1.0 if setting.metric.greater_is_better else -1.0
    known = {candidate.label: candidate for candidate in candidates}
    ranked = sorted(board.members, key=lambda member: -sign * member.scores.mean())
    best = [known[member.label] for member in ranked if member.label in known][:2]
    before = _nested(board.members, setting)
    for number, candidate in enumerate(best, start=1):
        label = f"{candidate.label}-searched"
        if any(member.label == label for member in board.members):
            continue
        left = session.left - end.seconds(len(board.members) + 1)
        trained = next(member.seconds for member in board.members if member.label == candidate.label)
        budget = left / (len(best) - number + 1)
        board.begin(f"search of {candidate.label}")
        found = found_candidate(candidate, label, setting.competition, trained, budget)
        if found is None:
            board.begin("")
            continue
        if _fit(found, setting, session, board, end) is None:
            continue
        after = _nested(board.members, setting)
        gain, error = mean_and_error(sign * (after - before))
        board.note(f"{label}: the blend changes by {sign * gain:+.4f} (standard error {error:.4f})")
        before = after


def _nested(members: Sequence[Member], setting: _Setting) -> np.ndarray:
    """Return the nested score of each fold of the greedy blend of all members so far."""
    first = members[0]
    if len(members) == 1:
        return first.scores
    stacked = np.stack([member.predictions for member in members])
    predictions = stacked if first.classes is not None else stacked[..., np.newaxis]
    y, metric, blend = setting.y, setting.metric, Blend("greedy", setting.spec.seed)
    combined = nested_predictions(blend, predictions, y, first.test_rows, metric, first.classes)
    combined = combined if first.classes is not None else combined[:, 0]
    return np.array([metric(y[rows], combined[rows], first.classes) for rows in first.test_rows])


def _blend(pipeline: str, setting: _Setting, members: Sequence[Member], console: Console) -> tracking.LoggedRun | None:
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
