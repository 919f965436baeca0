"""Networks of one hidden layer, and of functions of bits, made by hand.

The L1 norm is a sum of rectifiers, or of bowls in random directions (arXiv 2312.03051; the family is ours). Products
are sums of squares, xy = ((x + y)² - (x - y)²)/4 or ((x + y)² - x² - y²)/2. A square is the activation's own, or the
curvature of swish: swish(z) + swish(-z) = z tanh(z/2) = z²/2 - z⁴/24 + … The Fourier form of addition modulo p comes
from networks trained on it.
"""

import numpy as np
from jaxtyping import Float

from novacula.hypernet.architecture import ACTIVATIONS, Architecture
from novacula.hypernet.config import Activation, BuildConfig
from novacula.hypernet.known.circuit import Circuit
from novacula.hypernet.network import TargetNetwork

_FITTED = 8192  #: random inputs to which the height of bowls is fitted


def double_sided(config: BuildConfig) -> TargetNetwork:
    """Σ r(x_i) + r(-x_i)."""
    return _one_family(config, np.zeros(config.inputs))


def positive_pudding(config: BuildConfig) -> TargetNetwork:
    """2 Σ r(x_i) - Σ x_i."""
    return _one_family(config, np.ones(config.inputs))


def negative_pudding(config: BuildConfig) -> TargetNetwork:
    """2 Σ r(-x_i) + Σ x_i."""
    return _one_family(config, -np.ones(config.inputs))


def mixed(config: BuildConfig) -> TargetNetwork:
    """Double-sided at every second input, a positive pudding at the others."""
    return _one_family(config, np.arange(config.inputs) % 2.0)


def _one_family(config: BuildConfig, t: Float[np.ndarray, " inputs"]) -> TargetNetwork:
    """Σ (1 + t) r(x) + (1 - t) r(-x) - t x, the linear part by units r(C + s) that stay in their own linear part.

    Every input has two spike units; where t is ±1 they are copies that share its slope. Of the units that are left,
    all carry the linear part, or are dead where there is none.
    """
    n, k = config.inputs, config.slope
    spare = max((config.hidden_per_input - 2) * n, int(t.any()))
    offset = 5 * np.sqrt(n) if config.offset is None else config.offset
    rows, biases, outs = np.zeros((2 * n + spare, n)), np.zeros(2 * n + spare), np.zeros(2 * n + spare)
    for place, side in enumerate(t):
        signs = (1, -1) if abs(side) != 1 else (side, side)
        slopes = (1 + side, 1 - side) if abs(side) != 1 else (1, 1)
        for unit, (sign, slope) in enumerate(zip(signs, slopes, strict=True), 2 * place):
            rows[unit, place], outs[unit] = sign * k, slope / k
    if t.any():
        rows[2 * n :], biases[2 * n :], outs[2 * n :] = -k * t, k * offset, 1 / (k * spare)
    constant = n * _mean_error(config.activation, k) - (offset if t.any() else 0.0)
    return _shallow(config.activation, rows, biases, outs, constant, "l1-norm")


def _mean_error(activation: Activation, slope: float) -> float:
    """The mean of |x| - (σ(kx) + σ(-kx))/k for standard normal x, by the trapezoidal rule."""
    x = np.linspace(-9, 9, 40_001)
    act = ACTIVATIONS[activation].function
    error = np.abs(x) - (act(slope * x) + act(-slope * x)) / slope
    return float(np.trapezoid(error * np.exp(-(x**2) / 2), x) / np.sqrt(2 * np.pi))


def convexity(config: BuildConfig) -> TargetNetwork:
    """α Σ r(w_j·x) + c with independent Gaussian w_j, α and c fitted to the L1 norm."""
    return _bowls(config, antithetic=False, task="l1-norm")


def bowls(config: BuildConfig) -> TargetNetwork:
    """α Σ r(w_j·x) + r(-w_j·x) + c with Gaussian w_j, fitted to the L2 norm, which it becomes for many units."""
    return _bowls(config, antithetic=True, task="l2-norm")


