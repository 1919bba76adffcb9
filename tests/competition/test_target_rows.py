"""Targets: joined by id from a file of their own, read from text with a unit, and rows that have none left out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tabular_dl.competition.competition import Competition, load_competition, read_answers
from tabular_dl.errors import DataError

FEATURES = "Id,size\n01,10\n02,20\n03,30\n04,40\n"
LABELS = "Id,price\n03,3\n01,1\n02,2\n04,4\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.csv").write_text(FEATURES)
    (tmp_path / "train_labels.csv").write_text(LABELS)
    return tmp_path


def load(folder: Path, **options: object) -> Competition:
    return load_competition(str(folder), "price", "Id", **{"labels": "train_labels.csv", **options})


def refusal(folder: Path, **options: object) -> str:
    with pytest.raises(DataError) as refused:
        load(folder, **options)
    return str(refused.value).replace(f"{folder}/", "")


# Labels in a file of their own


def test_labels_are_joined_by_id_as_text(folder: Path) -> None:
    competition = load(folder)
    assert competition.train["Id"].tolist() == ["01", "02", "03", "04"]
    assert competition.train["price"].tolist() == [1, 2, 3, 4]
    assert competition.notes == (
        "train_labels.csv: price (the target) is joined to train.csv by Id",
        f"There is no {folder / 'test.csv'}: no test rows are predicted",
    )


def test_other_labels_are_other_data(folder: Path) -> None:
    before = load(folder).digest
    (folder / "train_labels.csv").write_text(LABELS.replace("04,4", "04,5"))
    assert load(folder).digest != before


def test_several_rows_of_one_id_share_its_label(folder: Path) -> None:
    (folder / "train.csv").write_text(FEATURES + "01,11\n")
    assert load(folder).train["price"].tolist() == [1, 2, 3, 4, 1]


def test_a_row_without_a_label_is_left_out_and_a_label_without_a_row_is_said(folder: Path) -> None:
    (folder / "train_labels.csv").write_text(LABELS.replace("02", "07"))
    competition = load(folder)
    assert competition.train.index.tolist() == [1, 3, 4]
    assert competition.unlabeled is not None
    assert competition.unlabeled["Id"].tolist() == ["02"]
    left_out, _, unused, _ = competition.notes
    assert left_out == (
        "train.csv: 1 of 4 rows have no value of price (the target), the first is row 2; they are left out of training"
    )
    assert "train_labels.csv: 1 of 4 ids are in no row of train.csv, the first is '07'" in unused


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        ("Id,price\n01,1\n01,2\n", "train_labels.csv, column Id (the id): '01' in row 2 is repeated (1 such rows)."),
        ("Id,price\n01,1\n,2\n", "train_labels.csv, column Id (the id): row 2 has no value (1 such rows)."),
        ("Nr,price\n01,1\n", "train_labels.csv: there is no column 'Id' (the id, by which labels are joined)."),
        ("Id,cost\n01,1\n", "train_labels.csv: there is no column 'price' (the target)."),
        (
            "Id,price\na,1\nb,2\n",
            "train_labels.csv, column Id (the id): none of its 2 ids is in train.csv, such as 'a'.",
        ),
    ],
)
def test_labels_that_cannot_be_joined_name_what_is_wrong(folder: Path, labels: str, part: str) -> None:
    (folder / "train_labels.csv").write_text(labels)
    assert part in refusal(folder)


def test_a_target_in_both_tables_is_refused(folder: Path) -> None:
    (folder / "train.csv").write_text(LABELS)
    assert "train.csv has a column 'price' too: leave data.labels out" in refusal(folder)


# A target with a unit


def test_a_target_with_a_unit_is_read_as_numbers(folder: Path) -> None:
    (folder / "train_labels.csv").write_text('Id,price\n01,"$4,436"\n02,$900\n03,free\n04,"($1,000)"\n')
    competition = load(folder, target_number="$")
    assert competition.train["price"].tolist() == [4436, 900, -1000]
    assert competition.train["price"].dtype == "int64"
    assert competition.notes[0] == (
        "train.csv: price (the target) is read as numbers in $; 1 of 4 values are no numbers, the "
        "first in row 3: 'free'"
    )


def test_a_unit_that_no_value_has_is_refused(folder: Path) -> None:
    (folder / "train_labels.csv").write_text("Id,price\n01,1 kg\n02,2 kg\n")
    assert "train.csv, column price (the target): no value is one of numbers in $" in refusal(folder, target_number="$")


def test_answers_are_read_in_the_same_unit(folder: Path) -> None:
    (folder / "answers.csv").write_text('Id,price\n9,"$4,436"\n10,$5\n')
    answers = read_answers(folder, "price", "Id", "$")
    assert answers is not None
    assert answers["price"].tolist() == [4436, 5]


# Rows without a target


@pytest.mark.parametrize(
    ("values", "expected", "dtype"),
    [
        (["1", "", "0"], [1, 0], "int64"),
        (["1.5", "", "0"], [1.5, 0], "float64"),
        (["True", "", "False"], [True, False], "bool"),
        (["a", "", "b"], ["a", "b"], "str"),
    ],
)
def test_the_other_rows_have_the_type_that_they_have_without_them(
    tmp_path: Path, values: list[str], expected: list[object], dtype: str
) -> None:
    pd.DataFrame({"x": [1, 2, 3], "y": values}).to_csv(tmp_path / "train.csv", index=False)
    competition = load_competition(str(tmp_path), "y")
    assert competition.train["y"].tolist() == expected
    assert competition.train["y"].dtype == dtype
    assert competition.train.index.tolist() == [1, 3]
    assert competition.unlabeled is not None
    assert competition.unlabeled.index.tolist() == [2]


def test_a_table_without_any_target_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("x,y\n1,\n2,\n")
    with pytest.raises(DataError, match=r"column y \(the target\): no row has a value"):
        load_competition(str(tmp_path), "y")
