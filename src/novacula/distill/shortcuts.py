"""Programs found in the data alone, without any network; none is taken where a network gave one that is as good.

The sequences are a machine already: the tree of their beginnings, most of whose transitions are unknown. Source: ours.
"""

import numpy as np

from novacula.distill.extract import Judge, judge_all
from novacula.distill.judged_program import JudgedProgram
from novacula.distill.machine import UNKNOWN, Machine
from novacula.distill.sequences import Sequences
from novacula.distill.source import Source
from novacula.distill.synth import Limits, synthesize
from novacula.distill.verify.target import list_symbols

_ROWS = 400
_WORK = 4_000_000


def find_shortcuts(source: Source, judge: Judge) -> list[JudgedProgram]:
    """Returns programs for the data, with their verdicts.

    Args:
        source: of the run; a network is no data.
        judge: of the programs.
    """
    symbols = list_symbols(source.low, source.high, source.streams)
    if source.kind == "network" or symbols is None:
        return []
    tree = prefix_tree(source.sequences.rows(slice(_ROWS)), symbols)
    length = int(source.sequences.lengths.max())
    return judge_all(synthesize([], [tree], None, length, Limits(work=_WORK)), None, "data", None, judge)


def prefix_tree(sequences: Sequences, symbols: np.ndarray) -> Machine:
    """Returns the machine that knows the sequences and nothing else: a state for each of their beginnings.

    Args:
        sequences: no two of them contradict each other.
        symbols: all inputs of one step, in lexicographic order.
    """
    empty = Machine(symbols, np.full((1, len(symbols)), UNKNOWN), np.zeros((1, len(symbols), 1), np.int64))
    places = empty.indices(sequences.x)
    after, output = [[UNKNOWN] * len(symbols)], [[[0] * sequences.y.shape[2]] * len(symbols)]
    for row, length in zip(range(len(places)), sequences.lengths.tolist(), strict=True):
        state = 0
        for time in range(length):
            place = int(places[row, time])
            if after[state][place] == UNKNOWN:
                after[state][place] = len(after)
                output[state][place] = sequences.y[row, time].tolist()
                after.append([UNKNOWN] * len(symbols))
                output.append([[0] * sequences.y.shape[2]] * len(symbols))
            state = after[state][place]
    return Machine(symbols, np.array(after), np.array(output))
