"""LODO: an optimizer that learns its quasi-Newton preconditioner while it optimizes (arXiv 2210.06171).

Example:
    >>> from novacula.optim import LODO
    >>> optimizer = LODO(model.parameters())  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

from typing import TYPE_CHECKING

from novacula.lazy import publish

if TYPE_CHECKING:
    from novacula.optim.bench import bench
    from novacula.optim.config import BenchConfig, DemoConfig, GroupOptions, SharedOptions
    from novacula.optim.demo import demo
    from novacula.optim.lodo import LODO
    from novacula.optim.stats import PreconditionerStats

__all__ = publish(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "bench": ("bench",),
        "config": ("BenchConfig", "DemoConfig", "GroupOptions", "SharedOptions"),
        "demo": ("demo",),
        "lodo": ("LODO",),
        "stats": ("PreconditionerStats",),
    },
)