def _bowls(config: BuildConfig, *, antithetic: bool, task: str) -> TargetNetwork:
    n, units, generator = config.inputs, config.hidden_per_input * config.inputs, np.random.default_rng(config.seed)
    rows = generator.standard_normal((units, n)) * config.slope / np.sqrt(n)
    if antithetic:
        rows[units // 2 : 2 * (units // 2)] = -rows[: units // 2]
    x = generator.standard_normal((_FITTED, n))
    y = ACTIVATIONS[config.activation].function(x @ rows.T).sum(1)
    f = np.abs(x).sum(1) if task == "l1-norm" else np.sqrt((x**2).sum(1))
    height = np.cov(y, f)[0, 1] / y.var()
    outs, constant = np.full(units, height), float(f.mean() - height * y.mean())
    return _shallow(config.activation, rows, np.zeros(units), outs, constant, task)


def total_variation(config: BuildConfig) -> TargetNetwork:
    """Σ r(x_{i+1} - x_i) + r(x_i - x_{i+1})."""
    circuit = Circuit(config)
    steps = range(config.inputs - 1)
    units = [circuit.unit({place + 1: sign, place: -sign}) for place in steps for sign in (1.0, -1.0)]
    circuit.layer([dict.fromkeys(units, 1.0)])
    return circuit.network("total-variation")


def linear(config: BuildConfig) -> TargetNetwork:
    """Σ x_i as Σ r(x_i) - r(-x_i)."""
    circuit = Circuit(config)
    circuit.layer([circuit.carried(place) for place in range(config.inputs)])
    return circuit.network("sum", [dict.fromkeys(range(config.inputs), 1.0)])


def constant(config: BuildConfig) -> TargetNetwork:
    """1: every weight is 0, but the output's bias."""
    units = config.hidden_per_input * config.inputs
    return _shallow(
        config.activation, np.zeros((units, config.inputs)), np.zeros(units), np.zeros(units), 1.0, "constant"
    )


def _shallow(
    activation: Activation,
    rows: Float[np.ndarray, "units inputs"],
    biases: Float[np.ndarray, " units"],
    outs: Float[np.ndarray, " units"],
    constant: float,
    task: str,
) -> TargetNetwork:
    architecture = Architecture((rows.shape[1], len(rows), 1), activation)
    return TargetNetwork(architecture, (rows, outs[None]), (biases, np.array([constant])), task=task)


def by_squares(config: BuildConfig) -> TargetNetwork:
    """Σ x_i y_i by the activation z²; of two inputs, their product."""
    return _quadratic(_polarized(config.inputs), "square", 1.0, _task(config.inputs))


def by_curvature(config: BuildConfig) -> TargetNetwork:
    """The same by the curvature of swish, at a scale of 1/k."""
    return _quadratic(_polarized(config.inputs), "swish", 1 / config.slope, _task(config.inputs))


def by_completion(config: BuildConfig) -> TargetNetwork:
    """The same by completing a square, ((x + y)² - x² - y²)/2, each by the curvature of swish."""
    half, terms = config.inputs // 2, []
    for first in range(half):
        one, other = np.eye(config.inputs)[[first, first + half]]
        terms += [(one + other, [0.5]), (one, [-0.5]), (other, [-0.5])]
    return _quadratic(terms, "swish", 1 / config.slope, _task(config.inputs))


def squared_l2(config: BuildConfig) -> TargetNetwork:
    """Σ x_i² by the curvature of swish, at a scale of 1/k."""
    return _quadratic([(row, [1.0]) for row in np.eye(config.inputs)], "swish", 1 / config.slope, "squared-l2")


def squares_frame(config: BuildConfig) -> TargetNetwork:
    """The same in other coordinates: Σ (q·x)² over the rows q of a random orthogonal matrix."""
    shape = (config.inputs, config.inputs)
    frame = np.linalg.qr(np.random.default_rng(config.seed).standard_normal(shape))[0]
    return _quadratic([(row, [1.0]) for row in frame], "swish", 1 / config.slope, "squared-l2")


def angle_sum(config: BuildConfig) -> TargetNetwork:
    """cos a cos b - sin a sin b and sin a cos b + cos a sin b by the activation z²."""
    terms = []
    for first, second, outs in ((0, 2, (1, 0)), (1, 3, (-1, 0)), (1, 2, (0, 1)), (0, 3, (0, 1))):
        terms += _product(4, first, second, np.array(outs, np.float64))
    return _quadratic(terms, "square", 1.0, "angle-addition")


def _task(inputs: int) -> str:
    return "product" if inputs == 2 else "dot-product"


_Terms = list[tuple[np.ndarray, list[float]]]


def _polarized(inputs: int) -> _Terms:
    half = inputs // 2
    return [term for place in range(half) for term in _product(inputs, place, place + half, np.ones(1))]


def _product(inputs: int, first: int, second: int, outs: np.ndarray) -> _Terms:
    """The product of two inputs as rows to be squared, and what each square adds to every output."""
    together, apart = np.zeros(inputs), np.zeros(inputs)
    together[[first, second]], apart[[first, second]] = 1, (1, -1)
    return [(together, (outs / 4).tolist()), (apart, (-outs / 4).tolist())]


def _quadratic(terms: _Terms, activation: Activation, scale: float, task: str) -> TargetNetwork:
    """Σ outs (row·x)²: one unit for each term, or a pair whose curvature is used."""
    rows, outs = np.array([row for row, _ in terms]), np.array([out for _, out in terms]).T
    if activation != "square":
        rows, outs = scale * np.concatenate([rows, -rows]), 2 / scale**2 * np.concatenate([outs, outs], 1)
    architecture = Architecture((rows.shape[1], len(rows), len(outs)), activation)
    return TargetNetwork(architecture, (rows, outs), (np.zeros(len(rows)), np.zeros(len(outs))), task=task)


def parity_staircase(config: BuildConfig) -> TargetNetwork:
    """With s bits set: r(s) - 2 r(s - 1) + 2 r(s - 2) - …, up and down between 0 and 1."""
    circuit = Circuit(config)
    total = dict.fromkeys(range(config.inputs), 1.0)
    terms = {circuit.unit(total, -float(step)): (2.0 if step else 1.0) * (-1) ** step for step in range(config.inputs)}
    circuit.layer([terms])
    return circuit.network("parity")


def parity_tree(config: BuildConfig) -> TargetNetwork:
    """|a - b| of every pair of bits, then of every pair of these, and so on."""
    circuit, bits = Circuit(config), config.inputs
    while bits > 1:
        sums = []
        for first in range(0, bits - 1, 2):
            difference, opposite = {first: 1.0, first + 1: -1.0}, {first: -1.0, first + 1: 1.0}
            sums.append({circuit.unit(difference): 1.0, circuit.unit(opposite): 1.0})
        sums += [circuit.carried(bits - 1)] if bits % 2 else []
        circuit.layer(sums)
        bits = len(sums)
    return circuit.network("parity")


def majority_threshold(config: BuildConfig) -> TargetNetwork:
    """With s bits set and m the least majority: r(s - m + 1) - r(s - m)."""
    circuit, least = Circuit(config), config.inputs // 2 + 1
    total = dict.fromkeys(range(config.inputs), 1.0)
    circuit.layer([{circuit.unit(total, 1.0 - least): 1.0, circuit.unit(total, -float(least)): -1.0}])
    return circuit.network("majority")


def clock(config: BuildConfig) -> TargetNetwork:
    """1/p Σ cos(2πk(a + b - c)/p) over all k, the products of waves by the activation z²."""
    p = config.inputs // 2
    digits, rows, outs = np.arange(p), [], []
    for k in range(1, p // 2 + 1):
        share = (1 if 2 * k == p else 2) / p
        cosine, sine = np.cos(2 * np.pi * k * digits / p), np.sin(2 * np.pi * k * digits / p)
        for first, second, out in ((cosine, cosine, cosine), (sine, sine, -cosine), (sine, cosine, sine)):
            pairs = [(first, second)] if first is second else [(first, second), (second, first)]
            for left, right in pairs:
                rows += [np.concatenate([left, right]), np.concatenate([left, -right])]
                outs += [share * out / 4, -share * out / 4]
    weights = (np.array(rows), np.array(outs).T)
    architecture = Architecture((2 * p, len(rows), p), "square")
    return TargetNetwork(architecture, weights, (np.zeros(len(rows)), np.full(p, 1 / p)), task="modular-addition")


def table(config: BuildConfig) -> TargetNetwork:
    """A unit r(x_a + y_b - 1) for every pair of digits, joined to the digit of their sum."""
    circuit, p = Circuit(config), config.inputs // 2
    sums: list[dict[int, float]] = [{} for _ in range(p)]
    for a in range(p):
        for b in range(p):
            sums[(a + b) % p][circuit.unit({a: 1.0, p + b: 1.0}, -1.0)] = 1.0
    circuit.layer(sums)
    return circuit.network("modular-addition")
