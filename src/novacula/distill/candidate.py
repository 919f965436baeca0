"""A program or a machine that was found, and what became of it. Source: ours."""

from dataclasses import dataclass
from typing import Literal

from novacula.distill.machine import Machine
from novacula.distill.program import Program
from novacula.distill.verify import Certificate

Route = Literal["opened", "queried", "data"]
"""Where a program came from: the network's hidden states, its outputs alone, or the data without any network."""
ROUTES: tuple[Route, ...] = ("opened", "queried", "data")


@dataclass(frozen=True)
class Found:
    """A candidate with its verdict.

    Attributes:
        program: a formula, or a machine.
        route: where it came from.
        method: what found it.
        network: which of the perfect networks it is of; None of none.
        certificate: what is known of it; None where it was not checked, a better one being known.
    """

    program: Program | Machine
    route: Route
    method: str
    network: int | None
    certificate: Certificate | None

    @property
    def nodes(self) -> int | None:
        """Syntax nodes of a formula."""
        return self.program.nodes if isinstance(self.program, Program) else None
