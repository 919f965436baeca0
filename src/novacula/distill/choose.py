"""Programs and machines that were found, the table of them from simple to complex, and the rule that takes one.

Source: ours; the table is as in PySR.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from typing_extensions import TypeIs

from novacula.distill.findings import ROADS, ProgramRow, Road, RoadOutcome
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.synth.style import awkwardness
from novacula.distill.verify import TIERS, Certificate
from novacula.distill.verify.samples import Samples
from novacula.distill.verify.verify import NODE_LIMIT


@dataclass(frozen=True)
class JudgedProgram:
    """A program with its verdict."""

    program: Program | Machine  #: a formula, or a machine
    road: Road  #: where it came from
    method: str  #: what found it
    network: int | None  #: number of the perfect network that it came from; None without one
    certificate: Certificate | None
    """What is known of it; None where it was not checked because a better one was known."""

    @property
    def nodes(self) -> int | None:
        """Syntax nodes of a formula; None for a machine."""
        return self.program.nodes if isinstance(self.program, Program) else None

    @property
    def states(self) -> int | None:
        """States of a machine; None for a formula."""
        return self.program.states if isinstance(self.program, Machine) else None


_COMPARED = 2000  #: of each kind of sequences, how many the nearest program is looked for on

RULE = (
    "Of the programs with the highest tier, the one with the fewest syntax nodes; of equally short ones, the one that "
    "reads best; then first those opened from hidden states, then those queried, then those from data alone. A formula "
    "of at most 60 nodes comes before a table, and a longer one if it has fewer nodes than 60 and the table's numbers."
)
"""How a program is chosen, for people."""


def rank(program: JudgedProgram) -> tuple[int, int, int, int]:
    """Returns what the rule sorts by: it takes the smallest."""
    awkward = awkwardness(program.program) if isinstance(program.program, Program) else 0
    return (-_strength(program), _size(program), awkward, ROADS.index(program.road))


def choose(programs: Sequence[JudgedProgram], road: Road | None = None) -> JudgedProgram | None:
    """Returns the program that the rule takes; None where none is right."""
    right = [
        program
        for program in programs
        if program.certificate and program.certificate.right and road in (None, program.road)
    ]
    return min(right, key=rank, default=None)


def nearest(programs: Sequence[JudgedProgram], samples: Sequence[Samples] = ()) -> JudgedProgram | None:
    """Returns the program that is wrong on the fewest sequences, for when none is right.

    A verdict ends with the first sequences on which a program is wrong, so that verdicts count different ones. Programs
    are compared on the same sequences here.

    Args:
        programs: programs with their verdicts.
        samples: sequences with what the programs should put out; without them, verdicts are compared.
    """
    judged = [program for program in programs if program.certificate]
    return min(judged, key=lambda program: (_error(program, samples), rank(program)), default=None)


def _error(judged: JudgedProgram, samples: Sequence[Samples]) -> float:
    """The share of sequences on which a program is wrong."""
    trusted = [each for each in samples if each.trusted]
    if not trusted:
        return judged.certificate.error if judged.certificate else 1.0
    wrong = count = 0
    for each in trusted:
        x, y = each.x[:_COMPARED], each.y[:_COMPARED]
        count += len(x)
        try:
            wrong += int((judged.program.run(x) != y).any(axis=(1, 2)).sum())
        except OverflowError:
            wrong += len(x)
    return wrong / max(1, count)


def departs(judged: JudgedProgram | None) -> TypeIs[JudgedProgram]:
    """Returns whether a program is one from which the user's network departs on few sequences."""
    return judged is not None and judged.certificate is not None and judged.certificate.tier == "departs"


def road_outcome(
    programs: Sequence[JudgedProgram], road: Road, shown: JudgedProgram | None, data_alone: bool
) -> RoadOutcome:
    """Returns the best of a road: a program that is right, or the one that is shown, if the network departs from it."""
    best = shown if departs(shown) and shown.road == road else choose(programs, road)
    if best is None or best.certificate is None:
        return RoadOutcome(None if data_alone else "none", False, None, None)
    return RoadOutcome(best.certificate.tier, best.certificate.right, best.nodes, best.method)


def program_table(programs: Sequence[JudgedProgram], shown: JudgedProgram | None = None) -> tuple[ProgramRow, ...]:
    """Returns a row for every program, the simplest first.

    Args:
        programs: programs with their verdicts.
        shown: the one that the result shows; its verdict counts where the network departs from it.
    """
    chosen = shown if departs(shown) else choose(programs)
    if departs(shown):
        programs = [shown if program.program is shown.program else program for program in programs]
    return tuple(
        ProgramRow(
            nodes=program.nodes,
            states=program.states,
            route=program.road,
            method=program.method,
            network=program.network,
            tier=_verdict(program),
            chosen=program is chosen,
        )
        for program in sorted(programs, key=lambda one: (_size(one), -_strength(one), ROADS.index(one.road)))
    )


def _strength(program: JudgedProgram) -> int:
    if program.certificate is None or not program.certificate.right:
        return -1
    return 0 if program.certificate.tier is None else TIERS.index(program.certificate.tier)


def _size(program: JudgedProgram) -> int:
    """Nodes of a formula; a table counts as longer than any short formula, by the numbers that it holds."""
    if isinstance(program.program, Program):
        return program.program.nodes
    return NODE_LIMIT + program.program.next.size + program.program.output.size


def _verdict(program: JudgedProgram) -> str:
    if program.certificate is None:
        return "not checked"
    if not program.certificate.right and not departs(program):
        return "wrong"
    return program.certificate.tier or "right"
