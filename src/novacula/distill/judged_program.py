"""A program or a machine that was found, the road that led to it, and what is known of it. Source: ours."""

from dataclasses import dataclass
from typing import Literal

from novacula.distill.machine import Machine
from novacula.distill.program import Program
from novacula.distill.verify import Certificate

Road = Literal["opened", "queried", "data"]
"""Where a program came from: the network's hidden states, its outputs alone, or the data without any network."""
ROADS: tuple[Road, ...] = ("opened", "queried", "data")


@dataclass(frozen=True)
class JudgedProgram:
    """A program with its verdict.

    Attributes:
        program: a formula, or a machine.
        road: where it came from.
        method: what found it.
        network: number of the perfect network that it came from; None without one.
        certificate: what is known of it; None where it was not checked because a better one was known.
    """

    program: Program | Machine
    road: Road
    method: str
    network: int | None
    certificate: Certificate | None

    @property
    def nodes(self) -> int | None:
        """Syntax nodes of a formula; None for a machine."""
        return self.program.nodes if isinstance(self.program, Program) else None

    @property
    def states(self) -> int | None:
        """States of a machine; None for a formula."""
        return self.program.states if isinstance(self.program, Machine) else None
