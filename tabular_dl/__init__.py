"""Neural networks for Kaggle-style tables: populations of small Keras networks, trained as one compiled program.

From Python::

    from tabular_dl import KerasClassifier, KerasRegressor        # scikit-learn estimators
    from tabular_dl import CrossFitClassifier, CrossFitRegressor  # folds x members as one population
    from tabular_dl import load_spec, load_competition            # pipelines and tables

From the command line: ``tabular-dl --help``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tabular_dl.competition.competition import load_competition as load_competition
    from tabular_dl.estimators.keras_estimators import KerasClassifier as KerasClassifier
    from tabular_dl.estimators.keras_estimators import KerasRegressor as KerasRegressor
    from tabular_dl.model_selection.crossfit import CrossFitClassifier as CrossFitClassifier
    from tabular_dl.model_selection.crossfit import CrossFitRegressor as CrossFitRegressor
    from tabular_dl.model_selection.search_cv import PopulationSearchCV as PopulationSearchCV
    from tabular_dl.spec.build import build_pipeline as build_pipeline
    from tabular_dl.spec.reader import load_spec as load_spec
    from tabular_dl.tracking.persistence import load_model as load_model

# Where each public name lives. They are imported when first asked for: TensorFlow alone takes seconds.
_HOMES = {
    "CrossFitClassifier": "model_selection.crossfit",
    "CrossFitRegressor": "model_selection.crossfit",
    "KerasClassifier": "estimators.keras_estimators",
    "KerasRegressor": "estimators.keras_estimators",
    "PopulationSearchCV": "model_selection.search_cv",
    "build_pipeline": "spec.build",
    "load_competition": "competition.competition",
    "load_model": "tracking.persistence",
    "load_spec": "spec.reader",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tabular-dl")
    if name in _HOMES:
        return getattr(import_module(f"tabular_dl.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tabular_dl' has no attribute {name!r}")
