"""A real MLflow server on this machine, over PostgreSQL, with the artifacts through the server."""

from __future__ import annotations

import getpass
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.torture.commands import LONGEST
from tests.torture.invariants import SCORES_SHOWN, aftermath, whole_results
from tests.torture.kills import ATTEMPTS, EARLIER
from tests.torture.stores import Store
from tests.torture.trials import ENSEMBLE, FIT, SEARCH, Skipped, Trial

__all__ = ["server"]

AWAY = 10.0  # seconds until a killed server is back
STARTS = 120.0  # longest start of a server, in seconds: MLflow makes all its tables first


def server(trial: Trial) -> None:
    """Fit, search, blend and submit with a server, undisturbed or, from trial 1 on, killed during a fit for 10 s."""
    with _postgres(trial.folder / "postgres") as database, _mlflow(trial, database) as started:
        trial.store = Store(database)
        trial.environment["MLFLOW_TRACKING_URI"] = started.address
        if trial.index == 0:
            for arguments in (FIT, (*FIT, "--seed", "1"), FIT, SEARCH, ENSEMBLE):
                trial.run(*arguments)
        else:
            _kill_during_a_fit(trial, started)
        aftermath(trial)


def _kill_during_a_fit(trial: Trial, started: _Server) -> None:
    """Kill the server at a random moment after a fit has opened its run, and start it again ten seconds later."""
    trial.run(*FIT)  # the first requests to a new server take much longer
    command = trial.start(*FIT)
    command.wait(LONGEST, lambda: bool(trial.store.unfinished()))
    opened = command.seconds
    usual = trial.end(command).seconds - opened  # of writing the run
    for attempt in range(ATTEMPTS):
        trial.fits = sum(run.kind == "fit" and run.whole for run in trial.store.runs())
        command = trial.start(*FIT, "--seed", "1")
        command.wait(LONGEST, lambda: bool(trial.store.unfinished()))
        command.wait(usual * trial.moment * EARLIER**attempt)
        if command.running() and trial.store.unfinished():
            break
        trial.end(command)
    else:
        # A server that dies when nothing is written shows nothing.
        trial.fault("trial failed", f"the server was not killed within a fit, in {ATTEMPTS} attempts")
        return
    trial.note("killed in the fit")
    started.kill()
    command.wait(AWAY)
    started.start()
    ended = trial.end(command, (0, 3))
    trial.note(f"exit code {ended.code}")
    stored = sum(run.kind == "fit" and run.whole for run in trial.store.runs()) > trial.fits
    folders = whole_results(trial)
    if SCORES_SHOWN.search(ended.said) and not stored:
        if not folders:
            trial.fault("results lost", f"{ended.line} ended with {ended.code}: neither in the store nor in a folder")
        elif not any(folder.name in ended.said for folder in folders):
            trial.fault("results not offered", f"{ended.line} does not name {folders[0].name}")
    if ended.code == 0 and not stored:
        trial.fault("exit code", f"{ended.line} ended with 0, but the server has no whole run")


class _Server:
    """MLflow server that can be killed and started again."""

    def __init__(self, trial: Trial, database: str) -> None:
        self.port, self.log = _free_port(), trial.said / "server"
        self.address = f"http://127.0.0.1:{self.port}"
        artifacts = trial.folder / "artifacts"
        self.line = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        self.line += ["--backend-store-uri", database, "--serve-artifacts", "--workers", "1"]
        self.line += ["--artifacts-destination", str(artifacts)]
        self.folder = trial.folder

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.line, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        _until_it_answers(f"{self.address}/health", self.process, self.log)

    def kill(self) -> None:
        """End the server and its workers by signal 9."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def _mlflow(trial: Trial, database: str) -> Iterator[_Server]:
    started = _Server(trial, database)
    started.start()
    try:
        yield started
    finally:
        started.kill()


def _until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + STARTS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"The server does not answer: {log.read_text(errors='replace')[-300:]}")


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own in a folder, and return the address of an empty database."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.get_exec_path())]
    programs = next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)
    if programs is None:
        raise Skipped("PostgreSQL is not installed: apt-get install postgresql")
    if importlib.util.find_spec("psycopg2") is None:
        raise Skipped("Python has no driver for PostgreSQL: pip install psycopg2-binary")
    port = _free_port()
    folder.mkdir()
    prefix, user = _unprivileged(folder)
    data, socket_folder = folder / "data", "/tmp"  # noqa: S108 (the path of a socket may have 107 bytes only)
    options = f"-p {port} -k {socket_folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    subprocess.run(
        [*prefix, str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", user], check=True, capture_output=True
    )
    control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL)
    try:
        yield f"postgresql+psycopg2://{user}@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL)


def _unprivileged(folder: Path) -> tuple[list[str], str]:
    """Return how to run PostgreSQL, which refuses to run as root, and its user, who then owns the folder."""
    if os.geteuid() != 0:
        return [], getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    if not shutil.which("runuser"):
        raise Skipped("PostgreSQL does not run as root, and there is no runuser to run it as another")
    for parent in folder.parents:
        if parent.owner() == "root" and parent != Path("/") and parent.stat().st_mode & 0o001 == 0:
            parent.chmod(0o711)
    shutil.chown(folder, user)
    return ["runuser", "-u", user, "--"], user


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
