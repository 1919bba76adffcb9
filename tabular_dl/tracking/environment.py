"""Versions and machine: what a fit depends on beside its specification and its data."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

__all__ = ["environment"]

PACKAGES = ("keras", "numpy", "pandas", "scikit-learn", "tabular-dl", "tensorflow")


def environment() -> dict[str, str]:
    """Return versions and machine, as a run keeps them.

    Examples
    --------
    >>> sorted(environment())[:3]
    ['cores', 'keras', 'machine']
    """
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": str(os.cpu_count())}
    return {**machine, **{name: version(name) for name in PACKAGES}}
