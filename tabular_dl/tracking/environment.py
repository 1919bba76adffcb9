"""Versions of libraries, and properties of the machine, which affect a fit besides its specification and data."""

from __future__ import annotations

import os
import platform
from importlib.metadata import packages_distributions, version
from typing import Any

from tabular_dl.estimators import TREES, ModelEstimator, model_named

__all__ = ["environment", "libraries_of"]

PACKAGES = ("keras", "numpy", "pandas", "scikit-learn", "tabular-dl", "tensorflow")


def environment(model: Any = None) -> dict[str, str]:
    """Return the versions of Python and the main packages, and the machine, which are stored with each run.

    Parameters
    ----------
    model : cross-fit or blend, optional
        Fitted model, for the versions of the libraries of its models.

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
    packages = [*PACKAGES, *([] if model is None else libraries_of(model))]
    return {**machine, **{name: version(name) for name in packages}}


def libraries_of(model: Any) -> list[str]:
    """Return the packages, other than scikit-learn, that a model's models of other libraries come from.

    Parameters
    ----------
    model : cross-fit or blend
        Fitted model.

    Returns
    -------
    list of str
        Sorted names of distributions.
    """
    parts = [part for part in getattr(model, "models", [model]) if hasattr(part, "pipelines_")]
    last = [part.pipelines_[0][-1] for part in parts]
    classes = [model_named(step.name).classifier for step in last if isinstance(step, ModelEstimator)]
    packages = {name.partition(":")[0].partition(".")[0] for name in classes} - {"sklearn"}
    others = packages - {*TREES}
    distributions = packages_distributions() if others else {}  # slow: it reads the files of all packages
    return sorted(
        {*packages & {*TREES}, *(distributions[package][0] for package in others if package in distributions)}
    )
