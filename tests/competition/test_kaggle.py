"""Kaggle's client against a local server: requests, responses and every kind of refusal."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests

from tabular_dl.competition import kaggle as kaggle_module
from tabular_dl.competition.kaggle import Score, check_ready, download_competition, send_submission, wait_for_score
from tabular_dl.errors import DataError, SubmissionError

pytestmark = pytest.mark.slow

START, CREATE, ASK, DOWNLOAD = "/StartSubmissionUpload", "/CreateSubmission", "/GetSubmission", "/DownloadDataFiles"
RULES = "https://www.kaggle.com/competitions/house-prices/rules"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("Id,y\n1,0\n")
    return path


@pytest.fixture
def accepting(kaggle: Any, says: Any) -> Any:
    """Return a Kaggle that takes a submission and numbers it 41."""
    kaggle.answer(START, says(body={"token": "where-it-is", "createUrl": f"{kaggle.address}/upload"}))
    kaggle.answer("/upload", says())
    kaggle.answer(CREATE, says(body={"message": "Successfully submitted", "ref": 41}))
    return kaggle


def state(status: str, **more: Any) -> dict[str, Any]:
    return {"ref": 41, "status": status, **more}


# Submissions


def test_a_file_is_uploaded_and_submitted_with_its_message_under_the_users_token(accepting: Any, file: Path) -> None:
    assert send_submission("house-prices", file, "64-32, 20 networks") == 41
    started, submitted = (json.loads(accepting.received[path][0]) for path in (START, CREATE))
    assert started["competitionName"] == submitted["competitionName"] == "house-prices"
    assert (started["fileName"], started["contentLength"]) == ("mine.csv", 9)
    assert accepting.received["/upload"] == [b"Id,y\n1,0\n"]
    assert submitted["blobFileTokens"] == "where-it-is"
    assert submitted["submissionDescription"] == "64-32, 20 networks"
    assert accepting.heads[0]["Authorization"] == "Bearer the-users-own-token"
    # The place of the upload is another service, which has no business with the token.
    assert "Authorization" not in accepting.heads[1]


def test_a_score_is_waited_for(kaggle: Any, says: Any) -> None:
    kaggle.answer(
        ASK,
        says(404, {"code": 404, "message": "Not there yet"}),
        says(503, b"busy", "text/plain"),
        says(body=state("PENDING")),
        says(body=state("COMPLETE", publicScore="0.78468", privateScore="")),
    )
    assert wait_for_score("house-prices", 41, 20.0, pause=0.01) == Score(True, 0.78468)
    assert [json.loads(body) for body in kaggle.received[ASK]] == [{"ref": 41}] * 4


@pytest.mark.parametrize("shown", ["", "None", "nan"])
def test_a_score_that_is_not_shown_is_none(kaggle: Any, says: Any, shown: str) -> None:
    kaggle.answer(ASK, says(body=state("COMPLETE", publicScore=shown)))
    assert wait_for_score("house-prices", 41, 5.0) == Score(True, None)


@pytest.mark.parametrize("line", ["pending", "cut", "slow"])
def test_waiting_ends_and_what_was_sent_stays_sent(
    kaggle: Any, says: Any, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(kaggle_module, "READ_TIMEOUT", 0.1)
    answers = {"pending": says(body=state("PENDING")), "cut": says(body=state("PENDING"), sent=0.5)}
    kaggle.answer(ASK, answers.get(line) or says(body=state("PENDING"), delay=0.3))
    assert wait_for_score("house-prices", 41, 1.0, pause=0.05) == Score(False, None)
    assert len(kaggle.received[ASK]) > 1 or line == "slow"


def test_a_file_that_kaggle_cannot_score_is_refused_in_its_words(kaggle: Any, says: Any) -> None:
    words = "Submission must have 418 rows"
    kaggle.answer(ASK, says(body=state("PENDING")), says(body=state("ERROR", errorDescription=words)))
    with pytest.raises(SubmissionError) as refused:
        wait_for_score("house-prices", 41, 5.0, pause=0.01)
    assert str(refused.value) == (
        "Kaggle could not score submission 41: Submission must have 418 rows "
        "(https://www.kaggle.com/competitions/house-prices/submissions)"
    )


# Refusals


@pytest.mark.parametrize("path", [START, "/upload", CREATE])
@pytest.mark.parametrize(
    ("status", "words", "hint"),
    [
        (400, "Your team has used its daily Submission allowance (5) today", ""),
        (401, "Unauthenticated", "Make a token at https://www.kaggle.com/settings/api"),
        (403, "You must accept this competition's rules", f"Join the competition and accept its rules: {RULES}"),
        (404, "Not found", "Is 'house-prices' the competition's name in its address"),
    ],
)
def test_a_refusal_is_shown_in_kaggles_words(
    accepting: Any, says: Any, file: Path, path: str, status: int, words: str, hint: str
) -> None:
    accepting.answer(path, says(status, {"code": status, "message": words}))
    with pytest.raises(SubmissionError) as refused:
        send_submission("house-prices", file, "")
    assert str(refused.value).startswith(f"Kaggle says ({status}): {words}")
    assert hint in str(refused.value)
    if path != CREATE:
        assert not accepting.received[CREATE]


def test_a_refusal_without_words_is_shown_as_it_comes(accepting: Any, says: Any, file: Path) -> None:
    accepting.answer(CREATE, says(500, b"<html>", "text/html"))
    with pytest.raises(SubmissionError, match=r"Kaggle says \(500\): 500 Server Error"):
        send_submission("house-prices", file, "")


def test_the_key_in_the_address_of_an_upload_is_not_shown() -> None:
    refusal = requests.HTTPError("403 Forbidden for url: https://storage.example/upload?signature=secret&id=1")
    with pytest.raises(SubmissionError) as refused, kaggle_module._explained("house-prices", SubmissionError):
        raise refusal
    cut = requests.ConnectionError("Max retries exceeded with url: /upload?signature=secret (Caused by a cut)")
    with pytest.raises(SubmissionError) as given_up, kaggle_module._explained("house-prices", SubmissionError):
        raise cut
    assert "secret" not in f"{refused.value} {given_up.value}"
    assert "storage.example/upload" in str(refused.value)
    assert "Caused by a cut" in str(given_up.value)


@pytest.mark.parametrize("change", [{"delay": 0.4}, {"sent": 0.5}])
def test_a_line_that_is_slow_or_cut_is_given_up(
    accepting: Any, says: Any, file: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, float]
) -> None:
    monkeypatch.setattr(kaggle_module, "READ_TIMEOUT", 0.1)
    accepting.answer(START, says(body={"token": "t", "createUrl": "http://127.0.0.1:9/"}, **change))
    with pytest.raises(SubmissionError, match=r"The connection to Kaggle failed: .+ Try again\."):
        send_submission("house-prices", file, "")


# Downloads


def bundle(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return packed.getvalue()


def test_the_files_of_a_competition_are_unpacked(kaggle: Any, says: Any, tmp_path: Path) -> None:
    kaggle.answer(DOWNLOAD, says(body=bundle(train="Id,y\n1,2\n", test="Id\n2\n"), kind="application/zip"))
    download_competition("house-prices", tmp_path / "new")
    files = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert files == {"train.csv": "Id,y\n1,2\n", "test.csv": "Id\n2\n"}
    assert json.loads(kaggle.received[DOWNLOAD][0]) == {"competitionName": "house-prices"}


def test_a_download_that_is_refused_says_so_in_kaggles_words(kaggle: Any, says: Any, tmp_path: Path) -> None:
    words = "You must accept this competition's rules before you'll be able to download files."
    kaggle.answer(DOWNLOAD, says(403, {"code": 403, "message": words}))
    with pytest.raises(DataError) as refused:
        download_competition("house-prices", tmp_path / "new")
    assert str(refused.value) == (f"Kaggle says (403): {words} Join the competition and accept its rules: {RULES}")


@pytest.mark.parametrize("broken", [{"sent": 0.6}, {"body": b"<html>no archive"}])
def test_a_download_that_breaks_off_or_is_no_archive_is_said(
    kaggle: Any, says: Any, tmp_path: Path, broken: dict[str, Any]
) -> None:
    kaggle.answer(DOWNLOAD, says(**{"body": bundle(train="y\n" * 10_000), "kind": "application/zip", **broken}))
    with pytest.raises(DataError, match=r"The connection to Kaggle failed: |cannot be used: Unsupported archive type"):
        download_competition("house-prices", tmp_path / "new")


# The client and the token


def test_without_the_client_one_is_told_what_to_install_and_where_tokens_come_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub.config", None)
    for error in (SubmissionError, DataError):
        with pytest.raises(error) as refused:
            check_ready("house-prices", error)
        for words in ("pip install 'tabular-dl[kaggle]'", "https://www.kaggle.com/settings/api", "rules", RULES):
            assert words in str(refused.value)


def test_without_a_token_one_is_told_where_it_comes_from_and_where_it_goes(
    home: Path, file: Path, kaggle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    with pytest.raises(SubmissionError) as refused:
        send_submission("house-prices", file, "")
    parts = ("no token for Kaggle", "https://www.kaggle.com/settings/api", "KAGGLE_API_TOKEN", "~/.kaggle/access_token")
    parts += ("~/.kaggle/kaggle.json", f"Join the competition and accept its rules first: {RULES}")
    assert all(part in str(refused.value) for part in parts)
    assert kaggle.received == {}
    (home / ".kaggle").mkdir()
    (home / ".kaggle" / "kaggle.json").write_text("{")
    with pytest.raises(SubmissionError, match=r"Kaggle's token cannot be read: .+kaggle\.json"):
        check_ready("house-prices")
    (home / ".kaggle" / "access_token").write_text("of the file")
    check_ready("house-prices")
