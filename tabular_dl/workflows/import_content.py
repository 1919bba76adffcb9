"""Content of a run of imported predictions: their files, scores, and what is logged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tabular_dl import tracking
from tabular_dl.competition import Competition
from tabular_dl.model_selection import ImportedClassifier, ImportedRegressor, error_ratio, mean_and_error
from tabular_dl.problems import Metric, Problem
from tabular_dl.reporting import by_split
from tabular_dl.spec import PipelineSpec

__all__ = ["ImportFiles", "Imported", "run_content"]


@dataclass(frozen=True)
class ImportFiles:
    """Files with predictions from elsewhere.

    Parameters
    ----------
    oof : Path
        Out-of-fold predictions of the training rows.
    test : Path, optional
        Predictions of the test rows; without them there can be no submission.
    folds : Path, optional
        Folds that the predictions were made on; by default those of the pipeline.
    """

    oof: Path
    test: Path | None = None
    folds: Path | None = None


@dataclass(frozen=True)
class Imported:
    """Imported predictions with their tables and scores."""

    name: str
    files: ImportFiles
    note: str
    spec: PipelineSpec
    competition: Competition
    problem: Problem
    metric: Metric
    model: ImportedClassifier | ImportedRegressor
    own_folds: bool
    scores: np.ndarray
    started: float

    @property
    def origin(self) -> dict[str, str]:
        """Facts about the predictions, for the report."""
        test = "none" if self.files.test is None else str(self.files.test)
        of_file = "" if self.own_folds else f", of {self.files.folds}, other than the pipeline's"
        return {
            "Out-of-fold predictions": str(self.files.oof),
            "Test predictions": test,
            "Folds": f"{len(self.scores)}{by_split(self.spec) if self.own_folds else ''}{of_file}",
            **({"Note": self.note} if self.note else {}),
        }


def run_content(imported: Imported) -> tracking.RunContent:
    """Return the content of the run of imported predictions.

    Parameters
    ----------
    imported : Imported
        Predictions, with their tables and scores.

    Returns
    -------
    RunContent
        Parameters, scores, tags, tables and model.
    """
    spec, competition, files = imported.spec, imported.competition, imported.files
    mean, error = mean_and_error(imported.scores, error_ratio(imported.model))
    threshold = getattr(imported.model, "threshold_", None)
    paths = {"oof": files.oof, "test": files.test, "folds": None if imported.own_folds else files.folds}
    origin = {f"import.{key}": file for key, file in paths.items() if file is not None}
    note = {"import.note": imported.note} if imported.note else {}
    lacks_test = competition.test is not None and files.test is None
    source = str(competition.folder)
    return tracking.RunContent(
        pipeline=spec.name,
        kind="import",
        parameters={"model.name": tracking.IMPORTED, **origin, **note},
        metrics={
            "cv_score": mean,
            "cv_standard_error": error,
            f"cv_{imported.metric.name}": mean,
            **({} if threshold is None else {"threshold": threshold}),
        },
        curves={},
        folds=[{"cv_score": score} for score in imported.scores],
        tags={
            **tracking.metric_tags(imported.metric),
            "tabular_dl.problem": imported.problem.name,
            "tabular_dl.data_digest": competition.digest,
            **tracking.fold_tags(imported.model, imported.scores),
            **({tracking.NO_TEST_TAG: "true"} if lacks_test else {}),
        },
        description="\n".join(
            [
                f"**Imported predictions**: {imported.metric.name} {mean:.4f} (standard error {error:.4f}).",
                "",
                *(f"- {key}: {value}" for key, value in imported.origin.items()),
            ]
        ),
        tables=[
            tracking.Table(
                f"{spec.name}-train", "training", competition.train, source, competition.digest, spec.data.target
            )
        ],
        model=imported.model,
        example=competition.train.drop(columns=spec.data.target),
        started=imported.started,
        name=imported.name,
    )
