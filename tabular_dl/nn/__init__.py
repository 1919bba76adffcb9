"""Populations of networks of one architecture, trained side by side by one compiled program."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
