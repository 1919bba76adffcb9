"""A pipeline with every default filled in: what a fit of it is made from, nothing left to know by heart."""

from __future__ import annotations

import inspect
from typing import Any

from tabular_dl.estimators import Hyperparameters
from tabular_dl.problems import PROBLEMS, get_metric
from tabular_dl.spec.reader import PipelineSpec, hyperparameters

__all__ = ["NETWORK", "fill_defaults"]

# Where a hyperparameter stands if the file does not say: what the network is, and what is done to train it. One that
# is not named here belongs to the training.
NETWORK = (
    *("hidden", "activation", "initializer", "batch_norm", "dropout", "input_dropout", "l1", "l2", "mc_dropout"),
    *("bounds", "categorical_features", "embedding_size", "normalize", "output", "loss"),
)


def fill_defaults(spec: PipelineSpec) -> dict[str, Any]:
    """Return the content of a pipeline file that says all that a fit goes by.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.

    Returns
    -------
    dict
        In the order of the file: every key of the file, of each column rule, and every hyperparameter under
        ``network`` or ``training``, with the user's value or the default.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> content = fill_defaults(load_spec("wine"))
    >>> content["network"]["activation"], content["training"]["monitor"], content["columns"][0]["impute"]
    ('relu', 'loss', 'median')
    """
    content = spec.model_dump(mode="json")
    if spec.metric is None and spec.problem in PROBLEMS:
        content["metric"] = get_metric(PROBLEMS[spec.problem].metric).name
    for rule in content["columns"]:
        if rule["impute"] != "constant":
            del rule["fill_value"]
    given = {**spec.network, **spec.training}
    defaults = inspect.signature(Hyperparameters).parameters
    for section in ("network", "training"):
        written = content[section]
        others = [
            name for name in hyperparameters() if name not in given and (name in NETWORK) == (section == "network")
        ]
        content[section] = {**written, **{name: _plain(defaults[name].default) for name in others}}
    return content


def _plain(value: Any) -> Any:
    """Return a default as YAML has it, which knows lists and no tuples."""
    return list(value) if isinstance(value, tuple) else value
