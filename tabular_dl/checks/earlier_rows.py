"""Findings about features of earlier targets, which are not known of all rows to predict."""

from __future__ import annotations

from collections.abc import Iterator

from tabular_dl.checks.finding import Finding
from tabular_dl.spec import CheckedRows, PipelineSpec, write_line

__all__ = ["lag_findings"]


def lag_findings(
    spec: PipelineSpec, train: CheckedRows, test: CheckedRows, names: tuple[str, str]
) -> Iterator[Finding]:
    """Yield a finding for each lag that is shorter than the time from the training rows to the last row to predict.

    Training rows have the target of each earlier step. Rows to predict without one get the latest known target instead,
    on which the model was not trained.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train, test : CheckedRows
        Validated rows of both tables.
    names : tuple of (str, str)
        Names of both tables in messages.

    Yields
    ------
    Finding
    """
    if train.features is None or any(fault.code == "feature" for fault in (*train.faults, *test.faults)):
        return
    for name, (ahead, unit) in train.features.steps_ahead(test.table).items():
        feature = spec.derived[name]
        lag = feature.get("lag", 1)
        if ahead <= lag:
            continue
        steps = "steps" if unit == "number" else f"{unit}s"
        message = (
            f"{names[1]}: rows lie up to {ahead} {steps} after the last of {names[0]}, and the feature {name} reads "
            f"{spec.data.target} with a lag of {lag}: where that target is not known, the latest known one is "
            "used, which does not happen in training."
        )
        fix = write_line({name: {**feature, "lag": ahead}})[1:-1]
        yield Finding("warning", "lag", message, f"{fix}  # in features")
