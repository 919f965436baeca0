"""Opens one network: normal form, states, programs, verdicts. Each stage is a folder of its own.

Two roads lead from a network to programs, and are kept apart: *opened* reads its hidden states; *queried* sees only
what it answers, as of a black box.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from novacula.distill.choose import JudgedProgram
from novacula.distill.findings import FormRow, NetworkOutcome, Road
from novacula.distill.normalize import NormalForm, normalize
from novacula.distill.program.machine import UNKNOWN, Machine, Transitions
from novacula.distill.program.program import Program, simpler
from novacula.distill.source import Source
from novacula.distill.sources.behavior import Behavior, RecurrentNetwork
from novacula.distill.states import States, read_states
from novacula.distill.synth import Candidate, synthesize
from novacula.distill.synth.rewrite import readable, shorten
from novacula.distill.synth.style import styled
from novacula.distill.verify import Certificate, Check, verify
from novacula.distill.verify.exhaustive import search_product
from novacula.distill.verify.samples import FEW, Samples, draw_samples
from novacula.distill.verify.target import list_symbols, stepper
from novacula.distill.verify.verify import verify_data
from novacula.runs import check_time


class Stopwatch:
    """Adds up seconds under names."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time of this context."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage, in the order in which the stages first came."""
        return {name: round(value, 3) for name, value in self._seconds.items()}

    def load(self, seconds: dict[str, float]) -> None:
        """Continues from these seconds."""
        self._seconds = dict(seconds)


_MOST_CHECKED = 8
_RARELY = 0.05  #: a program that is wrong on a larger share of sequences is not mended


@dataclass(frozen=True)
class Extraction:
    """What one network gave."""

    network: RecurrentNetwork  #: as it was trained
    normal_form: NormalForm  #: the network in simpler form
    states: States  #: its states
    programs: tuple[JudgedProgram, ...]  #: programs with their verdicts


class Judge:
    """Judges programs against a source, each once."""

    def __init__(self, source: Source, seed: int) -> None:
        self._source, self._seed = source, seed
        self._samples: list[Samples] | None = None
        self._known: dict[Program, Certificate] = {}
        self._conformed: tuple[Machine, Check, list[Samples]] | None = None

    @property
    def has_data_alone(self) -> bool:
        """Whether there is nothing but rows to compare with."""
        return self._source.target is None

    @property
    def samples(self) -> list[Samples]:
        """Fresh sequences with the target's answers; none with data alone."""
        if self._samples is None:
            target = self._source.target
            self._samples = draw_samples(target, self._seed) if target else []
        return self._samples

    def judge(self, program: Program | Machine) -> Certificate:
        """Returns what is known of a program."""
        check_time()
        if isinstance(program, Program) and program in self._known:
            return self._known[program]
        if self._source.target is None:
            assert self._source.held_out is not None
            certificate = verify_data(program, self._source.held_out, self._source.learned)
        elif self._conforms(program):
            _, check, samples = self._conformed or (None, None, None)
            certificate = verify(program, self._source.target, samples=samples, conformance=check)
        else:
            certificate = verify(program, self._source.target, samples=self.samples)
        if isinstance(program, Program):
            self._known[program] = certificate
        return certificate

    def conformed(self, machine: Machine, check: Check) -> None:
        """Remembers the machine by which a function passed the W-method: what equals it needs fewer samples."""
        target = self._source.target
        assert target is not None
        few = replace(target, samples=min(target.samples or FEW, FEW))
        self._conformed = machine, check, draw_samples(few, self._seed)

    def _conforms(self, program: Program | Machine) -> bool:
        """Whether a program equals that machine, for every length."""
        if self._conformed is None:
            return False
        machine = self._conformed[0]
        found = search_product(stepper(machine), stepper(program), machine.symbols)
        return found.closed and not found.counterexample

    def network_is_right(self, network: Behavior) -> bool:
        """Whether a network makes no mistake on fresh sequences of the trained length."""
        if self._source.target is None:
            assert self._source.held_out is not None
            return verify_data(network, self._source.held_out).right
        length = self._source.target.length
        at_length = (samples for samples in self.samples if samples.x.shape[1] == length)
        return all((network.run(samples.x) == samples.y).all() for samples in at_length)


