"""From what was read of networks to short programs that reproduce all of it, simplest first. Source: ours.

Every source, be it coded rows, a machine or a black box, is searched for affine machines, for functions of the last
inputs and outputs, for numbered and bit-coded states; only where none is found, for functions of the codes as they were
given and for unbounded counters. The ideas are those of arXiv 2402.05110 (linear, Boolean and integer regression),
made exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from novacula.distill.behavior import Behavior
from novacula.distill.machine import Machine
from novacula.distill.program import Program
from novacula.distill.synth.affine import affine_program
from novacula.distill.synth.bits import bit_problems
from novacula.distill.synth.candidate import Candidate
from novacula.distill.synth.codes import code_problems
from novacula.distill.synth.counters import counter_programs
from novacula.distill.synth.fit import MOST_EFFORT, Problem, fit
from novacula.distill.synth.lags import MOST_LAGS, lag_problems
from novacula.distill.synth.limits import Budget, Limits
from novacula.distill.synth.modular import modular_problems
from novacula.distill.synth.readable import readable
from novacula.distill.synth.realize import realize
from novacula.distill.synth.rewrite import shorten
from novacula.distill.synth.table import Table, table_of
from novacula.distill.synth.words import Words, words_of_behavior, words_of_table
from novacula.distill.transitions import Transitions
from novacula.errors import InputError

_WORDS = 2000
_LONG = 50
"""Where one of at most so many is known after a round of all methods, no round with more effort follows."""
_SLACK = 3
"""How many nodes more than the shortest a further candidate may have."""

Found = Iterator[tuple[str, Program]]
"""Programs with the method that found each."""


@dataclass(frozen=True)
class _Source:
    """What a search starts from: words always, and the table that they come from if there is one."""

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
    """Programs that reproduce what was read, fewest nodes first.

    Args:
        transitions: coded rows, each from one network or one code; they may be incomplete and unbounded.
        machines: complete or partial machines. One of which nothing is known tells which symbols there are.
        behavior: what may be asked besides, within the length.
        length: of the words that are walked or asked.
        limits: where to stop.

    Returns:
        Candidates, each of which reproduces all of its own source; none if nothing was found within the limits.

    Raises:
        InputError: a table with a collision, or neither rows nor a machine to tell the symbols.
    """
    limits = limits or Limits()
    sources = list(_sources(transitions, machines, behavior, length, limits.seed))
    found: dict[Program, Candidate] = {}
    for source in sources:
        budget = Budget(limits.work // len(sources), limits.nodes + 1)
        for method, program in _programs(source, budget):
            program = readable(shorten(program))
            if program in found or program.nodes > limits.nodes or not source.reproduces(program):
                continue
            found[program] = Candidate(program, method, source.name)
            budget.shortest = min(budget.shortest, program.nodes)
            budget.bound = min(budget.bound, budget.shortest + _SLACK)
    return sorted(found.values(), key=_simplicity)


def _simplicity(candidate: Candidate) -> tuple[int, int, int]:
    program = candidate.program
    return program.nodes, sum(map(abs, program.start)), len(program.state)


def _sources(
    transitions: Sequence[Transitions],
    machines: Sequence[Machine],
    behavior: Behavior | None,
    length: int,
    seed: int,
) -> Iterator[_Source]:
    generator = np.random.default_rng(seed)
    named = [(f"transitions {at}", source) for at, source in enumerate(transitions)]
    named += [(f"machine {at}", source) for at, source in enumerate(machines)]
    if not named:
        raise InputError("sources", "neither transitions nor a machine; one is needed to know the input symbols")
    tables = [(name, table_of(source, name)) for name, source in named]
    for name, table in tables:
        if len(table.state):
            yield _Source(name, words_of_table(table, _WORDS, length, generator), table)
    if behavior is not None:
        symbols = max((table.symbols for _, table in tables), key=len)
        yield _Source("behavior", words_of_behavior(behavior, symbols, _WORDS, length, generator), None)


def _programs(source: _Source, budget: Budget) -> Iterator[tuple[str, Program]]:
    """Programs of every method, likelier and cheaper ones first; the rest only while all that is found is long."""
    for machine in realize(source.words):
        yield "affine", affine_program(machine)
    for effort in range(1, MOST_EFFORT + 1):
        for method, enough in _METHODS.items():
            if budget.shortest > enough:
                yield from method(source, budget, effort)
        if budget.shortest <= _LONG:
            return


def _by_last_step(source: _Source, budget: Budget, effort: int) -> Found:
    yield from _fits("lags", lag_problems(source.words, 0, 1), budget, effort)


def _by_steps(source: _Source, budget: Budget, effort: int) -> Found:
    if not any(lag_problems(source.words, 0, 1)):
        yield from _fits("lags", lag_problems(source.words, 2, MOST_LAGS), budget, effort)


def _by_state(source: _Source, budget: Budget, effort: int) -> Found:
    if source.table is not None:
        yield from _fits("modular", modular_problems(source.table), budget, effort)
        yield from _fits("bits", bit_problems(source.table, budget.bound), budget, effort)


def _by_counters(source: _Source, budget: Budget, effort: int) -> Found:
    for program in counter_programs(source.words, budget, effort):
        yield "counters", program


def _by_codes(source: _Source, budget: Budget, effort: int) -> Found:
    if source.table is not None:
        yield from _fits("codes", code_problems(source.table), budget, effort)


def _fits(method: str, problems: Iterator[Problem], budget: Budget, effort: int) -> Found:
    for problem in problems:
        program = fit(problem, budget, effort)
        if program is not None:
            yield method, program


_METHODS = {_by_last_step: 3, _by_state: 3, _by_steps: 12, _by_counters: 12, _by_codes: 60}
"""In order; each is tried unless a program with at most so many nodes is known."""
