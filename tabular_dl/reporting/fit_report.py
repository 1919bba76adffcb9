"""What the report of a run says: sections of a page from a fit or a blend.

scores beside baselines -> learning curves -> where the predictions are wrong -> what they rest on -> how to do it again
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl import plots
from tabular_dl.estimators import diagnose
from tabular_dl.model_selection import hardest_rows, mean_and_error, permutation_importance, standard_error
from tabular_dl.problems import decide
from tabular_dl.reporting.html_page import Page, Picture, Section, Table
from tabular_dl.reporting.results import FitResult, Judged, by_group
from tabular_dl.spec import PipelineSpec, columns_used, dump_spec

__all__ = ["error_sections", "fit_page", "page_of", "reproduction"]

# Shuffling each of more columns than this in every fold takes minutes, and single ones no longer matter.
MOST_COLUMNS = 200
# Columns of a table that fit beside each other on a page.
SHOWN_COLUMNS = 8
# Columns whose importance is listed and drawn.
MOST_SHOWN = 20
FIT_AGAIN = (
    "Where this run is stored: tabular-dl reproduce RUN, with its name or id. Elsewhere: save the specification as "
    "spec.yaml, put the same tables where it names them, and run: tabular-dl fit spec.yaml. With the same versions on "
    "the same kind of machine the predictions are the same bit for bit."
)


def fit_page(result: FitResult, environment: Mapping[str, str]) -> Page:
    """Compose the report of a fit.

    Parameters
    ----------
    result : FitResult
        What came out of it.
    environment : mapping of str to str
        Versions and machine.
    """
    columns = columns_used(result.spec, result.competition.train)
    judged = Judged(result.crossfit, result.spec, result.competition, result.problem, result.metric, columns)
    sections = [
        _what_was_fitted(result),
        _scores(result),
        _learning(result),
        *error_sections(judged),
        *reproduction(result.spec, result.competition.digest, FIT_AGAIN, environment),
    ]
    return page_of(judged, result.scores, f"{len(result.best_epochs)} networks", sections)


def page_of(judged: Judged, scores: np.ndarray, what: str, sections: Sequence[Section]) -> Page:
    """Put a title and the result, in a sentence, before sections."""
    mean, error = mean_and_error(scores)
    better = "higher" if judged.metric.greater_is_better else "lower"
    summary = (
        f"{judged.metric.name} {mean:.4f}, standard error {error:.4f}, in {len(scores)}-fold cross-validation of "
        f"{what} on {len(judged.competition.train):,} rows; {better} is better."
    )
    return Page(f"{judged.spec.name}, {time.strftime('%Y-%m-%d %H:%M')}", summary, sections)


def _what_was_fitted(result: FitResult) -> Section:
    spec, competition = result.spec, result.competition
    network = result.crossfit.pipelines_[0][-1]
    weights = sum(int(np.prod(weight.shape[1:])) for weight in network.weights_.values())
    cut = f"; ended by Ctrl-C {result.interrupted}" if result.interrupted else ""
    rows = [
        ["Table", f"{competition.folder.name}: {len(competition.train):,} rows, {competition.train.shape[1]} columns"],
        ["Target", f"{spec.data.target}, {result.problem.name}"],
        [
            "Networks",
            f"{spec.ensemble.folds} folds{by_group(spec)} x {spec.ensemble.members} members, {weights:,} weights each",
        ],
        ["Epochs", f"{network.epochs} at most; best on average after {result.best_epochs.mean():.0f}{cut}"],
        ["Time", f"{result.seconds:.1f} s of training"],
        ["Seed", str(spec.seed)],
    ]
    return Section("What was fitted on what", tables=[Table([], rows)])


def _scores(result: FitResult) -> Section:
    name = result.metric.name
    columns = {"networks": result.scores, **result.baselines}
    errors = {label: standard_error(scores) for label, scores in columns.items()}
    rows: list[list[Any]] = []
    for label, scores in columns.items():
        mean, error = mean_and_error(scores)
        difference, of_difference = mean_and_error(scores - result.scores)
        against = "" if label == "networks" else f"{difference:+.4f} ({of_difference:.4f})"
        rows.append([label, f"{mean:.4f} ({error:.4f})", against, *(f"{score:.4f}" for score in scores)])
    folds = [f"fold {number}" for number in range(1, len(result.scores) + 1)]
    header = ["model", f"{name} (standard error)", "to the networks", *folds]
    said = ", ".join(f"{label} {scores.mean():.4f}" for label, scores in columns.items())
    return Section(
        "The score beside simple models",
        [
            "Each fold is predicted by models that did not see its rows; imputation, encoding, early stopping and the "
            "simple models are fitted anew in each. Differences are paired over the folds."
        ],
        [Table(header, rows)],
        [Picture(plots.fold_scores(columns, errors, name), f"{name} of each fold. Means: {said}.")],
    )


def _learning(result: FitResult) -> Section:
    curves, best = result.crossfit.curves_, result.best_epochs
    found = diagnose(curves, best)
    followed = result.problem.followed[0].name
    pictures = []
    for name in dict.fromkeys(("loss", followed)):
        last = {label: key for label, key in (("training", name), ("validation", f"val_{name}")) if key in curves}
        at_best = {label: float(curves[key][best - 1, np.arange(len(best))].mean()) for label, key in last.items()}
        said = ", ".join(f"{label} {value:.4g}" for label, value in at_best.items())
        figure = plots.learning_curves(curves, best, [name])
        pictures.append(Picture(figure, f"Learning curve of {name}; at the best epoch: {said}.", resize=True))
    verdict = f"Verdict: {found.verdict}. {found.reason[0].upper()}{found.reason[1:]}."
    return Section("Learning curves", [verdict], [], pictures)


def error_sections(judged: Judged) -> list[Section]:
    """Say where out-of-fold predictions are wrong, what they rest on, and which rows are the hardest."""
    found = None
    if len(judged.columns) <= MOST_COLUMNS:
        rows = judged.competition.train[list(judged.columns)]
        seed = judged.spec.seed
        found = permutation_importance(judged.model, rows, judged.y, judged.metric, judged.columns, seed=seed)
    columns = list(judged.columns) if found is None else found["column"].tolist()
    return [_wrong(judged), *([] if found is None else [_importance(judged, found)]), _hardest(judged, columns)]


def _wrong(judged: Judged) -> Section:
    y, predictions, classes = judged.y, judged.model.oof_predictions_, judged.classes
    target = judged.spec.data.target
    if classes is None:
        rmse = float(np.sqrt(np.mean((y - predictions) ** 2)))
        together = f"{target}: correlation {np.corrcoef(y, predictions)[0, 1]:.3f}, RMSE {rmse:.4g}"
        pictures = [
            Picture(plots.predicted_against_true(y, predictions, target), f"Predicted against true {together}.", True),
            Picture(
                plots.residual_histogram(y, predictions, target),
                f"Residuals: mean {np.mean(y - predictions):.3g}, half of the rows within "
                f"{np.median(np.abs(y - predictions)):.3g}.",
                True,
            ),
        ]
    else:
        predicted = classes[decide(predictions, judged.thresholds).argmax(axis=1)]
        right = ", ".join(
            f"{label} {np.mean(predicted[y == label] == label):.1%}" for label in classes[: plots.MANY_CLASSES]
        )
        pictures = [
            Picture(plots.confusion_matrix(y, predicted, list(classes)), f"Right of each class: {right}.", True),
            _titled(plots.roc_curves(y, predictions, classes)),
            _titled(plots.calibration(y, predictions, classes)),
        ]
    said = "Out-of-fold predictions: each row is predicted by networks that did not train on it."
    return Section("Where the predictions are wrong", [said], [], pictures)


def _titled(figure: Any) -> Picture:
    """Describe a figure by its title and legend, which hold its numbers."""
    axes = figure.axes[0]
    legend = axes.get_legend()
    labels = [text.get_text() for text in legend.get_texts()] if legend else []
    numbers = "; ".join(label for label in labels if ":" in label)
    return Picture(figure, f"{axes.get_title(loc='left')}. {numbers}".rstrip(". ") + ".")


def _importance(judged: Judged, found: pd.DataFrame) -> Section:
    said = ", ".join(f"{row.column} {row.importance:.3g}" for row in found.head(5).itertuples())
    text = (
        f"By how much {judged.metric.name} worsens on the rows of each fold, predicted by its networks, "
        "when one raw column is shuffled; bars are standard errors over the folds. Columns that say the same thing "
        "share their importance."
    )
    table = Table(
        ["column", "importance", "standard error"],
        [
            [row.column, float(f"{row.importance:.3g}"), float(f"{row.error:.2g}")]
            for row in found.head(MOST_SHOWN).itertuples()
        ],
        f"The first {MOST_SHOWN} of {len(found)} columns." if len(found) > MOST_SHOWN else "",
    )
    picture = Picture(plots.importances(found, judged.metric.name), f"Permutation importance: {said}.")
    return Section("What the predictions rest on", [text], [table], [picture])


def _hardest(judged: Judged, columns: Sequence[str]) -> Section:
    found = hardest_rows(judged.y, judged.model.oof_predictions_, judged.classes, threshold=judged.thresholds)
    id_column, frame = judged.spec.data.id, judged.competition.train
    shown = columns[:SHOWN_COLUMNS]
    size = "true - predicted" if judged.classes is None else "probability of the true label"
    rows = []
    for place, true, predicted, wrong in found.itertuples(index=False, name=None):
        raw = frame.iloc[int(place)]
        name = f"row {frame.index[int(place)]}" if id_column is None else str(raw[id_column])
        rows.append([name, _cell(true), _cell(predicted), float(wrong), *(_cell(raw[column]) for column in shown)])
    header = [id_column or "row", f"true {judged.spec.data.target}", "predicted", size, *shown]
    caption = f"The {len(shown)} most important of {len(columns)} columns." if len(shown) < len(columns) else ""
    said = "Read them: some are mislabelled, some lack what would tell, some show what a feature could add."
    return Section("The rows it gets most wrong", [said], [Table(header, rows, caption)])


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    text = f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def reproduction(spec: PipelineSpec, digest: str, how: str, environment: Mapping[str, str]) -> list[Section]:
    """Return the sections that say how to do it again: specification, data, versions, machine."""
    facts = {"SHA-256 of the training table": digest, **environment}
    return [
        Section("Specification", code=dump_spec(spec)),
        Section("How to do it again", [how], [Table([], [list(fact) for fact in facts.items()])]),
    ]
