"""What a data set shows before any network is trained: facts for the user, found by classical tests. Source: ours."""

import numpy as np

from novacula.distill.sources.sequences import Sequences, conflicts, counted, delayed
from novacula.distill.synth.linear import solve

_ROWS = 4000
_MAX_LAG, _SOLVED = 8, 6000
_SYMBOLS_LISTED = 1000


def profile(data: Sequences) -> list[str]:
    """Returns facts about a data set in words, for a report; they hold for all its rows, up to the first 4000."""
    data = data.rows(slice(_ROWS))
    inside, x, y = data.inside, data.x, data.y
    ends = zip(x[inside].min(axis=0), x[inside].max(axis=0), strict=True)
    shortest, longest = data.lengths.min(), data.lengths.max()
    lengths = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    symbols = len(np.unique(x[inside], axis=0))
    facts = [
        f"{len(x)} sequences of length {lengths}; inputs {', '.join(f'{low} … {high}' for low, high in ends)}"
        + (f", {symbols} different symbols" if symbols <= _SYMBOLS_LISTED else ""),
        f"different output values: {', '.join(str(len(np.unique(values))) for values in y[inside].T)}",
    ]
    same = [conflict.same for conflict in conflicts(data)]
    if any(same):
        facts.append("the same inputs stand before different outputs: no function")
    if not all(same):
        facts.append("some output depends on later inputs")
    if (lag := lag_of(data)) is not None:
        facts.append(f"the output is the input {counted(lag, 'step')} before" if lag else "the output is the input")
    elif affine := affine_of(data):
        facts.append(f"the output is affine in the last {len(affine[0])} inputs")
    if streams := parity_of(data):
        named = f" in stream{'s' * (len(streams) > 1)} {', '.join(map(str, streams))}"
        which = "" if len(streams) == x.shape[2] else named
        facts.append(f"the output is a parity of everything read so far{which}")
    return facts


def lag_of(data: Sequences) -> int | None:
    """Returns how many steps before the only stream's input is the output, with 0 at first; None if at no lag."""
    if data.x.shape[2] != 1 or data.y.shape[2] != 1:
        return None
    for lag in range(min(_MAX_LAG, data.x.shape[1] - 1) + 1):
        if (delayed(data.x, lag) == data.y)[data.inside].all():
            return lag
    return None


def affine_of(data: Sequences) -> tuple[tuple[tuple[int, ...], ...], int] | None:
    """Returns the shortest affine function of the last inputs that is exact on all rows; None if there is none.

    Inputs before the first are 0. The function is integer coefficients for each lag and stream, and then a constant.
    """
    inside = data.inside
    if data.y.shape[2] != 1:
        return None
    for lags in range(1, min(_MAX_LAG, data.x.shape[1]) + 1):
        table = np.concatenate([delayed(data.x, lag) for lag in range(lags)], axis=2)[inside]
        table = np.concatenate([table, np.ones((len(table), 1), np.int64)], axis=1)
        if len(table) < 2 * table.shape[1]:
            return None
        target = data.y[inside][:, 0]
        chosen = np.random.default_rng(0).permutation(len(table))[:_SOLVED]
        if (found := solve(table[chosen], target[chosen])) is not None and (table @ found == target).all():
            return tuple(tuple(row) for row in found[:-1].reshape(lags, -1).tolist()), int(found[-1])
    return None


def parity_of(data: Sequences) -> tuple[int, ...] | None:
    """Returns the streams of bits whose running sum modulo 2 is the only output or its opposite; None without any."""
    inside = data.inside
    if data.y.shape[2] != 1 or set(np.unique(data.y[inside])) != {0, 1} or data.x.shape[2] > 12:
        return None
    sums = np.cumsum(data.x, axis=1) % 2
    for mask in range(1, 2 ** data.x.shape[2]):
        streams = [stream for stream in range(data.x.shape[2]) if mask >> stream & 1]
        differs = (sums[:, :, streams].sum(axis=2) + data.y[:, :, 0])[inside] % 2
        if len(np.unique(differs)) == 1:
            return tuple(streams)
    return None
