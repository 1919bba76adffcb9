"""Checks of a pipeline together with its tables, without training: `tabular-dl check`.

spec and tables -> checks -> findings, each with the change to the pipeline file that fixes it
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from tabular_dl.checks import Finding, run_checks, sample_size
from tabular_dl.spec import PipelineSpec, check_network, competition_of, load_spec, problem_of
from tabular_dl.workflows.console import print_findings, print_lines, print_notes

__all__ = ["check", "check_spec"]


def check(pipeline: str, overrides: Sequence[str] = (), console: Console | None = None) -> tuple[Finding, ...]:
    """Check a pipeline and its tables together, and print the findings.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    overrides : sequence of str
        Changed values, such as ``"ensemble.folds=3"``.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    tuple of Finding
        Findings, errors first.

    Raises
    ------
    UserError
        If the pipeline is not valid, or the tables cannot be read.
    """
    return check_spec(load_spec(pipeline, overrides, check_network), console)


def check_spec(spec: PipelineSpec, console: Console | None = None) -> tuple[Finding, ...]:
    """Check a specification and its tables together, and print the findings.

    Parameters
    ----------
    spec : PipelineSpec
        Specification of the pipeline.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    tuple of Finding
        Findings, errors first.

    Raises
    ------
    UserError
        If the tables cannot be read.
    """
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
        print_lines(console, "The other checks need tables without these errors: correct them, and check again.")
    elif any(len(table) > sample_size(table) for table in tables):
        most = max(sample_size(table) for table in tables)
        print_lines(console, f"Leaks and drift were checked on samples of at most {most:,} rows (seed {spec.seed}).")
    return findings
