"""Simple models of each type of problem to compare networks with. They import scikit-learn when they are created."""

from __future__ import annotations

from typing import Any

__all__ = ["classification_baselines", "multilabel_baselines", "multioutput_baselines", "regression_baselines"]


def classification_baselines() -> dict[str, Any]:
    """Return the majority class and a logistic regression."""
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    return {
        "majority class": DummyClassifier(strategy="prior"),
        "logistic regression": LogisticRegression(max_iter=5000),
    }


def multilabel_baselines() -> dict[str, Any]:
    """Return the majority class and a logistic regression for each label, given the labels before it."""
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import ClassifierChain

    return {
        "majority class": DummyClassifier(strategy="prior"),
        "logistic regression": ClassifierChain(LogisticRegression(max_iter=5000)),
    }


def multioutput_baselines() -> dict[str, Any]:
    """Return the majority class and a logistic regression of each target."""
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import MultiOutputClassifier

    return {
        "majority class": DummyClassifier(strategy="prior"),
        "logistic regression": MultiOutputClassifier(LogisticRegression(max_iter=5000)),
    }


def regression_baselines() -> dict[str, Any]:
    """Return the mean and a linear regression."""
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression

    return {"mean": DummyRegressor(strategy="mean"), "linear regression": LinearRegression()}
