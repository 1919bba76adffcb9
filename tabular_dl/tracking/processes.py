"""Identity of the process that writes a run, from which later commands detect that the run was killed."""

from __future__ import annotations

import json
import platform

import psutil

__all__ = ["PROCESS_TAG", "is_gone", "this_process"]

PROCESS_TAG = "tabular_dl.process"


def this_process() -> str:
    """Return a text that identifies this process, for the tags of a run.

    Returns
    -------
    str
        JSON with host, process id and time of start.
    """
    process = psutil.Process()
    return json.dumps({"host": platform.node(), "pid": process.pid, "started": round(process.create_time(), 2)})


def is_gone(identity: str) -> bool:
    """Return whether a process of this host has ended.

    Parameters
    ----------
    identity : str
        Value of `this_process` in that process.

    Returns
    -------
    bool
        False also if it ran on another host, or the text is not an identity.

    Examples
    --------
    >>> is_gone(this_process()), is_gone("no process")
    (False, False)
    """
    try:
        process = json.loads(identity)
        host, pid, started = str(process["host"]), int(process["pid"]), float(process["started"])
    except (ValueError, TypeError, KeyError):
        return False
    if host != platform.node():
        return False
    try:
        # Process ids are reused; the start time distinguishes two processes with the same id.
        return abs(psutil.Process(pid).create_time() - started) > 1
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
