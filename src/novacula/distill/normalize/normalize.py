"""A network in the simplest of all forms that compute the same, step by step, each step undone if it does harm.

Source: arXiv 2402.05110, auto-simplification: whitening, Jordan, Toeplitz, de-biasing, quantization, masked retraining;
the roll-back, the clean-ups before and the lattice after are ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from novacula.distill.network import Network
from novacula.distill.normalize.debias import debiased
from novacula.distill.normalize.jordan import jordan_form
from novacula.distill.normalize.lattice_basis import lattice_form
from novacula.distill.normalize.metrics import Metrics, measured
from novacula.distill.normalize.prune import pruned, reduced
from novacula.distill.normalize.quantize import quantized
from novacula.distill.normalize.rescale import rescaled
from novacula.distill.normalize.retrain import flat_weights, retrained
from novacula.distill.normalize.toeplitz import toeplitz_form
from novacula.distill.normalize.whiten import whitened
from novacula.distill.sequences import Sequences

_ROWS = 200
_FACTOR = 4.0
_NEGLIGIBLE = 1e-8


@dataclass(frozen=True)
class Stage:
    """A step that was tried.

    Attributes:
        name: of the step.
        network: what it made.
        metrics: of that network.
        kept: whether the next step goes on from there; else from where this one began.
    """

    name: str
    network: Network
    metrics: Metrics
    kept: bool


@dataclass(frozen=True)
class Normalized:
    """A simplified network and how it came about.

    Attributes:
        network: the result.
        stages: the steps in order; the first is the network as given.
    """

    network: Network
    stages: tuple[Stage, ...]


Step = tuple[str, Callable[[Network], Network]]


def normalize(network: Network, sequences: Sequences, generator: np.random.Generator) -> Normalized:
    """Simplify a network without changing what it computes on data.

    Args:
        network: any.
        sequences: with the outputs that it should give; a few hundred rows are used.
        generator: draws what the search for lattices looks at.
    """
    few = sequences.rows(slice(0, _ROWS))
    snap: list[Step] = [
        ("rescaled", rescaled),
        ("quantized", quantized),
        ("retrained", lambda net: _retrained(net, few)),
        ("quantized", quantized),
    ]
    with np.errstate(all="ignore"):
        stages = [Stage("given", network, measured(network, few), True)]
    steps: list[Step] = [
        ("retrained", lambda net: retrained(net, few)),
        ("pruned", lambda net: pruned(net, few)),
        ("reduced", lambda net: reduced(net, few)),
        ("whitened", lambda net: whitened(net, few)),
        ("Jordan", jordan_form),
        ("Toeplitz", toeplitz_form),
        ("de-biased", debiased),
        *snap,
    ]
    stages += _run(stages[-1], steps, few)
    last = [stage for stage in stages if stage.kept][-1]
    if last.metrics.integers < last.metrics.parameters:
        branch = _run(last, [("lattice", lambda net: lattice_form(net, few, generator)), *snap], few)
        kept = [stage for stage in branch if stage.kept]
        if kept and branch[0].kept and _share(kept[-1]) > _share(last):
            stages, last = stages + branch, kept[-1]
    return Normalized(last.network, tuple(stages))


def _run(begin: Stage, steps: list[Step], sequences: Sequences) -> list[Stage]:
    """The steps one after the other, each from the last that was kept."""
    stages, at = [], begin
    for name, step in steps:
        try:
            with np.errstate(all="ignore"):  # what explodes is undone below
                network = step(at.network)
                metrics = measured(network, sequences)
        except (ValueError, np.linalg.LinAlgError):
            continue
        stage = Stage(name, network, metrics, _harmless(at.metrics, metrics))
        stages.append(stage)
        at = stage if stage.kept else at
    return stages


def _harmless(before: Metrics, after: Metrics) -> bool:
    return after.accuracy >= before.accuracy and after.loss <= max(_FACTOR * before.loss, _NEGLIGIBLE)


def _share(stage: Stage) -> float:
    return stage.metrics.integers / stage.metrics.parameters


def _retrained(network: Network, sequences: Sequences) -> Network:
    """Retraining that leaves what is an integer alone."""
    flat = flat_weights(network)
    return retrained(network, sequences, flat != np.rint(flat))