def extract(
    number: int, network: RecurrentNetwork, source: Source, judge: Judge, clock: Stopwatch, seed: int
) -> Extraction:
    """Takes programs out of a network; only the sequences of the source are shown to what looks for them."""
    sequences = source.sequences
    with clock.stage("normalize"):
        normal_form = normalize(network, sequences, np.random.default_rng([seed, number]))
    with clock.stage("states"):
        states = read_states(normal_form.network, sequences, seed)

    def synthesized(
        transitions: list[Transitions], machines: list[Machine], behavior: Behavior | None = None
    ) -> list[Candidate]:
        with clock.stage("synth"):
            return synthesize(transitions, machines, behavior, network.length)

    def judged(candidates: list[Candidate], machine: Machine | None, road: Road) -> list[JudgedProgram]:
        with clock.stage("verify"):
            return judge_all(candidates, machine, road, number, judge)

    # Opened: from machines of hidden states, and from integer codes of these where the machine gave no short formula.
    machine = states.opened or (states.explored and states.explored.machine)
    of_machine = synthesized([], [machine]) if machine else []
    programs = judged(of_machine, states.opened, "opened")
    transitions = [reading.transitions for reading in states.readings if not reading.collisions]
    if transitions and not reaches(programs):
        programs += judged(synthesized(transitions, []), None, "opened")
    # Queried: from what the network answers.
    candidates, symbols = [], list_symbols(source.low, source.high, source.streams)
    if states.queried:
        # Both roads may end in one machine; the same programs follow from it.
        alike = states.opened is not None and all(
            map(np.array_equal, vars(states.opened).values(), vars(states.queried).values())
        )
        candidates = of_machine if alike else synthesized([], [states.queried])
    elif symbols is not None:
        candidates = synthesized([], [nothing_known(symbols, network.outputs)], normal_form.network)
    programs += judged(candidates, states.queried, "queried")
    return Extraction(network, normal_form, states, tuple(programs))


def network_outcome(extraction: Extraction) -> NetworkOutcome:
    """Returns what an opened network showed, for the result."""
    states = extraction.states
    return NetworkOutcome(
        shape=extraction.network.shape,
        accuracy=states.accuracy,
        opened_states=states.opened.states if states.opened else None,
        queried_states=states.queried.states if states.queried else None,
        new_states=states.explored.new_states if states.explored else (),
        clusters=states.picture.clusters,
        collisions=tuple(reading.collisions for reading in states.readings),
        forms=tuple(
            FormRow(
                form=form.name,
                kept=form.kept,
                size=form.network.size,
                parameters=form.metrics.parameters,
                integers=form.metrics.integers,
                accuracy=form.metrics.accuracy,
                loss=form.metrics.loss if math.isfinite(form.metrics.loss) else None,
            )
            for form in extraction.normal_form.forms
        ),
    )


def nothing_known(symbols: np.ndarray, outputs: int) -> Machine:
    """Returns a machine that only says which symbols there are."""
    return Machine(symbols, np.full((1, len(symbols)), UNKNOWN), np.zeros((1, len(symbols), outputs), np.int64))


def judge_all(
    candidates: Iterable[Candidate], machine: Machine | None, road: Road, number: int | None, judge: Judge
) -> list[JudgedProgram]:
    """Returns candidates with their verdicts, the shortest first; once one is proved, longer ones are not checked.

    The machine, a table of states, is judged where no formula reaches the goal.
    """
    programs: list[JudgedProgram] = []
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
        programs.append(JudgedProgram(candidate.program, road, candidate.method, number, certificate))
    programs += _simplified(programs, judge)
    if machine is not None:
        certificate = None if reaches(programs) else judge.judge(machine)
        programs.append(JudgedProgram(machine, road, "table", number, certificate))
    return programs


def _simplified(programs: Sequence[JudgedProgram], judge: Judge) -> list[JudgedProgram]:
    """What becomes of programs that err rarely when one operation is left out, such as an exception, and is right.

    With data alone, the same is tried of programs that fit: the shortest that does is wanted.
    """
    if not judge.has_data_alone and reaches(programs):
        return []
    found: dict[Program, JudgedProgram] = {}
    queue = [one for one in programs if one.certificate and one.certificate.error <= _RARELY]
    for judged in queue:
        if isinstance(judged.program, Program):
            neat = (styled(readable(shorten(program))) for program in simpler(judged.program))
            for program in sorted(neat, key=lambda program: program.nodes):
                if program not in found and (certificate := judge.judge(program)).right:
                    found[program] = replace(judged, program=program, certificate=certificate)
                    queue.append(found[program])
                    break
    return list(found.values())


def reaches(programs: Iterable[JudgedProgram]) -> bool:
    """Whether one of the programs reaches the goal."""
    return any(program.certificate and program.certificate.reached for program in programs)
