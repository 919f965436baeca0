"""Find, test and steer multi-dimensional features of language models (after arXiv 2405.14860).

Example:
    >>> from novacula.features import score_cloud
    >>> score_cloud(points).irreducible  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
