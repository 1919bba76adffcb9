"""Checks of loaded models of other libraries: the nodes of their trees lead to nodes and columns that there are.

A library follows the numbers in a tree without looking, so that a changed number would read memory that is not its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import ModelEstimator

__all__ = ["check_trees"]

LEAF = -1  # scikit-learn's number of the child of a leaf


def check_trees(model: ModelEstimator) -> None:
    """Raise an error for a model whose parts do not fit each other.

    Parameters
    ----------
    model : ModelClassifier or ModelRegressor
        Loaded model.

    Raises
    ------
    ValueError
        If a member is missing, or a tree of scikit-learn leads to a node or a column that is not there.
    """
    stored = getattr(model, "models_", None)
    if not isinstance(stored, list) or not stored or len(stored) != model.members:
        raise ValueError("models_ are not those of the members")
    if hasattr(model, "classes_"):
        numbers = np.concatenate([np.asarray(known, int).ravel() for known in model.known_classes_])
        if len(model.known_classes_) != len(stored) or numbers.min() < 0 or numbers.max() >= len(model.classes_):
            raise ValueError("known_classes_ are not among classes_")
    for member in stored:
        for estimator in _parts(member):
            for nodes, children, features in _trees(estimator):
                count = len(nodes)
                inside = all(((child > 0) & (child < count)).all() for child in children)
                if not inside or not ((features >= 0) & (features < estimator.n_features_in_)).all():
                    raise ValueError(
                        f"a tree of {type(estimator).__name__} leads to nodes or columns that are not there"
                    )


def _parts(member: Any) -> Iterator[Any]:
    """Yield the scikit-learn estimators of a member that may hold trees."""
    if isinstance(member, Pipeline):
        yield from _parts(member.steps[-1][1])
    elif not isinstance(member, str | bytes):
        yield member
        yield from np.ravel(getattr(member, "estimators_", []))


def _trees(estimator: Any) -> Iterator[tuple[Any, list[np.ndarray], np.ndarray]]:
    """Yield the nodes of each tree, and children and columns of those that are no leaves."""
    tree = getattr(estimator, "tree_", None)
    if tree is not None:
        inner = tree.children_left != LEAF
        yield tree.feature, [tree.children_left[inner], tree.children_right[inner]], tree.feature[inner]
    for of_round in getattr(estimator, "_predictors", []):
        for predictor in of_round:
            nodes = predictor.nodes
            inner = nodes[nodes["is_leaf"] == 0]
            yield nodes, [inner["left"], inner["right"]], inner["feature_idx"]
