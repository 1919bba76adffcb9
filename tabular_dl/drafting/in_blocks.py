"""Changes to a draft for a table that is read in blocks: nothing is learned from all rows at once.

Networks are those of the effort "fast" without embeddings of numbers. Learned features are left out. Categories with a
vector each are hashed into columns, whose number does not grow with the table.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tabular_dl.drafting.column_defaults import Treatments
from tabular_dl.drafting.folds import FoldsDraft
from tabular_dl.drafting.network_defaults import Sizes
from tabular_dl.spec import ROWWISE

__all__ = ["rowwise", "without_embedding", "without_refit"]

BUCKETS = 64  # columns of hashed categories
ALL_ROWS = ("embedding", "target", "frequency")  # encodings of categories that are learned from all rows
HASHED = f"Many categories, in {BUCKETS} columns by their hash: the table is read in blocks."
REASON = "what is drafted for it is learned from all rows, which are read in blocks"


def without_embedding(sizes: Sizes) -> Sizes:
    """Return network, training and search space without an embedding of numbers, which is learned from all rows.

    Examples
    --------
    >>> without_embedding(Sizes({"hidden": [8], "numeric_embedding": "plr", "bins": 4}, {}, {}, {}, "")).network
    {'hidden': [8]}
    """
    embedding = ("numeric_embedding", "numeric_embedding_size", "bins")
    return replace(sizes, network={key: value for key, value in sizes.network.items() if key not in embedding})


def without_refit(folds: FoldsDraft) -> FoldsDraft:
    """Return folds without a last training on all rows.

    Examples
    --------
    >>> without_refit(FoldsDraft({"split": "time", "refit": "all"}, "Later rows.")).keys
    {'split': 'time'}
    """
    return replace(folds, keys={key: value for key, value in folds.keys.items() if key != "refit"})


def rowwise(treatments: Treatments) -> Treatments:
    """Return features and rules of which each can be computed or fitted while rows are read in blocks.

    Parameters
    ----------
    treatments : Treatments
        Features and rules of a draft.

    Returns
    -------
    Treatments
        The same without learned features, with hashed categories in place of learned vectors.

    Examples
    --------
    >>> features = {"deck": {"from": "cabin", "extract": "^(.)"}, "often": {"from": "ticket", "count": True}}
    >>> rules = [{"columns": ["often", "age"], "scale": "standard"}, {"columns": ["deck"], "encode": "embedding"}]
    >>> kept = rowwise(Treatments(features, {}, rules, ["Numbers.", "Categories."]))
    >>> list(kept.features), kept.rules[0]["columns"], kept.rules[1]["encode"], kept.rules[1]["buckets"]
    (['deck'], ['age'], 'hash', 64)
    """
    features = {name: feature for name, feature in treatments.features.items() if _is_rowwise(feature)}
    learned = treatments.features.keys() - features.keys()
    rules: list[dict[str, Any]] = []
    reasons, used = [], dict(treatments.used)
    for rule, reason in zip(treatments.rules, treatments.rule_reasons, strict=True):
        columns = [name for name in rule["columns"] if name not in learned]
        hashed = rule.get("encode") in ALL_ROWS
        changed = _fitted_in_blocks({**rule, "columns": columns})
        if columns and rule.get("encode") != "text" and changed not in rules:
            rules.append(changed)
            reasons.append(HASHED if hashed else reason)
            used |= dict.fromkeys(columns if hashed else (), "categories, hashed")
    sources = {str(treatments.features[name].get("from", name)) for name in learned}
    read = {name for rule in rules for name in rule["columns"]} | {str(each.get("from")) for each in features.values()}
    used |= dict.fromkeys(sources & read & used.keys(), "what each row has of it by itself")
    unread = sorted(sources - read)
    return replace(
        treatments,
        features=features,
        feature_reasons={name: reason for name, reason in treatments.feature_reasons.items() if name in features},
        rules=rules,
        rule_reasons=reasons,
        dropped={**treatments.dropped, REASON: unread} if unread else treatments.dropped,
        used={name: use for name, use in used.items() if name not in unread},
    )


def _is_rowwise(feature: dict[str, Any]) -> bool:
    return not feature.keys() - {*ROWWISE} and feature.get("date") != "elapsed"


def _fitted_in_blocks(rule: dict[str, Any]) -> dict[str, Any]:
    if rule.get("encode") in ALL_ROWS:
        kept = {key: value for key, value in rule.items() if key not in ("rare", "smoothing", "scale")}
        return {**kept, "encode": "hash", "buckets": BUCKETS}
    return {key: value for key, value in rule.items() if key != "encode" or value != "piecewise"}
