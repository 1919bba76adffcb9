"""A process is gone if nothing with its id, or something younger, runs on this host."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tabular_dl.tracking.processes import is_gone, this_process


def test_this_process_is_there() -> None:
    assert not is_gone(this_process())


def test_a_process_that_was_killed_is_gone() -> None:
    code = "from tabular_dl.tracking.processes import this_process\nprint(this_process(), flush=True)\ninput()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    identity = process.stdout.readline()
    assert not is_gone(identity)
    process.kill()
    process.communicate()
    assert is_gone(identity)


def test_another_process_under_the_same_id_is_not_taken_for_it() -> None:
    known = json.loads(this_process())
    assert is_gone(json.dumps({**known, "started": known["started"] - 3600}))


def test_processes_of_other_hosts_are_not_judged() -> None:
    known = json.loads(this_process())
    assert not is_gone(json.dumps({**known, "host": "elsewhere", "pid": 2**22 - 1}))


@pytest.mark.parametrize("text", ["", "3", "[]", '{"host": 1}', '{"host": "x", "pid": "many", "started": 0}'])
def test_a_text_that_says_nothing_is_not_judged(text: str) -> None:
    assert not is_gone(text)
