"""Data sets from elsewhere, complete in their place or not there at all.

======  =====================================================  =======================================================
source  what is downloaded                                     where to
======  =====================================================  =======================================================
kaggle  a competition's files, through Kaggle's own client     a folder, ``data/NAME``
openml  a table by its name or number, through scikit-learn    ``train.csv`` in a folder, the target as last column
keras   the files of one of Keras's own data sets              where Keras looks for them, ``~/.keras/datasets``
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

# What Keras's loaders call the files of each data set.
KERAS_FILES = {
    "boston_housing": "boston_housing.npz",
    "california_housing": "california_housing.npz",
    "fashion_mnist": "fashion-mnist",
    "imdb": "imdb.npz",
    "mnist": "mnist.npz",
    "reuters": "reuters.npz",
}
# In a process of its own: Keras learns where its files go when it is imported.
_LOAD = "import importlib, sys; importlib.import_module('keras.datasets.' + sys.argv[1]).load_data()"
SUMS = "SHA256SUMS"
# Seconds without a byte after which OpenML is given up.
TIMEOUT = 60.0
SOURCES = ("kaggle", "openml", "keras")


@dataclass(frozen=True)
class Download:
    """What was downloaded.

    Attributes
    ----------
    path : Path
        The folder or the file.
    digests : dict of str to str
        SHA-256 of each file in hexadecimal; also written to ``SHA256SUMS`` in the folder, or beside the file.
    target : str or None
        The column to predict, where the source says.
    remarks : tuple of str
        What the source's client had to say.
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
        As the source calls it; a whole number is OpenML's number of a data set.
    source : {"kaggle", "openml", "keras"}
        Where from.
    folder : Path, optional
        Where to, instead of ``data/NAME``.
    force : bool
        Whether to replace what is there.

    Returns
    -------
    Download

    Raises
    ------
    DataError
        If it is there already, the source refuses or has no such data set, or the connection breaks off; nothing has
        changed then.
    """
    if source not in SOURCES:
        raise DataError(f"--source: there is no {source!r}. {did_you_mean(source, SOURCES)}")
    if source == "keras":
        return _from_keras(name, folder, force)
    if not re.fullmatch(r"\w[\w .()-]*", name):
        raise DataError(f"{name!r} is no name of a data set: expected letters, digits, '_', '.' or '-'.")
    path = folder or Path("data") / name
    with _placed(path, force) as partial:
        if source == "kaggle":
            download_competition(name, partial)
            made = Download(path, _write_digests(partial))
        else:
            made = _from_openml(name, partial, path)
    return made


def _from_openml(name: str, partial: Path, path: Path) -> Download:
    from sklearn.datasets import fetch_openml

    which = {"data_id": int(name)} if name.isdecimal() else {"name": name}
    partial.mkdir()
    cache = partial / ".openml"
    patience = socket.getdefaulttimeout()
    try:
        # scikit-learn would wait for ever.
        socket.setdefaulttimeout(TIMEOUT)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            bunch = fetch_openml(**which, as_frame=True, parser="auto", data_home=str(cache))
    # What scikit-learn, urllib and the parsers raise for an answer that cannot be used.
    except (OSError, EOFError, ValueError, LookupError, StopIteration) as reason:
        if isinstance(reason, HTTPError):
            reason.close()
        raise DataError(
            f"OpenML has given no table {name}: {' '.join(str(reason).split()) or type(reason).__name__}. "
            "See https://www.openml.org/search?type=data for names and numbers, or try again."
        ) from None
    finally:
        socket.setdefaulttimeout(patience)
    shutil.rmtree(cache, ignore_errors=True)
    targets = list(bunch.target_names)
    columns = [column for column in bunch.frame.columns if column not in targets]
    bunch.frame[[*columns, *targets]].to_csv(partial / "train.csv", index=False)
    remarks = tuple(dict.fromkeys(" ".join(str(each.message).split()) for each in said))
    return Download(path, _write_digests(partial), targets[0] if len(targets) == 1 else None, remarks)


def _from_keras(name: str, folder: Path | None, force: bool) -> Download:
    if name not in KERAS_FILES:
        raise DataError(f"Keras has no data set {name!r}. {did_you_mean(name, KERAS_FILES)}")
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if folder is not None:
        raise DataError(
            f"-o is not for Keras's data sets, which its loaders find in {home / 'datasets'}. Leave -o out, or set "
            "KERAS_HOME."
        )
    path = home / "datasets" / KERAS_FILES[name]
    with _placed(path, force) as partial:
        place = partial.with_name(f"{partial.name}.home")
        place.mkdir()
        try:
            environment = {**os.environ, "KERAS_HOME": str(place.resolve()), "TF_CPP_MIN_LOG_LEVEL": "3"}
            command = [sys.executable, "-c", _LOAD, name]
            done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
            found = place / "datasets" / KERAS_FILES[name]
            if done.returncode or not found.exists():
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise DataError(f"Keras could not download {name}: {reason.removeprefix('Exception: ')}. Try again.")
            found.rename(partial)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return Download(path, _write_digests(path))


def _write_digests(path: Path) -> dict[str, str]:
    """Return SHA-256 of a file or of all files in a folder, and write them down as ``sha256sum -c`` reads them."""
    inside = path.is_dir()
    files = sorted(file for file in path.rglob("*") if file.is_file()) if inside else [path]
    root = path if inside else path.parent
    digests = {file.relative_to(root).as_posix(): _digest(file) for file in files}
    lines = [f"{digest}  {name}\n" for name, digest in digests.items()]
    sums = path / SUMS if inside else path.with_name(f"{path.name}.sha256")
    sums.write_text("".join(lines), encoding="utf-8")
    return digests


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _placed(path: Path, force: bool) -> Iterator[Path]:
    """Give a hidden path beside the place to fill, and move it there when all went well.

    Raises
    ------
    DataError
        If there is something in the place already, or it cannot be written to.
    """
    if path.exists() and not force:
        raise DataError(f"{path} is there already, and was left as it is. --force replaces it, with all that is in it.")
    token = secrets.token_hex(4)
    partial, before = (path.parent / f".{path.name}.{what}-{token}" for what in ("partial", "before"))
    made = [folder for folder in path.parents if not folder.exists()]
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
        for left in (partial, before):
            _remove(left)
        for folder in made:
            with suppress(OSError):  # not empty: all went well
                folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
