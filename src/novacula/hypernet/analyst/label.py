"""The analyst: which algorithm a network carries out, by its weights and by its function.

A network is measured on inputs of its task's law (`evidence`), then judged: for the L1 norm by `norm_label`, for other
tasks by `algorithms`. Copies with noisy weights are judged again, for the confidence. A label of the L1 norm is given
for no other task.

A network's canonical form drops dead units and orders the others by owner and sign, so that networks that differ only
in the order of their hidden units have the same form. Labels in JSON, and measures of complexity other than the nats
that a network cost, are here too.

Source: arXiv 2312.03051 for the idea; order parameters, thresholds and functional tests are ours.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.hypernet.analyst.algorithms import GENERIC, task_verdict
from novacula.hypernet.analyst.evidence import Evidence, Verdict, measure
from novacula.hypernet.analyst.function import Structure
from novacula.hypernet.analyst.norm_label import norm_verdict
from novacula.hypernet.analyst.orders import OrderParameters, Patterns
from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import Units
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.network import TargetNetwork, with_noise
from novacula.hypernet.tasks import Task
from novacula.runs.notebook import Brief

_QUICK = 256  #: inputs on which noisy copies are judged
_CONTROLS = {"linear": ("sum", "mean", "linear"), "constant": ("constant",)}
_TOLERANCE = 0.05  #: of a layer's largest weight: below it a weight counts as absent, and two weights as equal
_LEVELS = 127
BROKEN = "broken"
"""The label under which networks are shown whose function is none of the task's, whatever their weights look like."""


@dataclass(frozen=True)
class Canonical:
    """The canonical form."""

    network: TargetNetwork  #: the form as a network
    order: Int[np.ndarray, " units"]
    """The places in the first hidden layer of the original that its first hidden layer's units come from."""
    owner: Int[np.ndarray, " units"]  #: the input of the largest weight of each of these
    side: Float[np.ndarray, " units"]  #: the sign of that weight
    role: tuple[str, ...]  #: `spike`, `linear` or `other`


def canonical(network: TargetNetwork, units: Units, x: Float[np.ndarray, "batch inputs"]) -> Canonical:
    """Returns the canonical form of a network with these first units; x are typical inputs.

    A dead unit's mean goes into the biases above; where these are switched off it is dropped. Networks whose layers add
    their inputs keep all units in place, since their order means something.
    """
    alive = np.arange(len(units.owner))
    if not network.architecture.residual:
        alive = _ordered(units)
        with np.errstate(over="ignore", invalid="ignore"):
            network = _form(network, alive, x)
    role = np.where(units.spike, "spike", np.where(units.linear, "linear", "other"))[alive]
    return Canonical(network, alive, units.owner[alive], units.side[alive], tuple(role.tolist()))


def _ordered(units: Units) -> Int[np.ndarray, " units"]:
    """Living units: those that bend by owner, positive before negative, steep before flat; then the linear ones."""
    keys = np.lexsort((-np.abs(units.slope), -units.side, units.owner, units.linear))
    alive = keys[~units.dead[keys]]
    return alive if len(alive) else keys[:1]


def _form(
    network: TargetNetwork, first: Int[np.ndarray, " units"], x: Float[np.ndarray, "batch inputs"]
) -> TargetNetwork:
    """The network with the first hidden layer in a given order, and the layers above in their own."""
    weights, biases = list(network.weights), list(network.biases)
    activation, values = ACTIVATIONS[network.architecture.activation].function, x
    biased = [network.architecture.biases] * (len(weights) - 1) + [network.architecture.output_bias]
    for layer in range(len(weights) - 1):
        values = activation(values @ weights[layer].T + biases[layer])
        order = first if layer == 0 else _by_strength(weights[layer], weights[layer + 1], values)
        dropped = np.setdiff1d(np.arange(values.shape[1]), order)
        if biased[layer + 1]:
            biases[layer + 1] = biases[layer + 1] + weights[layer + 1][:, dropped] @ values[:, dropped].mean(0)
        weights[layer], biases[layer] = weights[layer][order], biases[layer][order]
        weights[layer + 1], values = weights[layer + 1][:, order], values[:, order]
    sizes = (x.shape[1], *map(len, weights))
    return replace(
        network, architecture=replace(network.architecture, sizes=sizes), weights=tuple(weights), biases=tuple(biases)
    )


