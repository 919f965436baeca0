"""How long a search may take, counted in work, never in seconds: the same input gives the same answer. Source: ours."""

from dataclasses import dataclass

from novacula.runs import check_time


@dataclass(frozen=True)
class Limits:
    """Where a synthesis stops."""

    work: int = 20_000_000
    """Expressions that may be computed on all sampled rows; 20 million take a core about ten seconds."""
    nodes: int = 60  #: the most syntax nodes that a program may have
    seed: int = 0  #: the seed of the words and rows that are sampled


NONE_KNOWN = 10**6  #: more nodes than any program has


@dataclass
class Budget:
    """What a search may still do, shared by all its steps."""

    left: int  #: expressions that may still be computed
    bound: int  #: programs with this many nodes or more are of no use
    shortest: int = NONE_KNOWN  #: nodes of the shortest known program; `NONE_KNOWN` while there is none

    def spend(self, amount: int) -> bool:
        """Takes an amount off and returns True; where less is left, returns False. It looks at the clock."""
        check_time()
        if amount > self.left:
            return False
        self.left -= amount
        return True
