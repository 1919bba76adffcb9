"""Blocks that networks are made of: each draws its weights, runs stacked, and exports one member as Keras layers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
