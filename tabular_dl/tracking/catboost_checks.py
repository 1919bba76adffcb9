"""Checks of CatBoost's JSON: its trees refer only to existing columns, borders and tables of categories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tabular_dl.tracking.model_text import read_json, require, whole_numbers

__all__ = ["check_catboost"]

DEEPEST_TREE = 16  # CatBoost's own limit
MOST_NODES = 2**16  # of a tree that is not symmetric, whose steps from node to node are stored in 16 bits
LARGEST_HASH = 2**64 - 1
_FAULT = "a tree of CatBoost leads to nodes or columns that are not there"
_TABLE = "a table of CatBoost is not one of its categories"
# Number of values in a row of a table, the hash included; None for one value per class.
_STRIDES = {"Borders": None, "Buckets": None, "Counter": 2, "FeatureFreq": 2, "BinarizedTargetMeanValue": 3}
_ELEMENTS = {
    "cat_feature_value": ("cat_feature_index",),
    "float_feature": ("float_feature_index", "border"),
    "cat_feature_exact_value": ("cat_feature_index", "value"),
}


def check_catboost(text: str, features: int, outputs: set[int]) -> None:
    """Raise an error for a text of CatBoost that the library could not read safely.

    Parameters
    ----------
    text : str
        JSON of ``CatBoost.save_model``.
    features : int
        Number of columns that the model reads.
    outputs : set of int
        Allowed numbers of values predicted for a row.

    Raises
    ------
    ValueError
        If its sizes are inconsistent, or a tree refers to a node, column, border or table that does not exist.
    KeyError, TypeError
        If a part is missing, or of another type.
    """
    model = _mapping(read_json(text))
    loss = model["model_info"]["params"]["loss_function"]["type"]
    require(isinstance(loss, str) and "Uncertainty" not in loss, "CatBoost predicts several numbers")
    splits = _check_features(_mapping(model["features_info"]), _mapping(model.get("ctr_data") or {}), features)
    scale, bias = model["scale_and_bias"]
    require(_floats([scale]) and _floats(bias), "CatBoost's scale_and_bias are not numbers")
    dimensions = len(bias)
    require(dimensions in outputs, "CatBoost's trees do not have the classes of the model")
    require(("oblivious_trees" in model) != ("trees" in model), "CatBoost's model has no trees, or two kinds of them")
    if "oblivious_trees" in model:
        _check_symmetric(model["oblivious_trees"] or [], splits, dimensions)
    else:
        _check_others(model["trees"] or [], splits, dimensions)


def _check_features(info: Mapping[str, Any], tables: Mapping[str, Any], features: int) -> int:
    """Check the columns, and return the number of splits of all columns."""
    numbers, categories = info.get("float_features") or [], info.get("categorical_features") or []
    ctrs = info.get("ctrs") or []
    others = {name for name in info if name.endswith("features")} - {"float_features", "categorical_features"}
    require(not any(info[name] for name in others), "CatBoost's columns are neither numbers nor categories")
    for columns in (numbers, categories):
        indices = whole_numbers([[column["feature_index"] for column in columns]], "feature_index")
        require(_within(indices, features) and (np.diff(indices) > 0).all(), "CatBoost's columns are not in order")
    flat = whole_numbers([[column["flat_feature_index"] for column in (*numbers, *categories)]], "flat_feature_index")
    require(_within(flat, features) and len({*flat}) == len(flat), f"CatBoost's columns are not among {features}")
    valid_elements: dict[str, set[tuple[Any, ...]]] = {name: set() for name in _ELEMENTS}
    count = 0
    for column in numbers:
        require(_floats(column["borders"]), "CatBoost's borders are not numbers")
        valid_elements["float_feature"] |= {(column["feature_index"], border) for border in column["borders"]}
        count += len(column["borders"])
    for column in categories:
        values = whole_numbers([column.get("values") or []], "values")
        valid_elements["cat_feature_value"].add((column["feature_index"],))
        valid_elements["cat_feature_exact_value"] |= {(column["feature_index"], value) for value in values.tolist()}
        count += len(values)
    return count + _check_ctrs(ctrs, tables, valid_elements)


def _check_ctrs(ctrs: list[Any], tables: Mapping[str, Any], valid_elements: Mapping[str, set[tuple[Any, ...]]]) -> int:
    """Check columns that are made of tables of categories, and the tables; return the number of splits."""
    classes = {}
    for name, table in tables.items():
        described = json.loads(name)
        kind, elements = _projection(described["type"], described["identifier"], valid_elements)
        require((kind, elements) not in classes, "CatBoost has two tables of the same categories")
        classes[kind, elements] = _check_table(kind, table)
    count = 0
    for ctr in ctrs:
        require(_floats(ctr["borders"]), "CatBoost's borders are not numbers")
        place = _projection(ctr["ctr_type"], ctr["elements"], valid_elements)
        border = whole_numbers([[ctr["target_border_idx"]]], "target_border_idx")
        require(place in classes and _within(border, classes[place]), _TABLE)
        count += len(ctr["borders"])
    return count


def _projection(kind: Any, elements: Any, valid_elements: Mapping[str, set[tuple[Any, ...]]]) -> tuple[str, Any]:
    """Return the type of a table and its columns, after checking them."""
    require(isinstance(kind, str) and kind in _STRIDES and isinstance(elements, list) and elements, _TABLE)
    checked = []
    for element in elements:
        name = element["combination_element"]
        require(name in _ELEMENTS, _TABLE)
        values = tuple(element[key] for key in _ELEMENTS[name])
        whole = type(values[0]) is int and type(values[-1]) in ((int, float) if name == "float_feature" else (int,))
        require(whole and values in valid_elements[name], _TABLE)
        checked.append((name, values))
    return kind, tuple(checked)


def _check_table(kind: str, table: Mapping[str, Any]) -> int:
    """Check the rows of a table, and return the number of classes that they count."""
    stride, values = table["hash_stride"], table["hash_map"]
    require(type(stride) is int and type(table["counter_denominator"]) is int and isinstance(values, list), _TABLE)
    require(stride == _STRIDES[kind] or (_STRIDES[kind] is None and stride >= 3), _TABLE)
    require(len(values) > 0 and len(values) % stride == 0, _TABLE)
    hashes = values[::stride]
    require(all(type(value) is str and value.isascii() and value.isdecimal() for value in hashes), _TABLE)
    require(max(map(len, hashes)) <= len(str(LARGEST_HASH)) and max(map(int, hashes)) <= LARGEST_HASH, _TABLE)
    counted = [value for place in range(1, stride) for value in values[place::stride]]
    require({*map(type, counted)} <= {int, float}, _TABLE)
    require(kind == "BinarizedTargetMeanValue" or _within(whole_numbers([counted], "hash_map"), 2**31), _TABLE)
    # Tables without counts of classes have one value for the target.
    return stride - 1 if _STRIDES[kind] is None else 1


def _check_symmetric(trees: Any, splits: int, dimensions: int) -> None:
    """Check that trees have a value for each leaf, and existing splits."""
    require(isinstance(trees, list), "CatBoost's trees are not a list")
    weighted = {"leaf_weights" in tree for tree in trees}
    require(len(weighted) <= 1, _FAULT)
    for tree in trees:
        depth, values, weights = len(tree["splits"] or []), tree["leaf_values"], tree.get("leaf_weights")
        require(depth <= DEEPEST_TREE and len(values) == dimensions << depth and _floats(values), _FAULT)
        require(weights is None or (len(weights) == 1 << depth and _floats(weights)), _FAULT)
    used = whole_numbers([[split["split_index"] for tree in trees for split in tree["splits"] or []]], "split_index")
    require(_within(used, splits), _FAULT)


def _check_others(trees: Any, splits: int, dimensions: int) -> None:
    """Check that each node of other trees is a leaf with its values, or has an existing split and two children."""
    require(isinstance(trees, list), "CatBoost's trees are not a list")
    used, weighted = [], set()
    for tree in trees:
        nodes, count = [tree], 0
        while nodes:
            node = nodes.pop()
            count += 1
            if "value" in node:
                require({*node} <= {"value", "weight"}, _FAULT)
                values = node["value"] if isinstance(node["value"], list) else [node["value"]]
                require(len(values) == dimensions and _floats(values) and _floats([node.get("weight", 0)]), _FAULT)
                weighted.add("weight" in node)
            else:
                used.append(node["split"]["split_index"])
                nodes += [_mapping(node["left"]), _mapping(node["right"])]
        require(count < MOST_NODES, "a tree of CatBoost has too many nodes")
    require(len(weighted) <= 1 and _within(whole_numbers([used], "split_index"), splits), _FAULT)


def _mapping(value: Any) -> Mapping[str, Any]:
    require(isinstance(value, dict), "a part of CatBoost's model is not a mapping")
    return value


def _floats(values: Any) -> bool:
    """Return whether a list has numbers and nothing else."""
    return type(values) is list and {*map(type, values)} <= {int, float}


def _within(values: np.ndarray, end: int) -> bool:
    return not len(values) or bool(values.min() >= 0 and values.max() < end)
