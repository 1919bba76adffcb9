"""Labels of a submission are in the sample's words where it makes them clear; what it leaves open is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.competition.prediction_tables import prediction_table
from tabular_dl.competition.submission import label_notes, make_submission
from tabular_dl.competition.submission_labels import UnclearLabelsError, label_form
from tabular_dl.competition.submission_values import Asked
from tabular_dl.errors import SubmissionError
from tabular_dl.problems.metrics import get_metric

ACCURACY, LOG_LOSS = get_metric("accuracy"), get_metric("log_loss")
IDS = pd.Series([7, 3, 5], name="Id")


def submitted(classes: list[Any], sample: list[Any], asked: Asked | None = None, metric: Any = ACCURACY) -> list[Any]:
    """Return the cells for rows of which each is most like another class, the last first, then the second, then..."""
    order = [len(classes) - 1, *range(len(classes) - 1)][: len(IDS)]
    p = np.full((len(order), len(classes)), 0.1)
    p[np.arange(len(order)), order] = 1 - 0.1 * (len(classes) - 1)
    table = prediction_table(IDS.head(len(order)), "y", p, np.array(classes))
    cells = (sample * len(order))[: len(order)]
    frame = pd.DataFrame({"Id": IDS.head(len(order)), "y": cells})
    made = make_submission(table, "y", frame, metric, integers=False, asked=asked)
    return made["y"].tolist()


@pytest.mark.parametrize(
    ("classes", "sample", "expected"),
    [
        ([0, 1], ["No", "Yes"], ["Yes", "No"]),
        ([0, 1], ["no"], ["yes", "no"]),
        ([0, 1], ["NO"], ["YES", "NO"]),
        ([0.0, 1.0], ["Y"], ["Y", "N"]),
        ([0, 1], [False], ["True", False]),
        ([0, 1], ["false", "true"], ["true", "false"]),
        (["No", "Yes"], [0], [1, 0]),
        (["No", "Yes"], [0.0], [1.0, 0.0]),
        (["f", "t"], [1, 0], [1, 0]),
        ([False, True], [0, 1], [1, 0]),
        ([False, True], ["N", "Y"], ["Y", "N"]),
        (["n", "y"], ["Yes"], ["Yes", "No"]),
        ([0, 1, 2], [1, 2, 3], [3, 1, 2]),
        ([-1, 1], [0, 1], [1, 0]),
        (["setosa", "virginica"], ["Setosa"], ["Virginica", "Setosa"]),
        (["a b", "c d"], ["A  B ", "C d"], ["C d", "A  B "]),
        (["Low", "High"], ["low", "HIGH"], ["HIGH", "low"]),
    ],
)
def test_labels_are_in_the_words_of_the_sample_where_it_makes_them_clear(
    classes: list[Any], sample: list[Any], expected: list[Any]
) -> None:
    assert submitted(classes, sample) == expected


@pytest.mark.parametrize(
    ("classes", "sample"),
    [
        (["cat", "dog"], ["cat"]),
        ([1, 2, 3], [0]),  # fills the column only
        ([3, 4, 5], [3, 9]),
        (["a", "b"], [None]),
        ([0.0, 1.0], [1]),
    ],
)
def test_labels_are_the_classes_where_the_sample_has_them_or_nothing_else(
    classes: list[Any], sample: list[Any]
) -> None:
    expected = [classes[-1], *classes[:-1]]
    assert submitted(classes, sample) == expected


@pytest.mark.parametrize(
    ("classes", "sample", "values"),
    [
        (["cat", "dog"], [1, 2], {"cat": 1, "dog": 2}),
        (["cat", "dog"], ["no"], "target"),
        ([0, 1, 2], ["low", "middle", "high"], {0: "high", 1: "low", 2: "middle"}),
        ([0, 1, 2], ["No"], "target"),
        (["a", "b", "c"], [0.2], "target"),
        (["a", "A"], ["á"], "target"),
        (["setosa", "iris virginica"], ["Setosa"], "target"),  # Iris Virginica, or Iris virginica
    ],
)
def test_labels_that_are_unclear_are_refused_with_what_settles_it(
    classes: list[Any], sample: list[Any], values: object
) -> None:
    with pytest.raises(UnclearLabelsError) as refused:
        submitted(classes, sample)
    assert refused.value.values == values  # noqa: PD011 (no frame)
    facts = (
        "sample_submission.csv, column y:",
        f"{sample[0]}",
        "none of the classes",
        f"{classes[0]}",
        "values: target",
    )
    assert all(fact in str(refused.value) for fact in facts)


def test_what_the_pipeline_file_says_is_written_whatever_the_sample_has() -> None:
    says = Asked(labels={"cat": 2, "dog": 1})
    assert submitted(["cat", "dog"], [1, 2], says) == [1, 2]
    assert submitted(["cat", "dog"], [1, 2], Asked(labels="target")) == ["dog", "cat"]
    assert submitted([0, 1], ["a"], Asked(labels={"0": "a", "1": "b"})) == ["b", "a"]
    with pytest.raises(UnclearLabelsError, match=r"submission\.values has no label for dog; it names cat, dgo\."):
        submitted(["cat", "dog"], [1, 2], Asked(labels={"cat": 1, "dgo": 2}))
    with pytest.raises(UnclearLabelsError, match=r"two classes alike: cat as 1, dog as 1\."):
        submitted(["cat", "dog"], [1, 2], Asked(labels={"cat": 1, "dog": "1"}))


def test_probabilities_are_not_translated() -> None:
    assert submitted(["cat", "dog"], [0.5]) == [0.9, 0.1]
    assert submitted(["cat", "dog"], [0, 1], None, LOG_LOSS) == [0.9, 0.1]


# Several labels in a cell

THREE = prediction_table(
    IDS, "y", np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [0.1, 0.1, 0.8]]), np.array(["a", "b", "c"])
)


def top(sample: list[Any] | None, asked: Asked | None = None) -> list[str]:
    frame = None if sample is None else pd.DataFrame({"Id": [3, 5, 7], "y": sample})
    return make_submission(THREE, "y", frame, ACCURACY, integers=False, asked=asked)["y"].tolist()


def test_the_most_probable_labels_come_first_and_equal_ones_in_the_order_of_the_classes() -> None:
    by_row = {7: "b c a", 3: "a c b", 5: "c a b"}
    assert top(["a b c"] * 3) == [by_row[3], by_row[5], by_row[7]]
    assert top(["A B"] * 3) == ["A C", "C A", "B C"]
    assert top(["a"] * 3, Asked(top_k=2)) == ["a c", "c a", "b c"]
    assert top(None, Asked(top_k=2)) == ["b c", "a c", "c a"]
    assert top(["a b c"] * 3, Asked(labels={"a": 1, "b": 2, "c": 3}, top_k=2)) == ["1 3", "3 1", "2 3"]


@pytest.mark.parametrize("asked", [Asked(top_k=4), Asked(labels={"a": "one two", "b": "2", "c": "3"}, top_k=2)])
def test_labels_that_a_cell_cannot_hold_are_refused(asked: Asked) -> None:
    with pytest.raises(
        UnclearLabelsError, match=r"4 labels in a cell are more than the 3 classes|'one two' has a blank"
    ):
        top(["a"] * 3, asked)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.integers(1, 3))
def test_the_labels_of_a_cell_are_the_first_of_the_classes_by_falling_probability(p: list[float], count: int) -> None:
    table = prediction_table(IDS.head(1), "y", np.array([p]), np.array(["a", "b", "c"]))
    made = make_submission(table, "y", None, ACCURACY, integers=False, asked=Asked(top_k=count))
    expected = sorted("abc", key=lambda name: -p["abc".index(name)])[:count]
    assert made["y"].tolist() == [" ".join(expected)]


@pytest.mark.parametrize("asked", [Asked(top_k=2), Asked(labels={0: "No"})])
def test_numbers_have_no_labels(asked: Asked) -> None:
    table = prediction_table(IDS, "y", np.array([1.5, 2.5, 3.5]), None)
    with pytest.raises(SubmissionError, match=r"values and top_k are for classes, y is a number: leave them out\."):
        make_submission(table, "y", None, get_metric("rmse"), integers=False, asked=asked)


# What is said


def test_what_is_written_in_other_words_is_said() -> None:
    def notes(classes: list[Any], cells: list[Any], asked: Asked | None = None) -> list[str]:
        sample = pd.DataFrame({"Id": range(len(cells)), "y": cells})
        return label_notes("y", np.array(classes), sample, ACCURACY, asked, "sample.csv")

    assert notes([0, 1], ["No", "Yes"]) == ["y: the submission has 0 as No, 1 as Yes."]
    assert notes([0, 1], [0, 1]) == notes(["a", "b"], ["b"]) == notes([0, 1], [0.5, 0.5]) == []
    assert notes([1, 2], [0, 0]) == ["y: 0 in sample.csv is no class of the target, whose classes are written."]
    assert notes([1, 2, 3], ["1 2"]) == ["y: the 2 most probable labels are in each cell, separated by blanks."]
    assert notes([1, 2, 3], [1], Asked("probabilities")) == []


def test_a_metric_of_several_labels_has_three_in_a_cell_unless_the_sample_says_otherwise() -> None:
    assert label_form(pd.Series(["a"]), list("abcd"), "sample.csv", default_k=3).top_k == 3
    assert label_form(pd.Series(["a b"]), list("abcd"), "sample.csv", default_k=3).top_k == 2
    assert label_form(pd.Series(["a"]), list("ab"), "sample.csv", default_k=3).top_k == 2
