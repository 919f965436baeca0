"""Changes of basis of the hidden state that leave what a network puts out unchanged.

Source: arXiv 2402.05110, section on auto-simplification.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from novacula.distill.network import Layer, Network


def changed_basis(
    network: Network, matrix: Float[np.ndarray, "new size"], inverse: Float[np.ndarray, "size new"] | None = None
) -> Network:
    """Returns the network whose hidden state is `matrix` times this one's.

    The outputs stay the same if the matrix is invertible. A matrix with fewer rows than columns needs an explicit
    inverse; it keeps the outputs if `inverse @ matrix` leaves every state that is reached as it is.
    """
    if inverse is None:
        inverse = np.linalg.inv(matrix)
    f, g = list(network.f), list(network.g)
    first, size = f[0].weight, network.size
    f[0] = replace(f[0], weight=np.hstack([first[:, :size] @ inverse, first[:, size:]]))
    f[-1] = Layer(matrix @ f[-1].weight, matrix @ f[-1].bias)
    g[0] = replace(g[0], weight=g[0].weight @ inverse)
    return replace(network, f=tuple(f), g=tuple(g))
