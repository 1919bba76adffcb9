"""Blocks of networks: each draws weights, passes rows through all members and exports one as Keras layers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
