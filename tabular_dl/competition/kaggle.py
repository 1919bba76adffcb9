"""Kaggle, through Kaggle's own client: download a competition, send a submission, wait for its score.

The client is the extra ``kaggle``. It finds the user's token by itself, and the address by ``KAGGLE_API_ENVIRONMENT``.
"""

from __future__ import annotations

import logging
import math
import re
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular_dl.errors import DataError, SubmissionError, UserError

__all__ = ["Score", "check_ready", "download_competition", "send_submission", "wait_for_score"]

SITE = "https://www.kaggle.com"
TOKEN = (
    f"Make a token at {SITE}/settings/api and put it into the variable KAGGLE_API_TOKEN or the file "
    "~/.kaggle/access_token; ~/.kaggle/kaggle.json is read too."
)
# Seconds without a byte after which a connection is given up. The client itself would wait for ever.
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0


@dataclass(frozen=True)
class Score:
    """What Kaggle says of a submission.

    Attributes
    ----------
    complete : bool
        Whether Kaggle has done with it.
    public : float or None
        The score on the public part of the test rows, where it is shown.
    """

    complete: bool
    public: float | None


def check_ready(competition: str, error: type[UserError] = SubmissionError) -> None:
    """Refuse to go on without the client or without a token.

    Parameters
    ----------
    competition : str
        The competition's name in its address on Kaggle.
    error : type
        What to raise.

    Raises
    ------
    UserError
        Saying how to get what is missing.
    """
    rules = f"Join the competition and accept its rules first: {_address(competition)}/rules"
    try:
        from kagglehub.config import get_kaggle_credentials
    except ImportError:
        raise error(f"Kaggle's client is not installed: pip install 'tabular-dl[kaggle]'. {TOKEN} {rules}") from None
    try:
        known = get_kaggle_credentials()
    except (ValueError, OSError) as reason:
        raise error(f"Kaggle's token cannot be read: {reason}. {TOKEN}") from None
    if not known:
        raise error(f"Kaggle has to know who you are, and there is no token. {TOKEN} {rules}")


def download_competition(competition: str, folder: Path) -> None:
    """Download and unpack the files of a competition, with the client's progress bar.

    Parameters
    ----------
    competition : str
        The competition's name in its address on Kaggle.
    folder : Path
        A folder that does not exist yet. After an error, it may hold half of the files.

    Raises
    ------
    DataError
        If Kaggle refuses, in its own words, or the connection breaks off.
    """
    check_ready(competition, DataError)
    import shutil

    import kagglehub

    # It would print where it caches things; these go elsewhere.
    logging.getLogger("kagglehub").setLevel(logging.WARNING)
    with _explained(competition, DataError):
        kagglehub.competition_download(competition, output_dir=str(folder))
    shutil.rmtree(folder / ".complete", ignore_errors=True)  # the client's own mark


def send_submission(competition: str, file: Path, message: str) -> int:
    """Upload a file as a submission.

    Parameters
    ----------
    competition : str
        The competition's name in its address on Kaggle.
    file : Path
        A CSV file, or a zipped one.
    message : str
        Shown beside the submission on Kaggle.

    Returns
    -------
    int
        Kaggle's number of the submission.

    Raises
    ------
    SubmissionError
        If Kaggle refuses, in its own words, or the connection breaks off.
    """
    check_ready(competition)
    import requests
    from kagglesdk.competitions.types import competition_api_service as types

    with _explained(competition, SubmissionError), _client() as client:
        start = types.ApiStartSubmissionUploadRequest()
        start.competition_name, start.file_name = competition, file.name
        start.content_length, start.last_modified_epoch_seconds = file.stat().st_size, int(file.stat().st_mtime)
        place = client.start_submission_upload(start)
        with file.open("rb") as content:
            timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
            requests.put(place.create_url, data=content, timeout=timeout).raise_for_status()
        submission = types.ApiCreateSubmissionRequest()
        submission.competition_name, submission.blob_file_tokens = competition, place.token
        submission.submission_description = message
        return int(client.create_submission(submission).ref)


