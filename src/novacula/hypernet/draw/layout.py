"""Where the units of a network stand in a drawing: heavy weights pull together, all units push apart.

Source: the drawings of arXiv 2312.03051 are force-directed plans; the forces are those of Fruchterman and Reingold
(1991), attraction times the share that a weight has in the largest of its layer.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from novacula.hypernet.activations import RECTIFIERS
from novacula.hypernet.network import TargetNetwork

_TURNS = 400
_SWEEPS = 20
_FAINT = 0.03
"""Weights below this share of the largest of their layer are neither drawn nor felt."""


@dataclass(frozen=True)
class Plan:
    """A drawing's units and edges.

    Attributes:
        places: of all units, layer by layer from the inputs, within -1 … 1.
        layers: which layer each unit is in.
        edges: two units each.
        weights: of the edges, relative to the largest of their layer.
    """

    places: Float[np.ndarray, "units 2"]
    layers: Int[np.ndarray, " units"]
    edges: Int[np.ndarray, "edges 2"]
    weights: Float[np.ndarray, " edges"]


def plan(network: TargetNetwork, seed: int = 0, faint: float = _FAINT) -> Plan:
    """Places the units of a network in the plane; the same network and seed give the same plan.

    Args:
        network: any.
        seed: of the first places.
        faint: share of a layer's largest weight below which an edge is left out.
    """
    sizes = network.architecture.sizes
    starts = np.concatenate([[0], np.cumsum(sizes)])
    layers = np.repeat(np.arange(len(sizes)), sizes)
    edges, weights = [], []
    weights_seen = _balanced(network)
    matrices = [(starts[k], starts[k + 1], weight) for k, weight in enumerate(weights_seen)]
    if network.bypass is not None:
        matrices.append((starts[0], starts[-2], network.bypass))
    for sender, receiver, matrix in matrices:
        share = matrix / max(float(np.abs(matrix).max(initial=0.0)), 1e-300)
        rows, columns = np.nonzero(np.abs(share) > faint)
        edges.append(np.column_stack([sender + columns, receiver + rows]))
        weights.append(share[rows, columns])
    pairs, shares = np.concatenate(edges).astype(np.int64), np.concatenate(weights)
    return Plan(_placed(layers, pairs, np.abs(shares), seed), layers.astype(np.int64), pairs, shares)


def _balanced(network: TargetNetwork) -> list[np.ndarray]:
    """The weights with each hidden unit's scale spread evenly over what goes in and what goes out.

    Of a rectifier this changes nothing, so of units near one it shows what their weights do; others are left alone.
    """
    weights = [np.array(weight) for weight in network.weights]
    if network.architecture.activation not in (*RECTIFIERS, "abs"):
        return weights
    for _ in range(_SWEEPS):
        for below, above in pairwise(weights):
            into, out = np.linalg.norm(below, axis=1), np.linalg.norm(above, axis=0)
            factor = np.sqrt(np.where((into > 0) & (out > 0), out, 1.0) / np.where((into > 0) & (out > 0), into, 1.0))
            below *= factor[:, None]
            above /= factor
    return weights


def _placed(layers: np.ndarray, edges: np.ndarray, pull: np.ndarray, seed: int) -> np.ndarray:
    """Places by the forces of Fruchterman and Reingold; outputs are held in the middle."""
    import networkx

    count, outputs = len(layers), np.flatnonzero(layers == layers.max())
    places = np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    places[outputs] *= 0.02 * (len(outputs) > 1)
    graph = networkx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_weighted_edges_from(zip(*edges.T.tolist(), pull.tolist(), strict=True))
    found = networkx.spring_layout(
        graph, k=1 / np.sqrt(count), pos=dict(enumerate(places)), fixed=outputs.tolist(), iterations=_TURNS, seed=seed
    )
    places = np.array([found[unit] for unit in range(count)])
    joined = np.unique(edges)  # dead units fly away: they stand at the rim
    return (places / max(float(np.abs(places[joined]).max(initial=0.0)), 1e-9)).clip(-1.0, 1.0)
