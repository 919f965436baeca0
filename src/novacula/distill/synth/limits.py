"""How long a search may take, counted in work that it does, never in seconds: the same input gives the same answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Where a synthesis stops.

    Attributes:
        work: expressions that may be valued on all sampled rows; 20 million take a core about ten seconds.
        nodes: the most syntax nodes that a program may have.
        seed: of the words and rows that are sampled.
    """

    work: int = 20_000_000
    nodes: int = 60
    seed: int = 0


NONE_KNOWN = 10**6


@dataclass
class Budget:
    """What a search may still do; shared by all its steps.

    Attributes:
        left: expressions that may still be valued.
        bound: programs with this many nodes or more are of no use any more.
        shortest: nodes of the shortest program that is known; more than any has while none is.
    """

    left: int
    bound: int
    shortest: int = NONE_KNOWN

    def spend(self, amount: int) -> bool:
        """Take an amount off; False, and nothing taken, where less is left."""
        if amount > self.left:
            return False
        self.left -= amount
        return True
