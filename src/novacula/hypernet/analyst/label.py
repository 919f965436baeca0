"""The analyst: which algorithm a network carries out, by its weights and by its function.

The stages: inputs of the task's law; the units of the first layer (`units`); order parameters (`orders`) and patterns
(`patterns`) of the weights; kinks (`kinks`) and dependences (`structure`) of the function; labels of the L1 norm
(`norm_label`) or of other tasks (`algorithms`); and the same again for copies with noisy weights, for the confidence.
A label of the L1 norm is given for no other task. Source: arXiv 2312.03051 for the idea; order parameters, thresholds
and functional tests are ours.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from novacula.errors import InputError
from novacula.hypernet.analyst import algorithms, norm_label
from novacula.hypernet.analyst.canonical import Canonical, canonical
from novacula.hypernet.analyst.kinks import Kinks, measure_kinks
from novacula.hypernet.analyst.orders import OrderParameters, measure_orders
from novacula.hypernet.analyst.patterns import Patterns, measure_patterns
from novacula.hypernet.analyst.structure import Structure, measure_structure
from novacula.hypernet.analyst.units import Layer, Units, can_be_measured, read_units
from novacula.hypernet.build import with_noise
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task

_QUICK = 256
_CONSTANT, _LINEAR = 1e-3, 0.99
_BROKEN, _BROKEN_BOWL = 0.9, 0.1
_CONTROLS = {"linear": ("sum", "mean", "linear"), "constant": ("constant",)}


@dataclass(frozen=True)
class Analysis:
    """What the analyst found.

    Attributes:
        label: the algorithm, or `partial`, `linear`, `constant`, `unstructured`.
        weight_label: what the weights alone say.
        functional_label: what the function alone says.
        agree: whether these two go together.
        broken: whether the label is an algorithm of the task, and the network nevertheless does not compute the task:
            R² below 0.9, of bowls below 0.1.
        confidence: the share of copies with noisy weights that get the same label; without copies, the margin.
        margin: the distance to the nearest threshold, 0 to 1.
        why: one line on how the label came about.
        r2: 1 - MSE / variance of the task's outputs; where these are constant, 1 or 0.
        mse: mean squared error over the task's inputs and all outputs; infinite where the network explodes.
        order_parameters: how the weights of the first layer are arranged.
        patterns: what its units look at.
        structure: what the function depends on; None where it explodes.
        canonical: the network without dead units, in order.
    """

    label: str
    weight_label: str
    functional_label: str
    agree: bool
    broken: bool
    confidence: float
    margin: float
    why: str
    r2: float
    mse: float
    order_parameters: OrderParameters
    patterns: Patterns
    structure: Structure | None
    canonical: Canonical


def analyze(network: TargetNetwork, task: Task, config: ClassifyConfig | None = None) -> Analysis:
    """Which algorithm a network carries out for a task. The same seed gives the same answer.

    Raises:
        InputError: the network has other numbers of inputs or outputs than the task, or as `Task.check`.
    """
    config = config or ClassifyConfig()
    inputs, outputs = network.architecture.inputs, network.architecture.outputs
    task.check(inputs)
    if outputs != task.outputs(inputs):
        wanted = f"{task.name} has {task.outputs(inputs)} for {inputs} inputs"
        raise InputError("network", f"has {outputs} outputs; {wanted}")
    drawn = task.law.draw((config.points, inputs), torch.Generator().manual_seed(config.seed)).double()
    x, f = drawn.numpy(), task.function(drawn).numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        form = canonical(network, read_units(Layer.first_of(network), x), x)
    found = _labeled(network, form, task, x, f, np.random.default_rng([config.seed, 0]))
    return replace(found, confidence=_confidence(network, task, x[:_QUICK], f[:_QUICK], found, config))


def _confidence(
    network: TargetNetwork,
    task: Task,
    x: Float[np.ndarray, "batch inputs"],
    f: Float[np.ndarray, "batch outputs"],
    found: Analysis,
    config: ClassifyConfig,
) -> float:
    """The share of noisy copies with the same label, on fewer inputs."""
    if not config.draws:
        return found.margin
    generator = np.random.default_rng([config.seed, 1])
    copies = (with_noise(network, config.noise, generator) for _ in range(config.draws))
    same = [_labeled(copy, found.canonical, task, x, f, generator).label == found.label for copy in copies]
    return sum(same) / len(same)


def _labeled(
    network: TargetNetwork,
    form: Canonical,
    task: Task,
    x: Float[np.ndarray, "batch inputs"],
    f: Float[np.ndarray, "batch outputs"],
    generator: np.random.Generator,
) -> Analysis:
    """The analysis without its confidence; `form` is the canonical form."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = network(x)
        units = read_units(Layer.first_of(network), x)
        mse = float(((y - f) ** 2).mean()) if np.isfinite(y).all() else math.inf
    mse = mse if math.isfinite(mse) else math.inf
    analysis = Analysis(
        label="unstructured",
        weight_label="unstructured",
        functional_label="unstructured",
        agree=True,
        broken=False,
        confidence=0.0,
        margin=0.0,
        why="the network explodes on inputs of its task, or has weights beyond 10^30",
        r2=_r2(mse, f),
        mse=mse,
        order_parameters=OrderParameters(),
        patterns=Patterns(),
        structure=None,
        canonical=form,
    )
    if not math.isfinite(mse) or not can_be_measured(network):
        return analysis
    kinks = measure_kinks(network, x)
    analysis = replace(
        analysis,
        order_parameters=_orders(network, units, kinks, x, y[:, 0]),
        patterns=measure_patterns(network, units),
        structure=measure_structure(network, x, generator),
    )
    for name, share in (("constant", _flat(y, f)), ("linear", _straight(x, y))):
        if share >= 0:
            why = f"the function is {name} on the inputs of its task"
            named = {"label": name, "weight_label": name, "functional_label": name}
            return _judged(replace(analysis, **named, margin=share, why=why), task)
    if task.name == "l1-norm":
        return _judged(_norm(analysis, network, kinks, float(np.abs(_slopes(x, y)).mean())), task)
    return _judged(_other(analysis, network, task, algorithms.scale_free(y, f)), task)


