"""Random generators as a function of their purpose, so that a resumed run draws the same numbers."""

from typing import Literal, get_args

import numpy as np
import torch

Purpose = Literal["weights", "step", "size", "curve", "network", "data"]
"""The purpose of random numbers."""


def generator(seed: int, purpose: Purpose, *key: int) -> torch.Generator:
    """Returns a generator that depends on the seed, the purpose and the key alone."""
    place = get_args(Purpose).index(purpose)
    words = np.random.SeedSequence(seed, spawn_key=(place, *key)).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
