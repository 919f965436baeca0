"""A network's canonical form: dead units dropped, the others ordered by owner and sign. Source: ours.

The function stays the same but for the effect of dead units. Networks that differ only in the order of their hidden
units have the same form.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import Units
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.network import TargetNetwork


@dataclass(frozen=True)
class Canonical:
    """The canonical form.

    Attributes:
        network: the form as a network.
        order: the places in the first hidden layer of the original that its first hidden layer's units come from.
        owner: the input of the largest weight of each of these.
        side: the sign of that weight.
        role: `spike`, `linear` or `other`.
    """

    network: TargetNetwork
    order: Int[np.ndarray, " units"]
    owner: Int[np.ndarray, " units"]
    side: Float[np.ndarray, " units"]
    role: tuple[str, ...]


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
