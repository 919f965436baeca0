"""How the candidates of a puzzle stood at some steps, kept so that a scorer can find the truth's rank afterwards.

A candidate is kept as a digest: the scorer, who knows the truth, looks for the truth's own digest. Source: ours.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from novacula.arc.answers.answers import answer_text
from novacula.arc.data.task import Answer

RECORDED_STEPS = (50, 100, 200, 300, 400, 500, 750, 1000, 1250, 1500, 2000)
"""Steps at which the candidates' order is kept, beside the last; beyond them every 500th."""
MOST = 1000  #: candidates that an order lists: pass@n is known up to this n


@dataclass(frozen=True)
class Standing:
    """The rank of an answer after a number of steps: 1 for the best, None where it is not among the first `MOST`."""

    step: int
    cpu_seconds: float
    rank: int | None


@dataclass(frozen=True)
class Order:
    """The candidates at a step, best first."""

    step: int  #: steps done
    cpu_seconds: float  #: processor time of these steps
    ranking: tuple[int, ...]  #: the candidates' places in the list of digests


class Standings:
    """The candidates' order at some steps; `candidates` are the digests of all that are listed so far."""

    def __init__(self, candidates: tuple[str, ...] = (), orders: tuple[Order, ...] = ()) -> None:
        self._numbers = {digest: number for number, digest in enumerate(candidates)}
        self._orders = list(orders)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The digests of all candidates that an order lists."""
        return tuple(self._numbers)

    @property
    def orders(self) -> tuple[Order, ...]:
        """The candidates' order at the steps that were recorded."""
        return tuple(self._orders)

    def add(self, step: int, cpu_seconds: float, ranking: Sequence[str]) -> None:
        """Keeps the order of candidates, given as texts (`answer_text`), best first."""
        numbers = (self._numbers.setdefault(_digest(text), len(self._numbers)) for text in ranking[:MOST])
        self._orders.append(Order(step, round(cpu_seconds, 3), tuple(numbers)))

    def ranks(self, answer: Answer) -> tuple[Standing, ...]:
        """Returns the ranks of an answer, step by step."""
        number = self._numbers.get(_digest(answer_text(answer)))
        return tuple(
            Standing(
                order.step, order.cpu_seconds, order.ranking.index(number) + 1 if number in order.ranking else None
            )
            for order in self._orders
        )


def is_recorded(step: int, last: int) -> bool:
    """Returns whether the order of the candidates is kept after step `step`."""
    return step in RECORDED_STEPS or step == last or (step > RECORDED_STEPS[-1] and step % 500 == 0)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
