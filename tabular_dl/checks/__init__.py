"""Checks of tables and pipeline before training; each finding comes with the line that fixes it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
