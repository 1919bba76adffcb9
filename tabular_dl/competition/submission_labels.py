"""Labels of a submission as its sample has them: other words for the classes, and several labels in one cell.

The classes of a target may be 0 and 1 where the sample has No and Yes, or ``setosa`` where it has ``Setosa``. If the
labels of the sample can be matched to the classes, the submission has them, and a note says so. If not, an error asks
for the key ``submission`` of the pipeline file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular_dl.errors import SubmissionError, listed
from tabular_dl.tables import category_text

__all__ = ["Given", "LabelForm", "UnclearLabelsError", "class_text", "label_form"]

Given = Mapping[Any, Any] | Literal["target"]

MOST_LISTED = 6  # labels listed by one message
# Words for no and yes, a pair of each kind.
PAIRS = (("0", "1"), ("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"))
_STYLES: tuple[Callable[[str], str], ...] = (str.lower, str.upper, str.title, str.capitalize)


class UnclearLabelsError(SubmissionError):
    """Error for a sample whose labels are not the classes, and cannot be matched to them.

    Attributes
    ----------
    values : dict, "target" or None
        Proposal for ``submission.values``: the labels in order, or the classes as they are.
    """

    def __init__(self, message: str, values: dict[Any, Any] | Literal["target"] | None = None) -> None:
        super().__init__(message)
        self.values = values


@dataclass(frozen=True)
class LabelForm:
    """Form of the labels in one column of a submission.

    Attributes
    ----------
    written : dict of str to object
        Label of the submission for each class, by the text of the class; empty for the classes themselves.
    top_k : int
        Number of labels in a cell, the most probable first.
    note : str
        Sentence about the form; empty if the labels are those of the target.
    """

    written: Mapping[str, Any] = field(default_factory=dict)
    top_k: int = 1
    note: str = ""

    def write(self, predicted: pd.Series, p: pd.DataFrame) -> pd.Series:
        """Return the cells of a submission.

        Parameters
        ----------
        predicted : Series of shape (rows,)
            Predicted class of each row.
        p : DataFrame of shape (rows, classes)
            Probabilities, in columns named by the classes.

        Returns
        -------
        Series of shape (rows,)
            A label in each cell, or several separated by blanks.

        Examples
        --------
        >>> p = pd.DataFrame({"a": [0.2, 0.5], "b": [0.3, 0.4], "c": [0.5, 0.1]})
        >>> LabelForm(top_k=2).write(pd.Series(["c", "a"]), p).tolist()
        ['c b', 'a b']
        >>> LabelForm({"a": "A", "b": "B", "c": "C"}).write(pd.Series(["c", "a"]), p).tolist()
        ['C', 'A']
        """
        if self.top_k == 1:
            return predicted.map(lambda label: self.written[class_text(label)]) if self.written else predicted
        classes = map(class_text, p.columns)
        names = np.array([str(self.written.get(name, name)) for name in classes], dtype=object)
        order = np.argsort(-p.to_numpy(), axis=1, kind="stable")[:, : self.top_k]
        return pd.Series([" ".join(labels) for labels in names[order]], index=predicted.index, name=predicted.name)


def class_text(value: object) -> str:
    """Return the text of a class, the same for 1, 1.0 and "1.0", which is how tables of predictions name classes.

    Examples
    --------
    >>> [class_text(value) for value in (1, 1.0, "1.0", "v1.0", False)]
    ['1', '1', '1', 'v1.0', 'False']
    """
    return re.sub(r"^(-?\d+)\.0$", r"\1", category_text(value))


def label_form(
    sample: pd.Series,
    classes: Sequence[Any],
    file: str,
    given: Given | None = None,
    top_k: int | None = None,
    default_k: int = 1,
) -> LabelForm:
    """Return the form of the labels in a column of a sample submission.

    ===============================  ================================================================================
    labels of the sample             what is written
    ===============================  ================================================================================
    classes of the target            the classes
    other case or blanks             all classes, spelled as in the sample
    no/yes, false/true, n/y, 0/1...  the sample's words, if the classes are such a pair too
    as many numbers as classes,      numbers in the same order
    which are numbers
    a single number                  the classes, if they are numbers: it only fills the column
    several classes in each cell     as many classes, the most probable first
    others                           an error, unless ``given`` has the labels
    ===============================  ================================================================================

    Parameters
    ----------
    sample : Series of shape (rows,)
        Column of the sample.
    classes : sequence
        Classes of the target.
    file : str
        Name of the sample in messages.
    given : mapping or "target", optional
        Label of the submission for each class, or "target" for the classes themselves.
    top_k : int, optional
        Number of labels in a cell; by default that of the sample.
    default_k : int, default=1
        Number of labels in a cell where the sample has a single one.

    Returns
    -------
    LabelForm
        The form.

    Raises
    ------
    UnclearLabelsError
        If the labels of the sample cannot be matched to the classes, or the options do not fit the classes.

    Examples
    --------
    >>> label_form(pd.Series(["No", "No", "Yes"]), [0, 1], "sample.csv").written
    {'0': 'No', '1': 'Yes'}
    >>> label_form(pd.Series(["a b c", "a b c"]), ["a", "b", "c", "d"], "sample.csv").top_k
    3
    """
    names = [class_text(name) for name in classes]
    cells = sample.dropna().unique()
    in_sample = _labels_a_cell(cells, names)
    count = top_k or (in_sample if in_sample > 1 else min(default_k, len(names)))
    if count > len(names):
        raise UnclearLabelsError(f"{count} labels in a cell are more than the {len(names)} classes: ask for fewer.")
    texts = [token for cell in cells for token in str(cell).split()] if in_sample > 1 else cells
    shown = {class_text(value): value for value in texts}
    written = _written(shown, names, str(sample.name), file) if given is None else _given(given, names)
    if count > 1:
        blank = [str(label) for label in (written.values() or names) if len(str(label).split()) != 1]
        if blank:
            raise UnclearLabelsError(
                f"The label {blank[0]!r} has a blank, which separates the labels of a cell: {_KEY}"
            )
    return LabelForm(written, count, _note(written, count, shown, names, file))


_KEY = "write the label of each class to submission.values in the pipeline file."


def _labels_a_cell(cells: np.ndarray, classes: Sequence[str]) -> int:
    """Return the number of labels in the cells of a sample: more than 1 if each is a text of several classes."""
    known = {_folded(name) for name in classes}
    texts = [cell.split() for cell in cells if isinstance(cell, str) and _folded(cell) not in known]
    if not texts or len(texts) < len(cells) or not all(_folded(token) in known for text in texts for token in text):
        return 1
    return max(map(len, texts))


def _given(given: Given, classes: Sequence[str]) -> dict[str, Any]:
    """Return the labels that the user gives for each class.

    Raises
    ------
    UnclearLabelsError
        If a class is missing, or two classes would be written alike.
    """
    if isinstance(given, str):
        return {}
    values = {class_text(name): value for name, value in given.items()}
    missing = [name for name in classes if name not in values]
    if missing:
        raise UnclearLabelsError(
            f"submission.values has no label for {listed(missing, MOST_LISTED)}; it names "
            f"{listed(list(values), MOST_LISTED)}. Name every class of the target."
        )
    written = {name: values[name] for name in classes}
    if len({class_text(value) for value in written.values()}) < len(written):
        raise UnclearLabelsError(f"submission.values writes two classes alike: {_pairs(written)}. Give each its own.")
    return written


def _written(shown: Mapping[str, Any], classes: Sequence[str], column: str, file: str) -> dict[str, Any]:
    """Return the label of a sample for each class; empty if its labels are the classes."""
    if {*shown} <= {*classes}:
        return {}
    for rule in (_spelled, _paired, _ordered):
        written = rule(shown, classes)
        if written:
            return written
    if {*shown} & {*classes} or (len(shown) == 1 and all(map(_is_number, (*shown, *classes)))):
        return {}
    pairs = zip(map(_plain, sorted(classes)), map(_plain, sorted(shown)), strict=False)
    raise UnclearLabelsError(
        f"{file}, column {column}: the values {listed(list(shown), MOST_LISTED)} are none of the classes of the "
        f"target, {listed(list(classes), MOST_LISTED)}, and cannot be matched to them: {_KEY} `values: target` "
        "writes the classes.",
        dict(pairs) if len(shown) == len(classes) else "target",
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _spelled(shown: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """Return the labels of a sample that differ from the classes in case and blanks only; empty if they do not."""
    by_name = {_folded(name): name for name in classes}
    if len(by_name) < len(classes) or not {*map(_folded, shown)} <= {*by_name}:
        return {}
    written = {by_name[_folded(text)]: text for text in shown}
    styles = [style for style in _STYLES if all(style(name) == text for name, text in written.items())]
    others = {tuple(style(name) for name in classes if name not in written) for style in styles}
    if len(written) < len(classes):
        if len(others) != 1:  # the case of the classes that the sample does not show is unclear
            return {}
        written |= zip((name for name in classes if name not in written), *others, strict=True)
    return {name: written[name] for name in classes}


def _paired(shown: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """Return the words for no and yes of a sample, where the classes are such words too; empty if they are not."""
    no = next((name for pair in PAIRS for name in classes if _folded(name) == pair[0]), None)
    yes = next((name for pair in PAIRS for name in classes if _folded(name) == pair[1]), None)
    pair = next((pair for pair in PAIRS if shown and {*map(_folded, shown)} <= {*pair}), None)
    if len(classes) != 2 or no is None or yes is None or pair is None:
        return {}
    by_word = {_folded(text): value for text, value in shown.items()}
    words = [by_word.get(word, _like(*next(iter(shown.items())), word)) for word in pair]
    return {name: words[name == yes] for name in (no, yes)}


def _like(text: str, value: object, word: str) -> Any:
    """Return a word in the case, or of the type, of the other word of its pair."""
    if not isinstance(value, str) and _is_number(text):
        return type(value)(int(word))  # type: ignore[call-arg]  # a number
    styles = (str.upper,) if len(text) == 1 else (str.upper, str.title)
    return next((style(word) for style in styles if style(text) == text), word)


def _ordered(shown: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of a sample in the order of the classes, if both are as many numbers; else nothing."""
    if len(shown) != len(classes) or not all(map(_is_number, (*shown, *classes))):
        return {}
    return dict(zip(sorted(classes, key=float), (shown[text] for text in sorted(shown, key=float)), strict=True))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _plain(text: str) -> Any:
    """Return a class for a pipeline file: a whole number, or text."""
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text


def _pairs(written: Mapping[str, Any]) -> str:
    return listed([f"{name} as {value}" for name, value in written.items()], MOST_LISTED)


def _note(written: Mapping[str, Any], top_k: int, shown: Mapping[str, Any], classes: Sequence[str], file: str) -> str:
    """Return a sentence about the form; empty if the labels are those of the target."""
    parts = []
    others = [text for text in shown if text not in classes]
    if written:
        parts.append(f"the submission has {_pairs(written)}")
    elif others:
        parts.append(f"{listed(others, MOST_LISTED)} in {file} is no class of the target, whose classes are written")
    if top_k > 1:
        parts.append(f"the {top_k} most probable labels are in each cell, separated by blanks")
    return f"{', and '.join(parts)}." if parts else ""
