"""Keras's data sets, read by Keras's loaders from small samples in the original file formats."""

from __future__ import annotations

import gzip
import hashlib
import struct
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from keras.src.backend import config
from keras.src.utils import file_utils

from tabular_dl.cli.app import main
from tabular_dl.competition import keras_datasets
from tabular_dl.competition.competition import load_competition, read_answers
from tabular_dl.competition.keras_datasets import is_loaded, load, load_answers
from tabular_dl.errors import DataError
from tabular_dl.tracking import runs

TRAIN, TEST = 48, 12
RNG = np.random.default_rng(0)
LABELS = np.arange(TRAIN + TEST) % 3
IMAGES = RNG.integers(0, 40, (TRAIN + TEST, 28, 28)).astype(np.uint8)
IMAGES[np.arange(TRAIN + TEST), :, LABELS] = 255  # a column of light says which class it is
# Reviews as Keras stores them, before it shifts words by 3: 100 is praise, 200 is none; 12,000 is a rare word.
PRAISE = np.arange(TRAIN + TEST) % 2
REVIEWS = [[100 if praise else 200, 7, 7, 12_000, 9_996][: 3 + row % 3] for row, praise in enumerate(PRAISE)]


def write_mnist(folder: Path) -> None:
    np.savez(
        folder / "mnist.npz",
        x_train=IMAGES[:TRAIN],
        y_train=LABELS[:TRAIN].astype(np.uint8),
        x_test=IMAGES[TRAIN:],
        y_test=LABELS[TRAIN:].astype(np.uint8),
    )


def write_fashion(folder: Path) -> None:
    """Write the four files in the IDX format: a magic number, the lengths of the axes, the bytes."""
    (folder / "fashion-mnist").mkdir()
    for name, rows in (("train", slice(TRAIN)), ("t10k", slice(TRAIN, None))):
        labels, images = LABELS[rows].astype(np.uint8), IMAGES[rows]
        contents = {
            f"{name}-labels-idx1-ubyte.gz": struct.pack(">ii", 2049, len(labels)) + labels.tobytes(),
            f"{name}-images-idx3-ubyte.gz": struct.pack(">iiii", 2051, len(images), 28, 28) + images.tobytes(),
        }
        for file, content in contents.items():
            (folder / "fashion-mnist" / file).write_bytes(gzip.compress(content))


