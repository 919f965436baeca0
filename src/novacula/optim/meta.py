"""The meta-optimizers: what moves φ along its gradient. Pure update functions, in place.

Adam is in the folded form of the published loop, whose ε is added to the uncorrected root:
φ ← φ - α √(1-β2ᵗ)/(1-β1ᵗ) M/(√V + ε).
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from novacula.optim.config import GroupOptions


def folded_rate(options: GroupOptions, step: float | Tensor) -> Any:
    """What M/(√V + ε) is multiplied with in update `step`, counted from 1; of the type of `step`."""
    first, second = options.meta_betas
    return options.meta_lr * (1 - second**step) ** 0.5 / (1 - first**step)


def adam(
    phi: Float[Tensor, "..."],
    first: Float[Tensor, "..."],
    second: Float[Tensor, "..."],
    gradient: Float[Tensor, "..."],
    rate: float | Tensor,
    options: GroupOptions,
) -> None:
    """One update of φ, M and V; `rate` is `folded_rate` of this step."""
    keep_first, keep_second = options.meta_betas
    first.mul_(keep_first).add_(gradient, alpha=1 - keep_first)
    second.mul_(keep_second).addcmul_(gradient, gradient, value=1 - keep_second)
    phi.sub_((first / second.sqrt().add_(options.meta_eps)).mul_(rate))


def gradient_descent(phi: Float[Tensor, "..."], gradient: Float[Tensor, "..."], rate: float) -> None:
    """One update of φ."""
    phi.sub_(gradient, alpha=rate)
