"""Random generators as a function of what they are for, so that a resumed run draws what it would have drawn."""

from typing import Literal, get_args

import numpy as np
import torch

Purpose = Literal["weights", "step", "size", "curve", "network", "data"]
"""What numbers are drawn for."""


def generator(seed: int, purpose: Purpose, *key: int) -> torch.Generator:
    """A generator that depends on the seed, the purpose and the key alone."""
    place = get_args(Purpose).index(purpose)
    words = np.random.SeedSequence(seed, spawn_key=(place, *key)).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
