"""A data set is complete in its place or absent; real clients connect to a server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import subprocess
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.competition import archives
from tabular_dl.competition.downloads import KERAS_FILES, download
from tabular_dl.errors import DataError

pytestmark = pytest.mark.slow

BUNDLE = "/DownloadDataFiles"
ROOT = Path(__file__).parents[2]


def bundle(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return packed.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Kaggle


def test_a_competition_is_put_in_place_with_its_digests(kaggle: Any, says: Any, folder: Path) -> None:
    kaggle.answer(BUNDLE, says(body=bundle(train="Id,y\n1,2\n", test="Id\n2\n")))
    made = download("house-prices", "kaggle")
    assert made.path == Path("data/house-prices")
    assert made.digests == {
        "test.csv": hashlib.sha256(b"Id\n2\n").hexdigest(),
        "train.csv": hashlib.sha256(b"Id,y\n1,2\n").hexdigest(),
    }
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=made.path, capture_output=True)
    assert (checked.returncode, checked.stdout) == (0, b"test.csv: OK\ntrain.csv: OK\n")
    assert sorted(everything(folder)) == [
        f"data/house-prices/{name}" for name in ("SHA256SUMS", "test.csv", "train.csv")
    ]
    assert [path.name for path in Path("data").iterdir()] == ["house-prices"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403, "body": {"code": 403, "message": "You must accept this competition's rules"}},
        {"status": 401, "body": {"code": 401, "message": "Unauthenticated"}},
        {"status": 404, "body": {"code": 404, "message": "Not found"}},
        {"body": bundle(train="y\n" * 100), "sent": 0.5},
        {"body": b"no archive"},
    ],
    ids=["rules", "token", "no such competition", "broken off", "no archive"],
)
@pytest.mark.parametrize("force", [False, True])
def test_nothing_changes_where_a_download_fails(
    kaggle: Any, says: Any, folder: Path, answer: dict[str, Any], force: bool
) -> None:
    kaggle.answer(BUNDLE, says(**answer))
    if force:
        (folder / "data" / "house-prices").mkdir(parents=True)
        (folder / "data" / "house-prices" / "train.csv").write_text("mine")
    before = everything(folder)
    with pytest.raises(DataError):
        download("house-prices", "kaggle", force=force)
    assert everything(folder) == before
    assert [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))] == (
        ["data", "data/house-prices", "data/house-prices/train.csv"] if force else []
    )


def test_an_archive_that_unpacks_to_far_more_is_refused_before_it_is_unpacked(
    kaggle: Any, says: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kaggle.answer(BUNDLE, says(body=bundle(train="y\n" * 10_000)))
    monkeypatch.setattr(archives, "MOST_BYTES", 10_000)
    with pytest.raises(DataError, match=r"house-prices cannot be used: the archive unpacks to 20 kB.*--limits 2"):
        download("house-prices", "kaggle")
    assert everything(folder) == {}


def test_what_is_there_is_replaced_if_one_says_so_only(kaggle: Any, says: Any, folder: Path) -> None:
    kaggle.answer(BUNDLE, says(body=bundle(train="new")))
    place = folder / "elsewhere"
    place.mkdir()
    (place / "notes.txt").write_text("mine")
    with pytest.raises(DataError) as refused:
        download("house-prices", "kaggle", place)
    assert all(part in str(refused.value) for part in (str(place), "exists", "not changed", "--force replaces it"))
    assert everything(folder) == {"elsewhere/notes.txt": b"mine"}
    assert kaggle.received == {}
    download("house-prices", "kaggle", place, force=True)
    assert sorted(everything(folder)) == ["elsewhere/SHA256SUMS", "elsewhere/train.csv"]
    assert [path.name for path in folder.iterdir()] == ["elsewhere"]


def test_a_place_that_cannot_be_written_to_is_refused(kaggle: Any, says: Any, folder: Path) -> None:
    kaggle.answer(BUNDLE, says(body=bundle(train="new")))
    (folder / "data").write_text("a file")
    with pytest.raises(DataError, match=r"data/house-prices cannot be written: .+ Name another folder with -o\."):
        download("house-prices", "kaggle")
    assert everything(folder) == {"data": b"a file"}


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", ""])
def test_what_is_no_name_is_refused(folder: Path, name: str) -> None:
    for source in ("kaggle", "openml"):
        with pytest.raises(DataError, match=r"is not the name of a data set: expected letters, digits"):
            download(name, source)
    assert list(folder.iterdir()) == []


def test_a_source_that_does_not_exist_is_refused_with_the_nearest(folder: Path) -> None:
    with pytest.raises(DataError, match=r"^--source: there is no 'kagle'. Did you mean 'kaggle'\?$"):
        download("titanic", "kagle")


# OpenML

ARFF = """@relation tiny
@attribute colour {red, 'dark blue'}
@attribute class {a, b}
@attribute size numeric
@data
red,a,1.5
'dark blue',b,?
red,b,3
"""


@pytest.fixture
def openml(server: Any, says: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that puts the server in the place of OpenML, whose addresses scikit-learn keeps."""

    def serve(arff: str = ARFF, versions: int = 1, sent: float = 1.0) -> Any:
        from sklearn.datasets import _openml

        for name in ("_SEARCH_NAME", "_DATA_INFO", "_DATA_FEATURES", "_DATA_QUALITIES"):
            address = getattr(_openml, name).replace("https://www.openml.org", server.address)
            monkeypatch.setattr(_openml, name, address)
        monkeypatch.setattr("sklearn.datasets._openml.time.sleep", lambda seconds: None)
        described = {
            "id": "7",
            "name": "tiny",
            "version": "1",
            "status": "active",
            "format": "ARFF",
            "description": "",
            "url": f"{server.address}/data/v1/download/7/tiny.arff",
            "md5_checksum": hashlib.md5(arff.encode(), usedforsecurity=False).hexdigest(),
        }
        kinds = (("colour", "nominal", "false"), ("class", "nominal", "true"), ("size", "numeric", "false"))
        features = [
            {"index": str(k), "name": name, "data_type": kind, "is_target": target, **_NO}
            for k, (name, kind, target) in enumerate(kinds)
        ]
        data_sets = [{"did": 7, "name": "tiny", "version": k + 1, "status": "active"} for k in range(versions)]
        server.answer("/data_name/tiny/limit/2/status/active/", says(body={"data": {"dataset": data_sets}}))
        server.answer("/data/7", says(body={"data_set_description": described}))
        server.answer("/features/7", says(body={"data_features": {"feature": features}}))
        qualities = [{"name": "NumberOfInstances", "value": "3.0"}]
        server.answer("/qualities/7", says(body={"data_qualities": {"quality": qualities}}))
        server.answer("/tiny.arff", says(body=arff.encode(), sent=sent))
        server.answer("/status/active/", says(412, b"{}", "application/json"))
        return server

    return serve


