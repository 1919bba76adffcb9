"""Time that a fit takes, and networks for the time that it may take: ``--preset``."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from tabular_dl.competition import Competition
from tabular_dl.drafting import Effort, with_effort
from tabular_dl.problems import Problem
from tabular_dl.spec import PipelineSpec, about_seconds, in_words, problem_of

__all__ = ["apply_effort", "time_of"]


def apply_effort(
    spec: PipelineSpec, preset: Effort, overrides: Sequence[str], competition: Competition, console: Console
) -> PipelineSpec:
    """Return a pipeline with the networks of an effort, and print about how long it takes.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    preset : {"fast", "good", "best"}
        Time that training may take.
    overrides : sequence of str
        Changes that the pipeline has been read with, which stay.
    competition : Competition
        Tables.
    console : Console
        Console to print to.

    Returns
    -------
    PipelineSpec
        Pipeline.
    """
    target = competition.train[spec.data.target]
    problem = problem_of(spec, target)
    spec = with_effort(spec, problem, competition.train, preset, [override.partition("=")[0] for override in overrides])
    console.print(f"Preset {preset}: about {time_of(spec, problem, competition)} on this machine.")
    return spec


def time_of(spec: PipelineSpec, problem: Problem, competition: Competition) -> str:
    """Return about how long a fit takes on this machine, in words.

    Parameters
    ----------
    spec : PipelineSpec
        Valid pipeline.
    problem : Problem
        Type of problem.
    competition : Competition
        Tables.

    Returns
    -------
    str
        Time, such as "40 seconds".
    """
    train = competition.train
    return in_words(about_seconds(spec, problem, train, train[spec.data.target]))
