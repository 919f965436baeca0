"""Which complexity prices are trained on when. Source: ours; drawing from the whole range at once ends in collapse.

A hypernetwork that begins at a high price never finds structure, and one that begins at a low price never lets go of
it. So two are trained: one's range opens upward from its low end, the other's downward from its high end; at each price
the one with the lower objective counts (`novacula.hypernet.training.curve`).
"""

import math

from novacula.hypernet.config import Branch, TrainConfig

_ALONE, _OPEN = 0.35, 0.7
"""Shares of the training for which only the first end is trained on, and after which the whole range is."""


def window(config: TrainConfig, branch: Branch, progress: float) -> tuple[float, float]:
    """The least and the greatest decimal logarithm of β at a share of the training, 0 … 1."""
    low, high = math.log10(config.beta_low), math.log10(config.beta_high)
    share = min(1.0, max(0.0, (progress - _ALONE) / (_OPEN - _ALONE)))
    if branch == "up":
        return low, low + share * (high - low)
    if branch == "down":
        return high - share * (high - low), high
    return low, high