_NO = {"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}


@pytest.mark.parametrize("name", ["tiny", "7"])
def test_a_table_of_openml_becomes_train_csv_with_the_target_last(
    openml: Callable[..., Any], folder: Path, name: str
) -> None:
    openml()
    made = download(name, "openml")
    assert (made.path, made.target, made.remarks) == (Path("data") / name, "class", ())
    text = (made.path / "train.csv").read_text()
    assert text == "colour,size,class\nred,1.5,a\ndark blue,,b\nred,3.0,b\n"
    assert made.digests == {"train.csv": hashlib.sha256(text.encode()).hexdigest()}
    assert sorted(everything(folder)) == [f"data/{name}/SHA256SUMS", f"data/{name}/train.csv"]
    assert pd.read_csv(made.path / "train.csv").shape == (3, 3)


def test_what_scikit_learn_has_to_say_is_passed_on(openml: Callable[..., Any], folder: Path) -> None:
    openml(versions=2)
    (remark,) = download("tiny", "openml").remarks
    assert remark.startswith("Multiple active versions of the dataset matching the name tiny exist.")


@pytest.mark.parametrize(
    ("name", "sent", "reason"),
    [
        ("nothing", 1.0, "OpenML returned no table nothing: No active dataset nothing found."),
        ("99", 1.0, "OpenML returned no table 99: HTTP Error 404: Not Found"),
        ("tiny", 0.5, "OpenML returned no table tiny: "),
    ],
    ids=["no such name", "no such number", "broken off"],
)
def test_a_table_that_cannot_be_had_leaves_nothing(
    openml: Callable[..., Any], folder: Path, name: str, sent: float, reason: str
) -> None:
    openml(sent=sent)
    with pytest.raises(DataError) as refused:
        download(name, "openml")
    assert str(refused.value).startswith(reason)
    assert "https://www.openml.org/search?type=data" in str(refused.value)
    assert list(folder.iterdir()) == []


# Keras


def idx(values: np.ndarray) -> bytes:
    """Write the format of Fashion-MNIST: a magic number, the shape, the bytes."""
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return gzip.compress(head + values.astype(np.uint8).tobytes(), mtime=0)


@pytest.fixture
def keras(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put the server in the place that Keras's loaders download from, in the process that `data get` starts."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(
        "import urllib.request\n"
        "plain = urllib.request.urlretrieve\n"
        "def here(address, *rest):\n"
        f"    return plain(address.replace('https://storage.googleapis.com', '{server.address}'), *rest)\n"
        "urllib.request.urlretrieve = here\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder / "site"))
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    return server


def test_keras_finds_its_files_where_they_were_put(keras: Any, says: Any, folder: Path) -> None:
    images = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 251
    parts = {
        "train-labels-idx1": np.array([3, 1, 2]),
        "train-images-idx3": images,
        "t10k-labels-idx1": np.array([9]),
        "t10k-images-idx3": images[:1],
    }
    for name, values in parts.items():
        keras.answer(f"{name}-ubyte.gz", says(body=idx(values)))
    made = download("fashion_mnist", "keras")
    assert made.path == folder / "keras" / "datasets" / "fashion-mnist"
    for name, values in parts.items():
        file = f"{name}-ubyte.gz"
        assert (made.path / file).read_bytes() == idx(values)
        assert made.digests[file] == hashlib.sha256(idx(values)).hexdigest()
    assert sorted(path.name for path in (folder / "keras").iterdir()) == ["datasets"]
    assert [path.name for path in (folder / "keras" / "datasets").iterdir()] == ["fashion-mnist"]


def test_a_file_that_is_not_what_keras_expects_leaves_nothing(keras: Any, says: Any, folder: Path) -> None:
    keras.answer("mnist.npz", says(body=b"something else"))
    place = folder / "keras" / "datasets"
    place.mkdir(parents=True)
    (place / "mnist.npz").write_text("the file of before")
    with pytest.raises(DataError, match=r"mnist\.npz exists already and was not changed"):
        download("mnist", "keras")
    with pytest.raises(DataError, match=r"Keras could not download mnist: .*hash does not match.* Try again\."):
        download("mnist", "keras", force=True)
    assert everything(folder / "keras") == {"datasets/mnist.npz": b"the file of before"}


def test_keras_has_the_data_sets_that_it_has_where_it_has_them(folder: Path) -> None:
    with pytest.raises(DataError, match=r"^Keras has no data set 'minst'. Did you mean 'mnist'\?$"):
        download("minst", "keras")
    with pytest.raises(DataError) as refused:
        download("mnist", "keras", folder)
    assert all(part in str(refused.value) for part in ("-o cannot be used", "Keras's data sets", "KERAS_HOME"))
    loaders = Path(find_spec("keras").origin).parent / "src" / "datasets"
    for name, file in KERAS_FILES.items():
        assert f'"{file}"' in (loaders / f"{name}.py").read_text()
