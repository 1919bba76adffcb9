"""Lines of a pipeline file that mend what a check has found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tabular_dl.preprocessing import ColumnRule, columns_read, resolve
from tabular_dl.spec import PipelineSpec, write_line

__all__ = ["balanced_classes", "columns_of", "ensemble_with", "listed", "own_rule", "respelled", "taken_out"]

MOST_NAMES = 8  # in one line


def columns_of(rule: ColumnRule, columns: Iterable[str], never: Collection[str | None] = ()) -> list[str]:
    """Return those of a table's columns that a rule means, in the table's order.

    Examples
    --------
    >>> columns_of(ColumnRule(columns=("Age", "pixel*")), ["pixel0", "Age", "pixel1"])
    ['pixel0', 'Age', 'pixel1']
    """
    there = list(columns)
    meant = set(resolve(rule.columns, there, never))
    return [name for name in there if name in meant]


def listed(names: Sequence[object], most: int = 5) -> str:
    """Write names with commas, the first few of many.

    Examples
    --------
    >>> listed(["a", "b"]), listed(range(100), most=2)
    ('a, b', '0, 1 and 98 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def own_rule(spec: PipelineSpec, column: str, place: int, **changes: Any) -> str:
    """Write the rule of a column with some words changed, as a rule of its own.

    Parameters
    ----------
    spec : PipelineSpec
        The pipeline.
    column : str
        The column that the line is about.
    place : int
        The rule's place in the list, from 0.
    **changes
        Other words; None leaves one out.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> own_rule(load_spec("wine"), "hue", 0, scale="robust")
    '- {columns: [hue], scale: robust}  # and take hue out of rule 1'
    """
    line = _rule(spec.columns[place], [column], **changes)
    alone = spec.columns[place].columns == (column,)
    return f"{line}  # {f'in place of rule {place + 1}' if alone else f'and take {column} out of rule {place + 1}'}"


def _rule(rule: ColumnRule, columns: Sequence[str], **changes: Any) -> str:
    content = {**rule.model_dump(mode="json", exclude_defaults=True), "columns": list(columns), **changes}
    # What follows from the other words is not written.
    if content.get("encode", "none") != "none" and content.get("impute") == "none":
        del content["impute"]
    return f"- {write_line({name: value for name, value in content.items() if value is not None})}"


def respelled(spec: PipelineSpec, place: int, meant: Mapping[str, str]) -> str:
    """Write a rule with other names for some of its columns.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> respelled(load_spec("boston"), 1, {"ZN": "Zn"})
    '- {columns: [Zn, RAD, TAX, CHAS], scale: minmax}  # in place of rule 2'
    """
    rule = spec.columns[place]
    if len(rule.columns) > MOST_NAMES:
        said = ", ".join(f"{new} for {old}" for old, new in meant.items())
        return f"# in rule {place + 1} write {said}"
    return f"{_rule(rule, [meant.get(name, name) for name in rule.columns])}  # in place of rule {place + 1}"


def taken_out(spec: PipelineSpec, columns: Collection[str]) -> str:
    """Write what leaves some columns out of a pipeline, or the features that read them.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> taken_out(load_spec("titanic"), ["Parch"])
    'rest: drop  # and take Parch out of rule 3'
    >>> taken_out(load_spec("boston"), ["TAX"])
    '- {columns: [ZN, RAD, CHAS], scale: minmax}  # in place of rule 2'
    >>> taken_out(load_spec("titanic"), ["Cabin"])
    '# take Deck out of rule 5 and of features'
    """
    touched = [place for place, rule in enumerate(spec.columns) if columns_of(rule, columns)]
    if not touched:
        readers = [
            name
            for name, feature in spec.features.items()
            if name not in columns and {*columns} & {*columns_read({name: feature})}
        ]
        return taken_out(spec, readers) if readers else ""
    rules = [spec.columns[place] for place in touched]
    names = listed(list(columns), MOST_NAMES)
    where = f"rule {touched[0] + 1}" if len(touched) == 1 else f"rules {listed([place + 1 for place in touched], 20)}"
    features = [name for name in columns if name in spec.features]
    if features:
        where += " and of features" if len(features) == len(columns) else f", and {listed(features)} out of features"
    by_pattern = any(name not in rule.columns for rule in rules for name in columns_of(rule, columns))
    task = f"write {where} without a pattern that means {names}" if by_pattern else f"take {names} out of {where}"
    if spec.rest == "error" and len(features) < len(columns):
        return f"rest: drop  # and {task}"
    left = [name for name in rules[0].columns if name not in columns]
    if len(touched) == 1 and 0 < len(left) <= MOST_NAMES and not features and not by_pattern:
        return f"{_rule(rules[0], left)}  # in place of rule {touched[0] + 1}"
    return f"# {task}"


def ensemble_with(spec: PipelineSpec, **changes: Any) -> str:
    """Write the section of the ensemble with other folds, or a group; None leaves a key out.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> ensemble_with(load_spec("wine"), folds=3)
    'ensemble: {folds: 3}'
    """
    content = {**spec.ensemble.model_dump(exclude_defaults=True), **changes}
    return write_line({"ensemble": {name: value for name, value in content.items() if value is not None}})[1:-1]


def balanced_classes(spec: PipelineSpec) -> str:
    """Write the training section with weights that make up for rare classes.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> balanced_classes(load_spec("wine", ["training={epochs: 9}"]))
    'training: {epochs: 9, class_weight: balanced}'
    """
    return write_line({"training": {**spec.training, "class_weight": "balanced"}})[1:-1]
