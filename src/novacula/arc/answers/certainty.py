"""How sure the solver is: the probability that an attempt is right, and when more steps promise little.

Training draws a sample at every step. A decode without noise, from the posterior means, shows what the network holds
for true: where a puzzle is solved, most decodes show the same answer. The models were fitted on recordings of training
puzzles of ARC-AGI-1, of one network and up to 1,000 steps each, and the limits were chosen on most of them
(``benchmarks/studies/arc_certainty.py``). Elsewhere, as with restarts or on other sets, nothing was measured. Source:
ours.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

DECODE_EVERY = 10  #: noise-free decodes are made after steps 10, 20, …, with the parameters that these steps have left
SOFTENING = 0.02  #: is added to both parts of a share, whose logit then stays within ±3.9


@dataclass(frozen=True)
class Evidence:
    """What speaks for the attempts."""

    first: float  #: the share of the noise-free decodes so far that show attempt 1, 0 to 1; 0 before the first decode
    either: float  #: the share of the decodes that show one of both attempts
    same_size: bool  #: whether every output has the size of its input, by the published rule
    decodes: int  #: the number of decodes so far
    alone: bool  #: whether attempt 1 is the only candidate, so that attempt 2 is the same


@dataclass(frozen=True)
class Logistic:
    """A logistic model of a share of decodes, given what is known of the outputs' sizes."""

    constant: float  #: the logit of the probability at a share of one half
    share: float  #: the factor of the share's logit
    same_size: float  #: what is added where outputs have their inputs' sizes

    def __call__(self, share: float, same_size: bool) -> float:
        """Returns a probability."""
        logit = self.constant + self.share * softened_logit(share) + self.same_size * same_size
        return 1 / (1 + math.exp(-logit))


FIRST = Logistic(-2.217, 0.832, 2.482)
EITHER = Logistic(-1.78, 0.739, 1.995)

DECIDED, DECIDED_FROM = 0.5, 400
"""Training ends once the probability that one of both attempts is right is at least so high, from this step on."""
HOPELESS, HOPELESS_FROM = 0.2, 600
"""Training also ends once that probability is at most so high, from this step on."""
UNHURRIED, PATIENCE = 1000, 200
"""After step 1,000, training goes on only while the probability is higher than it was 200 steps before."""


def evidence(best: Sequence[K], decodes: Mapping[K, int], same_size: bool) -> Evidence:
    """Returns what speaks for the best candidates, at least one, by how often each was decoded."""
    count = sum(decodes.values())
    shares = [decodes.get(candidate, 0) / max(1, count) for candidate in best]
    return Evidence(shares[0], sum(shares), same_size, count, len(best) == 1)


def softened_logit(share: float) -> float:
    """Returns the logit of a share, 0 to 1, with `SOFTENING`."""
    return math.log((share + SOFTENING) / (1 - share + SOFTENING))


def probabilities(evidence: Evidence) -> tuple[float, ...]:
    """Returns the probabilities that attempt 1 is right, and that attempt 2 is; at most one of them is right.

    There is none before the first decode, and only attempt 1's where attempt 2 is the same.
    """
    if not evidence.decodes:
        return ()
    first = FIRST(evidence.first, evidence.same_size)
    return (first,) if evidence.alone else (first, max(0.0, EITHER(evidence.either, evidence.same_size) - first))


def is_settled(course: Sequence[float]) -> bool:
    """Returns whether more steps promise little.

    The course is the probability that one of both attempts is right, after each `DECODE_EVERY` steps so far.
    """
    if not course:
        return False
    steps, now = DECODE_EVERY * len(course), course[-1]
    decided = now >= DECIDED and steps >= DECIDED_FROM
    hopeless = now <= HOPELESS and steps >= HOPELESS_FROM
    return decided or hopeless or (steps > UNHURRIED and now <= course[-1 - PATIENCE // DECODE_EVERY])
