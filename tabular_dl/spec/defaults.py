"""Pipeline specifications with all defaults filled in."""

from __future__ import annotations

import inspect
from typing import Any

from tabular_dl.estimators import Hyperparameters, preset_values
from tabular_dl.preprocessing import BIN_STRATEGIES, BINS
from tabular_dl.problems import PROBLEMS, get_metric
from tabular_dl.spec.reader import PipelineSpec, hyperparameters

__all__ = ["NETWORK", "fill_defaults"]

# Hyperparameters written under ``network`` if the file does not set them: those of the architecture. The others
# are written under ``training``.
NETWORK = (
    *("preset", "hidden", "activation", "parametric_activation", "initializer", "bias_initializer", "parametrization"),
    *("batch_norm", "layer_norm", "residual", "linear_skip", "blocks", "scaling_layer"),
    *("shared_networks", "sharing", "own_batches"),
    *("numeric_embedding", "bins", "bin_strategy", "frequencies", "frequency_scale", "numeric_embedding_size"),
    *("dropout", "dropout_schedule", "input_dropout", "l1", "l2", "mc_dropout"),
    *("bounds", "clamp", "categorical_features", "embedding_size", "embedding_initializer", "normalize"),
    *("output", "as_softmax", "loss", "focal_gamma", "focal_alpha"),
)


def fill_defaults(spec: PipelineSpec) -> dict[str, Any]:
    """Return the content of a pipeline file in which every setting of a fit is written out.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.

    Returns
    -------
    dict
        Every key of the file and of each column rule, and every hyperparameter under ``network`` or ``training``, each
        with the user's value or the default, in the order of the file.

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
        for key, default in (("bins", BINS), ("bin_strategy", BIN_STRATEGIES[0])):
            rule[key] = rule[key] or default
            if rule["encode"] != "piecewise":
                del rule[key]
        if rule["transformer"] is None:
            del rule["transformer"], rule["parameters"]
    given = {**spec.network, **spec.training}
    defaults = _defaults(spec, given.get("preset", "mlp"))
    for section in ("network", "training"):
        others = [
            name for name in hyperparameters() if name not in given and (name in NETWORK) == (section == "network")
        ]
        content[section] |= {name: _plain(defaults[name]) for name in others}
    return content


def _defaults(spec: PipelineSpec, preset: str) -> dict[str, Any]:
    """Return the value of each hyperparameter that is not given: that of the preset, or the constructor's default.

    A value that depends on the target remains "auto" if the type of problem has to be detected.
    """
    defaults = {name: value.default for name, value in inspect.signature(Hyperparameters).parameters.items()}
    kinds = (True, False) if spec.problem == "auto" else (PROBLEMS[spec.problem].classification,)
    first, *others = [preset_values(preset, classification=classification) for classification in kinds]
    return defaults | {name: value for name, value in first.items() if all(value == kind[name] for kind in others)}


def _plain(value: object) -> object:
    """Return a value that YAML can represent: tuples become lists."""
    return list(value) if isinstance(value, tuple) else value
