"""The objective of a generated network: its error and, at a price, its cost in nats. Source: ours.

For one network J = MSE / n + β · KL / n, with KL in nats and n inputs. The division by n only fixes the unit of β.
J spans orders of magnitude over β, so the mean of ln J is minimized: with J itself the dearest networks would dominate
the gradient.
"""

from jaxtyping import Float
from torch import Tensor

_TINY = 1e-8


def squared_error(
    outputs: Float[Tensor, "members networks batch outputs"], targets: Float[Tensor, "_ _ batch outputs"]
) -> Float[Tensor, "members networks"]:
    """Returns the mean over batch and outputs; targets may be the same for all members or networks."""
    return (outputs - targets).square().mean((2, 3))


def objective(
    mse: Float[Tensor, "*networks"], nats: Float[Tensor, "*networks"], beta: Float[Tensor, "..."], inputs: int
) -> Float[Tensor, "*networks"]:
    """Returns J of each network; prices may be the same for several of them."""
    return (mse + beta * nats) / inputs


def loss(values: Float[Tensor, "members networks"], *, logarithmic: bool) -> Float[Tensor, " members"]:
    """Returns what each member minimizes: the mean over its networks of ln J, or of J."""
    return ((values + _TINY).log() if logarithmic else values).mean(1)
