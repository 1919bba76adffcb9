"""Access to Kaggle: download a competition, send a submission, wait for its score.

Kaggle's client is installed by the extra ``kaggle``. It finds the user's token, and takes the address of the service
from ``KAGGLE_API_ENVIRONMENT``.
"""

from __future__ import annotations

import logging
import math
import re
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular_dl.competition.archives import refuse_bomb
from tabular_dl.errors import DataError, SubmissionError, UserError

__all__ = ["Score", "check_ready", "download_competition", "send_submission", "wait_for_score"]

SITE = "https://www.kaggle.com"
TOKEN = (
    f"Make a token at {SITE}/settings/api and put it into the variable KAGGLE_API_TOKEN or the file "
    "~/.kaggle/access_token; ~/.kaggle/kaggle.json is read too."
)
# Seconds without a byte after which a connection is closed. The client alone would wait for ever.
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0


@dataclass(frozen=True)
class Score:
    """Score of a submission.

    Attributes
    ----------
    complete : bool
        Whether Kaggle has finished scoring.
    public : float or None
        Score on the public part of the test rows; None if it is not shown.
    """

    complete: bool
    public: float | None


def check_ready(competition: str, error: type[UserError] = SubmissionError) -> None:
    """Raise an error if Kaggle's client or the user's token is missing.

    Parameters
    ----------
    competition : str
        Name of the competition in its address on Kaggle.
    error : type
        Class of the error.

    Raises
    ------
    UserError
        If one of the two is missing; the message says how to get it.
    """
    rules = f"Join the competition and accept its rules first: {_address(competition)}/rules"
    try:
        from kagglehub.config import get_kaggle_credentials
    except ImportError:
        raise error(f"Kaggle's client is not installed: pip install 'tabular-dl[kaggle]'. {TOKEN} {rules}") from None
    try:
        credentials = get_kaggle_credentials()
    except (ValueError, OSError) as reason:
        raise error(f"Kaggle's token cannot be read: {reason}. {TOKEN}") from None
    if not credentials:
        raise error(f"There is no token for Kaggle. {TOKEN} {rules}")


def download_competition(competition: str, folder: Path) -> None:
    """Download and unpack the files of a competition, with the client's progress bar.

    Parameters
    ----------
    competition : str
        Name of the competition in its address on Kaggle.
    folder : Path
        Folder to create. After an error, it may contain some of the files.

    Raises
    ------
    DataError
        If Kaggle refuses the download, with Kaggle's message, or the connection fails.
    """
    check_ready(competition, DataError)
    import shutil

    import kagglehub

    # The client would print the folder of its cache, which is not used.
    logging.getLogger("kagglehub").setLevel(logging.WARNING)
    with _explained(competition, DataError), _bounded_archives():
        kagglehub.competition_download(competition, output_dir=str(folder))
    shutil.rmtree(folder / ".complete", ignore_errors=True)  # a mark that the client leaves


