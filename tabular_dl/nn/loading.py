"""Import of TensorFlow without its log messages."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import import_module

__all__ = ["load_quietly"]


def load_quietly() -> None:
    """Import TensorFlow for the command line, without its log messages on drivers and processor features.

    Native code writes them to file descriptor 2 before it reads the log level. If the import fails, they are printed.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            import_module("tensorflow")
        except BaseException:  # raised again: what was caught is printed before
            messages.seek(0)
            os.write(terminal, messages.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
