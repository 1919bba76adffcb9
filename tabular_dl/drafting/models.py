"""Pipelines of networks adapted to a model of another library: `tabular-dl fit NAME --model lightgbm`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tabular_dl.estimators import model_named
from tabular_dl.preprocessing import BUCKETS, CODES, ColumnRule, has_pattern
from tabular_dl.problems import get_problem
from tabular_dl.spec import SHARED, PipelineSpec

__all__ = ["with_model"]


def with_model(spec: PipelineSpec, given: Collection[str] = ()) -> PipelineSpec:
    """Return a pipeline whose rules, members and search space suit its model, which is not a network.

    Models that read categories and missing numbers by themselves get both as they are: scaling, imputation and bins
    would only take information away. Other models get one column a category where networks would learn vectors.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline that was written for networks, with another model.
    given : collection of str
        Paths of settings that stay as they are, such as ``"ensemble.members"``.

    Returns
    -------
    PipelineSpec
        Pipeline with the same columns and features.

    Examples
    --------
    >>> from tabular_dl.spec import load_spec
    >>> trees = with_model(load_spec("titanic", ["model=lightgbm"]))
    >>> trees.columns[0].impute, trees.columns[0].scale, trees.columns[-1].encode, trees.ensemble.members
    ('none', 'none', 'native', 1)
    """
    model = model_named(spec.model.name)
    # Networks without held-out rows have a validation_fraction of 0.
    changes: dict[str, Any] = {
        name: {
            key: value
            for key, value in getattr(spec, name).items()
            if key in SHARED and (key != "validation_fraction" or value)
        }
        for name in ("network", "training")
    }
    if "search" not in given:
        classification = None if spec.problem == "auto" else get_problem(spec.problem).classification
        changes["search"] = dict(model.space_for(classification))
    if not any(path.partition(".")[0] == "columns" for path in given):
        adapted = _for_native if model.native else _for_numbers
        changes["columns"] = tuple(ColumnRule.model_validate(adapted(rule)) for rule in spec.columns)
    if "ensemble.members" not in given:
        changes["ensemble"] = spec.ensemble.model_copy(update={"members": 1})
    return spec.model_copy(update=changes)


def _for_native(rule: ColumnRule) -> dict[str, Any]:
    """Return a rule for a model that reads categories and missing numbers."""
    content = rule.model_dump(exclude_defaults=True)
    if rule.numeric:
        kept: dict[str, Any] = {key: content[key] for key in ("columns", "missing_flag") if key in content}
        return {**kept, "impute": "none"}
    if rule.encode in ("onehot", "hash", *CODES) and not has_pattern(rule.columns):
        content.pop("fill_value", None)
        if rule.encode == "hash":
            content["buckets"] = rule.buckets or BUCKETS
        return {**content, "encode": "native", "impute": "none"}
    return content


def _for_numbers(rule: ColumnRule) -> dict[str, Any]:
    """Return a rule for a model that reads numbers only."""
    content = rule.model_dump(exclude_defaults=True)
    return {**content, "encode": "onehot"} if rule.encode in CODES else content
