"""A basis in which states are vectors of integers, and with them, as a rule, the weights.

In an affine network, what an input puts into the state and what becomes of it, R^k X, span a lattice that R maps into
itself; outputs that are integers on the lattice have an integer readout. In other networks it is the lattice that the
states lie on. Source: ours; for affine networks this is Kalman's realization theory over the integers.
"""

import numpy as np
from jaxtyping import Float

from novacula.distill.network import Network
from novacula.distill.normalize.gauge import changed_basis
from novacula.distill.sequences import Sequences
from novacula.distill.states.lattice import find_lattice, lattice_of_inputs


def lattice_form(network: Network, sequences: Sequences, generator: np.random.Generator) -> Network:
    """Returns the network in a reduced basis of the lattice of its states.

    Raises:
        ValueError: there is no lattice of the state's dimension.
    """
    basis = lattice_of_inputs(network) if len(network.f) == 1 else _of_states(network, sequences, generator)
    if basis is None or basis.shape != (network.size, network.size):
        raise ValueError("the states lie on no lattice")
    return changed_basis(network, np.linalg.inv(basis.T), basis.T)


def _of_states(
    network: Network, sequences: Sequences, generator: np.random.Generator
) -> Float[np.ndarray, "rank size"] | None:
    states = network.states(sequences.x[:200]).reshape(-1, network.size)
    lattice = find_lattice(states, generator)
    return None if lattice is None else lattice.basis
