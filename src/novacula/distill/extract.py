"""Open one network: normal form, states, programs, verdicts. Each stage is a folder of its own.

Two roads lead from a network to programs, and are kept apart: *opened* reads its hidden states; *queried* sees only
what it answers, as of a black box.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from novacula.distill.behavior import Behavior
from novacula.distill.candidate import Found, Route
from novacula.distill.machine import UNKNOWN, Machine
from novacula.distill.network import Network
from novacula.distill.normalize import Normalized, normalize
from novacula.distill.program import Program
from novacula.distill.source import Source
from novacula.distill.states import States, read_states
from novacula.distill.stopwatch import Stopwatch
from novacula.distill.synth import Candidate, synthesize
from novacula.distill.transitions import Transitions
from novacula.distill.verify import Certificate, verify
from novacula.distill.verify.samples import Batch, draw_batches
from novacula.distill.verify.target import list_symbols
from novacula.distill.verify.verify import verify_data

_MOST_CHECKED = 8


@dataclass(frozen=True)
class Extraction:
    """What one network gave.

    Attributes:
        network: as it was trained.
        normalized: simplified.
        states: its states.
        found: candidates with their verdicts.
    """

    network: Network
    normalized: Normalized
    states: States
    found: tuple[Found, ...]


class Judge:
    """Judges candidates against a source, each once.

    Args:
        source: of the run.
        seed: of the sequences on which they are tried.
    """

    def __init__(self, source: Source, seed: int) -> None:
        self._source, self._seed = source, seed
        self._batches: list[Batch] | None = None
        self._known: dict[Program, Certificate] = {}

    @property
    def batches(self) -> list[Batch]:
        """Fresh sequences with the target's answers; none with data alone."""
        if self._batches is None:
            target = self._source.target
            self._batches = draw_batches(target, self._seed) if target else []
        return self._batches

    def judge(self, program: Program | Machine) -> Certificate:
        """What is known of a program."""
        if isinstance(program, Program) and program in self._known:
            return self._known[program]
        if self._source.target is None:
            assert self._source.held_out is not None
            certificate = verify_data(program, self._source.held_out)
        else:
            certificate = verify(program, self._source.target, batches=self.batches)
        if isinstance(program, Program):
            self._known[program] = certificate
        return certificate

    def network_is_right(self, network: Behavior) -> bool:
        """Whether a network makes no mistake on fresh sequences of the trained length."""
        if self._source.target is None:
            assert self._source.held_out is not None
            return verify_data(network, self._source.held_out).right
        length = self._source.target.length
        return all((network.run(b.x) == b.y).all() for b in self.batches if b.x.shape[1] == length)


def extract(number: int, network: Network, source: Source, judge: Judge, clock: Stopwatch, seed: int) -> Extraction:
    """Take programs out of a network.

    Args:
        number: of the network among the perfect ones.
        network: as it was trained.
        source: of the run; only its sequences are shown to what looks for programs.
        judge: of the candidates.
        clock: counts the time of every stage.
        seed: of the words on which the network is tried.
    """
    sequences = source.sequences
    with clock.stage("normalize"):
        normalized = normalize(network, sequences, np.random.default_rng([seed, number]))
    with clock.stage("states"):
        states = read_states(normalized.network, sequences, seed)
    roads = _Roads(number, states, normalized.network, source, judge, clock)
    return Extraction(network, normalized, states, tuple(roads.opened() + roads.queried()))


class _Roads:
    """Programs of both roads, with their verdicts."""

    def __init__(
        self, number: int, states: States, network: Network, source: Source, judge: Judge, clock: Stopwatch
    ) -> None:
        self._number, self._states, self._network = number, states, network
        self._source, self._judge, self._clock = source, judge, clock
        self._of_machine: list[Candidate] = []

    def opened(self) -> list[Found]:
        """From machines of hidden states, and from integer codes of these where the machine gave no short formula."""
        states = self._states
        if machine := states.opened or states.growth.machine:
            self._of_machine = self._synthesize([], [machine], None)
        found = self._judged(self._of_machine, states.opened, "opened")
        transitions = [reading.transitions for reading in states.readings if not reading.collisions]
        if transitions and not reaches(found):
            found += self._judged(self._synthesize(transitions, [], None), None, "opened")
        return found

    def queried(self) -> list[Found]:
        """From what the network answers."""
        states = self._states
        if machine := states.queried:
            # Both roads may end in one machine; the same programs follow from it.
            alike = states.opened is not None and _same(states.opened, machine)
            candidates = self._of_machine if alike else self._synthesize([], [machine], None)
        else:
            symbols = list_symbols(self._source.low, self._source.high, self._source.streams)
            known = [] if symbols is None else [_nothing_known(symbols, self._network)]
            candidates = self._synthesize([], known, self._network) if known else []
        return self._judged(candidates, machine, "queried")

    def _synthesize(
        self, transitions: list[Transitions], machines: list[Machine], behavior: Behavior | None
    ) -> list[Candidate]:
        with self._clock.stage("synth"):
            return synthesize(transitions, machines, behavior, self._network.length)

    def _judged(self, candidates: list[Candidate], machine: Machine | None, route: Route) -> list[Found]:
        with self._clock.stage("verify"):
            return judged(candidates, machine, route, self._number, self._judge)


def _same(first: Machine, second: Machine) -> bool:
    pairs = ((first.symbols, second.symbols), (first.next, second.next), (first.output, second.output))
    return all(np.array_equal(one, other) for one, other in pairs)


def _nothing_known(symbols: np.ndarray, network: Network) -> Machine:
    """A machine that tells which symbols there are."""
    return Machine(symbols, np.full((1, len(symbols)), UNKNOWN), np.zeros((1, len(symbols), network.outputs), np.int64))


def judged(
    candidates: Iterable[Candidate], machine: Machine | None, route: Route, number: int | None, judge: Judge
) -> list[Found]:
    """Candidates with their verdicts, the shortest first; once one is proved, longer ones are not checked."""
    found: list[Found] = []
    best, checked = "", 0
    shortest: dict[Program, Candidate] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.program.nodes):
        shortest.setdefault(candidate.program, candidate)
    for candidate in shortest.values():
        certificate = None
        if best != "S4" and checked < _MOST_CHECKED:
            certificate = judge.judge(candidate.program)
            checked += 1
            best = str(certificate.tier) if certificate.right else best
        found.append(Found(candidate.program, route, candidate.method, number, certificate))
    if machine is not None:
        certificate = None if reaches(found) else judge.judge(machine)
        found.append(Found(machine, route, "table", number, certificate))
    return found


def reaches(found: Iterable[Found]) -> bool:
    """Whether one of the candidates reaches the goal."""
    return any(one.certificate and one.certificate.reached for one in found)
