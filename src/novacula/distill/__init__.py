"""Turn a small recurrent network into a short Python program, and check or prove it (after arXiv 2402.05110).

Example:
    >>> from novacula.distill import RunConfig, run
    >>> result = run("Binary_Addition", RunConfig(seed=1))  # doctest: +SKIP
    >>> print(result.program)  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
