"""Checks of XGBoost's JSON: trees have no cycles, and refer only to existing columns and categories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tabular_dl.limits import limit, raised_by
from tabular_dl.tracking.model_text import read_json, require, text_number, whole_numbers

__all__ = ["check_xgboost"]

ROOT = DELETED = 2**31 - 1  # XGBoost's numbers of the parent of a root, and of the column of a node that was removed
LEAF = -1
LARGEST_CATEGORY = 2**24  # XGBoost's own limit
MOST_BYTES = 2_000_000_000  # of the sets of categories, of one bit a category
_FAULT = "a tree of XGBoost leads to nodes or columns that are not there"
_WHOLE = ("left_children", "right_children", "parents", "split_indices", "split_type", "default_left")
_FLOATS = ("split_conditions", "base_weights", "loss_changes", "sum_hessian")
_CATEGORIES = ("categories_nodes", "categories_segments", "categories_sizes")


def check_xgboost(text: str, features: int, outputs: set[int]) -> None:
    """Raise an error for a text of XGBoost that the library could not read safely.

    Parameters
    ----------
    text : str
        JSON of ``Booster.save_raw("json")``.
    features : int
        Number of columns that the model reads.
    outputs : set of int
        Allowed numbers of values predicted for a row.

    Raises
    ------
    ValueError
        If it is neither trees nor a linear model, its sizes are inconsistent, or a tree refers to a node, column or
        category that does not exist, or has a cycle.
    KeyError, TypeError
        If a part is missing, or of another type.
    """
    learner = _mapping(read_json(text)["learner"])
    booster, settings = _mapping(learner["gradient_booster"]), _mapping(learner["learner_model_param"])
    require(
        text_number(settings["num_feature"], "num_feature") == features, f"XGBoost does not read {features} columns"
    )
    classes = text_number(settings["num_class"], "num_class")
    require(text_number(settings.get("num_target", "1"), "num_target") == 1, "XGBoost predicts several targets")
    groups = max(1, classes)
    require(groups in outputs, "XGBoost's trees do not have the classes of the model")
    scores = json.loads(settings["base_score"])
    scores = scores if isinstance(scores, list) else [scores]
    require(
        len(scores) in (1, groups) and _floats([scores]), "XGBoost's base_score does not have the classes of the model"
    )
    _check_others(learner, classes)
    name = booster["name"]
    require(name in ("gbtree", "dart", "gblinear"), "XGBoost's booster is unknown")
    if name == "gblinear":
        weights = booster["model"]["weights"]
        require(
            _floats([weights]) and len(weights) == (features + 1) * groups,
            "XGBoost's weights do not have the columns of the model",
        )
        return
    trees = _check_model(_mapping((booster["gbtree"] if name == "dart" else booster)["model"]), groups)
    if name == "dart":
        drop = booster["weight_drop"]
        require(booster["gbtree"]["name"] == "gbtree" and _floats([drop]) and len(drop) == len(trees), _FAULT)
    if trees:
        _check_trees(trees, features)


def _check_others(learner: Mapping[str, Any], classes: int) -> None:
    """Check the attributes, and that the objective has as many classes as the trees."""
    attributes, objective = _mapping(learner["attributes"]), _mapping(learner["objective"])
    require(all(isinstance(value, str) for value in attributes.values()), "XGBoost's attributes are not texts")
    class_counts = [
        options["num_class"] for options in objective.values() if isinstance(options, dict) and "num_class" in options
    ]
    require(isinstance(objective["name"], str), "XGBoost's objective has no name")
    require(
        all(text_number(value, "num_class") == classes for value in class_counts),
        "XGBoost's objective has another number of classes",
    )
    require(
        bool(class_counts) or not objective["name"].startswith("multi:"),
        "XGBoost's objective has another number of classes",
    )


def _check_model(model: Mapping[str, Any], groups: int) -> list[Mapping[str, Any]]:
    """Return the trees, whose numbers and classes have been checked."""
    trees, settings = model["trees"], _mapping(model["gbtree_model_param"])
    require(isinstance(trees, list), "XGBoost's trees are not a list")
    count = text_number(settings["num_trees"], "num_trees")
    parallel = text_number(settings["num_parallel_tree"], "num_parallel_tree")
    classes, rounds = (whole_numbers([model[name]], name) for name in ("tree_info", "iteration_indptr"))
    require(len(trees) == count == len(classes), "XGBoost's trees are not as many as num_trees")
    require(_within(classes, 0, groups), "XGBoost's trees have classes that do not exist")
    fits = len(rounds) > 0 and rounds[0] == 0 and rounds[-1] == count and parallel > 0
    require(fits and (np.diff(rounds) == groups * parallel).all(), "XGBoost's rounds are not those of its trees")
    encoded = model.get("cats") or {}
    require(not any(_mapping(encoded).values()), "XGBoost's trees encode categories themselves")
    # The library stores a tree at the index of its id.
    ids = whole_numbers([[_mapping(tree)["id"] for tree in trees]], "id")
    require(np.array_equal(ids, np.arange(count)), "XGBoost's trees are not in order")
    return trees


def _check_trees(trees: list[Mapping[str, Any]], features: int) -> None:
    """Check that each node but the first is the child of one node before it, and its parent's number is that node."""
    settings = [_mapping(tree["tree_param"]) for tree in trees]
    sizes = np.array([text_number(values["num_nodes"], "num_nodes") for values in settings])
    require(
        all(values.get("size_leaf_vector", "1") in ("0", "1") for values in settings), "XGBoost's leaves are vectors"
    )
    require(all(text_number(values["num_feature"], "num_feature") == features for values in settings), _FAULT)
    for name in (*_WHOLE, *_FLOATS):
        require(all(len(tree[name]) == size for tree, size in zip(trees, sizes, strict=True)), _FAULT)
    require((sizes > 0).all() and all(_floats([tree[name] for tree in trees]) for name in _FLOATS), _FAULT)
    left, right, parents, columns, types, missing = (
        whole_numbers([tree[name] for tree in trees], name) for name in _WHOLE
    )
    first = np.cumsum(sizes) - sizes
    tree = np.repeat(np.arange(len(sizes)), sizes)
    node = np.arange(len(tree)) - first[tree]
    inner = left != LEAF
    require(((right != LEAF) == inner).all() and _within(types, 0, 2) and _within(missing, 0, 2), _FAULT)
    require(_within(columns[inner], 0, features), _FAULT)
    child, parent, owner = np.concatenate([left[inner], right[inner]]), np.tile(node[inner], 2), np.tile(tree[inner], 2)
    require((child > parent).all() and (child < sizes[owner]).all(), _FAULT)
    place = first[owner] + child
    reached = np.bincount(place, minlength=len(tree))
    removed = (columns == DELETED) & ~inner
    require((reached == ((node > 0) & ~removed)).all() and not removed[node == 0].any(), _FAULT)
    require((parents[place] == parent).all() and (parents[node == 0] == ROOT).all(), _FAULT)
    # The library also reads the parents of nodes that were removed.
    require(((parents >= 0) & (parents < node))[node > 0].all(), _FAULT)
    deleted = np.array([text_number(values["num_deleted"], "num_deleted") for values in settings])
    require((np.bincount(tree[removed], minlength=len(sizes)) == deleted).all(), _FAULT)
    _check_categories(trees, sizes, np.flatnonzero(inner & (types == 1)))


