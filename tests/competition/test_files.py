"""Tables are found by their names, whatever their case and suffix; the usual name comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabular_dl.competition.files import find_file, find_labels


def folder_with(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("a\n1\n")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        *("sample_submission.csv", "sample_submission.csv.gz", "sampleSubmission.csv", "SampleSubmission.CSV"),
        *(
            "sample_sub.csv",
            "sample_sub_v2.csv",
            "sample-submission.csv",
            "submission_format.csv",
            "Submission Format.csv",
        ),
        *("SubmissionFormat.csv", "gender_submission.csv", "submission_example.csv", "example_submission.csv"),
        *("house_prices_sample_submission.csv", "test_example.csv", "submission.example.csv"),
    ],
)
def test_a_sample_submission_is_found(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path, "train.csv", "test.csv", "submission.csv", name)
    assert find_file(folder, None, "sample_submission") == folder / name


def test_the_usual_name_comes_first_then_the_more_certain_one(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "a_example.csv", "gender_submission.csv", "sampleSubmission.csv")
    assert find_file(folder, None, "sample_submission").name == "sampleSubmission.csv"
    folder_with(tmp_path, "sample_submission.csv")
    assert find_file(folder, None, "sample_submission").name == "sample_submission.csv"
    assert find_file(folder, "mine.csv", "sample_submission") == folder / "mine.csv"


def test_other_tables_are_no_sample_submission(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path, "train.csv", "test.csv", "submission.csv", "samples.csv", "examples.csv", "house_example.csv"
    )
    others = [folder / "house_example.csv"]
    assert find_file(folder, None, "sample_submission", others) == folder / "sample_submission.csv"


def test_train_and_test_are_found_in_any_case(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "Train.csv", "TEST.CSV", "train_extra.csv")
    assert find_file(folder, None, "train").name == "Train.csv"
    assert find_file(folder, None, "test").name == "TEST.CSV"


@pytest.mark.parametrize(
    "name",
    [
        "train_labels.csv",
        "trainLabels.csv",
        "train_targets.csv",
        "Training_Set_Labels.csv",
        "labels.csv",
        "train_label.tsv",
    ],
)
def test_labels_are_found(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path, "train.csv", "test.csv", "train_extra.csv", name)
    assert find_labels(folder) == folder / name
    assert find_labels(folder, [folder / name]) is None
