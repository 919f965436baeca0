"""How sure the solver is: the probability that an attempt is right, and when more steps promise nothing.

Training draws a sample at every step. A decode without noise, from the posterior means, shows what the network holds
for true: where a puzzle is solved, most decodes show the same answer. Both rules here were fitted on recordings of
training puzzles (``benchmarks/studies/arc_certainty.py``). Source: ours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

DECODE_EVERY = 10  #: noise-free decodes are made after steps 10, 20, …, with the parameters that these steps have left
WIDEST_MARGIN = 10.0  #: a larger margin counts as this one
SOFTENING = 0.02  #: is added to both parts of a share, whose logit then stays within ±3.9


@dataclass(frozen=True)
class Evidence:
    """What speaks for attempt 1."""

    decoded: float  #: the share of the noise-free decodes so far that show it, 0 to 1; 0 before the first
    margin: float  #: its log-weight less that of attempt 2; infinite where there is no other
    same_size: bool  #: whether every output has the size of its input

    def features(self) -> tuple[float, float, float]:
        """Returns what the model weighs: the logit of the share, the margin, and 1 for the same size, else 0."""
        logit = math.log((self.decoded + SOFTENING) / (1 - self.decoded + SOFTENING))
        return logit, min(self.margin, WIDEST_MARGIN), float(self.same_size)


@dataclass(frozen=True)
class Logistic:
    """A logistic model of the features of `Evidence`."""

    constant: float  #: the logit where all features are 0
    factors: tuple[float, float, float]  #: one for each feature

    def __call__(self, evidence: Evidence) -> float:
        """Returns a probability."""
        terms = (factor * feature for factor, feature in zip(self.factors, evidence.features(), strict=True))
        return 1 / (1 + math.exp(-self.constant - sum(terms)))


FIRST = Logistic(-1.0, (0.5, 0.5, 1.0))
EITHER = Logistic(-1.0, (0.5, 0.5, 1.0))

FROM_STEP = 200  #: no training ends before
DECIDED = 0.9  #: a training ends at once where one of both attempts is right with this probability
PATIENCE = 200  #: it ends, from twice this step on, where so many steps have not raised the probability
RISE = 0.02  #: by at least this much


def probabilities(evidence: Evidence) -> tuple[float, float]:
    """Returns the probabilities that attempt 1 is right, and that attempt 2 is; at most one of them is right."""
    first = FIRST(evidence)
    return first, max(0.0, EITHER(evidence) - first)


def is_settled(course: Sequence[float]) -> bool:
    """Returns whether more steps promise nothing.

    Args:
        course: the probability that one of both attempts is right after each `DECODE_EVERY` steps so far.
    """
    steps, back = DECODE_EVERY * len(course), PATIENCE // DECODE_EVERY
    if steps < FROM_STEP:
        return False
    return course[-1] >= DECIDED or (steps >= 2 * PATIENCE and course[-1] <= course[-1 - back] + RISE)
