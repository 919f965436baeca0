"""What a synthesis finds. Source: ours."""

from dataclasses import dataclass

from novacula.distill.program import Program


@dataclass(frozen=True)
class Candidate:
    """A program that reproduces everything that was known of its source.

    Attributes:
        program: the program.
        method: how it was found: "affine", "lags", "modular", "bits", "codes" or "counters".
        source: what it was found from: "transitions 0", "machine 0", "behavior".
    """

    program: Program
    method: str
    source: str

    @property
    def nodes(self) -> int:
        """Syntax nodes of the program."""
        return self.program.nodes
