"""`tabular-dl check`: checks tables and pipeline together before anything is trained.

spec and tables -> checks -> findings, each with the line of the pipeline file that mends it
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from tabular_dl.checks import Finding, run_checks, sample_size
from tabular_dl.spec import PipelineSpec, check_network, competition_of, load_spec, problem_of
from tabular_dl.workflows.console import print_findings, print_notes

__all__ = ["check", "check_spec"]


def check(pipeline: str, overrides: Sequence[str] = (), console: Console | None = None) -> tuple[Finding, ...]:
    """Check a pipeline and its tables together, and print the findings.

    Parameters
    ----------
    pipeline : str
        The name of a pipeline, or the path of a YAML file.
    overrides : sequence of str
        Changes of single leaves, like ``"ensemble.folds=3"``.
    console : Console, optional
        Where to print.

    Returns
    -------
    tuple of Finding
        Errors first.

    Raises
    ------
    UserError
        If the pipeline is no pipeline, or the tables cannot be read.
    """
    return check_spec(load_spec(pipeline, overrides, check_network), console)


def check_spec(spec: PipelineSpec, console: Console | None = None) -> tuple[Finding, ...]:
    """Check a pipeline that was read already, as `check` does."""
    console = console or Console()
    competition = competition_of(spec)
    print_notes(competition.notes, console)
    problem = problem_of(spec, competition.train[spec.data.target])
    tables = [table for table in (competition.train, competition.test) if table is not None]
    sizes = [f"{len(table):,} {role}" for table, role in zip(tables, ("training", "test"), strict=False)]
    console.print(f"[bold]{spec.name}[/], {problem.name}: {' and '.join(sizes)} rows", highlight=False)
    findings = run_checks(competition, spec, problem)
    print_findings(findings, console)
    if any(finding.code == "table" for finding in findings):
        console.print("What needs tables that the rules can read was left out: correct the errors, and check again.")
    elif any(len(table) > sample_size(table) for table in tables):
        most = max(sample_size(table) for table in tables)
        console.print(f"Leaks and drift were judged on at most {most:,} rows of a table, drawn by seed {spec.seed}.")
    return findings
