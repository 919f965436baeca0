"""How a transition is shown its inputs, and how that becomes layers of a network that reads plain integers.

A small range of integers is shown as symbols, each with a column of weights of its own. A layer of ReLUs whose kinks
stand at the integers of the range can compute any such table of its input. So the network trains as easily as if its
inputs were one-hot, and yet reads plain numbers. Source: ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from novacula.distill.network import Layer

MAX_SYMBOLS = 32
"""Ranges of more integers than this are shown as numbers."""


@dataclass(frozen=True)
class Encoding:
    """The features of an input; the last is 1.

    Attributes:
        low: the least integer.
        high: the largest.
        streams: integers read at every step.
        symbols: whether each value has a feature of its own; otherwise a feature is the value, scaled to -1 … 1.
    """

    low: int
    high: int
    streams: int
    symbols: bool

    @property
    def width(self) -> int:
        """Number of features."""
        return 1 + self.streams * (self.high - self.low + 1 if self.symbols else 1)

    def __call__(self, x: Int[np.ndarray, "rows time streams"]) -> Float[np.ndarray, "rows time features"]:
        """Returns the features of inputs."""
        if self.symbols:
            parts = [(x[:, :, [stream]] == np.arange(self.low, self.high + 1)) for stream in range(self.streams)]
        else:
            parts = [x / self._scale]
        return np.concatenate([*parts, np.ones((*x.shape[:2], 1))], axis=2, dtype=np.float64)

    @property
    def kinks(self) -> Layer | None:
        """The layer whose units, after the activation, `slopes` combines; None where none is needed.

        Its inputs are the streams alone.
        """
        if not self.symbols:
            return None
        places = np.arange(self.low, self.high)
        weight = np.kron(np.eye(self.streams), np.ones((len(places), 1)))
        return Layer(weight, -np.tile(places, self.streams).astype(np.float64))

    def slopes(
        self, weight: Float[np.ndarray, "out features"]
    ) -> tuple[Float[np.ndarray, "out units"], Float[np.ndarray, " out"]]:
        """Returns matrix and offset that do to the units of `kinks`, or to inputs, what `weight` does to features."""
        offset = weight[:, -1].copy()
        if not self.symbols:
            return weight[:, :-1] / self._scale, offset
        tables = weight[:, :-1].reshape(len(weight), self.streams, -1)
        slopes = np.diff(tables, axis=2)
        bends = np.diff(slopes, axis=2, prepend=0.0)
        return bends.reshape(len(weight), -1), offset + tables[:, :, 0].sum(axis=1)

    @property
    def _scale(self) -> float:
        return float(max(abs(self.low), abs(self.high), 1))
