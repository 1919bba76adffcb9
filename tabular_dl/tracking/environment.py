"""Versions and machine, on which a fit depends besides its specification and data."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

__all__ = ["environment"]

PACKAGES = ("keras", "numpy", "pandas", "scikit-learn", "tabular-dl", "tensorflow")


def environment() -> dict[str, str]:
    """Return the versions of Python and the main packages, and the machine, which are stored with each run.

    Returns
    -------
    dict of str to str
        Versions and descriptions by name.

    Examples
    --------
    >>> sorted(environment())[:3]
    ['cores', 'keras', 'machine']
    """
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": str(os.cpu_count())}
    return {**machine, **{name: version(name) for name in PACKAGES}}