def _by_strength(
    rows: Float[np.ndarray, "units below"],
    above: Float[np.ndarray, "above units"],
    values: Float[np.ndarray, "batch units"],
) -> Int[np.ndarray, " kept"]:
    strength = np.linalg.norm(above, axis=0) * values.std(0)
    owner = np.abs(rows).argmax(1)
    side = np.sign(rows[np.arange(len(rows)), owner])
    keys = np.lexsort((-strength, -side, owner))
    kept = keys[strength[keys] > THRESHOLDS.dead * strength.max(initial=0.0)]
    return kept if len(kept) else keys[:1]


@dataclass(frozen=True)
class Analysis(Verdict, Brief):
    """The verdict of the analyst, and what it rests on."""

    broken: bool
    """Whether the label is an algorithm of the task, and the network nevertheless does not compute the task: R²
    below 0.9, of bowls below 0.1."""
    confidence: float  #: the share of copies with noisy weights that get the same label; without copies, the margin
    r2: float  #: 1 - MSE / variance of the task's outputs; where these are constant, 1 or 0
    mse: float  #: mean squared error over the task's inputs and all outputs; infinite where the network explodes
    order_parameters: OrderParameters  #: how the weights of the first layer are arranged
    patterns: Patterns  #: what its units look at
    structure: Structure | None  #: what the function depends on; None where it explodes
    canonical: Canonical  #: the network without dead units, in order


def analyze(network: TargetNetwork, task: Task, config: ClassifyConfig | None = None) -> Analysis:
    """Returns the algorithm that a network carries out for a task. The same seed gives the same answer.

    Raises:
        InputError: the network has other numbers of inputs or outputs than the task, or as `Task.check`.
    """
    config = ClassifyConfig.given(config)
    inputs, outputs = network.architecture.inputs, network.architecture.outputs
    task.check(inputs)
    if outputs != task.outputs(inputs):
        wanted = f"{task.name} has {task.outputs(inputs)} for {inputs} inputs"
        raise InputError("network", f"has {outputs} outputs; {wanted}")
    drawn = task.law.draw((config.points, inputs), torch.Generator().manual_seed(config.seed)).double()
    x, f = drawn.numpy(), task.function(drawn).numpy()
    evidence = measure(network, task, x, f, np.random.default_rng([config.seed, 0]))
    verdict = _judged(evidence)
    confidence = verdict.margin
    if config.draws:
        generator, same = np.random.default_rng([config.seed, 1]), 0
        for _ in range(config.draws):
            copy = with_noise(network, config.noise, generator)
            again = _judged(measure(copy, task, x[:_QUICK], f[:_QUICK], generator))
            same += again.label == verdict.label
        confidence = same / config.draws
    return Analysis(
        **vars(verdict),
        broken=_is_broken(verdict, evidence),
        confidence=confidence,
        r2=evidence.r2,
        mse=evidence.mse,
        order_parameters=evidence.orders,
        patterns=evidence.patterns,
        structure=evidence.structure,
        canonical=canonical(network, evidence.units, x),
    )


def _judged(evidence: Evidence) -> Verdict:
    if evidence.kinks is None:
        why = "the network explodes on inputs of its task, or has weights beyond 10^30"
        return Verdict("unstructured", "unstructured", "unstructured", agree=True, margin=0.0, why=why)
    for name, share in (("constant", evidence.flat), ("linear", evidence.straight)):
        if share >= 0:
            why = f"the function is {name} on the inputs of its task"
            return Verdict(name, name, name, agree=True, margin=share, why=why)
    return norm_verdict(evidence, evidence.kinks) if evidence.task.name == "l1-norm" else task_verdict(evidence)


