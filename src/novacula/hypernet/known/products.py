"""Products out of squares, xy = ((x + y)² - (x - y)²)/4 or ((x + y)² - x² - y²)/2, and sums of squares.

A square is the activation's own, or the curvature of swish: swish(z) + swish(-z) = z tanh(z/2) = z²/2 - z⁴/24 + …
"""

import numpy as np

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.config import Activation, BuildConfig
from novacula.hypernet.network import TargetNetwork


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
