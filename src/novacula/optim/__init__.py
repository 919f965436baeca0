"""LODO: an optimizer that learns its quasi-Newton preconditioner while it optimizes (arXiv 2210.06171).

Example:
    >>> from novacula.optim import LODO
    >>> optimizer = LODO(model.parameters())  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
