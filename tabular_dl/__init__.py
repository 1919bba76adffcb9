"""Neural networks for Kaggle-style tables: populations of small Keras networks, trained as one compiled program.

From Python::

    from tabular_dl import KerasClassifier, KerasRegressor        # scikit-learn estimators
    from tabular_dl import CrossFitClassifier, CrossFitRegressor  # folds x members as one population
    from tabular_dl import load_spec, load_competition            # pipelines and tables

From the command line: ``tabular-dl --help``.
"""

from typing import Any

import lazy_loader

_lazy, _names, _all = lazy_loader.attach_stub(__name__, __file__)
__all__ = ["__version__", *_all]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tabular-dl")
    return _lazy(name)


def __dir__() -> list[str]:
    return __all__