def send_submission(competition: str, file: Path, message: str) -> int:
    """Upload a file as a submission.

    Parameters
    ----------
    competition : str
        Name of the competition in its address on Kaggle.
    file : Path
        CSV file, plain or zipped.
    message : str
        Description of the submission on Kaggle.

    Returns
    -------
    int
        Kaggle's number of the submission.

    Raises
    ------
    SubmissionError
        If Kaggle refuses the submission, with Kaggle's message, or the connection fails.
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
    """Request the score of a submission until it is known or the time is over.

    Parameters
    ----------
    competition : str
        Name of the competition in its address on Kaggle.
    ref : int
        Kaggle's number of the submission.
    seconds : float
        Time to wait.
    pause : float, default=2.0
        Seconds between the first two requests; later pauses are longer.

    Returns
    -------
    Score
        The score, which is incomplete if the time is over.

    Raises
    ------
    SubmissionError
        If Kaggle could not score the file, with Kaggle's message.
    """
    check_ready(competition)
    from kagglesdk.competitions.types import competition_api_service as types
    from kagglesdk.competitions.types.submission_status import SubmissionStatus

    request = types.ApiGetSubmissionRequest()
    request.ref = ref
    with _client() as client:
        end = time.monotonic() + seconds
        while True:
            submission = _answer(lambda: client.get_submission(request), competition)
            if submission is not None and submission.status is SubmissionStatus.ERROR:
                raise SubmissionError(
                    f"Kaggle could not score submission {ref}: {submission.error_description or 'no reason given'} "
                    f"({_address(competition)}/submissions)"
                )
            if submission is not None and submission.status is SubmissionStatus.COMPLETE:
                return Score(True, _number(submission.public_score))
            if time.monotonic() + pause > end:
                return Score(False, None)
            time.sleep(pause)
            pause = min(pause * 1.5, 30.0)


@contextmanager
def _bounded_archives() -> Iterator[None]:
    """Let the client unpack an archive only after its sizes are known; it has no option for that."""
    from kagglehub import http_resolver

    unpack = http_resolver._extract_archive

    def checked(archive: str, folder: str) -> None:
        refuse_bomb(Path(archive))
        unpack(archive, folder)

    http_resolver._extract_archive = checked
    try:
        yield
    finally:
        http_resolver._extract_archive = unpack


def _answer(request: Callable[[], Any], competition: str) -> Any:
    """Return the answer to a request, or None after a failure that may pass, since the submission is stored anyway."""
    import requests

    try:
        return request()
    except requests.HTTPError as refusal:
        status = getattr(refusal.response, "status_code", 0)
        if status == 404 or status == 429 or status >= 500:
            return None
        with _explained(competition, SubmissionError):
            raise
    except requests.RequestException:
        return None


def _number(text: str) -> float | None:
    """Return a score from Kaggle's text; None if the text is not a finite number."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


@contextmanager
def _client() -> Iterator[Any]:
    """Open the competition client of Kaggle's API, with timeouts."""
    from kagglehub.clients import build_kaggle_client
    from requests.adapters import HTTPAdapter

    class TimeoutAdapter(HTTPAdapter):
        def send(self, request: Any, stream: bool = False, timeout: Any = None, *rest: Any, **named: Any) -> Any:
            return super().send(request, stream, timeout or (CONNECT_TIMEOUT, READ_TIMEOUT), *rest, **named)

    with build_kaggle_client() as client:
        # The client has no option for a timeout, so it is set in its session.
        for scheme in ("https://", "http://"):
            client.http_client()._session.mount(scheme, TimeoutAdapter())
        yield client.competitions.competition_api_client


@contextmanager
def _explained(competition: str, error: type[UserError]) -> Iterator[None]:
    """Convert exceptions of the client to user errors with Kaggle's message and the action to take."""
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
        raise error(f"Kaggle says ({status}): {_message(refusal)} {hints.get(status or 0, '')}".strip()) from None
    except (requests.RequestException, exceptions.DataCorruptionError, exceptions.BackendError) as reason:
        raise error(
            f"The connection to Kaggle failed: {_without_queries(reason) or type(reason).__name__}. Try again."
        ) from None
    except (ValueError, zipfile.BadZipFile, tarfile.TarError) as reason:
        raise error(f"What Kaggle sent for {competition} cannot be used: {' '.join(str(reason).split())}") from None


def _message(refusal: Any) -> str:
    """Return the message in Kaggle's response, which the client may have replaced by another."""
    try:
        message = refusal.response.json()["message"]
    except (ValueError, LookupError, TypeError, AttributeError):
        message = _without_queries(refusal)
    return " ".join(str(message).split()) or "no reason given."


def _without_queries(error: Exception) -> str:
    """Return the text of an error without the queries of addresses, since that of an upload contains a secret."""
    return re.sub(r"\?\S+", "", " ".join(str(error).split()))


def _address(competition: str) -> str:
    return f"{SITE}/competitions/{competition}"
