"""Solve ARC-AGI puzzles by compressing the puzzle itself (arXiv 2512.06104).

Example:
    >>> from novacula.arc import SolveConfig, load_task, solve
    >>> result = solve(load_task("6d75e8bb"), SolveConfig(steps=400))  # doctest: +SKIP
    >>> result.attempts  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
