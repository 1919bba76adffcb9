"""Programs kept between processes: the setting, TensorFlow's flags, and the same weights with and without them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tabular_dl.nn import compiled_programs
from tabular_dl.nn.compiled_programs import clear_programs, record_programs, use_program_folder

FLAGS, SETTING = "TF_XLA_FLAGS", "TABULAR_DL_COMPILED_CACHE"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache of a user who has set nothing, in a process that has not decided yet."""
    state = type("State", (compiled_programs._State,), {"decided": False, "folder": None, "flags": None})
    monkeypatch.setattr(compiled_programs, "_State", state)
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.delenv(FLAGS, raising=False)
    return tmp_path.resolve()


def folders(root: Path) -> list[Path]:
    """Return the folders of versions and machines."""
    return sorted(root.glob("tensorflow-*"))


# ------------------------------------------------------------------------------------------------------ the flags


def test_the_folder_lies_in_the_users_cache_and_the_flag_names_it(cache: Path) -> None:
    use_program_folder()
    [folder] = folders(cache / "tabular-dl" / "compiled")
    assert os.environ[FLAGS].startswith(f'--tf_xla_persistent_cache_directory="{folder}" ')


def test_without_a_cache_folder_it_lies_in_the_home(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(cache))
    use_program_folder()
    assert len(folders(cache / ".cache" / "tabular-dl" / "compiled")) == 1


def test_another_folder_can_be_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, str(cache / "with space"))
    use_program_folder()
    assert str(cache / "with space" / "tensorflow-") in os.environ[FLAGS]
    assert not (cache / "tabular-dl").exists()


@pytest.mark.parametrize("setting", ["off", "OFF", "0", "no", "false"])
def test_it_can_be_switched_off(cache: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(SETTING, setting)
    use_program_folder()
    record_programs()
    assert FLAGS not in os.environ
    assert not clear_programs()
    assert list(cache.iterdir()) == []


def test_other_flags_of_the_user_stay(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FLAGS, "--tf_xla_auto_jit=1")
    use_program_folder()
    assert os.environ[FLAGS].startswith("--tf_xla_auto_jit=1 --tf_xla_persistent_cache_directory=")


@pytest.mark.parametrize(
    "flags",
    [
        "--tf_xla_persistent_cache_directory=/elsewhere",
        "--tf_xla_auto_jit=1 --tf_xla_persistent_cache_directory=/elsewhere",
        "/file/with/flags",
    ],
)
def test_a_folder_that_the_user_has_set_is_not_changed(
    cache: Path, monkeypatch: pytest.MonkeyPatch, flags: str
) -> None:
    monkeypatch.setenv(FLAGS, flags)
    use_program_folder()
    assert os.environ[FLAGS] == flags
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("flags", [None, "--tf_xla_auto_jit=1"])
def test_flags_are_as_before_once_tensorflow_has_read_them(
    cache: Path, monkeypatch: pytest.MonkeyPatch, flags: str | None
) -> None:
    if flags:
        monkeypatch.setenv(FLAGS, flags)
    use_program_folder()
    record_programs()
    assert os.environ.get(FLAGS) == flags


def test_a_process_started_meanwhile_uses_the_same_folder(cache: Path) -> None:
    use_program_folder()
    flags = os.environ[FLAGS]
    compiled_programs._State.decided, compiled_programs._State.folder = False, None
    use_program_folder()
    assert os.environ[FLAGS] == flags
    assert clear_programs()
    assert len(folders(cache / "tabular-dl" / "compiled")) == 1


def test_damaged_entries_are_gone_before_tensorflow_loads(cache: Path) -> None:
    use_program_folder()
    [folder] = folders(cache / "tabular-dl" / "compiled")
    (folder / "a.pb").write_bytes(b"damaged")
    (folder / "a.pb.sha256").write_text("0" * 64)
    compiled_programs._State.decided = False
    use_program_folder()
    assert list(folder.iterdir()) == []


# ------------------------------------------------------------------------------------------ never a reason to fail


def test_a_cache_that_cannot_be_written_is_not_used(cache: Path) -> None:
    (cache / "tabular-dl").write_text("in the way")
    use_program_folder()
    assert FLAGS not in os.environ


def test_a_named_folder_that_is_not_used_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "open").mkdir()
    (cache / "open").chmod(0o777)
    monkeypatch.setenv(SETTING, str(cache / "open"))
    with pytest.warns(UserWarning, match=r"open is not used, since others may write to it.*yours alone, or 'off'"):
        use_program_folder()
    assert FLAGS not in os.environ


def test_a_disk_that_is_nearly_full_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabular_dl.nn.program_folder.LEAST_FREE_BYTES", 2**80)
    use_program_folder()
    assert FLAGS not in os.environ


def test_a_tensorflow_that_does_not_know_the_flag_is_not_given_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_programs, "_DEVICES", "tf_xla_no_such_flag")
    use_program_folder()
    assert FLAGS not in os.environ


# ------------------------------------------------------------------------------------------------ versions, machines


def key(monkeypatch: pytest.MonkeyPatch, other_flags: str = "", **changed: Any) -> str:
    """Return the key of a machine, or of one that differs in something."""
    with monkeypatch.context() as patch:
        for name, value in changed.items():
            patch.setattr(compiled_programs, name, value)
        return compiled_programs._key(other_flags)


