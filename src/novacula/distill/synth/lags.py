"""Delay lines: the output from the last few inputs and the last few outputs. Source: ours.

In definite machines the state is the last k inputs; in running totals, extremes and parities it is the last output.
Both, and mixtures, are found here from the words alone, whatever the network's own states look like.
"""

from collections.abc import Iterator

from novacula.distill.program.expression import Expression, Name
from novacula.distill.sources.sequences import delayed
from novacula.distill.synth.fit import Problem, distinct_rows
from novacula.distill.synth.table import Words

MOST_LAGS = 6
_MOST_OUTPUTS = 2
_NEW = 0.5  #: where more than this share of the rows occurs only once, it says nothing that they decide the output


def lag_problems(words: Words, fewest: int, most: int) -> Iterator[Problem]:
    """Yields programs with blanks that remember ever more, where what they remember decides the output.

    After the fewest values that decide it, one value more is tried too: one output may say as much as two inputs.
    """
    enough = most
    for total in range(fewest, most + 1):
        if total > enough + 1:
            return
        for outputs in range(min(total, _MOST_OUTPUTS) + 1):
            for start in _starts(words) if outputs else [0]:
                problem = _problem(words, total - outputs, outputs, start)
                first = distinct_rows(problem)
                if first is not None and (total <= 2 or len(first) < _NEW * words.known.sum()):
                    enough = min(enough, total)
                    yield problem
                    break


def _starts(words: Words) -> list[int]:
    """Values for the outputs before the first: 0, and the ends of the ranges."""
    y = words.y[words.known]
    ends = (y.min(), y.max(), words.x.min(), words.x.max())
    return list(dict.fromkeys([0, *(int(end) for end in ends)]))


def _problem(words: Words, inputs: int, outputs: int, start: int) -> Problem:
    x = {f"x{stream}": words.x[:, :, stream] for stream in range(words.x.shape[2])}
    y = {f"y{stream}": words.y[:, :, stream] for stream in range(words.y.shape[2])}
    state: dict[str, tuple[int, Expression | None]] = {}
    columns = dict(x)
    for signals, lags, first in ((x, inputs, 0), (y, outputs, start)):
        for name, values in signals.items():
            for lag in range(1, lags + 1):
                newest = Name(name) if name in x else None
                state[f"{name}_{lag}"] = first, Name(f"{name}_{lag - 1}") if lag > 1 else newest
                columns[f"{name}_{lag}"] = delayed(values, lag, first)
    flat = {name: values[words.known] for name, values in columns.items()}
    targets = [values[words.known] for values in y.values()]
    starts, updates = zip(*state.values(), strict=True) if state else ((), ())
    return Problem(tuple(x), tuple(state), starts, updates, flat, targets if outputs else [], targets)
