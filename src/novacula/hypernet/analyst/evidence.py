"""What the analyst measures of a network before it judges, and the form of its verdict. Source: ours."""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.function import ROUNDING, Kinks, Structure, measure_kinks, measure_structure
from novacula.hypernet.analyst.orders import OrderParameters, Patterns, measure_orders, measure_patterns
from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import Layer, Units, can_be_measured, linear_part, read_units, unit_of
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task


@dataclass(frozen=True)
class Evidence:
    """What is known of a network on inputs of its task."""

    network: TargetNetwork  #: the network
    task: Task  #: what it should compute
    units: Units  #: its first hidden layer
    mse: float  #: mean squared error over all outputs; infinite where the network explodes
    r2: float  #: 1 - MSE / variance of the task's outputs; where these are constant, 1 or 0
    fit: float = 0.0
    """R² after the best scale and an offset for each output, which tells whether the function is like the task's."""
    flat: float = -1.0
    """How far below the threshold of a constant the spread of the function is, 0 to 1; negative above it."""
    straight: float = -1.0
    """How far above the threshold of a linear function R² of the best one is, 0 to 1; negative below it."""
    slope: float = 0.0  #: the mean magnitude of the coefficients of the best linear function
    orders: OrderParameters = field(default_factory=OrderParameters)
    """How the weights of the first layer are arranged, and the kinks of the function."""
    patterns: Patterns = field(default_factory=Patterns)  #: what the units of the first layer look at
    structure: Structure | None = None  #: what the function depends on; None where nothing can be measured
    kinks: Kinks | None = None  #: the shape of the function; None where nothing can be measured


@dataclass(frozen=True)
class Verdict:
    """What the evidence comes to."""

    label: str  #: the algorithm, or `partial`, `linear`, `constant`, `unstructured`
    weight_label: str  #: what the weights alone say
    functional_label: str  #: what the function alone says
    agree: bool  #: whether these two go together
    margin: float  #: the distance to the nearest threshold, 0 to 1
    why: str  #: one line on how the label came about


def measure(
    network: TargetNetwork,
    task: Task,
    x: Float[np.ndarray, "batch inputs"],
    f: Float[np.ndarray, "batch outputs"],
    generator: np.random.Generator,
) -> Evidence:
    """Measures a network on inputs x, for which its task has the outputs f."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = network(x)
        units = read_units(Layer.first_of(network), x)
        mse = float(((y - f) ** 2).mean()) if np.isfinite(y).all() else math.inf
    mse = mse if math.isfinite(mse) else math.inf
    if not math.isfinite(mse) or not can_be_measured(network):
        return Evidence(network, task, units, mse, r2_of(mse, f))
    kinks = measure_kinks(network, x)
    slopes = linear_part(network, x, y)
    return Evidence(
        network,
        task,
        units,
        mse,
        r2_of(mse, f),
        fit=scale_free(y, f),
        flat=_flat(y, f, network.size(x)),
        straight=_straight(x, y, slopes),
        slope=float(np.abs(slopes).mean()),
        orders=measure_orders(network, units, kinks, x, y[:, 0], slopes[:, 0]),
        patterns=measure_patterns(network, units, unit_of(x)),
        structure=measure_structure(network, x, generator),
        kinks=kinks,
    )


def r2_of(mse: float, f: Float[np.ndarray, "batch outputs"]) -> float:
    """Returns R² of a squared error; where the outputs f are constant, but for rounding, 1 for a thousandth, or 0."""
    variance, square = float(f.var(0).mean()), float((f**2).mean())
    return 1 - mse / variance if variance > 1e-24 * square else float(mse <= 1e-6 * (square or 1.0))


def _flat(y: Float[np.ndarray, "batch outputs"], f: Float[np.ndarray, "batch outputs"], size: float) -> float:
    """How far the spread of outputs y is below the threshold of their own size and of the task's spread, if it has one.

    What rounding may vary of sums of this size is no spread.
    """
    own, wanted = float((y**2).mean(0).max() ** 0.5), float(f.std(0).max())
    allowed = max(THRESHOLDS.constant * min(own, wanted or own), ROUNDING * size)
    return 1 - float(y.std(0).max()) / (allowed or 1.0)


def _straight(
    x: Float[np.ndarray, "batch inputs"],
    y: Float[np.ndarray, "batch outputs"],
    slopes: Float[np.ndarray, "inputs outputs"],
) -> float:
    moved, values = x - x.mean(0), y - y.mean(0)
    left = ((values - moved @ slopes) ** 2).sum(0) / np.maximum((values**2).sum(0), 1e-300)
    return float((1 - left.max() - THRESHOLDS.straight) / (1 - THRESHOLDS.straight))


def scale_free(y: Float[np.ndarray, "batch outputs"], f: Float[np.ndarray, "batch outputs"]) -> float:
    """R² after the best common scale and an offset for each output; 0 where one of them is constant."""
    y, f = y - y.mean(0), f - f.mean(0)
    sizes = float(np.linalg.norm(y) * np.linalg.norm(f))
    return float((y / sizes * f).sum()) ** 2 if sizes > 0 and math.isfinite(sizes) else 0.0