def _check_categories(trees: list[Mapping[str, Any]], sizes: np.ndarray, categorical: np.ndarray) -> None:
    """Check that the splits by categories, and no others, have sets of them, one after another."""
    nodes, starts, lengths = (whole_numbers([tree[name] for tree in trees], name) for name in _CATEGORIES)
    counts = np.array([len(tree["categories_nodes"]) for tree in trees])
    for name in _CATEGORIES:
        require(all(len(tree[name]) == count for tree, count in zip(trees, counts, strict=True)), _FAULT)
    categories = whole_numbers([tree["categories"] for tree in trees], "categories")
    totals = np.array([len(tree["categories"]) for tree in trees])
    owner = np.repeat(np.arange(len(trees)), counts)
    places = (np.cumsum(sizes) - sizes)[owner] + nodes
    require(np.array_equal(places, categorical) and _within(nodes, 0, DELETED), _FAULT)
    require(_within(categories, 0, LARGEST_CATEGORY) and _within(lengths, 1, len(categories) + 1), _FAULT)
    ends = np.cumsum(lengths)
    # The sets of a tree follow each other, from its first category to its last.
    offsets = (np.cumsum(totals) - totals)[owner]
    require(np.array_equal(offsets + starts, ends - lengths), _FAULT)
    require(np.array_equal(np.bincount(owner, lengths, len(trees)).astype(np.int64), totals), _FAULT)
    if len(ends):
        needed = int((np.maximum.reduceat(categories, ends - lengths) // 8 + 8).sum())
        wanted = f"XGBoost's sets of categories need {needed:,} bytes. {raised_by(needed, MOST_BYTES)}"
        require(needed <= limit(MOST_BYTES), wanted)


def _mapping(value: Any) -> Mapping[str, Any]:
    require(isinstance(value, dict), "a part of XGBoost's model is not a mapping")
    return value


def _floats(lists: list[Any]) -> bool:
    """Return whether lists have numbers and nothing else."""
    return all(type(values) is list and {*map(type, values)} <= {int, float} for values in lists)


def _within(values: np.ndarray, low: int, end: int) -> bool:
    return not len(values) or bool(values.min() >= low and values.max() < end)
