"""Mislabelled rows, found by description length: a program and its exceptions must be shorter than without.

Machines and formulas are learned from a few rows, then from the rows that they explain, until nothing changes; and from
these without rows that alone use a transition, which a mistake makes. Every one is described by its bits and those of
the rows that it gets wrong. The shortest description is taken if it leaves out no more rows than allowed; the others
are then distilled. From held-out rows nothing is learned, here as elsewhere.
Source: ours; minimum description length is Rissanen's (1978), and learning from random few Fischler and Bolles' (1981).
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from novacula.distill.config import RunConfig
from novacula.distill.direct import merged_machine, prefix_tree
from novacula.distill.program.expression import Number, walk
from novacula.distill.program.machine import UNKNOWN, Machine
from novacula.distill.program.program import Program
from novacula.distill.source import Source
from novacula.distill.sources.behavior import run_rows
from novacula.distill.sources.sequences import Sequences, check_function, conflicts, joined
from novacula.distill.synth import Limits, synthesize
from novacula.distill.verify.target import list_symbols

_SIZES = (10, 20, 40, 15, 30, 80, 12, 25, 60, 20, 40, 120)
"""Rows of each try; of rows of which 5 % are wrong, 20 are all right in a third of the tries."""
_ROUNDS = 4
_CONFIRMED = 4  #: the search ends when this many candidates in all have the exceptions of the best
_FORMULA_TRIES = 2
_ROWS = 400
_MERGED_SYMBOLS = 50
_WORK = 300_000
_NODE_BITS = 5.0
_HOPELESS = 0.5


def tolerant(source: Source, config: RunConfig) -> Source:
    """Returns the source without the rows that are better said as exceptions; itself where nothing is tolerated.

    Args:
        source: of the run.
        config: `tolerate` is the largest share of rows that may be left out.

    Raises:
        InputError: rows contradict each other, and no program explains the others.
    """
    if not config.tolerate or source.held_out is None:
        return source
    learned, rows = source.learned, joined(source.learned, source.held_out)
    best, least = None, float(rows.lengths.sum()) * _output_bits(rows)
    right, seen = np.ones(len(rows.x), bool), 0
    symbols = np.unique(rows.x[rows.inside], axis=0)
    for candidate in _candidates(learned, symbols, np.random.default_rng([config.seed, 3])):
        fits = explained(candidate, rows)
        bits = _bits(candidate, rows) + _exception_bits(rows, ~fits)
        if (~fits).sum() <= config.tolerate * len(rows.x) and bits < least:
            best, least, right, seen = candidate, bits, fits, 0 if (fits != right).any() else seen
        seen += best is not None and bool((fits == right).all())
        if seen == _CONFIRMED:
            break
    if best is None:
        check_function(rows, source.places)
        note = f"No program was found that is shorter than the rows and fits all of them but {config.tolerate:.1%}."
        return replace(source, note=note)
    parts = np.split(right, np.cumsum([len(source.sequences.x), len(source.validation.x)]))
    sequences, validation, held_out = (
        part.rows(np.flatnonzero(fits))
        for part, fits in zip((source.sequences, source.validation, source.held_out), parts, strict=True)
    )
    if not len(validation.x) and len(sequences.x) > 1:
        validation, sequences = sequences.rows(slice(1)), sequences.rows(slice(1, None))
    wrong = np.flatnonzero(~right)
    note = f"{len(wrong)} of {len(right)} rows are left out as mislabeled."
    return replace(
        source,
        sequences=sequences,
        validation=validation,
        held_out=held_out,
        left_out=rows.rows(wrong),
        places=tuple(source.places[row] for row in wrong),
        note=note,
    )


def _candidates(rows: Sequences, symbols: np.ndarray, generator: np.random.Generator) -> Iterator[Program | Machine]:
    """Machines and formulas of a few rows each, and machines of the rows that these explain."""
    every = list_symbols(rows.low, rows.high, rows.x.shape[2])
    for number, size in enumerate(_SIZES):
        few = _consistent(rows.rows(generator.permutation(len(rows.x))[:size]))
        if every is not None and number < _FORMULA_TRIES:
            tree = prefix_tree(few, every)
            found = synthesize([], [tree], None, int(rows.lengths.max()), Limits(work=_WORK))
            yield from (candidate.program for candidate in found)
        for _ in range(_ROUNDS if len(symbols) <= _MERGED_SYMBOLS else 0):
            machine = merged_machine(few, symbols)
            if machine is None:
                break
            yield machine
            fits = explained(machine, rows)
            if fits.mean() < _HOPELESS:
                break
            fitting = rows.rows(np.flatnonzero(fits)[:_ROWS])
            firm = _firm(machine, fitting)
            if 0 < len(firm.x) < len(fitting.x) and (smaller := merged_machine(firm, symbols)) is not None:
                yield smaller
            if fits.sum() == len(few.x):
                break
            few = _consistent(fitting)


def _consistent(rows: Sequences) -> Sequences:
    """The rows without those that contradict earlier ones."""
    return rows.rows(np.setdiff1d(np.arange(len(rows.x)), [conflict.second for conflict in conflicts(rows)]))


def _firm(machine: Machine, rows: Sequences) -> Sequences:
    """The rows that use no transition which none of the others uses; a machine that learned a mistake has such."""
    x = rows.filled
    used = machine.path(x)[:, :-1] * len(machine.symbols) + machine.indices(x)
    used = np.where(rows.inside, used, used[:, :1])
    users = np.zeros(machine.states * len(machine.symbols), int)
    for row in used:
        users[np.unique(row)] += 1
    return rows.rows(np.flatnonzero((users[used] > 1).all(axis=1)))


def explained(candidate: Program | Machine, rows: Sequences) -> Bool[np.ndarray, " rows"]:
    """Returns which rows a formula or a machine reproduces; a row that needs an unknown transition is not."""
    x = rows.filled
    if isinstance(candidate, Machine):
        path = candidate.path(x)
        y = candidate.output[path[:, :-1], candidate.indices(x)]
        wrong = (path[:, 1:] == UNKNOWN) | (y != rows.y).any(axis=2)
    else:
        try:
            wrong = (run_rows(candidate, rows) != rows.y).any(axis=2)
        except OverflowError:
            return np.zeros(len(x), bool)
    return ~(wrong & rows.inside).any(axis=1)


def _bits(candidate: Program | Machine, rows: Sequences) -> float:
    """The length of a description: every node, or every transition of a table."""
    if isinstance(candidate, Program):
        constants = (part.value for value in candidate.values for part in walk(value) if isinstance(part, Number))
        numbers = sum(2 * math.log2(1 + abs(number)) for number in (*candidate.start, *constants))
        return _NODE_BITS * candidate.nodes + numbers
    known = int((candidate.next != UNKNOWN).sum())
    return known * (math.log2(max(candidate.states, 2)) + _output_bits(rows))


def _exception_bits(rows: Sequences, wrong: np.ndarray) -> float:
    """Which rows are wrong, and for each a step and its outputs."""
    count, size = int(wrong.sum()), len(wrong)
    which = math.lgamma(size + 1) - math.lgamma(count + 1) - math.lgamma(size - count + 1)
    return which / math.log(2) + count * (math.log2(rows.x.shape[1]) + _output_bits(rows))


def _output_bits(rows: Sequences) -> float:
    """Bits of the outputs of one step."""
    return math.log2(max(2, len(np.unique(rows.y[rows.inside], axis=0))))