def wait_for_score(competition: str, ref: int, seconds: float, pause: float = 2.0) -> Score:
    """Ask for the score of a submission until there is one, or the time is over.

    Parameters
    ----------
    competition : str
        The competition's name in its address on Kaggle.
    ref : int
        Kaggle's number of the submission.
    seconds : float
        How long to ask.
    pause : float
        Seconds between the first two questions; later ones are further apart.

    Returns
    -------
    Score

    Raises
    ------
    SubmissionError
        If Kaggle could not score the file, in its own words.
    """
    check_ready(competition)
    from kagglesdk.competitions.types import competition_api_service as types
    from kagglesdk.competitions.types.submission_status import SubmissionStatus

    request = types.ApiGetSubmissionRequest()
    request.ref = ref
    with _client() as client:
        end = time.monotonic() + seconds
        while True:
            found = _asked(lambda: client.get_submission(request), competition)
            if found is not None and found.status is SubmissionStatus.ERROR:
                raise SubmissionError(
                    f"Kaggle could not score submission {ref}: {found.error_description or 'it does not say why'} "
                    f"({_address(competition)}/submissions)"
                )
            if found is not None and found.status is SubmissionStatus.COMPLETE:
                return Score(True, _number(found.public_score))
            if time.monotonic() + pause > end:
                return Score(False, None)
            time.sleep(pause)
            pause = min(pause * 1.5, 30.0)


def _asked(question: Any, competition: str) -> Any:
    """Return the answer, or None where there may be one later: the submission is there whatever the line does."""
    import requests

    try:
        return question()
    except requests.HTTPError as refusal:
        status = getattr(refusal.response, "status_code", 0)
        if status == 404 or status == 429 or status >= 500:
            return None
        with _explained(competition, SubmissionError):
            raise
    except requests.RequestException:
        return None


def _number(text: str) -> float | None:
    """Read a score, which Kaggle gives as text; None where it shows none."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


@contextmanager
def _client() -> Iterator[Any]:
    """Open the part of Kaggle's client that is about competitions, with patience that ends."""
    from kagglehub.clients import build_kaggle_client
    from requests.adapters import HTTPAdapter

    class Patient(HTTPAdapter):
        def send(self, request: Any, stream: bool = False, timeout: Any = None, *rest: Any, **named: Any) -> Any:
            return super().send(request, stream, timeout or (CONNECT_TIMEOUT, READ_TIMEOUT), *rest, **named)

    with build_kaggle_client() as client:
        # The client takes no timeout, and its session is the one place to set one.
        for scheme in ("https://", "http://"):
            client.http_client()._session.mount(scheme, Patient())
        yield client.competitions.competition_api_client


@contextmanager
def _explained(competition: str, error: type[UserError]) -> Iterator[None]:
    """Turn what the client raises into an error for the user: Kaggle's words, and what to do."""
    import requests
    from kagglehub import exceptions

    try:
        yield
    except requests.HTTPError as refusal:
        status = getattr(refusal.response, "status_code", None)
        hints = {
            401: TOKEN,
            403: f"Join the competition and accept its rules: {_address(competition)}/rules",
            404: f"Is {competition!r} the competition's name in its address, {SITE}/competitions/NAME?",
        }
        raise error(f"Kaggle says ({status}): {_own_words(refusal)} {hints.get(status or 0, '')}".strip()) from None
    except (requests.RequestException, exceptions.DataCorruptionError, exceptions.BackendError) as reason:
        raise error(
            f"The connection to Kaggle failed: {_plainly(reason) or type(reason).__name__}. Try again."
        ) from None
    except (ValueError, zipfile.BadZipFile, tarfile.TarError) as reason:
        raise error(f"What Kaggle sent for {competition} cannot be used: {' '.join(str(reason).split())}") from None


def _own_words(refusal: Any) -> str:
    """Return the message of Kaggle's answer, which the client may have replaced by its own."""
    try:
        words = refusal.response.json()["message"]
    except (ValueError, LookupError, TypeError, AttributeError):
        words = _plainly(refusal)
    return " ".join(str(words).split()) or "no reason given."


def _plainly(error: Exception) -> str:
    """Return an error's words without the queries of addresses: that of an upload is a key to it."""
    return re.sub(r"\?\S+", "", " ".join(str(error).split()))


def _address(competition: str) -> str:
    return f"{SITE}/competitions/{competition}"
