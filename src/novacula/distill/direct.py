"""Programs without a network: a function is asked, rows are merged, and both are looked at as they are.

Each way is a road of its own, reported beside those of the network. Source: ours, with explorations (`explore`), the
W-method (`conform`), and the merging of states by evidence of Lang, Pearlmutter and Price (1998), as `aalpy` has it.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from novacula.distill.choose import JudgedProgram
from novacula.distill.extract import Judge, judge_all, nothing_known
from novacula.distill.findings import Road
from novacula.distill.program.machine import Machine
from novacula.distill.source import Source
from novacula.distill.sources.device import SpentError
from novacula.distill.sources.sequences import Sequences, counted
from novacula.distill.states.conformance import Conformance, conform
from novacula.distill.states.explore import TOO_MANY_STEPS, ExplorationLimits, explore
from novacula.distill.states.queried import machine_of
from novacula.distill.states.walks import PrefixWalk
from novacula.distill.synth import Limits, synthesize
from novacula.distill.verify import Check
from novacula.distill.verify.certificate import CONFORMANCE
from novacula.distill.verify.samples import LONGEST
from novacula.distill.verify.target import Target, list_symbols
from novacula.runs import check_time

_MOST_SYMBOLS = 500
_VISITS, _FEW = 16, 4
_LIMITS = ExplorationLimits(0, steps=100_000)
_ROUNDS = 12
_WORDS = 10_000
_ROWS = 400
_CELLS = 20_000_000  #: the most pairs of a state and an input of a tree
_MERGED_PAIRS = 50_000
_MERGED_SYMBOLS = 16
_WORK = 4_000_000


def find_asked(source: Source, judge: Judge) -> list[JudgedProgram]:
    """Returns programs of a function's machine, which is learned by asking the function itself.

    None where no machine of few enough states closes. What equals a machine that passes the W-method says so.
    """
    target, symbols = source.target, list_symbols(source.low, source.high, source.streams)
    if target is None or symbols is None or len(symbols) > _MOST_SYMBOLS:
        return []
    learned = None
    with suppress(SpentError):
        learned = _learned(target, symbols)
    if learned is None:
        return []
    machine, found = learned
    if found.states:
        detail = (
            f"The function agrees with a machine of {counted(machine.states, 'state')} on all {found.words:,} words of "
            f"the W-method: no other function of at most {counted(found.states, 'state')} does."
        )
        judge.conformed(machine, Check(CONFORMANCE, found.longest, found.words, True, detail))
    candidates = synthesize([], [machine], None, target.length, Limits(work=_WORK))
    return judge_all(candidates, machine, "asked", None, judge)


def _learned(target: Target, symbols: np.ndarray) -> tuple[Machine, Conformance] | None:
    """The machine, and how it passed the W-method; every counterexample is explored too."""
    length, box = target.length * LONGEST, target.box or target.behavior
    limits = replace(_LIMITS, length=length)
    visits = target.sample(_VISITS, min(2 * target.length, length), np.random.default_rng(0))
    for _ in range(_ROUNDS):
        explored = explore(PrefixWalk(box, symbols.shape[1], length), symbols, visits, limits)
        if explored.stopped == TOO_MANY_STEPS and len(visits) > _FEW:
            visits = visits[:_FEW]  # the W-method finds what these do not meet
            continue
        if explored.stopped or explored.contradictions:
            return None
        machine = explored.machine.minimal()
        found = conform(box, machine, min(_WORDS, target.words), length)
        if found.counterexample is None:
            return machine, found
        words = [found.counterexample, *visits]
        longest = min(max(map(len, words)) + 1, length)
        visits = np.array([np.resize(word, (longest, symbols.shape[1])) for word in words])
    return None


def find_merged(source: Source, judge: Judge) -> list[JudgedProgram]:
    """Returns programs of the machine that arises when states of the rows' prefix tree are merged by evidence."""
    symbols = np.unique(source.sequences.x[source.sequences.inside], axis=0)
    if len(symbols) > _MERGED_SYMBOLS:
        return []
    machine = merged_machine(source.sequences.rows(slice(_ROWS)), symbols)
    if machine is None:
        return []
    length = int(source.sequences.lengths.max())
    candidates = synthesize([], [machine], None, length, Limits(work=_WORK))
    return judge_all(candidates, machine if machine.complete else None, "merged", None, judge)


