"""Networks whose weights are worked out by hand and compute tasks of the benchmark exactly, and disguises for them.

Every function of integers that the tasks need is piecewise linear, hence a sum of ReLU units: a lookup in one linear
form of the inputs, built kink by kink, does for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from novacula.distill.networks.network import Layer, Network
from novacula.distill.normalize.gauge import changed_basis

Rows = Sequence[Sequence[float]] | Sequence[np.ndarray] | np.ndarray


@dataclass(frozen=True)
class Pieces:
    """A constant and weighted ReLU units, each of a row of coefficients and a bias."""

    constant: float = 0
    units: tuple[tuple[float, tuple[float, ...], float], ...] = ()

    def __add__(self, other: "Pieces") -> "Pieces":
        return Pieces(self.constant + other.constant, self.units + other.units)

    def times(self, factor: float) -> "Pieces":
        return Pieces(factor * self.constant, tuple((factor * c, row, bias) for c, row, bias in self.units))


def linear(*row: float, constant: float = 0) -> Pieces:
    return Pieces(constant, ((1, row, 0), (-1, tuple(-value for value in row), 0)))


def relu(*row: float, bias: float = 0) -> Pieces:
    return Pieces(0, ((1, row, bias),))


def absolute(*row: float) -> Pieces:
    return relu(*row) + relu(*(-value for value in row))


def lookup(row: Sequence[float], low: int, values: Sequence[float]) -> Pieces:
    """`values[t - low]`, t being the linear form: exact on the integers that the values are for."""
    slopes = np.diff(values, prepend=values[0])
    bends = np.diff([*slopes, 0])  # at low, low + 1, ...
    units = tuple((float(bend), tuple(row), float(-low - k)) for k, bend in enumerate(bends[:-1]) if bend)
    return Pieces(float(values[0]), units)


def layers(functions: Sequence[Pieces]) -> tuple[Layer, Layer]:
    """The two layers of several functions of the same inputs; equal units are shared."""
    units = list(dict.fromkeys((row, bias) for function in functions for _, row, bias in function.units))
    out = np.zeros((len(functions), len(units)))
    for place, function in enumerate(functions):
        for coefficient, row, bias in function.units:
            out[place, units.index((row, bias))] += coefficient
    first = Layer(np.array([row for row, _ in units], float), np.array([bias for _, bias in units], float))
    return first, Layer(out, np.array([function.constant for function in functions], float))


def affine(rows: Rows, constants: Sequence[float] | None = None) -> tuple[Layer]:
    weight = np.array(rows, float)
    return (Layer(weight, np.zeros(len(weight)) if constants is None else np.array(constants, float)),)


def planted(f: tuple[Layer, ...], g: tuple[Layer, ...], low: int, high: int, length: int = 10) -> Network:
    return Network(f, g, "relu", low, high, length)


def delay_line(taps: Sequence[float], low: int, high: int, length: int = 10) -> Network:
    """The output weighs the last inputs, the current one first."""
    size = len(taps)
    rows = np.hstack([np.eye(size, k=-1), np.eye(size)[:, :1]])
    return planted(affine(rows), affine([taps]), low, high, length)


def newton(force: Sequence[Sequence[float]], constant: Sequence[float]) -> Network:
    """Bodies of unit mass: the force is affine in (velocities, positions, inputs); positions are put out."""
    streams = len(force)
    velocity = np.eye(streams, 3 * streams) + np.array(force)
    position = np.eye(streams, 3 * streams, k=streams) + velocity
    readout = np.eye(streams, 2 * streams, k=streams)
    return planted(affine([*velocity, *position], [*constant, *constant]), affine(readout), -10, 10)


def memoryless(function: Pieces, low: int, high: int) -> Network:
    """One number of state, which is put out; the state is the first input of every function."""
    return planted(layers([function]), affine([[1]]), low, high)


def carrying(base: int) -> Network:
    """Digit and carry of a sum."""
    total, values = (0, 1, 1, 1), range(2 * base)
    digit, carry = (lookup(total, 0, [part(v) for v in values]) for part in (lambda v: v % base, lambda v: v // base))
    return planted(layers([digit, carry]), affine([[1, 0]]), 0, base - 1)


def dividing(divisor: int, factor: int, high: int) -> Network:
    """State: a remainder and the quotient's digit of factor·remainder + x."""
    values = range(factor * (divisor - 1) + high + 1)
    form = (factor, 0, 1)
    parts = [lookup(form, 0, [v % divisor for v in values]), lookup(form, 0, [v // divisor for v in values])]
    return planted(layers(parts), affine([[0, 1]]), 0, high)


def window(count: int, values: Sequence[int], weights: Sequence[float]) -> Network:
    """A lookup in a weighted sum of the last inputs."""
    line = delay_line([1] * count, 0, 1)
    return replace(line, g=layers([lookup(weights, 0, values)]))


def alternating(count: int) -> Network:
    words = [format(number, f"0{count}b") for number in range(2**count)]
    return window(count, [int("00" not in w and "11" not in w) for w in words], [2**k for k in range(count)])


def majority(values: int) -> Network:
    """Counts of all values; the readout compares them in pairs, then picks the value that no other one beats."""
    counts = [
        linear(*np.eye(values + 1)[value]) + lookup(np.eye(values + 1)[values], 0, np.eye(values)[value])
        for value in range(values)
    ]
    pairs = [(a, b) for a in range(values) for b in range(a)]
    beats = {pair: place for place, pair in enumerate(pairs)}
    first, second = layers([step(np.eye(values)[a] - np.eye(values)[b], 1) for a, b in pairs])
    wins = np.zeros((values - 1, len(pairs)))
    for value in range(1, values):
        for other in range(values):
            if other != value:
                wins[value - 1, beats[max(value, other), min(value, other)]] = 1 if other < value else -1
    biases = [1.0 - value for value in range(1, values)]
    joined = Layer(wins @ second.weight, wins @ second.bias + biases)
    return planted(layers(counts), (first, joined, *affine([range(1, values)])), 0, values - 1)


def step(row: Sequence[float], threshold: int) -> Pieces:
    """Whether the form reaches the threshold."""
    row = tuple(float(value) for value in row)
    return relu(*row, bias=1 - threshold) + relu(*row, bias=-threshold).times(-1)


def balanced() -> Network:
    """How many brackets are open, and a number that becomes positive once one was closed that was not."""
    dead = relu(0, 1, 0) + relu(-1, 0, 2, bias=-1)
    distance = Layer(np.array([[1.0, 0], [-1, 0], [0, 1]]), np.zeros(3))
    near = Layer(-np.ones((1, 3)), np.ones(1))
    f = layers([linear(1, 0, -2, constant=1), dead])
    return planted(f, (distance, near, *affine([[1]])), 0, 1)


LINEAR: dict[str, Callable[[], Network]] = {
    "Bitwise_Not": lambda: planted(affine([[0, -1]], [1]), affine([[1]]), 0, 1),
    "Sum_All": lambda: planted(affine([[1, 1]]), affine([[1]]), 0, 99),
    **{f"Sum_Last{n}": lambda n=n: delay_line([1] * n, 0, 99, 10 if n < 5 else 20) for n in range(2, 8)},
    "Current_Number": lambda: delay_line([1], 0, 99),
    **{f"Prev{n}": lambda n=n: delay_line([0] * n + [1], 0, 99, 10 if n < 5 else 20) for n in range(1, 6)},
    "Diff_Last2": lambda: delay_line([1, -1], -100, 99),
    "Parity_Bits_Mod2": lambda: planted(affine([[-1, 0]], [1]), affine([[-1]], [1]), 0, 1),
    "Bit_Shift_Right": lambda: delay_line([0, 1], 0, 1),
    "Newton_Freebody": lambda: newton([[0, 0, 1]], [0]),
    "Newton_Gravity": lambda: newton([[0, 0, 1]], [-1]),
    "Newton_Spring": lambda: newton([[0, -1, 1]], [0]),
    "Newton_Magnetic": lambda: newton([[0, -1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1]], [0, 0]),
}
"""The tasks whose state and output are affine."""

BENT: dict[str, Callable[[], Network]] = {
    "Binary_Addition": lambda: carrying(2),
    **{f"Base_{base}_Addition": lambda base=base: carrying(base) for base in range(3, 8)},
    "Bitwise_Xor": lambda: memoryless(lookup((0, 1, 1), 0, [0, 1, 0]), 0, 1),
    "Bitwise_Or": lambda: memoryless(lookup((0, 1, 1), 0, [0, 1, 1]), 0, 1),
    "Bitwise_And": lambda: memoryless(lookup((0, 1, 1), 0, [0, 0, 1]), 0, 1),
    "Parity_All": lambda: memoryless(lookup((1, 1), 0, [0, 1, 0]), 0, 1),
    "Parity_Zeros": lambda: memoryless(lookup((1, -1), -1, [0, 1, 0]), 0, 1),
    "Bit_Dot_Prod_Mod2": lambda: memoryless(lookup((3, 1, 1), 0, [0, 0, 1, 1, 1, 0]), 0, 1),
    **{f"Parity_Last{n}": lambda n=n: window(n, [0, 1, 0, 1, 0][: n + 1], [1] * n) for n in (2, 3, 4)},
    "Alternating_Last3": lambda: alternating(3),
    "Alternating_Last4": lambda: alternating(4),
    **{
        f"Add_Mod_{k}": lambda k=k: memoryless(lookup((1, 1), 0, [v % k for v in range(2 * k - 1)]), 0, k - 1)
        for k in range(3, 9)
    },
    **{f"Div_{k}": lambda k=k: dividing(k, 2, 1) for k in (3, 5, 7)},
    "Dithering": lambda: dividing(15, 1, 15),
    "Max_Seen": lambda: memoryless(linear(0, 1) + relu(1, -1), 0, 99),
    "Min_Seen": lambda: replace(
        memoryless(linear(0, -1, constant=9) + relu(1, 1, bias=-9), 0, 9), g=affine([[-1]], [9])
    ),
    "Abs_Current": lambda: memoryless(absolute(0, 1), -100, 99),
    "Abs_Diff": lambda: planted(layers([linear(0, 0, 1), absolute(-1, 0, 1)]), affine([[0, 1]]), -100, 99),
    "Diff_Abs_Values": lambda: planted(
        layers([absolute(0, 0, 1), absolute(0, 0, 1) + linear(-1, 0, 0)]), affine([[0, 1]]), -100, 99
    ),
    "Previous_Equals_Current": lambda: planted(
        affine([[0, 0, 1], [-1, 0, 1]]), layers([lookup((0, 1), -7, np.eye(15)[7])]), 0, 7
    ),
    "Evens_Counter": lambda: memoryless(linear(1, 0) + lookup((0, 1), 0, [1, 0] * 5), 0, 9),
    "Evens_Detector": lambda: memoryless(lookup((0, 1), 0, [1, 0] * 5), 0, 9),
    "Perfect_Square_Detector": lambda: memoryless(
        lookup((0, 1), 0, [int(v in (0, 1, 4, 9, 16)) for v in range(20)]), 0, 19
    ),
    "Majority_0_1": lambda: majority(2),
    "Majority_0_2": lambda: majority(3),
    "Majority_0_3": lambda: majority(4),
    "Balanced_Parenthesis": balanced,
}
"""The others; of these every one but Bit_Palindrome, whose numbers double with every step."""

PLANTED = LINEAR | BENT


@cache
def planted_network(task: str) -> Network:
    return PLANTED[task]()


def disguise(network: Network, generator: np.random.Generator, noise: float = 1e-3) -> Network:
    """In a random basis of condition number at most 10, with relative noise on every weight, through float32."""
    left, right = (np.linalg.qr(generator.normal(size=(network.size, network.size)))[0] for _ in range(2))
    turned = changed_basis(network, left @ np.diag(10 ** generator.uniform(-0.5, 0.5, network.size)) @ right)

    def blurred(values: np.ndarray) -> np.ndarray:
        noisy = values * (1 + noise * generator.normal(size=values.shape))
        return noisy.astype(np.float32).astype(np.float64)

    f, g = (tuple(Layer(blurred(layer.weight), blurred(layer.bias)) for layer in part) for part in (turned.f, turned.g))
    return replace(turned, f=f, g=g)
