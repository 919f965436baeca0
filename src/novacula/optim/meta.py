"""The meta-optimizers: what moves φ along its gradient. Pure update functions, in place.

Adam is in the folded form of the published loop, whose ε is added to the uncorrected root:
φ ← φ - α √(1-β2ᵗ)/(1-β1ᵗ) M/(√V + ε).
"""

from jaxtyping import Float
from torch import Tensor

from novacula.optim.config import GroupOptions
from novacula.optim.groups import Rate


def folded_rate(options: GroupOptions, step: Rate) -> Rate:
    """Returns what multiplies M/(√V + ε) in update `step`, which counts from 1."""
    first, second = options.meta_betas
    return options.meta_lr * (1 - second**step) ** 0.5 / (1 - first**step)


def adam(
    phi: Float[Tensor, "..."],
    first: Float[Tensor, "..."],
    second: Float[Tensor, "..."],
    gradient: Float[Tensor, "..."],
    rate: Rate,
    options: GroupOptions,
) -> None:
    """Updates φ, M and V by one step, whose `rate` is `folded_rate`."""
    keep_first, keep_second = options.meta_betas
    first.mul_(keep_first).add_(gradient, alpha=1 - keep_first)
    second.mul_(keep_second).addcmul_(gradient, gradient, value=1 - keep_second)
    phi.sub_((first / second.sqrt().add_(options.meta_eps)).mul_(rate))


def gradient_descent(phi: Float[Tensor, "..."], gradient: Float[Tensor, "..."], rate: float) -> None:
    """Updates φ by one step down the gradient."""
    phi.sub_(gradient, alpha=rate)
