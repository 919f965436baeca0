"""What a data set shows before any network is trained: facts for the user, found by classical tests. Source: ours."""

from dataclasses import dataclass

import numpy as np

from novacula.distill.sources.sequences import Sequences, conflicts, delayed

_ROWS = 4000
_MAX_LAG = 8
_SYMBOLS_LISTED = 1000


@dataclass(frozen=True)
class Profile:
    """Facts about a data set; those about functions hold for all its rows, up to the first `_ROWS`."""

    rows: int  #: number of sequences
    shortest: int  #: their least length
    longest: int  #: their greatest length
    low: tuple[int, ...]  #: the least input of each stream
    high: tuple[int, ...]  #: the largest input of each stream
    symbols: int | None  #: number of different inputs of a step, all streams together; None if more than a thousand
    outputs: tuple[int, ...]  #: number of different values of each output
    causal: bool  #: no two rows with the same inputs so far have different outputs while later inputs differ
    deterministic: bool  #: no two rows with the same inputs have different outputs
    lag: int | None
    """The output is the only stream's input this many steps before, and 0 at first; None if it is at no lag."""
    affine: tuple[tuple[tuple[int, ...], ...], int] | None
    """The output is an affine function of the last inputs, which are 0 before the first. These are its integer
    coefficients for each lag and stream, and then a constant. None if there is no such function."""
    parity: tuple[int, ...] | None
    """The sum of these streams' inputs so far is, modulo 2, the only output or its opposite."""

    def sentences(self) -> list[str]:
        """Returns the facts in words, for a report."""
        ranges = ", ".join(f"{low} … {high}" for low, high in zip(self.low, self.high, strict=True))
        lengths = f"{self.shortest}" if self.shortest == self.longest else f"{self.shortest} to {self.longest}"
        facts = [
            f"{self.rows} sequences of length {lengths}; inputs {ranges}"
            + (f", {self.symbols} different symbols" if self.symbols else ""),
            f"different output values: {', '.join(map(str, self.outputs))}",
        ]
        if not self.deterministic:
            facts.append("the same inputs stand before different outputs: no function")
        if not self.causal:
            facts.append("some output depends on later inputs")
        if self.lag is not None:
            facts.append(f"the output is the input {self.lag} steps before")
        elif self.affine:
            facts.append(f"the output is affine in the last {len(self.affine[0])} inputs")
        if self.parity is not None:
            facts.append("the output is a parity of everything read so far")
        return facts


def profile(data: Sequences) -> Profile:
    """Returns the facts about a data set."""
    data = data.rows(slice(_ROWS))
    inside, x, y = data.inside, data.x, data.y
    symbols = len(np.unique(x[inside], axis=0))
    at_odds = list(conflicts(data))
    return Profile(
        rows=len(x),
        shortest=int(data.lengths.min()),
        longest=int(data.lengths.max()),
        low=tuple(x[inside].min(axis=0).tolist()),
        high=tuple(x[inside].max(axis=0).tolist()),
        symbols=symbols if symbols <= _SYMBOLS_LISTED else None,
        outputs=tuple(len(np.unique(values)) for values in y[inside].T),
        causal=all(conflict.same for conflict in at_odds),
        deterministic=not any(conflict.same for conflict in at_odds),
        lag=_lag(data),
        affine=_affine(data),
        parity=_parity(data),
    )


def _lag(data: Sequences) -> int | None:
    if data.x.shape[2] != 1 or data.y.shape[2] != 1:
        return None
    for lag in range(min(_MAX_LAG, data.x.shape[1] - 1) + 1):
        if (delayed(data.x, lag) == data.y)[data.inside].all():
            return lag
    return None


def _affine(data: Sequences) -> tuple[tuple[tuple[int, ...], ...], int] | None:
    """The shortest affine function of the last inputs with integer coefficients that is exact on all rows."""
    inside = data.inside
    if data.y.shape[2] != 1:
        return None
    for lags in range(1, min(_MAX_LAG, data.x.shape[1]) + 1):
        table = np.concatenate([delayed(data.x, lag) for lag in range(lags)], axis=2)[inside]
        table = np.concatenate([table, np.ones((len(table), 1), np.int64)], axis=1)
        target = data.y[inside][:, 0]
        if len(table) < 2 * table.shape[1]:
            return None
        found = np.rint(np.linalg.lstsq(table.astype(np.float64), target.astype(np.float64), rcond=None)[0])
        if np.abs(found).max() < 2**31 and (table @ found.astype(np.int64) == target).all():
            coefficients = found.astype(int)[:-1].reshape(lags, -1)
            return tuple(tuple(row) for row in coefficients.tolist()), int(found[-1])
    return None


def _parity(data: Sequences) -> tuple[int, ...] | None:
    """The streams of bits whose running sum modulo 2 is the output or its opposite; solved over the field of two."""
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
