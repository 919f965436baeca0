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
SOFTENING = 0.02  #: is added to both parts of a share, whose logit then stays within ±3.94


@dataclass(frozen=True)
class Evidence:
    """What speaks for the attempts."""

    first: float  #: the share of the noise-free decodes so far that show attempt 1, 0 to 1; 0 before the first decode
    either: float  #: the share of the decodes that show one of both attempts
    same_size: bool  #: whether every output has the size of its input, by the published rule
    decodes: int  #: the number of decodes so far
    lost_by_first: float  #: the nats that attempt 1 loses by laws of the demonstrations that it breaks
    lost_by_either: float  #: the nats that the attempt loses which loses less
    alone: bool  #: whether attempt 1 is the only candidate, so that attempt 2 is the same


@dataclass(frozen=True)
class Logistic:
    """A logistic model of what a run shows."""

    constant: float  #: the logit of the probability at a share of one half
    share: float  #: the factor of the logit of a share of decodes
    same_size: float  #: what is added where outputs have their inputs' sizes
    lost: float = 0.0  #: the factor of the nats that are lost by laws
    thousand_steps: float = 0.0  #: the factor of the steps done, in thousands

    def __call__(self, share: float, same_size: bool, lost: float = 0.0, steps: int = 0) -> float:
        """Returns a probability."""
        logit = self.constant + self.share * softened_logit(share) + self.same_size * same_size
        logit += self.lost * min(lost, MOST_LOST) + self.thousand_steps * steps / 1000
        return 1 / (1 + math.exp(-logit))


MOST_LOST = 15.0  #: more nats that are lost by laws count as these

FIRST = Logistic(0.304, 0.787, 1.208, -0.568)
"""That attempt 1 is right."""
EITHER = Logistic(0.507, 0.772, 0.905, -0.59)
"""That one of both attempts is right."""
GAIN = Logistic(-2.546, -0.327, 1.666, thousand_steps=-3.962)
"""That both attempts are wrong now, and one is right after 1,000 steps."""

SETTLED_FROM, LEAST_GAIN = 300, 0.05
"""Training ends from this step on, up to step 1,000, where `GAIN` is less than this."""
UNHURRIED, PATIENCE = 1000, 200
"""After step 1,000, training goes on only while the probability is higher than it was 200 steps before."""


def evidence(best: Sequence[K], decodes: Mapping[K, int], same_size: bool, lost: Sequence[float] = (0.0,)) -> Evidence:
    """Returns what speaks for the best candidates, at least one, by how often each was decoded and what it loses."""
    count = sum(decodes.values())
    shares = [decodes.get(candidate, 0) / max(1, count) for candidate in best]
    return Evidence(shares[0], sum(shares), same_size, count, lost[0], min(lost), len(best) == 1)


def softened_logit(share: float) -> float:
    """Returns the logit of a share, 0 to 1, with `SOFTENING`."""
    return math.log((share + SOFTENING) / (1 - share + SOFTENING))


def probabilities(evidence: Evidence) -> tuple[float, ...]:
    """Returns the probabilities that attempt 1 is right, and that attempt 2 is; at most one of them is right.

    There is none before the first decode, and only attempt 1's where attempt 2 is the same.
    """
    if not evidence.decodes:
        return ()
    first = FIRST(evidence.first, evidence.same_size, evidence.lost_by_first)
    either = EITHER(evidence.either, evidence.same_size, evidence.lost_by_either)
    return (first,) if evidence.alone else (first, max(0.0, either - first))


def is_settled(course: Sequence[float], evidence: Evidence) -> bool:
    """Returns whether more steps promise little.

    The course is the probability that one of both attempts is right, after each `DECODE_EVERY` steps so far; evidence
    is what speaks for the attempts now.
    """
    steps = DECODE_EVERY * len(course)
    if steps > UNHURRIED:
        return course[-1] <= course[-1 - PATIENCE // DECODE_EVERY]
    return steps >= SETTLED_FROM and GAIN(evidence.first, evidence.same_size, steps=steps) < LEAST_GAIN
