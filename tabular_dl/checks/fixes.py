"""Fixes: lines of a pipeline file that solve the problems of findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tabular_dl.errors import listed
from tabular_dl.preprocessing import ColumnRule, columns_read, resolve
from tabular_dl.spec import PipelineSpec, write_line

__all__ = ["balanced_classes", "columns_of", "corrected_rule", "data_with", "ensemble_with", "removal", "separate_rule"]

MOST_NAMES = 8  # columns named in one line


def columns_of(rule: ColumnRule, columns: Iterable[str], never: Collection[str | None] = ()) -> list[str]:
    """Return the columns of a table that a rule reads, by name or by pattern.

    Parameters
    ----------
    rule : ColumnRule
        Rule.
    columns : iterable of str
        Columns of the table.
    never : collection of str or None, optional
        Columns that no pattern matches.

    Returns
    -------
    list of str
        Columns in the table's order.

    Examples
    --------
    >>> columns_of(ColumnRule(columns=("Age", "pixel*")), ["pixel0", "Age", "pixel1"])
    ['pixel0', 'Age', 'pixel1']
    """
    names = list(columns)
    matches = set(resolve(rule.columns, names, never))
    return [name for name in names if name in matches]


def separate_rule(spec: PipelineSpec, column: str, place: int, **changes: object) -> str:
    """Return the line of a separate rule for one column: its present rule with some keys changed.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    column : str
        Column of the new rule.
    place : int
        Index of the column's present rule, from 0.
    **changes : object
        Keys of the rule with new values; None removes a key.

    Returns
    -------
    str
        Line of YAML, with a comment that says what to change in the present rule.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> separate_rule(load_spec("wine"), "hue", 0, scale="robust")
    '- {columns: [hue], scale: robust}  # and take hue out of rule 1'
    """
    line = _rule(spec.columns[place], [column], **changes)
    alone = spec.columns[place].columns == (column,)
    return f"{line}  # {f'in place of rule {place + 1}' if alone else f'and take {column} out of rule {place + 1}'}"


def _rule(rule: ColumnRule, columns: Sequence[str], **changes: object) -> str:
    """Return the line of a rule with other columns and some keys changed."""
    content = {**rule.model_dump(mode="json", exclude_defaults=True), "columns": list(columns), **changes}
    # `impute: none` is the default of rules with an encoding.
    if content.get("encode", "none") != "none" and content.get("impute") == "none":
        del content["impute"]
    return f"- {write_line({name: value for name, value in content.items() if value is not None})}"


def corrected_rule(spec: PipelineSpec, place: int, corrections: Mapping[str, str]) -> str:
    """Return the line of a rule in which the names of some columns are corrected.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    place : int
        Index of the rule, from 0.
    corrections : mapping of str to str
        Correct name for each mistyped one.

    Returns
    -------
    str
        Line of YAML; a comment that lists the corrections if the rule has many columns.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> corrected_rule(load_spec("boston"), 1, {"ZN": "Zn"})
    '- {columns: [Zn, RAD, TAX, CHAS], scale: minmax}  # in place of rule 2'
    """
    rule = spec.columns[place]
    if len(rule.columns) > MOST_NAMES:
        replacements = ", ".join(f"{new} for {old}" for old, new in corrections.items())
        return f"# in rule {place + 1} write {replacements}"
    return f"{_rule(rule, [corrections.get(name, name) for name in rule.columns])}  # in place of rule {place + 1}"


def removal(spec: PipelineSpec, columns: Collection[str]) -> str:
    """Return the line or comment that removes columns from a pipeline, or the features that are made from them.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    columns : collection of str
        Columns and features to remove.

    Returns
    -------
    str
        Line or comment; empty if the pipeline does not use the columns.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> removal(load_spec("titanic"), ["Parch"])
    'rest: drop  # and take Parch out of rule 3'
    >>> removal(load_spec("boston"), ["TAX"])
    '- {columns: [ZN, RAD, CHAS], scale: minmax}  # in place of rule 2'
    >>> removal(load_spec("titanic"), ["Cabin"])
    '# take Deck out of rule 5 and of features'
    """
    places = [place for place, rule in enumerate(spec.columns) if columns_of(rule, columns)]
    if not places:
        readers = [
            name
            for name, feature in spec.derived.items()
            if name not in columns and {*columns} & {*columns_read({name: feature})}
        ]
        return removal(spec, readers) if readers else ""
    rules = [spec.columns[place] for place in places]
    names = listed(list(columns), MOST_NAMES)
    where = f"rule {places[0] + 1}" if len(places) == 1 else f"rules {listed([place + 1 for place in places], 20)}"
    features = [name for name in columns if name in spec.derived]
    if features:
        where += " and of features" if len(features) == len(columns) else f", and {listed(features)} out of features"
    by_pattern = any(name not in rule.columns for rule in rules for name in columns_of(rule, columns))
    task = f"write {where} without a pattern that matches {names}" if by_pattern else f"take {names} out of {where}"
    if spec.rest == "error" and len(features) < len(columns):
        return f"rest: drop  # and {task}"
    others = [name for name in rules[0].columns if name not in columns]
    if len(places) == 1 and 0 < len(others) <= MOST_NAMES and not features and not by_pattern:
        return f"{_rule(rules[0], others)}  # in place of rule {places[0] + 1}"
    return f"# {task}"


def ensemble_with(spec: PipelineSpec, **changes: object) -> str:
    """Return the line of the section ``ensemble`` with some keys changed.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    **changes : object
        Keys of the section with new values; None removes a key.

    Returns
    -------
    str
        Line of YAML.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> ensemble_with(load_spec("wine"), folds=3)
    'ensemble: {folds: 3}'
    """
    return _line("ensemble", {**spec.ensemble.model_dump(exclude_defaults=True), **changes})


def data_with(spec: PipelineSpec, **changes: object) -> str:
    """Return the line of the section ``data`` with some keys changed, as `ensemble_with` does.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> data_with(load_spec("wine"), weight="w")
    'data: {source: wine, target: cultivar, id: Id, weight: w}'
    """
    return _line("data", {**spec.data.model_dump(exclude_defaults=True), **changes})


def _line(section: str, content: Mapping[str, object]) -> str:
    return write_line({section: {name: value for name, value in content.items() if value is not None}})[1:-1]


def balanced_classes(spec: PipelineSpec) -> str:
    """Return the line of the section ``training`` with balanced class weights.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.

    Returns
    -------
    str
        Line of YAML.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> balanced_classes(load_spec("wine", ["training={epochs: 9}"]))
    'training: {epochs: 9, class_weight: balanced}'
    """
    return write_line({"training": {**spec.training, "class_weight": "balanced"}})[1:-1]