class _TooMuchWorkError(Exception):
    """The merging has compared more states than it may."""


def merged_machine(sequences: Sequences, symbols: np.ndarray) -> Machine | None:
    """Returns the machine that fits rows, by merging of states; None where that takes too long.

    No two rows may contradict each other.
    """
    from aalpy.learning_algs.general_passive.GeneralizedStateMerging import run_GSM
    from aalpy.learning_algs.general_passive.GsmNode import GsmNode
    from aalpy.learning_algs.general_passive.ScoreFunctionsGSM import SimpleScoreCalculation

    work = count()

    def compatible(left: GsmNode, right: GsmNode) -> bool | None:
        check_time()
        if next(work) > _MERGED_PAIRS:
            raise _TooMuchWorkError
        return GsmNode.deterministic_compatible(left, right)

    places = nothing_known(symbols, 1).indices(sequences.filled)
    traces = [
        list(zip(row[:length].tolist(), map(tuple, y[:length].tolist()), strict=True))
        for row, y, length in zip(places, sequences.y, sequences.lengths.tolist(), strict=True)
    ]
    score = SimpleScoreCalculation(compatible, lambda part: len(part) - len({*part.values()}))
    options: Any = {"output_behavior": "mealy", "score_calc": score, "data_format": "io_traces"}
    try:
        with warnings.catch_warnings(action="ignore"):  # of transitions that no row shows
            learned: Any = run_GSM(traces, **options)
    except _TooMuchWorkError:
        return None
    return machine_of(learned, symbols).merged()


def find_shortcuts(source: Source, judge: Judge) -> list[JudgedProgram]:
    """Returns programs for the data as they are, with their verdicts; a network is no data."""
    symbols = list_symbols(source.low, source.high, source.streams)
    if source.kind == "network" or symbols is None:
        return []
    tree = prefix_tree(source.sequences.rows(slice(_ROWS)), symbols)
    length = int(source.sequences.lengths.max())
    return judge_all(synthesize([], [tree], None, length, Limits(work=_WORK)), None, "data", None, judge)


def prefix_tree(sequences: Sequences, symbols: np.ndarray) -> Machine:
    """Returns the machine that knows the sequences and nothing else: a state for each of their beginnings.

    No two rows may contradict each other. Of rows whose table would be too large the first are taken.
    """
    rows = sequences.rows(slice(max(1, _CELLS // (len(symbols) * int(sequences.lengths.max(initial=1))))))
    places = nothing_known(symbols, 1).indices(rows.filled)
    reached: dict[tuple[int, int], int] = {}
    outputs = []
    for path, y, length in zip(places.tolist(), rows.y, rows.lengths.tolist(), strict=True):
        state = 0
        for place, output in zip(path[:length], y, strict=False):
            if (state, place) not in reached:
                reached[state, place] = len(reached) + 1
                outputs.append(output)
            state = reached[state, place]
    tree = nothing_known(symbols, rows.y.shape[2])
    after, output = (np.repeat(part, len(reached) + 1, axis=0) for part in (tree.next, tree.output))
    for (state, place), number in reached.items():
        after[state, place], output[state, place] = number, outputs[number - 1]
    return Machine(symbols, after, output)


Finder = Callable[[Source, Judge], list[JudgedProgram]]
_FINDERS: dict[str, dict[Road, Finder]] = {
    "function": {"asked": find_asked, "data": find_shortcuts},
    "data": {"merged": find_merged, "data": find_shortcuts},
}


def finders(source: Source) -> dict[Road, Finder]:
    """Returns the roads without a network, in the order in which they are tried."""
    return _FINDERS.get(source.kind, {"data": find_shortcuts})
