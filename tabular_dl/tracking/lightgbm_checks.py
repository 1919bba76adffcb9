"""Checks of LightGBM's texts: trees have no cycles, and refer only to existing columns and categories.

The library locates trees by the sizes in the text, and uses their numbers without checks. So a text must have exactly
the form that the library writes: then this module reads the same trees as the library.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from tabular_dl.tracking.model_text import require

__all__ = ["check_lightgbm"]

_WHOLE = r"-?+[0-9]++"
_NUMBER = r"-?+(?:[0-9]++(?:\.[0-9]*+)?+(?:e[-+]?+[0-9]++)?+|inf|nan)"
# Numbers of which only the count matters are not parsed; the library rejects characters that belong to no number.
_CHARACTERS = "[-+.0-9einfa]++"
_NUMBERS = rf"(?:{_CHARACTERS}(?: {_CHARACTERS})*+)?+"
_WHOLES = rf"(?:{_WHOLE}(?: {_WHOLE})*+)?+"
_HEADER = re.compile(
    r"tree\nversion=v[0-9]\nnum_class=(?P<classes>[0-9]{1,9})\nnum_tree_per_iteration=(?P<each>[0-9]{1,9})\n"
    r"label_index=0\nmax_feature_idx=(?P<last>[0-9]{1,9})\n(?:objective=(?P<objective>[a-z0-9_:.+ -]++)\n)?+"
    r"(?:average_output\n)?+feature_names=(?P<names>Column_[0-9]++(?: Column_[0-9]++)*+)\n"
    rf"(?:monotone_constraints=(?P<monotone>{_WHOLES})\n)?+feature_infos=(?P<infos>[^=\n]++)\n"
    r"tree_sizes=(?P<sizes>(?:[0-9]{1,12}(?: [0-9]{1,12})*+)?+)\n\n"
)
_TREE = re.compile(
    rf"Tree=(?P<number>[0-9]++)\nnum_leaves=(?P<leaves>[0-9]{{1,9}})\nnum_cat=(?P<categorical>[0-9]{{1,9}})\n"
    rf"split_feature=(?P<feature>{_WHOLES})\nsplit_gain=(?P<gain>{_NUMBERS})\nthreshold=(?P<threshold>{_NUMBERS})\n"
    rf"decision_type=(?P<decision>{_WHOLES})\nleft_child=(?P<left>{_WHOLES})\nright_child=(?P<right>{_WHOLES})\n"
    rf"leaf_value=(?P<value>{_NUMBERS})\nleaf_weight=(?P<weight>{_NUMBERS})\nleaf_count=(?P<count>{_NUMBERS})\n"
    rf"internal_value=(?P<inner_value>{_NUMBERS})\ninternal_weight=(?P<inner_weight>{_NUMBERS})\n"
    rf"internal_count=(?P<inner_count>{_NUMBERS})\n"
    rf"(?:cat_boundaries=(?P<bounds>{_WHOLES})\ncat_threshold=(?P<bits>{_WHOLES})\n)?+"
    rf"is_linear=(?:0\n|1\nleaf_const=(?P<const>{_NUMBERS})\nnum_features=(?P<features>{_WHOLES})\n"
    rf"leaf_features=(?P<leaf_features>[0-9 ]*+)\nleaf_coeff=(?P<coefficients>[-+.0-9einfa ]*+)\n)"
    rf"shrinkage={_NUMBER}\n\n\n"
)
_END = re.compile(
    r"end of trees\n\nfeature_importances:\n(?:Column_[0-9]++=[0-9]++\n)*+\nparameters:\n(?:\[\w++: [^\n]*+(?<=\])\n)*+"
    r"\nend of parameters\n\npandas_categorical:null\n"
)
_DECISIONS = 12  # categorical or not, left or right if missing, and three kinds of missing values
_BITS = 2**32
_NAMES = ("feature", "decision", "left", "right")  # lines of the nodes that are read
_FAULT = "a tree of LightGBM leads to nodes or columns that are not there"


class _Trees(NamedTuple):
    """Trees of a text, one value an inner node; places are counted over all trees."""

    leaves: np.ndarray
    features: np.ndarray
    decisions: np.ndarray
    left: np.ndarray
    right: np.ndarray


def check_lightgbm(text: str, features: int, outputs: set[int]) -> None:
    """Raise an error for a text of LightGBM that the library could not read safely.

    Parameters
    ----------
    text : str
        Text of ``Booster.model_to_string``.
    features : int
        Number of columns that the model reads.
    outputs : set of int
        Allowed numbers of values predicted for a row.

    Raises
    ------
    ValueError
        If the text does not have LightGBM's form, its sizes and numbers of values are inconsistent, or a tree refers to
        a node, column or category that does not exist, or has a cycle.
    """
    require(text.isascii(), "the text of LightGBM is not ASCII")
    header = _matched(_HEADER.match(text), "the text of LightGBM has another header than LightGBM writes")
    sizes = _check_header(header, features, outputs)
    place, trees = header.end(), []
    for number, size in enumerate(sizes):
        tree = _matched(
            _TREE.fullmatch(text, place, place + size), "a tree of LightGBM has another form than LightGBM writes"
        )
        require(tree["number"] == str(number), "the trees of LightGBM are not in order")
        _check_counts(tree, features)
        trees.append(tree)
        place += size
    _matched(_END.fullmatch(text, place), "the text of LightGBM has another end than LightGBM writes")
    if trees:
        sets = np.array([tree["categorical"] != "0" for tree in trees])
        _check_trees(_joined(trees), sets, features)


def _matched(match: re.Match[str] | None, fault: str) -> re.Match[str]:
    if match is None:
        raise ValueError(fault)
    return match


def _check_header(header: re.Match[str], features: int, outputs: set[int]) -> list[int]:
    """Return the sizes of the trees."""
    classes, each = int(header["classes"]), int(header["each"])
    require(int(header["last"]) + 1 == features, f"LightGBM's trees do not read {features} columns")
    for name in ("names", "infos", "monotone"):
        values = header[name]
        require(values is None or values.count(" ") + 1 == features, f"LightGBM's columns are not {features}")
    require(classes == each and each in outputs, "LightGBM's trees do not have the classes of the model")
    objective = (header["objective"] or "").split(" ")
    class_options = [option for option in objective if option.startswith("num_class")]
    several = objective[0].startswith("multiclass")
    require(
        class_options == ([f"num_class:{classes}"] if several else []),
        "LightGBM's objective has another number of classes",
    )
    require(several or classes == 1, "LightGBM's objective has one class")
    sizes = [int(size) for size in header["sizes"].split()]
    require(len(sizes) % each == 0, "LightGBM's trees are not a whole number of rounds")
    return sizes


def _check_counts(tree: re.Match[str], features: int) -> None:
    """Check that each line of a tree has as many values as it has nodes or leaves, and its categories."""
    leaves = int(tree["leaves"])
    require(leaves >= 1, "a tree of LightGBM has no leaf")
    inner = leaves - 1
    named = tree.group("feature", "gain", "threshold", "decision", "left", "right", "inner_value", "inner_count")
    fits = all(_count(values) == inner for values in (*named, tree["inner_weight"])) and _count(tree["value"]) == leaves
    ends = (0, 1) if leaves == 1 else (leaves,)
    fits = fits and _count(tree["weight"]) in ends and _count(tree["count"]) in ends
    require(fits, "a tree of LightGBM has more or fewer values than nodes")
    _check_categories(tree)
    if tree["const"] is not None:
        numbers, columns = _ints(tree["features"]), _ints(tree["leaf_features"])
        fits = _count(tree["const"]) == leaves == len(numbers) and _within(numbers, 0, features + 1)
        fits = fits and numbers.sum() == len(columns) == len(tree["coefficients"].split())
        require(fits, "a linear tree of LightGBM has more or fewer values than leaves")
        require(_within(columns, 0, features), _FAULT)


def _check_categories(tree: re.Match[str]) -> None:
    """Check that splits by categories have sets of categories, and that these have bounds."""
    sets = int(tree["categorical"])
    require((tree["bounds"] is not None) == (sets > 0), _FAULT)
    if not sets:
        return
    categorical = np.flatnonzero(_ints(tree["decision"]) % 2)
    bounds, bits, thresholds = _ints(tree["bounds"]), _ints(tree["bits"]), tree["threshold"].split(" ")
    chosen = [thresholds[node] for node in categorical]
    require(len(bounds) == sets + 1 and bounds[0] == 0 and bounds[-1] == len(bits), _FAULT)
    require((np.diff(bounds) > 0).all() and _within(bits, 0, _BITS), _FAULT)
    # The number of a set is written without a decimal point.
    require(all(len(number) < 10 and number.isdecimal() and int(number) < sets for number in chosen), _FAULT)


def _joined(trees: list[re.Match[str]]) -> _Trees:
    """Return the nodes of all trees."""
    columns = (_ints(" ".join(filter(None, (tree[name] for tree in trees)))) for name in _NAMES)
    return _Trees(np.array([int(tree["leaves"]) for tree in trees]), *columns)


def _check_trees(trees: _Trees, sets: np.ndarray, features: int) -> None:
    """Check that each node but the first, and each leaf, is the child of one node before it.

    Trees without sets of categories have no splits by them.
    """
    inner = trees.leaves - 1
    first_node, first_leaf = np.cumsum(inner) - inner, np.cumsum(trees.leaves) - trees.leaves
    tree = np.repeat(np.arange(len(inner)), inner)
    node = np.arange(len(tree)) - first_node[tree]
    require(all(len(values) == len(tree) for values in trees[1:]), _FAULT)
    require(_within(trees.features, 0, features) and _within(trees.decisions, 0, _DECISIONS), _FAULT)
    require(not (trees.decisions[~sets[tree]] % 2).any(), _FAULT)
    child, parent, owner = np.concatenate([trees.left, trees.right]), np.tile(node, 2), np.tile(tree, 2)
    leads, leaf = child >= 0, -1 - child
    require((child[leads] > parent[leads]).all() and (child[leads] < inner[owner[leads]]).all(), _FAULT)
    require((leaf[~leads] < trees.leaves[owner[~leads]]).all(), _FAULT)
    nodes = np.bincount(first_node[owner[leads]] + child[leads], minlength=len(tree))
    leaves = np.bincount(first_leaf[owner[~leads]] + leaf[~leads], minlength=int(trees.leaves.sum()))
    several = inner[tree] > 0
    require((nodes[several] == (node[several] > 0)).all(), _FAULT)
    require((leaves[np.repeat(inner > 0, trees.leaves)] == 1).all(), _FAULT)


def _count(values: str) -> int:
    return values.count(" ") + 1 if values else 0


def _ints(values: str) -> np.ndarray:
    """Return whole numbers; those beyond 64 bits become the largest, which is valid nowhere in a tree."""
    return np.fromstring(values, np.int64, sep=" ") if values.strip() else np.zeros(0, np.int64)


def _within(values: np.ndarray, low: int, end: int) -> bool:
    return not len(values) or bool(values.min() >= low and values.max() < end)
