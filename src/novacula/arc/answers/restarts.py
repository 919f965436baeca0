"""Independent seeds on one puzzle, one after another: which steps belong to which. Source: ours."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Restarts:
    """Steps shared among engines that differ in their seed.

    Attributes:
        steps: in all.
        count: number of engines, at most `steps`.
        seed: the run's seed, which is that of the first engine.
    """

    steps: int
    count: int
    seed: int

    def begin(self, restart: int) -> int:
        """Steps done before engine `restart`, counted from 0, begins; the shares differ by one step at most."""
        return self.steps * restart // self.count

    def at(self, position: int) -> int:
        """Returns the engine that did the last of `position` steps; the first where none is done."""
        return max(0, bisect_left(range(self.count + 1), position, key=self.begin) - 1)

    def seed_of(self, restart: int) -> int:
        """Returns the seed of an engine, 0 to 2^64 - 1."""
        if restart == 0:
            return self.seed
        return int(np.random.SeedSequence(self.seed, spawn_key=(restart,)).generate_state(1, np.uint64)[0])
