"""The parameters of a recurrent network as it is trained, and the network that they stand for.

    units  = relu(recur · state + drive₁ · features)
    state' = carry · (state, units) + drive₂ · features
    output = read · (state', 1)

An affine path beside the units carries counters and delays; it is folded into pairs of ReLUs, since the networks of
arXiv 2402.05110 have none. A small range of integers is shown as symbols, each with a column of weights of its own; a
layer of ReLUs whose kinks stand at the integers of the range can compute any such table of its input. So the network
trains as easily as if its inputs were one-hot, and yet reads plain numbers. Source: ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int

from novacula.distill.networks.network import Layer, Network

MAX_SYMBOLS = 32  #: ranges of more integers than this are shown as numbers


@dataclass(frozen=True)
class Encoding:
    """The features of an input; the last is 1."""

    low: int  #: the least integer
    high: int  #: the largest
    streams: int  #: integers read at every step
    symbols: bool  #: whether each value has a feature of its own; otherwise a feature is the value, scaled to -1 … 1

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


@dataclass(frozen=True)
class Parameters:
    """One network in the making, in float64."""

    recur: Float[np.ndarray, "width size"]  #: from the state to the units
    drive: Float[np.ndarray, "width_and_size features"]  #: from the features to the units, then to the state
    carry: Float[np.ndarray, "size size_and_width"]  #: from the state, then the units, to the next state
    read: Float[np.ndarray, "outputs size_and_one"]  #: from the state, then 1, to the outputs

    @property
    def size(self) -> int:
        """Numbers in the state."""
        return len(self.carry)

    @property
    def width(self) -> int:
        """ReLU units."""
        return len(self.recur)

    @property
    def count(self) -> int:
        """Numbers in all."""
        return sum(matrix.size for matrix in self.matrices().values())

    def matrices(self) -> dict[str, np.ndarray]:
        """Returns the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def named(cls, prefix: str, arrays: Mapping[str, np.ndarray]) -> "Parameters":
        """Returns the parameters whose matrices are stored as `prefix.recur`, `prefix.drive` and so on."""
        return cls(*(arrays[f"{prefix}.{field.name}"] for field in fields(cls)))

    def flat(self) -> Float[np.ndarray, " count"]:
        """Returns all numbers in one vector."""
        return np.concatenate([matrix.ravel() for matrix in self.matrices().values()])

    def with_flat(self, values: Float[np.ndarray, " count"]) -> "Parameters":
        """Returns parameters of this shape with other numbers."""
        ends = np.cumsum([matrix.size for matrix in self.matrices().values()])
        parts = zip(self.matrices().values(), np.split(values, ends[:-1]), strict=True)
        return Parameters(*(part.reshape(matrix.shape) for matrix, part in parts))


def random_parameters(
    size: int, width: int, encoding: Encoding, outputs: int, generator: np.random.Generator
) -> Parameters:
    """Draws parameters to begin with: states and units of order one, and an affine path that contracts."""
    normal = generator.standard_normal
    carry = np.concatenate(
        [normal((size, size)) / (2 * np.sqrt(size)), normal((size, width)) / np.sqrt(max(width, 1))], axis=1
    )
    return Parameters(
        recur=normal((width, size)) / np.sqrt(size),
        drive=normal((width + size, encoding.width)) * np.sqrt(0.5),
        carry=carry,
        read=np.concatenate([normal((outputs, size)) / np.sqrt(size), np.zeros((outputs, 1))], axis=1),
    )


def states(
    parameters: Parameters, features: Float[np.ndarray, "rows time features"]
) -> Float[np.ndarray, "rows positions size"]:
    """Returns the states before the first input, and after each."""
    p = parameters
    result = np.zeros((features.shape[0], features.shape[1] + 1, p.size))
    for time in range(features.shape[1]):
        driven = features[:, time] @ p.drive.T
        units = np.maximum(result[:, time] @ p.recur.T + driven[:, : p.width], 0)
        result[:, time + 1] = np.concatenate([result[:, time], units], axis=1) @ p.carry.T + driven[:, p.width :]
    return result


def network(parameters: Parameters, encoding: Encoding, scale: np.ndarray, offset: np.ndarray, length: int) -> Network:
    """Returns the network that computes the same from plain integers."""
    p = parameters
    matrix, bias = encoding.slopes(p.drive)
    into_units, into_state = matrix[: p.width], matrix[p.width :]
    kinks = encoding.kinks
    if p.width == 0 and kinks is None:
        f: tuple[Layer, ...] = (Layer(np.concatenate([p.carry, into_state], axis=1), bias),)
    else:
        units = np.concatenate([p.recur, into_units], axis=1)
        affine = np.concatenate([p.carry[:, : p.size], into_state], axis=1)
        f = _hidden(units, bias[: p.width], affine, p.carry[:, p.size :], bias[p.width :])
        if kinks is not None:
            f = _behind(kinks, f, p.size)
    read = Layer(p.read[:, :-1] * scale[:, None], p.read[:, -1] * scale + offset)
    return Network(f, (read,), "relu", encoding.low, encoding.high, length)


def _hidden(
    units: np.ndarray, unit_bias: np.ndarray, affine: np.ndarray, out: np.ndarray, bias: np.ndarray
) -> tuple[Layer, ...]:
    """Two layers for units beside an affine path; the path takes two ReLUs for each of its rows that is not zero."""
    used = np.flatnonzero(np.any(affine != 0, axis=1))
    path = affine[used]
    pick = np.eye(len(affine))[:, used]
    first = Layer(np.concatenate([units, path, -path]), np.concatenate([unit_bias, np.zeros(2 * len(used))]))
    return first, Layer(np.concatenate([out, pick, -pick], axis=1), bias)


def _behind(kinks: Layer, f: tuple[Layer, ...], size: int) -> tuple[Layer, ...]:
    """Layers that read a state and the units of `kinks`, made to read a state and plain inputs."""
    both = np.concatenate([np.eye(size), -np.eye(size)])
    streams = kinks.weight.shape[1]
    first = Layer(
        np.block([[both, np.zeros((2 * size, streams))], [np.zeros((len(kinks.weight), size)), kinks.weight]]),
        np.concatenate([np.zeros(2 * size), kinks.bias]),
    )
    state, rest = f[0].weight[:, :size], f[0].weight[:, size:]
    return first, Layer(np.concatenate([state, -state, rest], axis=1), f[0].bias), *f[1:]
