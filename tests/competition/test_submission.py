"""A submission has the sample's header, ids and order, and the prediction of each id; scores equal scikit-learn's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, root_mean_squared_error

from tabular_dl.competition.prediction_tables import ids_of, prediction_table
from tabular_dl.competition.submission import make_submission, score_submission
from tabular_dl.competition.submission_values import Asked
from tabular_dl.errors import SubmissionError
from tabular_dl.problems.metrics import get_metric

ACCURACY, ROC_AUC, RMSE = (get_metric(name) for name in ("accuracy", "roc_auc", "rmse"))
IDS = pd.Series([7, 3, 5], name="Id")
P = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
BINARY = prediction_table(IDS, "y", P, np.array([0, 1]))
NUMBERS = prediction_table(IDS, "y", np.array([1.4, -2.6, 1e6]), None)
SAMPLE = pd.DataFrame({"Id": [3, 5, 7], "y": [0, 0, 0]})


def refusal(predictions: pd.DataFrame, sample: pd.DataFrame | None, metric: Any = ACCURACY) -> str:
    with pytest.raises(SubmissionError) as refused:
        make_submission(predictions, "y", sample, metric, integers=True)
    return str(refused.value)


# Tables of predictions


def test_a_table_of_labels_has_one_probability_a_class() -> None:
    expected = pd.DataFrame({"Id": [7, 3, 5], "y": [0, 1, 1], "p_0": [0.9, 0.2, 0.4], "p_1": [0.1, 0.8, 0.6]})
    pd.testing.assert_frame_equal(BINARY, expected)
    three = prediction_table(IDS, "y", np.array([[0.2, 0.5, 0.3]] * 3), np.array(["a", "b", "c"]))
    assert list(three) == ["Id", "y", "p_a", "p_b", "p_c"]
    assert three["y"].tolist() == ["b"] * 3


def test_a_table_of_numbers_has_the_numbers() -> None:
    pd.testing.assert_frame_equal(NUMBERS, pd.DataFrame({"Id": [7, 3, 5], "y": [1.4, -2.6, 1e6]}))


def test_rows_without_an_id_are_numbered() -> None:
    pd.testing.assert_frame_equal(
        prediction_table(None, "y", np.array([1.5, 2.5]), None), pd.DataFrame({"row": [1, 2], "y": [1.5, 2.5]})
    )


def test_ids_stand_beside_their_predictions_whatever_their_index() -> None:
    shuffled = IDS.set_axis([2, 0, 1])
    pd.testing.assert_frame_equal(prediction_table(shuffled, "y", P, np.array([0, 1])), BINARY)


# Submissions


def test_a_submission_has_the_samples_header_ids_and_order() -> None:
    submission = make_submission(BINARY, "y", SAMPLE.rename(columns={"y": "label"}), ACCURACY, integers=True)
    pd.testing.assert_frame_equal(submission, pd.DataFrame({"Id": [3, 5, 7], "label": [1, 1, 0]}))


def test_without_a_sample_the_predictions_are_submitted_in_their_own_order() -> None:
    submission = make_submission(BINARY, "y", None, ACCURACY, integers=True)
    pd.testing.assert_frame_equal(submission, pd.DataFrame({"Id": [7, 3, 5], "y": [0, 1, 1]}))


@given(
    ids=st.lists(st.integers() | st.text(max_size=3), min_size=1, max_size=8, unique_by=str),
    metric=st.sampled_from([ACCURACY, ROC_AUC, RMSE]),
    data=st.data(),
)
def test_the_order_of_rows_never_changes_which_id_gets_which_value(ids: list[Any], metric: Any, data: Any) -> None:
    classes = None if metric is RMSE else np.array([0, 1])
    p = np.arange(1, len(ids) + 1) / (len(ids) + 1)
    values = p if classes is None else np.stack([1 - p, p], axis=1)
    keys = pd.Series(ids, name="Id", dtype=object)
    wanted = {
        "accuracy": [int(value > 0.5) for value in p],
        "roc_auc": p.tolist(),
        "rmse": p.tolist(),
    }[metric.name]
    rows, order = (data.draw(st.permutations(range(len(ids)))) for _ in range(2))
    predictions = prediction_table(keys.iloc[list(rows)], "y", values[list(rows)], classes)
    sample = pd.DataFrame({"Id": keys.iloc[list(order)].to_numpy(), "y": 0})
    submission = make_submission(predictions, "y", sample, metric, integers=classes is not None)
    assert submission["Id"].tolist() == [ids[k] for k in order]
    assert submission["y"].tolist() == [wanted[k] for k in order]


def test_ids_are_the_same_as_text_or_as_numbers() -> None:
    submission = make_submission(BINARY, "y", SAMPLE.astype({"Id": str}), ACCURACY, integers=True)
    assert submission["Id"].tolist() == ["3", "5", "7"]
    assert submission["y"].tolist() == [1, 1, 0]


def test_ids_that_are_one_number_and_two_texts_are_two_ids() -> None:
    predictions = prediction_table(pd.Series(["007", "07", "7"], name="Id"), "y", P, np.array([0, 1]))
    sample = pd.DataFrame({"Id": ["7", "007", "07"], "y": 0})
    submission = make_submission(predictions, "y", sample, ACCURACY, integers=True)
    assert submission.to_csv(index=False) == "Id,y\n7,1\n007,0\n07,1\n"
    answers = pd.DataFrame({"Id": ["07", "7", "007"], "y": [1, 1, 1]})
    assert score_submission(submission, predictions, answers, "y", ACCURACY) == pytest.approx(2 / 3)


def test_whole_numbers_are_written_where_the_sample_and_the_target_have_them() -> None:
    whole = make_submission(NUMBERS, "y", SAMPLE, RMSE, integers=True)
    pd.testing.assert_frame_equal(whole, pd.DataFrame({"Id": [3, 5, 7], "y": [-3, 1_000_000, 1]}))
    assert whole.to_csv(index=False) == "Id,y\n3,-3\n5,1000000\n7,1\n"


@pytest.mark.parametrize(("zero", "integers"), [(0.0, True), (0, False), (0.0, False)])
def test_other_numbers_are_kept_as_they_are(zero: float, integers: bool) -> None:
    submission = make_submission(NUMBERS, "y", SAMPLE.assign(y=zero), RMSE, integers=integers)
    assert submission["y"].tolist() == [-2.6, 1e6, 1.4]


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([False, True])])
def test_labels_of_other_types_are_written_as_they_are(labels: np.ndarray) -> None:
    predictions = prediction_table(IDS, "y", P, labels)
    submission = make_submission(predictions, "y", SAMPLE.assign(y=labels[0]), ACCURACY, integers=False)
    assert submission["y"].tolist() == [labels[1], labels[1], labels[0]]


def test_labels_that_were_read_as_fractions_are_whole_where_the_sample_has_whole_numbers() -> None:
    predictions = prediction_table(IDS, "y", P, np.array([0.0, 1.0]))
    submission = make_submission(predictions, "y", SAMPLE, ACCURACY, integers=False)
    assert submission.to_csv(index=False) == "Id,y\n3,1\n5,1\n7,0\n"


def test_a_metric_that_looks_at_probabilities_gets_that_of_the_second_class() -> None:
    submission = make_submission(BINARY, "y", SAMPLE, ROC_AUC, integers=True)
    pd.testing.assert_frame_equal(submission, pd.DataFrame({"Id": [3, 5, 7], "y": [0.8, 0.6, 0.1]}))


THREE = prediction_table(IDS, "y", np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [0.1, 0.1, 0.8]]), np.array([1, 10, 11]))
LOG_LOSS = get_metric("log_loss")


def test_a_sample_with_fractions_asks_for_probabilities_whatever_the_metric() -> None:
    submission = make_submission(BINARY, "y", SAMPLE.assign(y=[0.5, 0, 1]), ACCURACY, integers=True)
    assert submission["y"].tolist() == [0.8, 0.6, 0.1]


def test_a_sample_with_labels_as_text_or_truth_values_asks_for_labels_whatever_the_metric() -> None:
    for labels in (np.array(["no", "yes"]), np.array([False, True])):
        predictions = prediction_table(IDS, "y", P, labels)
        submission = make_submission(predictions, "y", SAMPLE.assign(y=labels[0]), ROC_AUC, integers=False)
        assert submission["y"].tolist() == labels[[1, 1, 0]].tolist()


@pytest.mark.parametrize("sample", [SAMPLE, SAMPLE.assign(y=0.5), None])
@pytest.mark.parametrize("metric", [ACCURACY, ROC_AUC])
def test_what_is_asked_for_counts_more_than_sample_and_metric(sample: pd.DataFrame | None, metric: Any) -> None:
    def submitted(form: Any) -> pd.Series:
        return make_submission(BINARY, "y", sample, metric, integers=True, asked=Asked(form)).set_index("Id")["y"]

    assert submitted("labels").to_dict() == {3: 1, 5: 1, 7: 0}
    assert submitted("probabilities").to_dict() == {3: 0.8, 5: 0.6, 7: 0.1}


def test_numbers_have_no_probabilities() -> None:
    with pytest.raises(SubmissionError) as refused:
        make_submission(NUMBERS, "y", SAMPLE, RMSE, integers=False, asked=Asked("probabilities"))
    parts = ("--proba:", "y is a number", "no probabilities", "Leave --proba out")
    assert all(part in str(refused.value) for part in parts)


@pytest.mark.parametrize("metric", [ACCURACY, LOG_LOSS])
@pytest.mark.parametrize("beginning", ["", "Class_", "1", "p_"])
def test_one_column_a_class_is_filled_by_the_classes_names_in_any_order(metric: Any, beginning: str) -> None:
    columns = [f"{beginning}{name}" for name in (11, 1, 10)]
    sample = pd.DataFrame({"Id": [3, 5, 7], **dict.fromkeys(columns, 0)})
    submission = make_submission(THREE, "y", sample, metric, integers=True)
    assert list(submission) == ["Id", *columns]
    assert submission[columns].to_numpy().tolist() == [[0.3, 0.6, 0.1], [0.8, 0.1, 0.1], [0.3, 0.2, 0.5]]
    labels = make_submission(THREE, "y", sample, metric, integers=True, asked=Asked("labels"))
    assert labels[columns].to_numpy().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_two_classes_may_have_a_column_each_or_one_that_is_named_after_a_class() -> None:
    predictions = prediction_table(IDS, "y", P, np.array(["no", "yes"]))
    both = make_submission(predictions, "y", SAMPLE[["Id"]].assign(yes=0, no=0), ACCURACY, integers=False)
    assert both.to_numpy().tolist() == [[3, 0.8, 0.2], [5, 0.6, 0.4], [7, 0.1, 0.9]]
    one = make_submission(predictions, "y", SAMPLE[["Id"]].assign(no=0.5), ACCURACY, integers=False)
    assert one["no"].tolist() == [0.2, 0.4, 0.9]


def test_without_a_sample_many_classes_have_a_column_each_where_the_metric_wants_probabilities() -> None:
    assert make_submission(THREE, "y", None, LOG_LOSS, integers=True).to_csv(index=False) == (
        "Id,1,10,11\n7,0.2,0.5,0.3\n3,0.6,0.1,0.3\n5,0.1,0.1,0.8\n"
    )
    assert make_submission(THREE, "y", None, ACCURACY, integers=True)["y"].tolist() == [10, 1, 11]


def test_labels_follow_the_threshold() -> None:
    assert prediction_table(IDS, "y", P, np.array([0, 1]), 0.7)["y"].tolist() == [0, 1, 0]
    assert prediction_table(IDS, "y", P, np.array([0, 1]), np.array([0.05, 0.9, 0.5]))["y"].tolist() == [1, 0, 1]


# What would not be accepted


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([0, 1, 2], [0, 1, 2]),
        (["1", "2", "3"], ["1", "2", "3"]),
        ([2, 3, 4], None),
        ([1, 3, 2], None),
        ([1, 2], None),
        (["a", "b", "c"], None),
    ],
)
def test_a_sample_that_counts_the_test_rows_tells_them_apart(first: list[Any], expected: list[Any] | None) -> None:
    test, sample = pd.DataFrame({"pixel": [7, 8, 9]}, index=[1, 2, 3]), pd.DataFrame({"ImageId": first, "Label": 0})
    ids = ids_of(test, sample, None)
    assert (None if ids is None else ids.tolist()) == expected
    assert ids_of(test, None, None) is None
    assert ids_of(test, sample, "pixel") is not None


DIFFER = "The ids of test.csv and sample_submission.csv differ in"
SAME = "the same competition"


@pytest.mark.parametrize(
    ("ids", "parts"),
    [
        ([3, 5, 7, 9], (f"{DIFFER} 1 rows: 9 is only in sample_submission.csv.", SAME)),
        ([3, 7], (f"{DIFFER} 1 rows: 5 is only in test.csv.", SAME)),
        ([3, 5, 8], (f"{DIFFER} 2 rows: 8 is only in sample_submission.csv; 7 is only in test.csv.", SAME)),
        ([3, 5, 7, 5], ("sample_submission.csv, column Id: the id 5 appears more than once.",)),
    ],
)
def test_ids_that_differ_are_refused_whichever_file_has_them(ids: list[int], parts: tuple[str, ...]) -> None:
    message = refusal(BINARY, pd.DataFrame({"Id": ids, "y": 0}))
    assert all(part in message for part in parts)


@pytest.mark.parametrize("sample", [SAMPLE, None])
def test_an_id_that_is_predicted_twice_is_refused(sample: pd.DataFrame | None) -> None:
    twice = pd.concat([BINARY, BINARY.head(1)])
    assert refusal(twice, sample) == "test.csv, column Id: the id 7 appears more than once."


@pytest.mark.parametrize("columns", [["Id"], ["id", "y"], ["y", "Id"]])
def test_a_sample_with_another_header_is_refused(columns: list[str]) -> None:
    sample = pd.DataFrame({name: [3, 5, 7] for name in columns})
    message = refusal(BINARY, sample)
    parts = (f"sample_submission.csv has the columns {', '.join(columns)};", "expected Id", "the prediction", "class")
    assert all(part in message for part in parts)


@pytest.mark.parametrize("columns", [["1", "10"], ["1", "10", "12"], ["1", "10", "11", "12"], ["c1", "c10", "d11"]])
def test_columns_that_are_not_one_a_class_are_refused_with_both_lists(columns: list[str]) -> None:
    sample = pd.DataFrame({"Id": [3, 5, 7], **dict.fromkeys(columns, 0)})
    message = refusal(THREE, sample)
    parts = (f"sample_submission.csv has the {len(columns)} columns {', '.join(columns)} beside the id;",)
    parts += ("expected one for the prediction, or one per class", "the classes of y are 1, 10, 11.")
    assert all(part in message for part in parts)
    assert refusal(NUMBERS, sample, RMSE).endswith("or one per class: y is a number.")


def test_one_column_cannot_hold_the_probabilities_of_three_classes() -> None:
    with pytest.raises(SubmissionError) as refused:
        make_submission(THREE, "y", SAMPLE, LOG_LOSS, integers=True, asked=Asked("probabilities"))
    parts = ("sample_submission.csv has one column, y,", "probabilities of 3 classes: 1, 10, 11.", "--labels")
    assert all(part in str(refused.value) for part in (*parts, "one column per class"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_prediction_that_is_no_number_is_refused(value: float) -> None:
    predictions = prediction_table(IDS, "y", np.array([1.0, value, 2.0]), None)
    message = refusal(predictions, SAMPLE, RMSE)
    assert all(part in message for part in ("1 predictions are missing or infinite", "the id 3.", "Fit again"))


@pytest.mark.parametrize("metric", [ACCURACY, ROC_AUC])
@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["a", "b"])])
def test_a_missing_probability_is_refused_although_there_is_a_label(metric: Any, labels: np.ndarray) -> None:
    predictions = prediction_table(IDS, "y", np.array([[math.nan, math.nan], [0.5, 0.5], [math.nan, math.nan]]), labels)
    assert predictions["y"].notna().all()
    message = refusal(predictions, SAMPLE, metric)
    assert all(part in message for part in ("2 predictions are missing or infinite", "the id 7.", "Fit again"))


# Scores


@given(order=st.permutations(range(3)), labels=st.sampled_from([np.array([0, 1]), np.array(["no", "yes"])]))
def test_a_score_is_scikit_learns_whatever_the_order_of_rows(order: list[int], labels: np.ndarray) -> None:
    predictions = prediction_table(IDS, "y", P, labels)
    truth = labels[[1, 1, 0]]
    answers = pd.DataFrame({"Id": IDS, "y": truth}).iloc[list(order)]
    sample = SAMPLE.iloc[list(order)]
    expected = {
        "accuracy": accuracy_score(truth, labels[[0, 1, 1]]),
        "roc_auc": roc_auc_score(truth, P[:, 1]),
        "log_loss": log_loss(truth, P, labels=labels),
    }
    for name, value in expected.items():
        metric = get_metric(name)
        submission = make_submission(predictions, "y", sample, metric, integers=False)
        assert score_submission(submission, predictions, answers, "y", metric) == pytest.approx(value)


def test_labels_are_scored_by_labels_even_if_probabilities_are_submitted() -> None:
    answers = pd.DataFrame({"Id": IDS, "y": [0, 1, 0]})
    submission = make_submission(BINARY, "y", SAMPLE, ACCURACY, integers=True, asked=Asked("probabilities"))
    assert score_submission(submission, BINARY, answers, "y", ACCURACY) == pytest.approx(2 / 3)


def test_a_score_of_numbers_is_that_of_the_numbers_that_are_submitted() -> None:
    answers = pd.DataFrame({"y": [1.0, 2.0, 1e6], "Id": [7, 3, 5]})
    submission = make_submission(NUMBERS, "y", SAMPLE, RMSE, integers=True)
    expected = root_mean_squared_error([1.0, 2.0, 1e6], [1, -3, 1e6])
    assert score_submission(submission, NUMBERS, answers, "y", RMSE) == pytest.approx(expected)


@pytest.mark.parametrize("labels", [np.array([2, 9, 10]), np.array(["a", "b", "c"])])
def test_answers_that_lack_a_class_are_scored_all_the_same(labels: np.ndarray) -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.3, 0.4, 0.3]])
    predictions = prediction_table(IDS, "y", p, labels)
    answers = pd.DataFrame({"Id": IDS, "y": labels[[0, 2, 2]]})
    metric = get_metric("log_loss")
    submission = make_submission(predictions, "y", SAMPLE.assign(y=labels[0]), metric, integers=False)
    expected = -np.mean(np.log([0.7, 0.6, 0.3]))
    assert score_submission(submission, predictions, answers, "y", metric) == pytest.approx(expected)


def test_answers_may_be_more_than_the_submission_but_not_fewer() -> None:
    submission = make_submission(BINARY, "y", SAMPLE, ACCURACY, integers=True)
    more = pd.DataFrame({"Id": [1, 3, 5, 7], "y": [0, 1, 1, 1]})
    assert score_submission(submission, BINARY, more, "y", ACCURACY) == pytest.approx(2 / 3)
    with pytest.raises(SubmissionError) as refused:
        score_submission(submission, BINARY, more.head(3), "y", ACCURACY)
    assert str(refused.value) == "answers.csv has no row for the id 7."


def test_answers_may_have_the_words_of_the_submission() -> None:
    predictions = prediction_table(
        pd.Series(["1", "2", "3"], name="Id"), "y", np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]), np.array([0, 1])
    )
    submission = pd.DataFrame({"Id": ["1", "2", "3"], "y": ["No", "Yes", "Yes"]})
    answers = pd.DataFrame({"Id": ["3", "2", "1"], "y": ["No", "Yes", "No"]})
    assert score_submission(submission, predictions, answers, "y", ACCURACY) == pytest.approx(2 / 3)
