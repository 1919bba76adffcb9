"""`tabular-dl data get`, as a user calls it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

DOWNLOAD, CSV = "/DownloadDataFiles", b"Id,y\n1,2\n"


def bundle(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names or ("train",):
            archive.writestr(f"{name}.csv", "Id,y\n1,2\n")
    return packed.getvalue()


def test_what_came_is_printed_with_its_digest_and_the_next_command(
    cli: Any, workspace: Path, kaggle: Any, says: Any
) -> None:
    kaggle.answer(DOWNLOAD, says(body=bundle()))
    outcome = cli("data", "get", "house-prices")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        f"{hashlib.sha256(CSV).hexdigest()}  train.csv",
        "data/house-prices is complete; the SHA-256 of each file is above.",
        "Next: tabular-dl init house-prices --train data/house-prices/train.csv",
    ]
    assert "100%" in outcome.err, "the client's own progress bar"
    assert (workspace / "data" / "house-prices" / "train.csv").read_text() == "Id,y\n1,2\n"
    assert "exists already and was not changed." in cli("data", "get", "house-prices").refused()
    assert cli("data", "get", "house-prices", "--force").code == 0


def test_the_next_command_names_all_files_that_came_or_the_pipeline_that_is_there(
    cli: Any, workspace: Path, kaggle: Any, says: Any
) -> None:
    kaggle.answer(DOWNLOAD, says(body=bundle("train", "test", "sample_submission", "notes")))
    places = [f"data/house-prices/{name}.csv" for name in ("train", "test", "sample_submission")]
    expected = "Next: tabular-dl init house-prices --train {} --test {} --sample {}".format(*places)
    assert cli("data", "get", "house-prices").out.splitlines()[-1] == expected
    expected = "Next: tabular-dl fit titanic --data data/titanic"
    assert cli("data", "get", "titanic").out.splitlines()[-1] == expected


def test_a_refusal_is_shown_in_kaggles_words(cli: Any, workspace: Path, kaggle: Any, says: Any) -> None:
    words = "You must accept this competition's rules before you'll be able to download files."
    kaggle.answer(DOWNLOAD, says(403, {"code": 403, "message": words}))
    assert cli("data", "get", "house-prices", "-o", "here").refused() == (
        f"Kaggle says (403): {words} Join the competition and accept its rules: "
        "https://www.kaggle.com/competitions/house-prices/rules"
    )
    assert list(workspace.iterdir()) == []


def test_a_mistyped_source_is_answered(cli: Any, workspace: Path) -> None:
    assert cli("data", "get", "mnist", "--source", "kera").refused() == (
        "--source: there is no 'kera'. Did you mean 'keras'?"
    )
