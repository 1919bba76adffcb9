"""TensorFlow, loaded without its remarks."""

from __future__ import annotations

import os
import tempfile
from importlib import import_module

__all__ = ["load_quietly"]


def load_quietly() -> None:
    """Import TensorFlow for the command line, without its remarks on drivers and processor features.

    They come from native code, straight to file descriptor 2, before any log level is looked at. If the import fails,
    what was held back is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as remarks:
        os.dup2(remarks.fileno(), 2)
        try:
            import_module("tensorflow")
        except BaseException:
            remarks.seek(0)
            os.write(terminal, remarks.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
