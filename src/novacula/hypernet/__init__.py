"""A hypernetwork that writes small readable networks at a chosen complexity, and an analyst (after arXiv 2312.03051).

Example:
    >>> from novacula.hypernet import build, classify
    >>> found = classify(build("double-sided", 16))  # doctest: +SKIP
    >>> print(found.analysis.label, found.formula.limit_line)  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
