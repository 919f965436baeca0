"""What is measured of a network after every change. Source: arXiv 2402.05110, the metrics of its simplification."""

from dataclasses import dataclass

import numpy as np

from novacula.distill.networks.network import Network, activate
from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.distill.sources.sequences import Sequences


@dataclass(frozen=True)
class Metrics:
    """A network in numbers, on data."""

    hidden: int  #: numbers in the state
    neurons: int  #: hidden units of f and g
    weights: int  #: how many weights are not 0
    biases: int  #: how many biases are not 0
    parameters: int  #: how many weights and biases there are
    integers: int  #: how many of these are integers
    norm: float  #: root of the sum of the squared weights and biases
    sparsity: float  #: the share of the hidden units' values that is 0; 0 where there are no such units
    loss: float  #: mean squared error of the outputs
    accuracy: float  #: the share of the outputs that are right when rounded


def measured(network: RecurrentNetwork, sequences: Sequences) -> Metrics:
    """Returns the metrics of a network; a loss that is no number counts as infinite."""
    arrays = network.tensors()[0].values()
    flat = np.concatenate([array.ravel() for array in arrays])
    ours = isinstance(network, Network)
    errors = (network.outputs_of(sequences.x) - sequences.y)[sequences.inside]
    loss = float(np.nan_to_num((errors**2).mean(), nan=np.inf))
    return Metrics(
        network.size,
        sum(len(layer.bias) for part in (network.f, network.g) for layer in part[:-1]) if ours else network.size,
        sum(int(np.count_nonzero(array)) for array in arrays if array.ndim > 1),
        sum(int(np.count_nonzero(array)) for array in arrays if array.ndim == 1),
        len(flat),
        int((flat == np.rint(flat)).sum()),
        float(np.sqrt((flat**2).sum())),
        _zeros(network, sequences) if ours else 0.0,
        loss,
        float((np.abs(errors) < 0.5).mean()),
    )


def hidden_values(network: Network, sequences: Sequences) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns what goes into every layer of f and of g, with a row for every position that is data."""
    states = network.states(sequences.x)
    before = np.concatenate([states[:, :-1], sequences.x], axis=2)[sequences.inside]
    after = states[:, 1:][sequences.inside]
    values = []
    for layers, inputs in ((network.f, before), (network.g, after)):
        values.append([inputs])
        for layer in layers[:-1]:
            values[-1].append(activate(layer(values[-1][-1]), network.activation))
    return values[0], values[1]


def _zeros(network: Network, sequences: Sequences) -> float:
    f, g = hidden_values(network, sequences)
    units = [values.ravel() for values in (*f[1:], *g[1:])]
    return float((np.concatenate(units) == 0).mean()) if units else 0.0
