"""A competition contains its files unchanged; the message about an unusable file names its file, column and row."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.competition.competition import Competition, load_competition, read_answers, read_table
from tabular_dl.competition.files import find_folder
from tabular_dl.errors import DataError
from tabular_dl.resources import bundled
from tabular_dl.tables.values import read_categories

TRAIN = "Id,size,kind\n1,2.5,a\n2,,b\n3,4,a\n"
TEST = "Id,size\n4,1\n5,2\n"
SAMPLE = "Id,kind\n4,a\n5,a\n"
# Row 1 is the first after the header, and ids are text.
TRAIN_READ = pd.DataFrame(
    {"Id": ["1", "2", "3"], "size": [2.5, None, 4.0], "kind": ["a", "b", "a"]}, index=pd.RangeIndex(1, 4)
)
TEST_READ = pd.DataFrame({"Id": ["4", "5"], "size": [1, 2]}, index=pd.RangeIndex(1, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("train", TRAIN), ("test", TEST), ("sample_submission", SAMPLE)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def load(folder: Path, target: str = "kind", id_column: str | None = "Id") -> Competition:
    return load_competition(str(folder), target, id_column)


def refusal(folder: Path, target: str = "kind", id_column: str | None = "Id") -> str:
    with pytest.raises(DataError) as refused:
        load(folder, target, id_column)
    return str(refused.value).replace(f"{folder}/", "").replace(str(folder), "FOLDER")


def test_a_folder_of_files_is_read_as_it_is(folder: Path) -> None:
    competition = load(folder)
    assert (competition.folder, competition.target, competition.id) == (folder, "kind", "Id")
    pd.testing.assert_frame_equal(competition.train, TRAIN_READ)
    pd.testing.assert_frame_equal(competition.test, TEST_READ)
    assert competition.sample is not None
    expected = pd.DataFrame({"Id": ["4", "5"], "kind": ["a", "a"]}, index=pd.RangeIndex(1, 3))
    pd.testing.assert_frame_equal(competition.sample, expected)
    assert competition.digest == hashlib.sha256(TRAIN.encode()).hexdigest()
    assert competition.test_digest == hashlib.sha256(TEST.encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "target", "id_column"),
    [("titanic", "Survived", "PassengerId"), ("wine", "cultivar", "Id"), ("boston", "MEDV", "Id")],
)
def test_a_bundled_competition_is_found_by_name(
    name: str, target: str, id_column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    competition = load_competition(name, target, id_column)
    assert competition.folder == bundled("data") / name
    assert target not in competition.test
    assert set(competition.train) == {*competition.test, target}
    assert competition.sample is not None
    assert list(competition.sample) == [id_column, target]
    assert set(competition.sample[id_column]) == set(competition.test[id_column])


def test_a_test_table_with_the_target_has_it_taken_out(folder: Path) -> None:
    (folder / "test.csv").write_text("Id,kind,size\n4,a,1\n5,b,2\n")
    pd.testing.assert_frame_equal(load(folder).test, TEST_READ)


def test_the_sample_submission_is_optional_and_so_is_the_id(folder: Path) -> None:
    (folder / "sample_submission.csv").unlink()
    (folder / "train.csv").write_text(TRAIN.replace("Id", "Nr"))
    competition = load(folder, id_column=None)
    assert competition.sample is None
    assert competition.id is None


# The answers


@pytest.mark.parametrize("state", ["gone", "unreadable"])
def test_loading_never_looks_at_the_answers(state: str, tmp_path: Path) -> None:
    folder = tmp_path / "wine"
    shutil.copytree(bundled("data") / "wine", folder)
    (folder / "answers.csv").unlink()
    if state == "unreadable":
        (folder / "answers.csv").mkdir()
        with pytest.raises(DataError, match=r"answers\.csv is a folder"):
            read_answers(folder, "cultivar", "Id")
    original = load_competition("wine", "cultivar", "Id")
    competition = load_competition(str(folder), "cultivar", "Id")
    pd.testing.assert_frame_equal(competition.train, original.train)
    pd.testing.assert_frame_equal(competition.test, original.test)


def test_nothing_but_the_submission_workflow_reads_the_answers() -> None:
    package = Path(__file__).parents[2] / "tabular_dl"
    readers = [path for path in package.rglob("*.py") if "read_answers" in path.read_text(encoding="utf-8")]
    assert sorted(path.relative_to(package).as_posix() for path in readers) == [
        "competition/competition.py",
        "workflows/submit.py",
    ]


def test_answers_are_read_where_there_are_some(folder: Path) -> None:
    assert read_answers(folder, "kind", "Id") is None
    (folder / "answers.csv").write_text("Id,kind\n05,b\n4,a\n")
    answers = read_answers(folder, "kind", "Id")
    expected = pd.DataFrame({"Id": ["05", "4"], "kind": ["b", "a"]}, index=pd.RangeIndex(1, 3))
    pd.testing.assert_frame_equal(answers, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Id,knd\n5,b\n", ": there is no column 'kind' (the target). Did you mean 'knd'?"),
        ("Nr,kind\n5,b\n", ": there is no column 'Id' (the id). "),
        ("Id,kind\n5,b\n5,a\n", ", column Id (the id): '5' in row 2 is repeated (1 such rows)."),
    ],
)
def test_answers_that_cannot_be_joined_are_refused(folder: Path, text: str, message: str) -> None:
    (folder / "answers.csv").write_text(text)
    with pytest.raises(DataError) as refused:
        read_answers(folder, "kind", "Id")
    assert str(refused.value).startswith(f"{folder}/answers.csv{message}")


# The folder


def test_a_folder_is_looked_for_as_a_path_then_in_data_then_among_the_bundled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_folder("wine") == bundled("data") / "wine"
    (tmp_path / "data" / "wine").mkdir(parents=True)
    assert find_folder("wine") == Path("data/wine")
    (tmp_path / "wine").mkdir()
    assert find_folder("wine") == Path("wine")
    assert find_folder(str(tmp_path)) == tmp_path


def test_a_folder_that_does_not_exist_gets_the_nearest_data_set() -> None:
    with pytest.raises(DataError) as refused:
        find_folder("titanc")
    assert str(refused.value) == (
        "There is no folder titanc, and no bundled data set of that name. Did you mean 'titanic'? "
        "A folder of your own holds train.csv and test.csv."
    )
    with pytest.raises(DataError, match=r"no folder no/where, .* Known: boston, digits, titanic, wine\. A folder"):
        find_folder("no/where")


def test_a_file_is_not_a_folder(folder: Path) -> None:
    with pytest.raises(DataError) as refused:
        find_folder(str(folder / "train.csv"))
    assert str(refused.value) == f"{folder}/train.csv is a file: name the folder that holds train.csv and test.csv."


# Files that are no tables


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{} is empty: expected a header and rows."),
        (b"\n\n", "{} is empty: expected a header and rows."),
        (b"Id,size,kind\n", "{} has a header and no rows."),
        (b"Id,kind\n1,a\n2,b,3\n", "{} cannot be read as a CSV file: line 3 has 3 fields instead of 2. Correct"),
        (b'Id,kind\n1,"a\n2,b\n', "{} cannot be read as a CSV file: the quote opened in row 1 is never closed."),
        (b"Id,kind\n1,a,x\n2,b,x\n", "{}: the rows have more fields than the header has names. Correct the header."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused(folder: Path, name: str, content: bytes, message: str) -> None:
    (folder / name).write_bytes(content)
    assert refusal(folder).startswith(message.format(name))


def test_a_comma_at_the_end_of_every_row_shifts_no_column(folder: Path) -> None:
    (folder / "train.csv").write_text(TRAIN.replace("\n", ",\n").replace("kind,", "kind"))
    pd.testing.assert_frame_equal(load(folder).train, TRAIN_READ)


@pytest.mark.parametrize("header", ["x,Id,x", '"x",y,x', "\n\nx,Id,x", "\ufeffx,y,x"])
def test_a_header_with_one_name_twice_is_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "twice.csv").write_text(f"{header}\n1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_table(tmp_path / "twice.csv", "Id")
    expected = f"{tmp_path}/twice.csv: the header has the column 'x' twice. Rename or remove one of the two."
    assert str(refused.value) == expected


def test_names_that_only_look_like_a_second_one_are_fine(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x,x.1,X, x,1,1.0,NA,\n1,2,3,4,5,6,7,8\n")
    assert list(read_table(tmp_path / "x.csv"))[:7] == ["x", "x.1", "X", " x", "1", "1.0", "NA"]


def test_a_folder_in_a_files_place_is_refused(folder: Path) -> None:
    (folder / "test.csv").unlink()
    (folder / "test.csv").mkdir()
    assert refusal(folder) == "test.csv is a folder: expected a file with a table."


def test_an_empty_sample_submission_is_refused(folder: Path) -> None:
    (folder / "sample_submission.csv").write_text("Id,kind\n")
    assert refusal(folder) == "sample_submission.csv has a header and no rows."


def test_a_long_column_of_numbers_with_one_text_is_read_as_one_type_without_a_warning(tmp_path: Path) -> None:
    rows = 150_000  # more than pandas reads at once unless told to
    (tmp_path / "long.csv").write_text("a,b\n" + "1,2\n" * rows + "x,2\n")
    assert set(map(type, read_table(tmp_path / "long.csv")["a"])) == {str}


CELLS = st.none() | st.integers(-99, 99) | st.sampled_from(["x", "a b", 'say "no"', "1,5"])


@settings(max_examples=30)
@given(st.lists(st.tuples(CELLS, st.integers(0, 9)), min_size=1, max_size=6))
def test_a_table_that_pandas_wrote_is_read_back_row_for_row(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    pd.DataFrame(rows, columns=["a", "b"]).to_csv(path, index=False)
    table = read_table(path)
    assert list(table.index) == list(range(1, len(rows) + 1))
    assert table["b"].tolist() == [b for _, b in rows]
    for read, (written, _) in zip(table["a"], rows, strict=True):
        assert pd.isna(read) if written is None else str(read) in (str(written), f"{written}.0")


# The target


@pytest.mark.parametrize(("target", "nearest"), [("knd", "Did you mean 'kind'?"), ("y", "Known: Id, kind, size.")])
def test_a_target_that_the_table_lacks_gets_the_nearest_column(folder: Path, target: str, nearest: str) -> None:
    assert refusal(folder, target) == f"train.csv: there is no column {target!r} (the target). {nearest}"


def test_rows_without_a_target_are_left_out_and_said(folder: Path) -> None:
    (folder / "train.csv").write_text("Id,size,kind\n1,2,a\n2,3,\n3,4,b\n4,5,\n")
    competition = load(folder)
    assert competition.train["Id"].tolist() == ["1", "3"]
    assert competition.train.index.tolist() == [1, 3]
    parts = ("2 of 4 rows have no value of kind (the target)", "the first is row 2", "left out of training")
    assert all(part in competition.notes[0] for part in parts)


@pytest.mark.parametrize(("value", "shown"), [("a", "'a'"), ("0", "0"), ("1.5", "1.5"), ("True", "True")])
def test_a_target_with_one_value_is_refused(folder: Path, value: str, shown: str) -> None:
    (folder / "train.csv").write_text(f"Id,size,kind\n1,2,{value}\n2,3,{value}\n")
    message = refusal(folder)
    parts = ("train.csv, column kind (the target):", f"every row has the value {shown}.", "two different values")
    assert all(part in message for part in parts)


# The id


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_an_id_column_that_a_table_lacks_gets_the_nearest_column(folder: Path, name: str) -> None:
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace("Id", "Ids"))
    assert refusal(folder) == f"{name}: there is no column 'Id' (the id). Did you mean 'Ids'?"


def test_training_rows_may_share_an_id(folder: Path) -> None:
    (folder / "train.csv").write_text("Id,size,kind\n7,1,a\n8,2,b\n7,3,a\n7,4,b\n")
    assert load_competition(str(folder), "kind", "Id").train["Id"].tolist() == ["7", "8", "7", "7"]


@pytest.mark.parametrize("name", ["test.csv"])
@pytest.mark.parametrize(("one", "shown"), [("7", "'7'"), ("x7", "'x7'")])
def test_an_id_that_appears_twice_names_its_row(folder: Path, name: str, one: str, shown: str) -> None:
    (folder / name).write_text(f"Id,size,kind\n{one},1,a\n8,2,b\n{one},3,a\n{one},4,b\n")
    message = refusal(folder)
    parts = (f"{name}, column Id (the id):", f"{shown} in row 3 is repeated", "2 such rows", "remove", "another column")
    assert all(part in message for part in parts)


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_an_id_that_is_missing_names_its_row(folder: Path, name: str) -> None:
    (folder / name).write_text("Id,size,kind\n7,1,a\n,2,b\n")
    message = refusal(folder)
    parts = (f"{name}, column Id (the id):", "row 2 has no value", "1 such rows", "Fill it in", "another column")
    assert all(part in message for part in parts)


def test_one_id_in_both_tables_is_fine(folder: Path) -> None:
    (folder / "test.csv").write_text("Id,size\n1,1\n2,2\n")
    assert load(folder).test["Id"].tolist() == ["1", "2"]


@pytest.mark.parametrize("ids", [("007", "07"), ("9007199254740993", "9007199254740992"), (" 1", "1"), ("1.0", "1e0")])
def test_ids_stay_the_text_that_they_are(folder: Path, ids: tuple[str, str]) -> None:
    one, other = ids
    (folder / "train.csv").write_text(f"Id,size,kind\n{one},1,a\n{other},2,b\n")
    (folder / "test.csv").write_text(f"Id,size\n{one},1\n{other},2\n")
    (folder / "sample_submission.csv").write_text(f"Id,kind\n{other},a\n{one},a\n")
    competition = load(folder)
    assert competition.sample is not None
    assert competition.train["Id"].tolist() == competition.test["Id"].tolist() == [one, other]
    assert competition.sample["Id"].tolist() == [other, one]
    assert competition.train["size"].dtype == "int64", "only the id is text"


# Other names and forms of the files, and no test table


def test_the_files_may_have_other_names(folder: Path) -> None:
    for old, new in (("train", "learn"), ("test", "ask"), ("sample_submission", "form")):
        (folder / f"{old}.csv").rename(folder / f"{new}.txt")
    competition = load_competition(str(folder), "kind", "Id", train="learn.txt", test="ask.txt", sample="form.txt")
    pd.testing.assert_frame_equal(competition.train, TRAIN_READ)
    pd.testing.assert_frame_equal(competition.test, TEST_READ)
    assert competition.sample is not None
    assert (competition.train_file, competition.test_file) == (folder / "learn.txt", folder / "ask.txt")


@pytest.mark.parametrize("role", ["train", "test", "sample"])
def test_a_named_file_must_be_there(folder: Path, role: str) -> None:
    with pytest.raises(DataError, match=r"There is no file .*/tset\.csv\. Did you mean 'test\.csv'\?"):
        load_competition(str(folder), "kind", "Id", **{role: "tset.csv"})


def test_files_are_found_in_other_forms(folder: Path) -> None:
    (folder / "train.csv").write_text(TRAIN.replace(",", "\t"))
    (folder / "train.csv").rename(folder / "train.tsv")
    (folder / "test.csv.gz").write_bytes(gzip.compress(TEST.encode()))
    (folder / "test.csv").unlink()
    TRAIN_READ[["Id", "kind"]].tail(2).to_parquet(folder / "sample_submission.parquet")
    (folder / "sample_submission.csv").unlink()
    competition = load(folder)
    pd.testing.assert_frame_equal(competition.train, TRAIN_READ)
    pd.testing.assert_frame_equal(competition.test, TEST_READ)
    assert competition.sample is not None
    assert competition.sample["Id"].tolist() == ["2", "3"]
    assert (competition.train_file.name, competition.test_file.name) == ("train.tsv", "test.csv.gz")
    assert competition.digest == hashlib.sha256(TRAIN.replace(",", "\t").encode()).hexdigest()
    assert competition.notes == ()


def test_csv_wins_over_other_forms(folder: Path) -> None:
    (folder / "train.parquet").write_bytes(b"never read")
    assert load(folder).train_file.name == "train.csv"


def test_a_test_table_is_optional_and_its_absence_is_noted(folder: Path) -> None:
    (folder / "test.csv").unlink()
    competition = load(folder)
    assert (competition.test, competition.test_digest) == (None, "")
    assert competition.notes == (f"There is no {folder}/test.csv: no test rows are predicted",)


@pytest.mark.parametrize(
    ("other", "hint"), [("Trains.csv", "Did you mean 'Trains.csv'?"), (None, "Known: sample_submission.csv, test.csv.")]
)
def test_a_folder_without_a_training_table_gets_the_nearest(folder: Path, other: str | None, hint: str) -> None:
    (folder / "train.csv").unlink()
    if other is not None:
        (folder / other).write_text(TRAIN)
    message = refusal(folder)
    assert message.startswith(f"There is no file train.csv. {hint} ")
    assert all(part in message for part in ("The folder of a competition holds train.csv", "set data.train"))
    for path in folder.iterdir():
        path.unlink()
    assert "The folder has no table." in refusal(folder)


def test_what_is_unusual_about_each_file_is_noted(folder: Path) -> None:
    (folder / "train.csv").write_text("Id;size;kind\n1;2,5;a\n2;?;b\n")
    (folder / "sample_submission.csv").write_text(SAMPLE.replace(",", "|"))
    assert load(folder).notes == (
        "train.csv: semicolons between fields",
        "train.csv: '?' is read as missing in size",
        "train.csv: a comma is read as the decimal sign in size",
        "sample_submission.csv: vertical bars between fields",
    )


def test_the_bundled_tables_need_no_notes() -> None:
    for name, target in (("titanic", "Survived"), ("wine", "cultivar"), ("boston", "MEDV")):
        assert load_competition(name, target).notes == ()


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["1.0", "2.0"], ["1.0", "2.0", "other", ""]),
        (["1.0", "2.0", "A"], ["1.0", "2.0", "", "1.0"]),
        (["1e3", "x", "2.50"], ["2.50", "1e3"]),
        (["TRUE", "FALSE"], ["TRUE", "FALSE", "unknown"]),
        (["9007199254740993", "2"], ["9007199254740993", "2", "x"]),
    ],
)
def test_a_category_has_one_name_in_both_tables_though_only_one_of_them_is_numbers(
    folder: Path, train: list[str], test: list[str]
) -> None:
    (folder / "train.csv").write_text("Id,x,kind\n" + "".join(f"{i},{x},{'ab'[i % 2]}\n" for i, x in enumerate(train)))
    (folder / "test.csv").write_text("Id,x\n" + "".join(f"{i},{x}\n" for i, x in enumerate(test)))
    competition = load_competition(str(folder), "kind", "Id")
    name = dict(zip(train, read_categories(competition.train["x"]), strict=True))
    categories = read_categories(competition.test["x"])
    assert [isinstance(category, str) for category in categories] == [bool(x) for x in test]
    pairs = zip(categories, test, strict=True)
    assert [category for category, x in pairs if x in name] == [name[x] for x in test if x in name]


@pytest.mark.parametrize(
    ("train", "test", "types"),
    [
        ("1", "a", "numbers in train.csv, and text in test.csv (row 2 has 'a')"),
        ("a", "1", "text in train.csv (row 2 has 'a'), and numbers in test.csv"),
        ("007", "1", "text in train.csv, and numbers in test.csv"),
        ("True", "1", "true and false in train.csv, and numbers in test.csv"),
        ("1", "2.5", None),
        ("a", "b", None),
        ("a", "", None),  # all missing: neither
        ("", "1", None),
    ],
)
def test_a_column_that_is_of_another_kind_in_the_test_table_is_noted(
    folder: Path, train: str, test: str, types: str | None
) -> None:
    first = {"True": "False", "": ""}.get(train, "5"), {"": ""}.get(test, "5")
    (folder / "train.csv").write_text(f"Id,x,kind\n1,{first[0]},a\n2,{train},b\n")
    (folder / "test.csv").write_text(f"Id,x\n4,{first[1]}\n5,{test}\n")
    advice = "Make both alike, or encode it as a category"
    assert load(folder).notes == (() if types is None else (f"The column x is {types}. {advice}",))


def test_a_target_may_say_none(folder: Path) -> None:
    (folder / "train.csv").write_text("Id,size,kind\n1,2,None\n2,3,Apnea\n3,4,-\n")
    assert load(folder).train["kind"].tolist() == ["None", "Apnea", "-"]
