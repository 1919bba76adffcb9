"""Downloads of data sets, which are complete or absent.

======  =====================================================  =======================================================
source  data set                                               destination
======  =====================================================  =======================================================
kaggle  files of a competition, by Kaggle's client             a folder, ``data/NAME``
openml  table by its name or number, by scikit-learn           ``train.csv`` in a folder, with the target last
keras   files of one of Keras's data sets                      the folder of Keras, ``~/.keras/datasets``
======  =====================================================  =======================================================
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

from tabular_dl.competition.kaggle import download_competition
from tabular_dl.errors import DataError, did_you_mean

__all__ = ["KERAS_FILES", "SOURCES", "Download", "download"]

# Names of the files of Keras's data sets.
KERAS_FILES = {
    "boston_housing": "boston_housing.npz",
    "california_housing": "california_housing.npz",
    "fashion_mnist": "fashion-mnist",
    "imdb": "imdb.npz",
    "mnist": "mnist.npz",
    "reuters": "reuters.npz",
}
# Run in another process, since Keras reads KERAS_HOME when it is imported.
_LOAD = "import importlib, sys; importlib.import_module('keras.datasets.' + sys.argv[1]).load_data()"
SUMS = "SHA256SUMS"
# Seconds without a byte after which the connection to OpenML is closed.
TIMEOUT = 60.0
SOURCES = ("kaggle", "openml", "keras")


@dataclass(frozen=True)
class Download:
    """Downloaded data set.

    Attributes
    ----------
    path : Path
        Folder or file.
    digests : dict of str to str
        SHA-256 of each file in hexadecimal; also written to ``SHA256SUMS`` in the folder, or beside the file.
    target : str or None
        Column to predict, if the source names one.
    remarks : tuple of str
        Warnings of the source's client.
    """

    path: Path
    digests: dict[str, str]
    target: str | None = None
    remarks: tuple[str, ...] = ()


def download(name: str, source: str, folder: Path | None = None, *, force: bool = False) -> Download:
    """Download a data set.

    Parameters
    ----------
    name : str
        Name of the data set at the source, or OpenML's number of it.
    source : {"kaggle", "openml", "keras"}
        Source of the data set.
    folder : Path, optional
        Folder to create; by default ``data/NAME``.
    force : bool, default=False
        Whether to replace an existing folder or file.

    Returns
    -------
    Download
        The data set.

    Raises
    ------
    DataError
        If the destination exists, the source refuses or has no such data set, or the connection fails. No file is
        changed in that case.
    """
    if source not in SOURCES:
        raise DataError(f"--source: there is no {source!r}. {did_you_mean(source, SOURCES)}")
    if source == "keras":
        return _from_keras(name, folder, force)
    if not re.fullmatch(r"\w[\w .()-]*", name):
        raise DataError(f"{name!r} is not the name of a data set: expected letters, digits, '_', '.' or '-'.")
    path = folder or Path("data") / name
    with _placed(path, force) as partial:
        if source == "kaggle":
            download_competition(name, partial)
            result = Download(path, _write_digests(partial))
        else:
            result = _from_openml(name, partial, path)
    return result


def _from_openml(name: str, partial: Path, path: Path) -> Download:
    from sklearn.datasets import fetch_openml

    query = {"data_id": int(name)} if name.isdecimal() else {"name": name}
    partial.mkdir()
    cache = partial / ".openml"
    timeout = socket.getdefaulttimeout()
    try:
        # scikit-learn sets no timeout.
        socket.setdefaulttimeout(TIMEOUT)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            bunch = fetch_openml(**query, as_frame=True, parser="auto", data_home=str(cache))
    # Exceptions of scikit-learn, urllib and the parsers for an unusable response.
    except (OSError, EOFError, ValueError, LookupError, StopIteration) as reason:
        if isinstance(reason, HTTPError):
            reason.close()
        raise DataError(
            f"OpenML returned no table {name}: {' '.join(str(reason).split()) or type(reason).__name__}. "
            "See https://www.openml.org/search?type=data for names and numbers, or try again."
        ) from None
    finally:
        socket.setdefaulttimeout(timeout)
    shutil.rmtree(cache, ignore_errors=True)
    targets = list(bunch.target_names)
    columns = [column for column in bunch.frame.columns if column not in targets]
    bunch.frame[[*columns, *targets]].to_csv(partial / "train.csv", index=False)
    remarks = tuple(dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught))
    return Download(path, _write_digests(partial), targets[0] if len(targets) == 1 else None, remarks)


def _from_keras(name: str, folder: Path | None, force: bool) -> Download:
    if name not in KERAS_FILES:
        raise DataError(f"Keras has no data set {name!r}. {did_you_mean(name, KERAS_FILES)}")
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if folder is not None:
        raise DataError(
            f"-o cannot be used with Keras's data sets, which are stored in {home / 'datasets'}. Leave -o out, or set "
            "KERAS_HOME."
        )
    path = home / "datasets" / KERAS_FILES[name]
    with _placed(path, force) as partial:
        temporary_home = partial.with_name(f"{partial.name}.home")
        temporary_home.mkdir()
        try:
            environment = {**os.environ, "KERAS_HOME": str(temporary_home.resolve()), "TF_CPP_MIN_LOG_LEVEL": "3"}
            command = [sys.executable, "-c", _LOAD, name]
            process = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
            file = temporary_home / "datasets" / KERAS_FILES[name]
            if process.returncode or not file.exists():
                reason = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise DataError(f"Keras could not download {name}: {reason.removeprefix('Exception: ')}. Try again.")
            file.rename(partial)
        finally:
            shutil.rmtree(temporary_home, ignore_errors=True)
    return Download(path, _write_digests(path))


def _write_digests(path: Path) -> dict[str, str]:
    """Return the SHA-256 of a file, or of each file in a folder, and write them in the format of ``sha256sum -c``."""
    is_folder = path.is_dir()
    files = sorted(file for file in path.rglob("*") if file.is_file()) if is_folder else [path]
    root = path if is_folder else path.parent
    digests = {file.relative_to(root).as_posix(): _digest(file) for file in files}
    lines = [f"{digest}  {name}\n" for name, digest in digests.items()]
    sums = path / SUMS if is_folder else path.with_name(f"{path.name}.sha256")
    sums.write_text("".join(lines), encoding="utf-8")
    return digests


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _placed(path: Path, force: bool) -> Iterator[Path]:
    """Yield a hidden path beside the destination, and rename it to the destination after success.

    Raises
    ------
    DataError
        If the destination exists and `force` is false, or it cannot be written.
    """
    if path.exists() and not force:
        raise DataError(f"{path} exists already and was not changed. --force replaces it with all its contents.")
    token = secrets.token_hex(4)
    partial, before = (path.parent / f".{path.name}.{state}-{token}" for state in ("partial", "before"))
    new_folders = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if path.exists():
            path.rename(before)
        try:
            partial.rename(path)
        except OSError:
            if before.exists():
                before.rename(path)
            raise
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}. Name another folder with -o.") from None
    finally:
        for leftover in (partial, before):
            _remove(leftover)
        for folder in new_folders:
            with suppress(OSError):  # after success, it is not empty
                folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
