"""scikit-learn's checks of estimators as parameters of a test, under names that cost nothing to collect."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks


def checks_of(*estimators: Any, expected_failures: dict[str, str] | None = None) -> pytest.MarkDecorator:
    """Return a decorator that runs a test for each estimator and check; failures are expected by name, with a reason.

    scikit-learn names each parameter by the whole estimator, which takes seconds for some hundreds of checks.
    """
    mark = parametrize_with_checks(list(estimators), expected_failed_checks=lambda _: expected_failures or {})
    names, values = mark.args
    return pytest.mark.parametrize(names, list(values), ids=_name)


def _name(value: Any) -> str:
    if isinstance(value, partial):
        return value.func.__name__
    inner = getattr(value, "estimator", None)
    return type(value).__name__ + (f"({type(inner).__name__})" if inner is not None else "")
