"""Short search of a candidate's hyperparameters, for `tabular-dl auto`."""

from __future__ import annotations

from tabular_dl.competition import Competition
from tabular_dl.drafting import Candidate
from tabular_dl.model_selection import SearchPlan, SearchState, choose
from tabular_dl.model_selection import search as run_rounds
from tabular_dl.spec import with_values
from tabular_dl.workflows.search_task import SearchOptions, SearchTask

__all__ = ["found_candidate"]

FEWEST, MOST = 8, 60  # trials
A_ROUND = 10  # trials; the time is checked between rounds
# Time of a trial relative to that of the candidate itself, because the space has slower configurations, too.
SLOWER = 2.0
# Share of the time for which trials are planned: the winner is fitted afterwards, with all members.
PLANNED = 0.5


def found_candidate(
    candidate: Candidate, label: str, competition: Competition, trained: float, budget: float, turn: int
) -> Candidate | None:
    """Return the winner of a search, or None if there is no time for one.

    Parameters
    ----------
    candidate : Candidate
        Pipeline with a search space.
    label : str
        Label of the winner.
    competition : Competition
        Tables.
    trained : float
        Number of seconds that the candidate itself took to train.
    budget : float
        Number of seconds for the search and the fit of its winner.
    turn : int
        Number of the search of this candidate, from 1; each draws other configurations.

    Returns
    -------
    Candidate or None
        Winner.

    Raises
    ------
    UserError
        If no configuration in the space can be trained.
    """
    spec = candidate.spec
    # A trial has one member in place of several.
    trial = max(0.05, SLOWER * trained / spec.ensemble.members)
    trials = int(min(MOST, PLANNED * (budget - trained) / trial))
    if trials < FEWEST or not spec.search:
        return None
    epochs = {**spec.network, **spec.training}.get("epochs", 100)
    rounds = max(1, trials // A_ROUND)
    task = SearchTask(spec, SearchOptions(trials, rounds, epochs=epochs, holdout=False), competition)
    plan = SearchPlan(trials=trials, rounds=rounds, seed=task.seed + turn, timeout=PLANNED * budget, repeats=0)
    state = run_rounds(
        plan,
        SearchState([task.space]),
        lambda values, seeds, final: task.train(values, seeds, final, lambda *_: None),
        task.sign,
        task.allowed,
    )
    winner = choose(state.records, task.sign, "best")
    return Candidate(label, with_values(spec, winner.params))