def test_machines_and_settings_do_not_share_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    here = key(monkeypatch)
    assert here == key(monkeypatch)
    monkeypatch.setenv("XLA_FLAGS", "")
    keys = [here, key(monkeypatch, _processor=lambda: ["another"]), key(monkeypatch, "--tf_xla_max_cluster_size=9")]
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    assert len({*keys, key(monkeypatch)}) == 4


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("flags\t\t: fpu avx512f", True),
        ("model name\t: AMD", True),
        ("cpu MHz\t\t: 2000.1", False),
        ("core id\t: 1", False),
    ],
)
def test_what_identifies_a_processor(line: str, counts: bool) -> None:
    assert bool(compiled_programs._CPU_FACTS.findall(f"processor\t: 0\n{line}\n")) == counts


# ------------------------------------------------------------------------------------------------- with TensorFlow

TRAIN = """
import hashlib, json, os, resource, sys
import numpy as np
import tensorflow  # forked from: not one operation has run

def train(history, most_bytes):
    import tensorflow as tf
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    from tabular_dl.nn import Members, Network, Training, fit_population, program
    X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    y = (X[:, :1] > 0).astype("float32")
    def digest(size):
        members = Members(seeds=list(range(size)), training_rows=[np.arange(60)] * size, dropout=0.2)
        training = Training("binary_crossentropy", (), epochs=2, batch_size=16, compile=True)
        network = Network(4, (8,), 1, output_activation="sigmoid", dropout=True)
        weights = fit_population(network, X, y, members, training).weights
        total = float(sum(np.abs(weight).sum() for weight in weights.values()))
        return hashlib.sha256(b"".join(weight.tobytes() for weight in weights.values())).hexdigest(), total
    return [digest(size) for size in history]

for line in sys.stdin:
    task = json.loads(line)
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.environ.update(task["environment"])
        result = train(task["history"], task["most_bytes"])
        os.write(writing, json.dumps(result).encode())
        os._exit(0)
    os.close(writing)
    print(os.fdopen(reading).read(), flush=True)
    os.wait()
"""


class Trainings:
    """Trainings of populations of some sizes, each time in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, setting: Path | str, *history: int, most_bytes: int = 0) -> list[tuple[str, float]]:
        """Return digest and sum of the weights of each population."""
        task = {"environment": {SETTING: str(setting)}, "history": history, "most_bytes": most_bytes}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return [(digest, total) for digest, total in json.loads(self.process.stdout.readline())]


@pytest.fixture(scope="module")
def train() -> Any:
    """Start a process that has loaded TensorFlow, and forks one for each training."""
    environment = {name: value for name, value in os.environ.items() if name != FLAGS}
    command = [sys.executable, "-c", TRAIN]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path.cwd()
    ) as process:
        yield Trainings(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="module")
def without(train: Trainings) -> dict[int, tuple[str, float]]:
    """Return digest and sum of the weights of populations of two and of three members, never loaded from anywhere."""
    return dict(zip((2, 3), train("off", 2, 3), strict=True))


@pytest.fixture(scope="module")
def compiled(train: Trainings, without: dict[int, tuple[str, float]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that a process has filled with the programs of two and of three members."""
    folder = tmp_path_factory.mktemp("cache").resolve() / "programs"
    assert train(folder, 2, 3) == [without[2], without[3]]  # the same bit for bit with a cold folder
    return folder


@pytest.fixture
def programs(compiled: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder."""
    tmp_path.chmod(0o700)
    return shutil.copytree(compiled, tmp_path.resolve() / "programs")


def entries(programs: Path) -> dict[Path, int]:
    """Return the entries, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in programs.rglob("*.pb")}


@pytest.mark.slow
def test_weights_are_the_same_bit_for_bit_with_a_cold_a_warm_and_no_folder(
    train: Trainings, without: dict[int, tuple[str, float]], programs: Path
) -> None:
    written = entries(programs)
    assert len(written) == 2
    # Found whatever the process has done before.
    assert train(programs, 3, 2) == [without[3], without[2]]
    assert entries(programs) == written


@pytest.mark.slow
def test_a_program_never_takes_the_entry_of_another(
    train: Trainings, without: dict[int, tuple[str, float]], programs: Path
) -> None:
    first, second = sorted(entries(programs))
    for suffix in ("", ".sha256"):
        one, other = (Path(f"{path}{suffix}") for path in (first, second))
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
    assert train(programs, 2, 3) == [without[2], without[3]]


@pytest.mark.slow
def test_a_damaged_entry_does_not_change_a_fit(
    train: Trainings, without: dict[int, tuple[str, float]], programs: Path
) -> None:
    for path in entries(programs):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert train(programs, 2) == [without[2]]
    assert len(entries(programs)) == 1  # the damaged ones are gone, and this one is compiled again


@pytest.mark.slow
def test_a_disk_without_space_does_not_fail_a_fit(
    train: Trainings, without: dict[int, tuple[str, float]], tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    [(_, total)] = train(tmp_path / "new", 2, most_bytes=50_000)  # no file may be longer, as on a full disk
    assert total == pytest.approx(without[2][1], rel=1e-4)
    assert entries(tmp_path) == {}