def write_imdb(folder: Path) -> None:
    sequences = np.empty(len(REVIEWS), dtype=object)
    sequences[:] = REVIEWS
    np.savez(
        folder / "imdb.npz",
        x_train=sequences[:TRAIN],
        y_train=PRAISE[:TRAIN],
        x_test=sequences[TRAIN:],
        y_test=PRAISE[TRAIN:],
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return Keras's cache with the samples in it, and no network.

    Keras knows the SHA-256 of the whole files, which samples cannot have: what is compared is theirs.
    """
    folder = tmp_path / "keras"
    (folder / "datasets").mkdir(parents=True)
    for write in (write_mnist, write_fashion, write_imdb):
        write(folder / "datasets")
    known = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}

    def validate(path: str, *_: Any, **__: Any) -> bool:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() in known

    def unreachable(*_: Any) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(config, "_KERAS_DIR", str(folder))
    monkeypatch.setattr(file_utils, "validate_file", validate)
    monkeypatch.setattr(file_utils, "urlretrieve", unreachable)
    return folder / "datasets"


def shuffled(rows: list[Any]) -> tuple[list[Any], list[Any]]:
    """Put training and test rows into the order that Keras gives IMDB's reviews, by its fixed seed."""
    generator = np.random.RandomState(113)
    train, test = np.arange(TRAIN), np.arange(TRAIN, TRAIN + TEST)
    generator.shuffle(train)
    generator.shuffle(test)
    return [rows[k] for k in train], [rows[k] for k in test]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_images_become_rows_of_pixels(cache: Path, name: str) -> None:
    loaded = load(f"keras:{name}", "label", "Id")
    train, test = loaded.train, loaded.test
    assert list(train.columns) == ["Id", *(f"pixel{k}" for k in range(784)), "label"]
    assert list(test.columns) == list(train.columns[:-1])
    assert train["Id"].tolist() == [str(k) for k in range(1, TRAIN + 1)]
    assert test["Id"].tolist() == [str(k) for k in range(TRAIN + 1, TRAIN + TEST + 1)]
    assert list(train.index) == list(range(1, TRAIN + 1))
    assert train["label"].tolist() == LABELS[:TRAIN].tolist()
    pixels = train.filter(like="pixel")
    assert set(pixels.dtypes) == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(pixels.to_numpy()[5, 28 * 3 + 4], IMAGES[5, 3, 4])
    np.testing.assert_array_equal(test.filter(like="pixel").to_numpy().reshape(TEST, 28, 28), IMAGES[TRAIN:])


def test_reviews_become_marks_of_the_words_that_are_in_them(cache: Path) -> None:
    loaded = load("keras:imdb", "praises")
    marks = loaded.train.drop(columns="praises").to_numpy()
    assert marks.dtype == np.uint8
    assert marks.shape == (TRAIN, 10_000)
    assert set(np.unique(marks)) == {0, 1}
    for row, review in zip(marks, shuffled(REVIEWS)[0], strict=True):
        # The start of a review is 1, words are three higher than in the file, rare ones are 2.
        words = {1, *(word + 3 if word + 3 < 10_000 else 2 for word in review)}
        assert set(np.flatnonzero(row)) == words
    assert loaded.train["praises"].tolist() == shuffled(PRAISE.tolist())[0]
    assert len(loaded.test) == TEST


def test_a_competition_of_keras_has_digests_of_its_contents_and_answers(cache: Path) -> None:
    competition = load_competition("keras:mnist", "digit", "row")
    assert competition.train.shape == (TRAIN, 786)
    assert "digit" not in competition.test
    assert competition.sample is None
    answers = read_answers(competition.folder, "digit", "row")
    assert answers is not None
    assert answers["digit"].tolist() == LABELS[TRAIN:].tolist()
    assert answers["row"].tolist() == competition.test["row"].tolist()
    again = load("keras:fashion_mnist", "digit", "row")
    assert (again.digest, again.test_digest) == (competition.digest, competition.test_digest)  # the same images
    assert len({competition.digest, competition.test_digest, load("keras:imdb", "y").digest}) == 3


def test_answers_are_in_the_order_of_the_test_rows(cache: Path) -> None:
    answers, test = load_answers("keras:imdb", "praises", "Id"), load("keras:imdb", "praises", "Id").test
    assert answers["Id"].tolist() == test["Id"].tolist()
    assert answers["praises"].tolist() == test["word103"].tolist()  # word 100 of the file


def test_only_keras_names_are_keras_sources() -> None:
    assert is_loaded("keras:imdb")
    assert not is_loaded("data/keras")


def test_an_unknown_name_is_told_the_nearest(cache: Path) -> None:
    with pytest.raises(DataError, match=r"^source: there is no keras:fashon_mnist. Did you mean 'keras:fashion_mnist'"):
        load("keras:fashon_mnist", "label")


def test_without_a_network_the_error_says_what_to_do(cache: Path) -> None:
    (cache / "mnist.npz").unlink()
    with pytest.raises(DataError) as refused:
        load("keras:mnist", "label")
    message = str(refused.value)
    assert message.startswith("keras:mnist could not be read: URL fetch failure on https://")
    parts = ("no network", "KERAS_HOME", "network connection", "run: tabular-dl data get mnist --source keras")
    assert all(part in message for part in parts)
    assert not (cache / "mnist.npz").exists()


def test_a_file_of_another_content_is_not_read(cache: Path) -> None:
    """Its pickles least of all: Keras would rather download it again."""
    (cache / "imdb.npz").write_bytes((cache / "imdb.npz").read_bytes() + b"more")
    with pytest.raises(DataError, match="keras:imdb could not be read: URL fetch failure"):
        load("keras:imdb", "praises")


def test_a_damaged_file_is_a_clear_error(cache: Path) -> None:
    path = cache / "fashion-mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="keras:fashion_mnist could not be read: Compressed file ended"):
        load("keras:fashion_mnist", "label")


@pytest.mark.parametrize("names", [("pixel3", "Id"), ("label", "pixel3")])
def test_target_and_id_may_not_be_named_as_a_feature_is(cache: Path, names: tuple[str, str]) -> None:
    with pytest.raises(DataError, match="data: 'pixel3' is a feature of keras:mnist: rename"):
        load("keras:mnist", *names)


# The commands, from the bundled pipelines


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(*arguments: object) -> None:
        monkeypatch.setattr("sys.argv", ["tabular-dl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, None)

    return run


TINY = ["--folds", 2, "--epochs", 8, "--set", "network.hidden=[8]", "--set", "training.batch_size=8", "--quiet"]


@pytest.mark.slow
def test_fit_submit_and_predict_of_fashion(cache: Path, cli: Callable[..., None]) -> None:
    cli("fit", "fashion_mnist", *TINY)
    cli("submit", "fashion_mnist", "--quiet")
    submission = pd.read_csv("submission.csv")
    assert submission["Id"].tolist() == list(range(TRAIN + 1, TRAIN + TEST + 1))
    assert (submission["label"].to_numpy() == LABELS[TRAIN:]).mean() > 0.6  # a third by chance

    run = runs.best_run("fashion_mnist")
    score = (submission["label"].to_numpy() == LABELS[TRAIN:]).mean()
    assert runs.find_run(run.id).metrics["submission_score"] == pytest.approx(score)
    load("keras:fashion_mnist", "label", "Id").test.to_csv("rows.csv", index=False)
    cli("predict", run.id, "rows.csv", "--quiet")
    assert pd.read_csv("predictions.csv")["label"].tolist() == submission["label"].tolist()


@pytest.mark.slow
def test_fit_of_imdb_tells_praise_by_its_words(
    cache: Path, cli: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_datasets, "WORDS", 300)
    settings = ("training.learning_rate=0.03", "training.early_stopping=null", "network.dropout=0")
    cli("fit", "imdb", *TINY, *(word for each in settings for word in ("--set", each)), "--no-track")
    (folder,) = Path("outputs").glob("imdb-*")
    predictions = pd.read_csv(folder / "predictions" / "test.csv")
    assert predictions["praises"].tolist() == shuffled(PRAISE.tolist())[1]
