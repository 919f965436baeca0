"""How the candidates of a puzzle stood at some steps, kept so that a scorer can tell the truth's rank afterwards.

A candidate is kept as a digest: the scorer, who knows the truth, looks for the truth's own digest. Source: ours.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from novacula.arc.answers import answer_text
from novacula.errors import InputError
from novacula.files import JSON

RECORDED_STEPS = (50, 100, 200, 300, 400, 500, 750, 1000, 1250, 1500, 2000)
"""Steps at which the standing is kept, beside the last; beyond them every 500th."""
MOST = 1000
"""Candidates that a standing lists: pass@n is known up to this n."""


@dataclass(frozen=True)
class Standing:
    """The rank of an answer at a step.

    Attributes:
        step: steps done.
        cpu_seconds: processor time of these steps.
        rank: 1 for the best candidate; None where the answer is not among the first `MOST`.
    """

    step: int
    cpu_seconds: float
    rank: int | None


class Standings:
    """The candidates' order at some steps."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # of every digest that a standing lists
        self._rows: list[dict[str, Any]] = []

    def add(self, step: int, cpu_seconds: float, ranking: Sequence[str]) -> None:
        """Keep the order of candidates, given as texts (`answer_text`), best first."""
        numbers = [self._numbers.setdefault(_digest(text), len(self._numbers)) for text in ranking[:MOST]]
        self._rows.append({"step": step, "cpu_seconds": round(cpu_seconds, 3), "ranking": numbers})

    def state(self) -> dict[str, JSON]:
        """As JSON: the digests of all candidates that are listed, and per step their places in that list."""
        return {"candidates": list(self._numbers), "standings": list(self._rows)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up `state`."""
        self._numbers = {digest: number for number, digest in enumerate(state["candidates"])}
        self._rows = list(state["standings"])


def is_recorded(step: int, last: int) -> bool:
    """Whether the standing is kept after so many steps."""
    return step in RECORDED_STEPS or step == last or (step > RECORDED_STEPS[-1] and step % 500 == 0)


def standings_of(state: object, answer: Sequence[Sequence[Sequence[int]]], source: str) -> tuple[Standing, ...]:
    """The ranks of an answer, by step.

    Args:
        state: of `Standings`, read from a file.
        answer: one grid per test input.
        source: what an error names as being at fault.

    Raises:
        InputError: the state is damaged.
    """
    digest = _digest(answer_text(answer))
    try:
        number = state["candidates"].index(digest) if digest in state["candidates"] else None  # pyright: ignore
        rows = [(row["step"], float(row["cpu_seconds"]), row["ranking"]) for row in state["standings"]]  # pyright: ignore
        return tuple(
            Standing(int(step), seconds, ranking.index(number) + 1 if number in ranking else None)
            for step, seconds, ranking in rows
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(source, "the standings of its candidates are damaged") from error


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
