"""Checks of loaded models of other libraries: the nodes of their trees refer to existing nodes, columns and rows.

Compiled code uses the numbers in a tree without checking them, so that a changed number would read beyond an array, or
loop without end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.neighbors import BallTree, KDTree
from sklearn.svm._base import BaseLibSVM
from sklearn.tree._tree import Tree

from tabular_dl.estimators import ModelEstimator, model_named
from tabular_dl.tracking.booster_checks import BOOSTERS, check_booster
from tabular_dl.tracking.svm_checks import check_svm

__all__ = ["check_trees"]

LEAF = -1  # scikit-learn's number of the child of a leaf
WORDS = 8  # of 32 bits, in which a node's categories are kept


def check_trees(model: ModelEstimator) -> None:
    """Raise an error for a model whose parts are inconsistent.

    Parameters
    ----------
    model : ModelClassifier or ModelRegressor
        Loaded model.

    Raises
    ------
    ValueError
        If a member is missing, or a tree refers to a node, column, category or row that does not exist, or has a cycle.
    """
    stored, targets = getattr(model, "models_", None), model.targets_
    if type(targets) is not int or targets < 1:
        raise ValueError("targets_ is not a number of targets")
    if not isinstance(stored, list) or not stored or len(stored) != model.members * targets:
        raise ValueError("models_ are not those of the members")
    library = model_named(model.name).library
    class_numbers: list[Any] = [None] * len(stored)
    if hasattr(model, "classes_"):
        class_numbers = [np.asarray(numbers, int).ravel() for numbers in model.known_classes_]
        sizes = [len(labels) for labels in model.classes_] if isinstance(model.classes_, list) else [2] * targets
        sizes = [len(model.classes_)] if targets == 1 else sizes
        if len(class_numbers) != len(stored) or len(sizes) != targets or not _are_within(class_numbers, sizes):
            raise ValueError("known_classes_ are not among classes_")
    for member, classes in zip(stored, class_numbers, strict=True):
        if member is None and (classes is None or len(classes) != 1):
            raise ValueError("a member has no model, and several classes or none")
        if member is not None and library in BOOSTERS:
            check_booster(library, member, model.n_features_in_, None if classes is None else len(classes))
            continue
        for owner, tree, features in _trees(member, model.n_features_in_, set()):
            if not _check_of(tree)(tree, owner, features):
                if isinstance(tree, BaseLibSVM):
                    raise ValueError(
                        f"the support vectors of {type(tree).__name__} are not as many as the model states"
                    )
                raise ValueError(f"a tree of {type(owner).__name__} leads to nodes or columns that are not there")


def _are_within(class_numbers: Sequence[np.ndarray], sizes: Sequence[int]) -> bool:
    """Return whether the class numbers of each model are below the number of classes of its target."""
    return all(
        len(numbers) > 0 and numbers.min() >= 0 and numbers.max() < sizes[place % len(sizes)]
        for place, numbers in enumerate(class_numbers)
    )


def _trees(value: Any, features: int, seen: set[int]) -> Iterator[tuple[Any, Any, int]]:
    """Yield each tree inside a value with the estimator that it is part of, and its number of columns."""
    values = [(value, None, features)]
    while values:
        value, owner, features = values.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if _check_of(value) is not None:
            yield owner, value, features
        elif isinstance(value, dict):
            values += [(item, owner, features) for item in value.values()]
        elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
            values += [(item, owner, features) for item in (value.ravel() if isinstance(value, np.ndarray) else value)]
        elif isinstance(value, BaseEstimator):
            n_features = getattr(value, "n_features_in_", features)
            # An ensemble checks the number of columns, but its parts do not check it again.
            if any(
                getattr(part, "n_features_in_", 0) > n_features for part in np.ravel(getattr(value, "estimators_", []))
            ):
                raise ValueError(f"a part of {type(value).__name__} reads columns that are not there")
            values += [(item, value, n_features) for item in vars(value).values()]


def _check_of(value: Any) -> Any:
    """Return the function that checks a tree; None for anything else."""
    return next((check for kind, check in _CHECKS.items() if isinstance(value, kind)), None)


def _leads_on(nodes: np.ndarray, children: list[np.ndarray], count: int) -> bool:
    """Return whether the children of nodes are among all nodes, and after their parents, so that there is no cycle."""
    return all(((child > nodes) & (child < count)).all() for child in children)


def _decision_tree(tree: Any, _: Any, features: int) -> bool:
    # Otherwise, the tree would return arrays that reach beyond its memory.
    if not 0 < tree.node_count <= tree.capacity or tree.n_features != features:
        return False
    (inner,) = np.nonzero(tree.children_left != LEAF)
    used = tree.feature[inner]
    children = [tree.children_left[inner], tree.children_right[inner]]
    return _leads_on(inner, children, tree.node_count) and bool(((used >= 0) & (used < features)).all())


def _boosted_tree(tree: Any, owner: Any, features: int) -> bool:
    (inner,) = np.nonzero(tree.nodes["is_leaf"] == 0)
    nodes, bits = tree.nodes[inner], tree.raw_left_cat_bitsets
    if not _leads_on(inner, [nodes["left"], nodes["right"]], len(tree.nodes)):
        return False
    if not (nodes["feature_idx"] < features).all() or (bits.ndim, *bits.shape[1:]) != (2, WORDS):
        return False
    # The bin mapper states which columns are categorical, in the order of the trees.
    categorical, bins = nodes[nodes["is_categorical"] != 0], owner._bin_mapper
    columns = np.flatnonzero(bins.is_categorical_)
    inside = (categorical["bitset_idx"] < len(bits)).all() and np.isin(categorical["feature_idx"], columns).all()
    return bool(inside) and len(bins.is_categorical_) == features


def _neighbour_tree(tree: Any, _: Any, features: int) -> bool:
    """Return whether a tree of neighbours refers to existing nodes, and to each row once."""
    data, rows, nodes, bounds = map(np.asarray, tree.get_arrays())
    count = len(nodes)
    levels, expected = tree.__getstate__()[5:7]
    first, last = nodes["idx_start"], nodes["idx_end"]
    # A node's children are the nodes 2 n + 1 and 2 n + 2.
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    return (
        data.shape[1] == features
        and np.array_equal(np.sort(rows), np.arange(len(data)))
        and expected == count == 2**levels - 1
        and bounds.shape[1:] == (count, features)
        and bool(((first >= 0) & (first <= last) & (last <= len(data))).all())
        and bool((2 * inner + 2 < count).all())
    )


def _support_vectors(model: Any, _: Any, __: int) -> bool:
    return check_svm(model)


_CHECKS: dict[type, Any] = {
    BaseLibSVM: _support_vectors,
    Tree: _decision_tree,
    TreePredictor: _boosted_tree,
    KDTree: _neighbour_tree,
    BallTree: _neighbour_tree,
}