def _orders(
    network: TargetNetwork,
    units: Units,
    kinks: Kinks,
    x: Float[np.ndarray, "batch inputs"],
    y: Float[np.ndarray, " batch"],
) -> OrderParameters:
    return replace(
        measure_orders(network, units, x, y),
        axis_kinks=float(norm_label.axis_kinks(kinks).mean()),
        kink_sharpness=float(kinks.near.mean() / kinks.wide.mean()) if kinks.wide.mean() else 0.0,
        anisotropy=kinks.anisotropy,
        concavity=kinks.concavity,
        odd=float(kinks.odd.mean()),
    )


def _norm(analysis: Analysis, network: TargetNetwork, kinks: Kinks, slopes: float) -> Analysis:
    """The labels of a network for the L1 norm; `slopes` is the mean magnitude of its best linear function's."""
    orders = analysis.order_parameters
    tilt = slopes / max(float(kinks.wide.mean()), 1e-300)
    shallow = len(network.architecture.hidden) == 1
    weights = norm_label.by_weights(orders, network.architecture.inputs, analysis.r2) if shallow else "unstructured"
    function = norm_label.by_function(orders, kinks, tilt, analysis.r2, network.architecture.activation)
    label, why = norm_label.decided(weights, function, orders, network.architecture.inputs)
    # Far out a rectifier pair leaves half the sum of its slopes in the odd part, which is what t shows.
    shows = float((network.weights[1] @ network.weights[0]).mean()) / max(orders.slope / 2, 1e-300) if shallow else 0.0
    agree = norm_label.sides_agree(weights, function, orders, shows)
    margin = norm_label.margin(orders, label)
    named = {"label": label, "weight_label": weights, "functional_label": function}
    return replace(analysis, **named, agree=agree, margin=margin, why=why)


def _other(analysis: Analysis, network: TargetNetwork, task: Task, fit: float) -> Analysis:
    """The labels of a network for another task; `fit` is R² after the best scale and offset."""
    orders, structure = analysis.order_parameters, analysis.structure
    evidence = algorithms.Evidence(network, orders, analysis.patterns, fit)
    label, why = algorithms.algorithm(task.name, evidence)
    function = algorithms.functional_name(structure, orders) if structure else "unstructured"
    patterns = analysis.patterns
    best = max(patterns.entry, patterns.total, patterns.pairs, patterns.background)
    margin = float(np.clip((best - algorithms.MOST) / (1 - algorithms.MOST), 0, 1))
    agree = algorithms.agrees(label, function, network.architecture.inputs)
    named = {"label": label, "weight_label": label, "functional_label": function}
    return replace(analysis, **named, agree=agree, margin=margin, why=why)


def _judged(analysis: Analysis, task: Task) -> Analysis:
    """The analysis with its verdict on whether the structure stands and the function does not."""
    if analysis.label in ("linear", "constant"):
        stands = task.name in _CONTROLS[analysis.label]
    else:
        stands = analysis.label not in ("partial", "unstructured", *algorithms.GENERIC)
    least = _BROKEN_BOWL if analysis.label == "convexity" or analysis.label.endswith("bowls") else _BROKEN
    return replace(analysis, broken=stands and analysis.r2 < least)


def _r2(mse: float, f: Float[np.ndarray, "batch outputs"]) -> float:
    variance = float(f.var(0).mean())
    return 1 - mse / variance if variance > 0 else float(mse <= 1e-6 * (1 + float((f**2).mean())))


def _flat(y: Float[np.ndarray, "batch outputs"], f: Float[np.ndarray, "batch outputs"]) -> float:
    """How far below the threshold of a constant the spread of a function is, 0 to 1; negative above it."""
    spread, scale = float(y.std(0).max()), float(f.std(0).max()) or 1.0
    return 1 - spread / (_CONSTANT * scale)


def _straight(x: Float[np.ndarray, "batch inputs"], y: Float[np.ndarray, "batch outputs"]) -> float:
    """How far above the threshold of a linear function R² of the best one is, 0 to 1; negative below it."""
    moved, values = x - x.mean(0), y - y.mean(0)
    left = ((values - moved @ _slopes(x, y)) ** 2).sum(0) / np.maximum((values**2).sum(0), 1e-300)
    return float((1 - left.max() - _LINEAR) / (1 - _LINEAR))


def _slopes(
    x: Float[np.ndarray, "batch inputs"], y: Float[np.ndarray, "batch outputs"]
) -> Float[np.ndarray, "inputs outputs"]:
    """The coefficients of the best linear function of the inputs."""
    return np.linalg.lstsq(x - x.mean(0), y - y.mean(0), rcond=None)[0]
