"""From what was read of networks to short programs that reproduce all of it, the simplest first.

Coded rows, machines and black boxes alike are searched for affine machines, for functions of the last inputs and
outputs, and for states that are numbered or written in bits. Only where nothing is found, functions of the codes as
they were given, and unbounded counters, are tried.
Source: arXiv 2402.05110 for linear, Boolean and integer regression; making these exact, and the rest, is ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from novacula.distill.program.machine import Machine, Transitions
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import Behavior
from novacula.distill.synth.affine import affine_program, realize
from novacula.distill.synth.bank import Budget, Limits
from novacula.distill.synth.codes import bit_problems, code_problems, modular_problems
from novacula.distill.synth.counters import counter_programs
from novacula.distill.synth.fit import MOST_EFFORT, Problem, fit
from novacula.distill.synth.lags import MOST_LAGS, lag_problems
from novacula.distill.synth.rewrite import readable, shorten
from novacula.distill.synth.style import awkwardness, styled
from novacula.distill.synth.table import Table, Words, table_of, words_of_behavior, words_of_table
from novacula.errors import InputError


@dataclass(frozen=True)
class Candidate:
    """A program that reproduces everything that was known of its source."""

    program: Program  #: the program
    method: str  #: how it was found: "affine", "lags", "modular", "bits", "codes" or "counters"
    source: str  #: what it was found from: "transitions 0", "machine 0", "behavior"

    @property
    def nodes(self) -> int:
        """Syntax nodes of the program."""
        return self.program.nodes


_WORDS, _POSITIONS = 2000, 400_000
"""The most words of a search, and of their steps."""
_LONG = 50  #: where a program of at most this many nodes is known after all methods, none is tried with more effort
_SHORT = 12  #: where none of at most this many is known, functions of the present input are, which takes a second
_SLACK = 3  #: how many nodes more than the shortest a further candidate may have

Programs = Iterator[tuple[str, Program]]  #: programs with the method that found each


@dataclass(frozen=True)
class _Evidence:
    """What a search begins with: always words, and the table that they come from if there is one."""

    name: str
    words: Words
    table: Table | None

    def reproduces(self, program: Program) -> bool:
        """Whether the program agrees with all that is known."""
        return self.words.agrees(program) and (self.table is None or self.table.reproduces(program))


def synthesize(
    transitions: Sequence[Transitions],
    machines: Sequence[Machine],
    behavior: Behavior | None = None,
    length: int = 10,
    limits: Limits | None = None,
) -> list[Candidate]:
    """Returns programs that reproduce what was read, fewest nodes first.

    Args:
        transitions: coded rows, each from one network or one code; they may be incomplete and unbounded.
        machines: complete or partial machines; one of which nothing is known still says which symbols there are.
        behavior: what may be asked besides, within the length.
        length: of the words.
        limits: where to stop.

    Returns:
        Candidates, each of which reproduces all that it was found from; none if nothing was found within the limits.

    Raises:
        InputError: a table with a collision, or neither rows nor a machine that says the symbols.
    """
    limits = limits or Limits()
    all_evidence = list(_evidence(transitions, machines, behavior, length, limits.seed))
    candidates: dict[Program, Candidate] = {}
    for evidence in all_evidence:
        budget = Budget(limits.work // len(all_evidence), limits.nodes + 1)
        for method, program in _programs(evidence, budget):
            program = styled(readable(shorten(program)))
            if program in candidates or program.nodes > limits.nodes or not evidence.reproduces(program):
                continue
            candidates[program] = Candidate(program, method, evidence.name)
            budget.shortest = min(budget.shortest, program.nodes)
            budget.bound = min(budget.bound, budget.shortest + _SLACK)
    return sorted(candidates.values(), key=lambda candidate: _simplicity(candidate.program))


def _simplicity(program: Program) -> tuple[int, int, int, int]:
    return program.nodes, awkwardness(program), sum(map(abs, program.start)), len(program.state)


def _evidence(
    transitions: Sequence[Transitions], machines: Sequence[Machine], behavior: Behavior | None, length: int, seed: int
) -> Iterator[_Evidence]:
    generator = np.random.default_rng(seed)
    named = [(f"transitions {at}", source) for at, source in enumerate(transitions)]
    named += [(f"machine {at}", source) for at, source in enumerate(machines)]
    if not named:
        raise InputError("sources", "neither transitions nor a machine; one is needed to know the input symbols")
    tables = [(name, table_of(source, name)) for name, source in named]
    count = min(_WORDS, max(20, _POSITIONS // length))
    for name, table in tables:
        if len(table.state):
            yield _Evidence(name, words_of_table(table, count, length, generator), table)
    if behavior is not None:
        symbols = max((table.symbols for _, table in tables), key=len)
        yield _Evidence("behavior", words_of_behavior(behavior, symbols, count, length, generator), None)


def _programs(evidence: _Evidence, budget: Budget) -> Iterator[tuple[str, Program]]:
    """Programs of every method, likelier and cheaper ones first; the rest only while all that is found is long."""
    for machine in realize(evidence.words):
        yield "affine", affine_program(machine)
    for effort in range(1, MOST_EFFORT + 1):
        for method, enough in _METHODS.items():
            if budget.shortest > enough:
                yield from method(evidence, budget, effort)
        if budget.shortest <= _LONG:
            break
    if _SHORT < budget.shortest <= _LONG:  # a long find must not hide what the present input decides alone
        yield from _fits("lags", lag_problems(evidence.words, 0, 0), budget, MOST_EFFORT)


def _by_last_step(evidence: _Evidence, budget: Budget, effort: int) -> Programs:
    yield from _fits("lags", lag_problems(evidence.words, 0, 1), budget, effort)


def _by_steps(evidence: _Evidence, budget: Budget, effort: int) -> Programs:
    if not any(lag_problems(evidence.words, 0, 1)):
        yield from _fits("lags", lag_problems(evidence.words, 2, MOST_LAGS), budget, effort)


def _by_state(evidence: _Evidence, budget: Budget, effort: int) -> Programs:
    if evidence.table is not None:
        yield from _fits("modular", modular_problems(evidence.table), budget, effort)
        yield from _fits("bits", bit_problems(evidence.table, budget.bound), budget, effort)


def _by_counters(evidence: _Evidence, budget: Budget, effort: int) -> Programs:
    for program in counter_programs(evidence.words, budget, effort):
        yield "counters", program


def _by_codes(evidence: _Evidence, budget: Budget, effort: int) -> Programs:
    if evidence.table is not None:
        yield from _fits("codes", code_problems(evidence.table), budget, effort)


def _fits(method: str, problems: Iterator[Problem], budget: Budget, effort: int) -> Programs:
    for problem in problems:
        program = fit(problem, budget, effort)
        if program is not None:
            yield method, program


_METHODS = {_by_last_step: 3, _by_state: 3, _by_steps: 12, _by_counters: 12, _by_codes: 60}
"""The methods in order, each with the nodes of a program that makes it needless."""
