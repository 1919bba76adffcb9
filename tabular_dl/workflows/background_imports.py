"""Imports in a thread, during training, of the modules that a command needs after training.

Importing MLflow with its store and skops takes 3 s of processor time. Training spends most of its time in a compiled
program, outside of Python, so that with two cores these imports cost almost no time.

Two threads that import modules which import each other may see incomplete modules. So the thread imports only packages
that training does not import, and the command waits for it after training.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from tabular_dl.errors import UserError
from tabular_dl.spec import PipelineSpec, references
from tabular_dl.tracking import database_file, tracking_uri

__all__ = ["BackgroundImports", "imported_meanwhile", "modules_after_training"]

# Modules that write the results of a fit. The first sets the environment variables that MLflow reads.
_FOR_RESULTS = (
    "tabular_dl.tracking.store",
    "mlflow",
    "mlflow.sklearn",
    "mlflow.data.pandas_dataset",
    "skops.io",
    "jinja2",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
)
_FOR_SQLITE = "mlflow.store.tracking.sqlalchemy_store"  # logs runs to a SQLite file


def modules_after_training(spec: PipelineSpec, *, track: bool) -> Sequence[str]:
    """Return the modules that a fit needs after its training and can import during it.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    track : bool
        Whether a run will be logged.

    Returns
    -------
    sequence of str
        Names of modules; none for models of other libraries and with Python of the user, which may import anything, and
        none where warnings are errors: a module that warns would stay half imported.
    """
    strict = any(action == "error" for action, *_ in warnings.filters)
    if strict or not spec.model.is_network or next(references(spec), None):
        return ()
    return (*_FOR_RESULTS, _FOR_SQLITE) if track and database_file(tracking_uri()) else _FOR_RESULTS


class BackgroundImports:
    """Modules that are imported by a thread.

    Parameters
    ----------
    modules : sequence of str
        Names of modules, in the order of importing.

    Examples
    --------
    >>> imports = BackgroundImports(["json", "no_such_module"])
    >>> imports.wait()
    Traceback (most recent call last):
    ...
    tabular_dl.errors.UserError: no_such_module cannot be imported (No module named 'no_such_module'): ...
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._failure: tuple[str, BaseException] | None = None
        missing = [module for module in modules if module not in sys.modules]
        self._thread = threading.Thread(target=self._import, args=(missing,), name="imports")
        self._thread.start()

    def _import(self, modules: Sequence[str]) -> None:
        for module in modules:
            try:
                import_module(module)
            except BaseException as error:  # noqa: BLE001 (raised in the main thread, by `check`)
                self._failure = module, error
                return

    def check(self) -> None:
        """Raise a `UserError` if a module could not be imported."""
        if self._failure is not None:
            module, error = self._failure
            reason = str(error) or type(error).__name__
            raise UserError(
                f"{module} cannot be imported ({reason}): install the package again, pip install --force-reinstall "
                f"{module.partition('.')[0]}."
            ) from error

    def wait(self) -> None:
        """Wait until all modules are imported.

        Raises
        ------
        UserError
            If one could not be imported.
        """
        self._thread.join()
        self.check()


@contextmanager
def imported_meanwhile(modules: Sequence[str]) -> Iterator[BackgroundImports]:
    """Import modules while the body of the context runs, and wait for them at its end.

    Parameters
    ----------
    modules : sequence of str
        Names of modules.

    Yields
    ------
    BackgroundImports
        Imports; its method `check` raises the error of one that failed.

    Examples
    --------
    >>> with imported_meanwhile(["json"]) as imports:
    ...     imports.check()
    """
    imports = BackgroundImports(modules)
    try:
        yield imports
    except BaseException:
        imports._thread.join()  # the error of the body is raised, not that of an import
        raise
    imports.wait()
