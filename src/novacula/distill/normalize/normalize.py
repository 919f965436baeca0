"""Brings a network into its normal form, change by change; a change that does harm is taken back.

Source: arXiv 2402.05110, auto-simplification: whitening, Jordan, Toeplitz, de-biasing, quantization, masked retraining.
Taking back, what is done before whitening, and the lattice are ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from novacula.distill.networks.network import Network
from novacula.distill.normalize.gauge import debiased, rescaled, whitened
from novacula.distill.normalize.jordan import jordan_form, lattice_form, toeplitz_form
from novacula.distill.normalize.metrics import Metrics, measured
from novacula.distill.normalize.prune import pruned, reduced
from novacula.distill.normalize.retrain import flat_weights, quantized, retrained
from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.distill.sources.sequences import Sequences
from novacula.runs import check_time
from novacula.runs.notebook import Brief

_ROWS, _STEPS = 200, 40_000  # the most rows that are used, and of their steps
_FACTOR = 4.0
_NEGLIGIBLE = 1e-8


@dataclass(frozen=True)
class Form:
    """A network on its way to the normal form."""

    name: str  #: the name of the change that made it
    network: RecurrentNetwork  #: the network after the change
    metrics: Metrics  #: what is measured of it
    kept: bool  #: whether the next change begins with it; otherwise with the network before it


@dataclass(frozen=True)
class NormalForm(Brief):
    """A simplified network and how it came about."""

    network: RecurrentNetwork  #: the result
    forms: tuple[Form, ...]  #: the forms in order; the first is the network as given


Change = tuple[str, Callable[[Network], Network]]  #: a name, and what makes a simpler network of one


def normalize(network: RecurrentNetwork, sequences: Sequences, generator: np.random.Generator) -> NormalForm:
    """Simplifies a network without changing what it computes on data.

    Args:
        network: any; one of torch's cells stays as it is.
        sequences: with the outputs that it should give; a few hundred rows are used.
        generator: draws what the search for lattices looks at.

    Source: arXiv 2402.05110, auto-simplification.
    """
    few = sequences.rows(slice(max(10, min(_ROWS, _STEPS // sequences.x.shape[1]))))
    snap: list[Change] = [
        ("rescaled", rescaled),
        ("quantized", quantized),
        ("retrained", lambda net: _retrained(net, few)),
        ("quantized", quantized),
    ]
    with np.errstate(all="ignore"):
        forms = [Form("given", network, measured(network, few), True)]
    if not isinstance(network, Network):
        return NormalForm(network, tuple(forms))
    changes: list[Change] = [
        ("retrained", lambda net: retrained(net, few)),
        ("pruned", lambda net: pruned(net, few)),
        ("reduced", lambda net: reduced(net, few)),
        ("whitened", lambda net: whitened(net, few)),
        ("Jordan", jordan_form),
        ("Toeplitz", toeplitz_form),
        ("de-biased", debiased),
        *snap,
    ]
    forms += _apply(forms[-1], changes, few)
    last = [form for form in forms if form.kept][-1]
    if last.metrics.integers < last.metrics.parameters:
        branch = _apply(last, [("lattice", lambda net: lattice_form(net, few, generator)), *snap], few)
        kept = [form for form in branch if form.kept]
        if kept and branch[0].kept and _share(kept[-1]) > _share(last):
            forms, last = forms + branch, kept[-1]
    return NormalForm(last.network, tuple(forms))


def _apply(begin: Form, changes: list[Change], sequences: Sequences) -> list[Form]:
    """The changes one after the other, each made to the last form that was kept."""
    forms, at = [], begin
    for name, change in changes:
        check_time()
        try:
            with np.errstate(all="ignore"):  # what explodes is not kept
                assert isinstance(at.network, Network)
                network = change(at.network)
                metrics = measured(network, sequences)
        except (ValueError, np.linalg.LinAlgError):
            continue
        harmless = metrics.loss <= max(_FACTOR * at.metrics.loss, _NEGLIGIBLE)
        form = Form(name, network, metrics, harmless and metrics.accuracy >= at.metrics.accuracy)
        forms.append(form)
        at = form if form.kept else at
    return forms


def _share(form: Form) -> float:
    return form.metrics.integers / form.metrics.parameters


def _retrained(network: Network, sequences: Sequences) -> Network:
    """Retraining that leaves integers alone."""
    flat = flat_weights(network)
    return retrained(network, sequences, flat != np.rint(flat))
