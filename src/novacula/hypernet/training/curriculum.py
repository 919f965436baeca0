"""The complexity prices of each part of a training. Source: ours; with the whole range at once trainings collapse.

A hypernetwork that begins at a high price never finds structure, and one that begins at a low price never gives it up.
So two are trained: the range of one opens upward from its low end, that of the other downward from its high end. At
each price the one with the lower objective counts (`novacula.hypernet.training.curve`).
"""

import math

from novacula.hypernet.config import Branch, TrainConfig

_ALONE, _OPEN = 0.35, 0.7
"""Shares of the training up to which only one end of the range is used, and from which all of it is."""


def window(config: TrainConfig, branch: Branch, progress: float) -> tuple[float, float]:
    """Returns the least and the greatest decimal logarithm of β at a share of the training, 0 … 1."""
    low, high = math.log10(config.beta_low), math.log10(config.beta_high)
    share = min(1.0, max(0.0, (progress - _ALONE) / (_OPEN - _ALONE)))
    if branch == "up":
        return low, low + share * (high - low)
    if branch == "down":
        return high - share * (high - low), high
    return low, high