def _is_broken(verdict: Verdict, evidence: Evidence) -> bool:
    """Whether the structure stands and the function does not."""
    label = verdict.label
    if label in _CONTROLS:
        stands = evidence.task.name in _CONTROLS[label]
    else:
        stands = label not in ("partial", "unstructured", *GENERIC)
    is_bowl = label == "convexity" or label.endswith("bowls")
    return stands and evidence.r2 < (THRESHOLDS.broken_bowl if is_bowl else THRESHOLDS.broken)


@dataclass(frozen=True)
class Complexity:
    """How complex a network is."""

    kl_bits: float | None  #: what the generator paid for it in bits; None for networks that were not generated
    different_weights: int  #: values that are apart by more than 5 % of their layer's largest, over all layers
    edges: int  #: weights above 5 % of their layer's largest
    compressed_bytes: int  #: bytes of the weights in 255 levels, units ordered by their rows, packed by zlib


def measure_complexity(network: TargetNetwork) -> Complexity:
    """Returns the complexity of a network."""
    different = edges = 0
    for weight in network.weights:
        share = np.sort(weight.ravel()) / max(float(np.abs(weight).max()), 1e-300)
        different += 1 + int((np.diff(share) > _TOLERANCE).sum())
        edges += int((np.abs(share) > _TOLERANCE).sum())
    nats = paid_nats(network)
    paid = None if nats is None else bits(nats)
    return Complexity(paid, different, edges, len(zlib.compress(_quantized(network), 9)))


def bits(nats: float | None) -> float:
    """Returns nats in bits, the unit in which everything is shown; 0 where nothing was paid, also within rounding."""
    return max(0.0, nats or 0.0) / math.log(2)


def paid_nats(network: TargetNetwork) -> float | None:
    """Returns the nats that the network cost its generator; None for one that was not generated."""
    nats = network.provenance.get("kl_nats")
    return float(nats) if isinstance(nats, int | float) else None


def _quantized(network: TargetNetwork) -> bytes:
    weights = [np.array(weight) for weight in network.weights]
    for layer in range(len(weights) - 1):
        order = np.lexsort(np.round(weights[layer] / max(float(np.abs(weights[layer]).max()), 1e-300), 2).T)
        weights[layer], weights[layer + 1] = weights[layer][order], weights[layer + 1][:, order]
    levels = [np.round(w / max(float(np.abs(w).max()), 1e-300) * _LEVELS).astype(np.int8) for w in weights]
    return b"".join(level.tobytes() for level in levels)


@dataclass(frozen=True)
class LabelFindings:
    """The label of a network, and what it rests on. A number that is not finite is null."""

    label: str  #: the algorithm, or `partial`, `linear`, `constant`, `unstructured`
    broken: bool  #: whether the structure stands and the function does not
    functional_label: str  #: what the function alone says
    agree: bool  #: whether the two labels go together
    why: str  #: one line on how the label came about
    confidence: float | None
    """The share of copies with noisy weights that get the same label; without copies, the margin."""
    order_parameters: Mapping[str, float | None]  #: how the weights of the first layer are arranged
    r2: float | None  #: 1 - MSE / variance of the task's outputs
    mse: float | None  #: mean squared error

    @property
    def shown(self) -> str:
        """The label as pictures and tables of many networks show it: `broken` also where a constant would do better."""
        worse = self.mse is None or (self.r2 is not None and self.r2 < 0 and self.label != "constant")
        return BROKEN if self.broken or worse else self.label


def label_findings(analysis: Analysis) -> LabelFindings:
    """Returns what JSON says of an analysis."""
    return LabelFindings(
        label=analysis.label,
        broken=analysis.broken,
        functional_label=analysis.functional_label,
        agree=analysis.agree,
        why=analysis.why,
        confidence=finite(analysis.confidence),
        order_parameters={name: finite(value) for name, value in asdict(analysis.order_parameters).items()},
        r2=finite(analysis.r2),
        mse=finite(analysis.mse),
    )


def quick_findings(network: TargetNetwork, task: Task) -> LabelFindings:
    """Labels a network without the noisy copies, which would give a confidence at a dozen times the price."""
    return label_findings(analyze(network, task, ClassifyConfig(draws=0)))


def finite(value: float | None) -> float | None:
    """Returns the number, or None where JSON cannot say it."""
    return value if value is not None and math.isfinite(value) else None
