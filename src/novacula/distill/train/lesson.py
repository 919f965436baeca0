"""A data set as training sees it: encoded inputs, outputs of order one, rows that are held out. Source: ours."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from novacula.distill.networks.network import Network
from novacula.distill.sources.sequences import Sequences
from novacula.distill.train.parameters import MAX_SYMBOLS, Encoding, Parameters, network, states

TOLERANCE = 1e-3  #: an output this far from its integer is no rounding error
_LONGEST = 200
MAX_CLASSES = 32  #: an auxiliary classifier is trained where there is one output of at most this many values


@dataclass(frozen=True)
class Lesson:
    """What is learned."""

    whole: Sequences  #: to learn from; their range is that of the networks
    held_out: Sequences  #: to judge by; nothing is learned from them

    @cached_property
    def data(self) -> Sequences:
        """The rows up to the greatest length that a quarter of them reach, but 200: long rows teach little."""
        rows = self.whole
        length = min(_LONGEST, int(np.sort(rows.lengths)[::-1][(len(rows.lengths) - 1) // 4]))
        return Sequences(rows.x[:, :length], rows.y[:, :length], np.minimum(rows.lengths, length), rows.source)

    def encoding(self, symbols: bool) -> Encoding:
        """Returns how inputs are shown; a range of two integers needs no symbols, and a large one has none."""
        low, high = self.whole.low, self.whole.high
        fits = 2 < high - low + 1 <= MAX_SYMBOLS
        return Encoding(low, high, self.data.x.shape[2], symbols and fits)

    @property
    def length(self) -> int:
        """Length of the longest sequence."""
        return int(self.data.lengths.max())

    @cached_property
    def scale(self) -> Float[np.ndarray, " outputs"]:
        """The standard deviation of each output, or 1 where it is constant."""
        deviation = self.data.y[self.data.inside].std(axis=0)
        return np.where(deviation > 0, deviation, 1.0)

    @cached_property
    def offset(self) -> Float[np.ndarray, " outputs"]:
        """The mean of each output."""
        return self.data.y[self.data.inside].mean(axis=0)

    @cached_property
    def targets(self) -> Float[np.ndarray, "rows time outputs"]:
        """The outputs, shifted and scaled."""
        return (self.data.y - self.offset) / self.scale

    @cached_property
    def values(self) -> Int[np.ndarray, " classes"]:
        """The values of the only output; empty where there are too many, or several outputs."""
        values = np.unique(self.data.y[self.data.inside])
        fits = self.data.y.shape[2] == 1 and len(values) <= MAX_CLASSES
        return values if fits else values[:0]

    @cached_property
    def classes(self) -> Int[np.ndarray, "rows time"]:
        """The place of each output among `values`."""
        return np.minimum(np.searchsorted(self.values, self.data.y[:, :, 0]), len(self.values) - 1)

    def rows_of(self, length: int) -> Int[np.ndarray, " chosen"]:
        """Returns the rows of at least this length."""
        return np.flatnonzero(self.data.lengths >= length)

    def worst_rows(self, parameters: Parameters, encoding: Encoding, count: int) -> Int[np.ndarray, " chosen"]:
        """Returns the rows of the greatest length with the largest errors that are no rounding errors."""
        rows = self.rows_of(self.length)
        reached = states(parameters, encoding(self.data.x[rows]))[:, 1:]
        outputs = reached @ parameters.read[:, :-1].T + parameters.read[:, -1]
        errors = (np.abs(outputs - self.targets[rows]) * self.scale).max(axis=(1, 2))
        worst = np.argsort(-errors, kind="stable")[:count]
        return rows[worst[errors[worst] > TOLERANCE]]

    def network(self, parameters: Parameters, encoding: Encoding) -> Network:
        """Returns the network that has these parameters, in units of the data."""
        return network(parameters, encoding, self.scale, self.offset, self.length)

    def judge(self, candidate: Network, rows: int | None = None) -> tuple[float, float]:
        """Returns accuracy and mean squared error of the outputs on the held-out rows, or on the first of them."""
        judged = self.held_out.rows(slice(rows))
        inside = judged.inside
        with np.errstate(all="ignore"):
            errors = (candidate.outputs_of(judged.x) - judged.y)[inside]
            right = np.abs(errors) < 0.5
            return float(right.mean()), float(np.nan_to_num((errors**2).mean(), nan=np.inf))
