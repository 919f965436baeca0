"""The L1 norm as sums of rectifiers, and bowls in random directions. Source: arXiv 2312.03051; the family, ours."""

import numpy as np
from jaxtyping import Float

from novacula.hypernet.architecture import ACTIVATIONS, Architecture
from novacula.hypernet.config import Activation, BuildConfig
from novacula.hypernet.known.circuit import Circuit
from novacula.hypernet.network import TargetNetwork

_FITTED = 8192
"""Random inputs to which the height of bowls is fitted."""


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
    circuit = Circuit(config.inputs, config.activation, config.slope)
    steps = range(config.inputs - 1)
    units = [circuit.unit({place + 1: sign, place: -sign}) for place in steps for sign in (1.0, -1.0)]
    circuit.layer([dict.fromkeys(units, 1.0)])
    return circuit.network("total-variation")


def linear(config: BuildConfig) -> TargetNetwork:
    """Σ x_i as Σ r(x_i) - r(-x_i)."""
    circuit = Circuit(config.inputs, config.activation, config.slope)
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
