"""How far rows speak of the variables of a formula whose states they cannot all show.

Beyond the values that a variable has in the rows nothing is known, such as whether it stops there. Nor is anything
known within them where a program that stops would fit all rows too: an overdraft of which rows never come back says
nothing of how deep it is. Source: ours.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from novacula.distill.findings import Range
from novacula.distill.program.expression import ON_INTERVALS, Interval, Name, Number, Operation, operation
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import run_rows
from novacula.distill.sources.sequences import Sequences
from novacula.distill.synth.rewrite import replace as replaced
from novacula.distill.verify.target import structured
from novacula.runs import check_time

_BOUNDS = 200
"""The most values of a variable at which it is stopped, on each side."""
_AT_ONCE = 2_000_000
"""The most steps of rows that are run at once, a row counting once for each bound."""
_TOGETHER = 20
_FIRST = 100
_WORDS = (200, 600)
"""Words on which a program that stops must differ: structured ones, and those of even chances."""
_LARGEST = 2**62


def reach(program: Program, rows: Sequences) -> tuple[Range, ...]:
    """Returns for each variable the values around its start at which it cannot stop, stay or start anew.

    Each of these contradicts a row, or changes no output. A variable that cannot leave its range, whatever inputs of
    the rows come, is left out.
    """
    x = rows.filled
    before = _states(program).run(x)[rows.inside]
    words = _words(program, rows)
    ranges: list[Range] = []
    for place, name in enumerate(program.state):
        start, values = program.start[place], np.unique(before[:, place])
        up, down = values[(values >= start) & (values < values[-1])], values[(values <= start) & (values > values[0])]
        stop = _first_stop(program, place, up, True, rows, words)
        other = _first_stop(program, place, down[::-1], False, rows, words)
        low, high = (int(values[end]) if bound is None else bound for bound, end in ((other, 0), (stop, -1)))
        ranges.append(Range(name, low, high))
    return _leaving(program, ranges, [(int(stream.min()), int(stream.max())) for stream in rows.x[rows.inside].T])


def met(program: Program, words: Sequence[np.ndarray], low: int, high: int) -> tuple[Range, ...]:
    """Returns the values that the variables of a program had in words, but of those that always have such values."""
    ends = np.array([[part.min(axis=(0, 1)), part.max(axis=(0, 1))] for part in map(_states(program).run, words)])
    least, largest = ends[:, 0].min(axis=0).tolist(), ends[:, 1].max(axis=0).tolist()
    ranges = [Range(*one) for one in zip(program.state, least, largest, strict=True)]
    return _leaving(program, ranges, [(low, high)] * len(program.inputs))


def _states(program: Program) -> Program:
    """A program that puts out its variables, as they are before every step and if they fit 64 bits."""
    limited = (operation("max", operation("min", Name(name), _LARGEST), -_LARGEST) for name in program.state)
    return replace(program, outputs=tuple(limited))


def _stopping(program: Program, place: int, above: bool) -> Iterator[Program]:
    """Yields programs in which a variable goes no further than a bound, which is one more input.

    Beyond the bound the variable stops there, stays as it was, or starts anew.
    """
    bound, value = Name("_bound"), program.update[place]
    body = dict(program.body)
    reached = body.get(value.name, value) if isinstance(value, Name) else value
    for other in (bound, Name(program.state[place]), Number(program.start[place])):
        stopped = operation("if", bound < reached if above else reached < bound, other, reached)
        if isinstance(value, Name) and value.name in body:
            update, outputs, named = program.update, program.outputs, {**body, value.name: stopped}
        else:
            update = (*program.update[:place], stopped, *program.update[place + 1 :])
            shown = isinstance(value, Operation)  # an output may be the next value, written out once more
            outputs = tuple(replaced(one, value, stopped) if shown else one for one in program.outputs)
            named = body
        inputs = (*program.inputs, bound.name)
        yield replace(program, inputs=inputs, body=tuple(named.items()), update=update, outputs=outputs)


def _first_stop(
    program: Program, place: int, bounds: np.ndarray, above: bool, rows: Sequences, words: Sequences | None
) -> int | None:
    """The first of some bounds at which a variable may stop: all rows are the same, and some words are not."""
    if len(bounds) > _BOUNDS:
        bounds = bounds[np.linspace(0, len(bounds) - 1, _BOUNDS).astype(int)]
    first = len(bounds)
    for other in _stopping(program, place, above):
        fitting = np.arange(first)
        for part in (rows.rows(slice(_FIRST)), rows):
            fitting = fitting[_alike(other, bounds[fitting], part)]
        for some in np.array_split(fitting, len(fitting) // _TOGETHER + 1):
            alike = _alike(other, bounds[some], words) if words else np.zeros(len(some), bool)
            if not alike.all():
                first = int(some[~alike].min())
                break
    return None if first == len(bounds) else int(bounds[first])


def _alike(other: Program, bounds: np.ndarray, rows: Sequences) -> np.ndarray:
    """For each bound, whether a program that reads it after its inputs puts out what rows say."""
    alike = np.ones(len(bounds), bool)
    count = max(1, _AT_ONCE // max(1, rows.x[:, :, 0].size))
    for begin in range(0, len(bounds), count):
        check_time()
        some = bounds[begin : begin + count]
        x, y = (np.tile(part, (len(some), 1, 1)) for part in (rows.x, rows.y))
        read = np.broadcast_to(np.repeat(some, len(rows.x))[:, None, None], (*x.shape[:2], 1))
        read_too = Sequences(np.concatenate([x, read], axis=2), y, np.tile(rows.lengths, len(some)), rows.source)
        try:
            found = run_rows(other, read_too).reshape(len(some), *rows.y.shape)
        except OverflowError:  # for one of the bounds
            one_by_one = [len(some) > 1 and _alike(other, some[[place]], rows)[0] for place in range(len(some))]
            alike[begin : begin + count] = one_by_one
            continue
        alike[begin : begin + count] = ~((found != rows.y).any(axis=3) & rows.inside).any(axis=(1, 2))
    return alike


def _words(program: Program, rows: Sequences) -> Sequences | None:
    """Words of the values that occur, twice as long as the rows, or no longer where outputs would be too large.

    None where they are even then.
    """
    generator = np.random.default_rng(0)
    values = [np.unique(stream[rows.inside]) for stream in np.moveaxis(rows.x, 2, 0)]
    for length in (2 * rows.x.shape[1], rows.x.shape[1]):
        drawn = [
            stream[draw[:, :, 0]]
            for stream in values
            for draw in [structured(0, len(stream) - 1, 1)(_WORDS[0], length, generator)]
        ]
        even = [generator.choice(stream, (_WORDS[1], length)) for stream in values]
        x = np.concatenate([np.stack(drawn, axis=2), np.stack(even, axis=2)])
        try:
            return Sequences(x, program.run(x), np.full(len(x), length), rows.source)
        except OverflowError:
            continue
    return None


def _leaving(program: Program, ranges: Sequence[Range], inputs: Sequence[Interval]) -> tuple[Range, ...]:
    """The ranges that their variables may leave, as far as intervals tell."""
    left: set[str] = set()
    while True:
        state: list[Interval] = [(-math.inf, math.inf) if one.name in left else (one.low, one.high) for one in ranges]
        after, _ = program.evaluate(ON_INTERVALS, state, inputs)
        more = {one.name for one, (low, high) in zip(ranges, after, strict=True) if low < one.low or one.high < high}
        if more <= left:
            return tuple(one for one in ranges if one.name in left)
        left |= more
