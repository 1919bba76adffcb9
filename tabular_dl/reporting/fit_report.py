"""Report of a fit, and the sections that it shares with the report of a blend.

setup -> scores and baselines -> learning curves -> errors -> importances -> hardest rows -> reproduction
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tabular_dl import plots
from tabular_dl.estimators import diagnose
from tabular_dl.model_selection import (
    fold_names,
    hardest_rows,
    imported_parts,
    mean_and_error,
    permutation_importance,
    standard_error,
)
from tabular_dl.problems import decide
from tabular_dl.reporting.further_trainings import further_trainings
from tabular_dl.reporting.html_page import Page, Picture, Section, Table
from tabular_dl.reporting.results import FitResult, Judged, by_split
from tabular_dl.reporting.target_section import target_section
from tabular_dl.spec import PipelineSpec, columns_used, dump_spec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["error_sections", "fit_page", "page_of", "reproduction"]

# Largest number of columns with importances: more would take minutes, and each of so many columns matters little.
MOST_COLUMNS = 200
# Columns that fit beside each other in a table of rows.
SHOWN_COLUMNS = 8
# Columns whose importance is listed and drawn.
MOST_SHOWN = 20
FIT_AGAIN = (
    "Where this run is stored: tabular-dl reproduce RUN, with its name or id. Elsewhere: save the specification as "
    "spec.yaml, put the same tables where it names them, and run: tabular-dl fit spec.yaml. With the same versions on "
    "the same kind of machine the predictions are the same bit for bit."
)


def fit_page(result: FitResult, environment: Mapping[str, str]) -> Page:
    """Return the report of a fit.

    Parameters
    ----------
    result : FitResult
        Result of the fit.
    environment : mapping of str to str
        Versions and properties of the machine.

    Returns
    -------
    Page
        Page to render.
    """
    columns = columns_used(result.spec, result.competition.train, result.competition.test)
    judged = Judged(result.crossfit, result.spec, result.competition, result.problem, result.metric, columns)
    sections = [
        _setup_section(result),
        _score_section(result),
        *([_learning_section(result)] if result.of_networks else []),
        *error_sections(judged),
        *reproduction(result.spec, result.competition.digest, FIT_AGAIN, environment),
    ]
    return page_of(judged, result.scores, result.models, sections)


def page_of(judged: Judged, scores: np.ndarray, models: str, sections: Sequence[Section]) -> Page:
    """Return a page with a title, the score in a sentence, and sections.

    Parameters
    ----------
    judged : Judged
        The model.
    scores : ndarray of shape (folds,)
        Scores of the model.
    models : str
        Description of the model, such as "25 networks".
    sections : sequence of Section
        Sections of the page.

    Returns
    -------
    Page
        Page to render.
    """
    mean, error = mean_and_error(scores, judged.ratio)
    better = "higher" if judged.metric.greater_is_better else "lower"
    count = len(judged.competition.train) - len(judged.rows)
    unpredicted = f", of which the {count:,} earliest are in no fold" if count else ""
    summary = (
        f"{judged.metric.name} {mean:.4f}, standard error {error:.4f}, in {len(scores)}-fold cross-validation of "
        f"{models} on {len(judged.competition.train):,} rows{unpredicted}; {better} is better."
    )
    return Page(f"{judged.spec.name}, {time.strftime('%Y-%m-%d %H:%M')}", summary, sections)


def _setup_section(result: FitResult) -> Section:
    spec, competition = result.spec, result.competition
    rows = [
        ["Table", f"{competition.folder.name}: {len(competition.train):,} rows, {competition.train.shape[1]} columns"],
        ["Target", f"{spec.data.target_names}, {result.problem.name}"],
        *([["Weights of rows", spec.data.weight]] if spec.data.weight else []),
        *(["Further training", sentence] for sentence in further_trainings(result)),
        *(_network_rows(result) if result.of_networks else _model_rows(result)),
        ["Time", f"{result.seconds:.1f} s of training"],
        ["Seed", str(spec.seed)],
    ]
    return Section(f"Data and {'networks' if result.of_networks else 'model'}", tables=[Table([], rows)])


def _network_rows(result: FitResult) -> list[list[str]]:
    spec, network = result.spec, result.crossfit.pipelines_[0][-1]
    weights = sum(int(np.prod(weight.shape[1:])) for weight in network.weights_.values())
    interruption = f"; {result.ended_by} ended training {result.interrupted}" if result.interrupted else ""
    folds = f"{result.folds} folds{by_split(spec)} x {spec.ensemble.members} members"
    epochs = f"{network.resolved().epochs} at most; best on average after {result.best_epochs.mean():.0f}{interruption}"
    return [["Networks", f"{folds}, {weights:,} weights each"], ["Epochs", epochs]]


def _model_rows(result: FitResult) -> list[list[str]]:
    spec, rounds = result.spec, result.crossfit.rounds_
    parameters = ", ".join(f"{name} {value}" for name, value in spec.model.parameters.items())
    rows = [
        ["Model", f"{spec.model.name}, {result.folds} folds{by_split(spec)} x {spec.ensemble.members}"],
        ["Parameters", parameters or "the defaults"],
    ]
    if rounds is not None:
        rows.append(["Boosting rounds", f"{rounds.mean():.0f} on average, {rounds.min()} to {rounds.max()}"])
    return rows


def _score_section(result: FitResult) -> Section:
    name = result.metric.name
    trained = "networks" if result.of_networks else result.spec.model.name
    columns = {trained: result.scores, **result.baselines}
    errors = {label: standard_error(scores, result.ratio) for label, scores in columns.items()}
    rows: list[list[str]] = []
    for label, scores in columns.items():
        mean, error = mean_and_error(scores, result.ratio)
        difference, difference_error = mean_and_error(scores - result.scores, result.ratio)
        comparison = "" if label == trained else f"{difference:+.4f} ({difference_error:.4f})"
        rows.append([label, f"{mean:.4f} ({error:.4f})", comparison, *(f"{score:.4f}" for score in scores)])
    folds = [f"fold {name}" for name in fold_names(result.crossfit)]
    header = ["model", f"{name} (standard error)", f"difference from {result.subject}", *folds]
    means = ", ".join(f"{label} {scores.mean():.4f}" for label, scores in columns.items())
    return Section(
        f"Scores of {trained} and simple models",
        [
            "Each fold is predicted by models that were not trained on its rows; imputation, encoding, early stopping "
            "and the simple models are fitted separately for each fold. Differences are paired over the folds."
        ],
        [Table(header, rows)],
        [Picture(plots.fold_scores(columns, errors, name), f"{name} of each fold. Means: {means}.")],
    )


def _learning_section(result: FitResult) -> Section:
    curves, best = result.crossfit.curves_, result.best_epochs
    diagnosis = diagnose(curves, best)
    followed = result.problem.followed[0].name
    pictures = []
    for name in dict.fromkeys(("loss", followed)):
        keys = {label: key for label, key in (("training", name), ("validation", f"val_{name}")) if key in curves}
        at_best = {label: float(curves[key][best - 1, np.arange(len(best))].mean()) for label, key in keys.items()}
        values = ", ".join(f"{label} {value:.4g}" for label, value in at_best.items())
        figure = plots.learning_curves(curves, best, [name])
        pictures.append(Picture(figure, f"Learning curve of {name}; at the best epoch: {values}.", resize=True))
    verdict = f"Verdict: {diagnosis.verdict}. {diagnosis.reason[0].upper()}{diagnosis.reason[1:]}."
    return Section("Learning curves", [verdict], [], pictures)


def error_sections(judged: Judged) -> list[Section]:
    """Return the sections about errors of out-of-fold predictions, importances of columns, and the hardest rows.

    Parameters
    ----------
    judged : Judged
        The model.

    Returns
    -------
    list of Section
        Two or three sections: importances are left out with many columns, and where all predictions are imported.
    """
    importances = None
    imported, id_column = imported_parts(judged.model), judged.spec.data.id
    fitted = len(getattr(judged.model, "models", [judged.model])) > len(imported)
    if fitted and len(judged.columns) <= MOST_COLUMNS:
        # Imported predictions are looked up by the id, which has to stay as it is.
        shuffled = [name for name in judged.columns if not imported or name != id_column]
        rows = judged.competition.train[shuffled + [str(id_column)] * bool(imported)]
        seed = judged.spec.seed
        importances = permutation_importance(judged.model, rows, judged.y, judged.metric, shuffled, seed=seed)
    columns = list(judged.columns) if importances is None else importances["column"].tolist()
    sections = [_error_section(judged) if judged.y.ndim == 1 else target_section(judged)]
    if importances is not None:
        sections.append(_importance_section(judged, importances))
    return [*sections, _hardest_section(judged, columns)]


def _error_section(judged: Judged) -> Section:
    y, predictions, classes = judged.truth, judged.predictions, judged.classes
    target = judged.spec.data.target_names
    if classes is None:
        rmse = float(np.sqrt(np.mean((y - predictions) ** 2)))
        agreement = f"{target}: correlation {np.corrcoef(y, predictions)[0, 1]:.3f}, RMSE {rmse:.4g}"
        pictures = [
            Picture(plots.predicted_against_true(y, predictions, target), f"Predicted against true {agreement}.", True),
            Picture(
                plots.residual_histogram(y, predictions, target),
                f"Residuals: mean {np.mean(y - predictions):.3g}, half of the rows within "
                f"{np.median(np.abs(y - predictions)):.3g}.",
                True,
            ),
        ]
    else:
        predicted = classes[decide(predictions, judged.thresholds).argmax(axis=1)]
        recalls = ", ".join(
            f"{label} {np.mean(predicted[y == label] == label):.1%}" for label in classes[: plots.MANY_CLASSES]
        )
        pictures = [
            Picture(
                plots.confusion_matrix(y, predicted, list(classes)),
                f"Correctly predicted rows of each class: {recalls}.",
                True,
            ),
            _described(plots.roc_curves(y, predictions, classes)),
            _described(plots.calibration(y, predictions, classes)),
        ]
    text = "Out-of-fold predictions: each row is predicted by models that were not trained on it."
    return Section("Errors of the predictions", [text], [], pictures)


def _described(figure: Figure) -> Picture:
    """Return a figure with a text alternative from its title and the numbers in its legend."""
    axes = figure.axes[0]
    legend = axes.get_legend()
    labels = [text.get_text() for text in legend.get_texts()] if legend else []
    numbers = "; ".join(label for label in labels if ":" in label)
    return Picture(figure, f"{axes.get_title(loc='left')}. {numbers}".rstrip(". ") + ".")


def _importance_section(judged: Judged, importances: pd.DataFrame) -> Section:
    summary = ", ".join(f"{plots.brief(row.column)} {row.importance:.3g}" for row in importances.head(5).itertuples())
    text = (
        f"Importance is how much {judged.metric.name} worsens on the rows of each fold, predicted by its models, if "
        "one raw column is shuffled; bars are standard errors over the folds. Columns with the same information share "
        "their importance."
    )
    if imported_parts(judged.model):
        text += (
            " Imported predictions do not change if a column is shuffled, so that importances are those in the other "
            "runs of the blend."
        )
    table = Table(
        ["column", "importance", "standard error"],
        [
            [row.column, float(f"{row.importance:.3g}"), float(f"{row.error:.2g}")]
            for row in importances.head(MOST_SHOWN).itertuples()
        ],
        f"The first {MOST_SHOWN} of {len(importances)} columns." if len(importances) > MOST_SHOWN else "",
    )
    picture = Picture(plots.importances(importances, judged.metric.name), f"Permutation importance: {summary}.")
    return Section("Importance of the columns", [text], [table], [picture])


def _hardest_section(judged: Judged, columns: Sequence[str]) -> Section:
    hardest = hardest_rows(judged.truth, judged.predictions, judged.classes, threshold=judged.thresholds)
    places = judged.rows[hardest["place"].to_numpy()]
    frame = judged.competition.train
    id_column = judged.spec.data.id if judged.spec.data.id in frame else None  # training rows may have none
    shown = columns[:SHOWN_COLUMNS]
    error_name = "true - predicted" if judged.classes is None else "probability of the true label"
    if judged.y.ndim == 2:
        error_name = "mean error in deviations" if judged.classes is None else "mean probability of the true labels"
    rows = []
    for place, (_, true, predicted, error) in zip(places, hardest.itertuples(index=False, name=None), strict=True):
        raw = frame.iloc[int(place)]
        name = f"row {frame.index[int(place)]}" if id_column is None else str(raw[id_column])
        rows.append([name, _cell(true), _cell(predicted), float(error), *(_cell(raw[column]) for column in shown)])
    header = [id_column or "row", f"true {judged.spec.data.target_names}", "predicted", error_name, *shown]
    caption = f"The {len(shown)} most important of {len(columns)} columns." if len(shown) < len(columns) else ""
    text = "Some of these rows may be mislabelled or lack information; others suggest a new feature."
    return Section("Rows with the largest errors", [text], [Table(header, rows, caption)])


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    text = f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def reproduction(spec: PipelineSpec, digest: str, instructions: str, environment: Mapping[str, str]) -> list[Section]:
    """Return the sections with specification, instructions, data, versions and machine.

    Parameters
    ----------
    spec : PipelineSpec
        Specification of the pipeline.
    digest : str
        SHA-256 of the training table.
    instructions : str
        Commands that repeat the run.
    environment : mapping of str to str
        Versions and properties of the machine.

    Returns
    -------
    list of Section
        Two sections.
    """
    facts = {"SHA-256 of the training table": digest, **environment}
    return [
        Section("Specification", code=dump_spec(spec)),
        Section("Reproduction", [instructions], [Table([], [list(fact) for fact in facts.items()])]),
    ]
