"""What the parts that read modules of torch share. Source: ours."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import torch


def negate_linear(module: "torch.nn.Module", weight: Float[np.ndarray, "out in"]) -> bool:
    """Negates the linear layer of a weight, in place, so that a rectifier behind it shows.

    Returns:
        Whether it is the only one, and its tensors are its own, and no `forward` that somebody has put into an object
        of the module may run another object.
    """
    import torch

    layers = [
        layer
        for layer in module.modules()
        if isinstance(layer, torch.nn.Linear) and np.array_equal(layer.weight.detach().double().cpu(), weight)
    ]
    if len(layers) != 1 or any("forward" in vars(layer) for layer in module.modules()):
        return False
    own, every = (
        dict(layers[0].named_parameters()),
        [each for _, each in module.named_parameters(remove_duplicate=False)],
    )
    if not {*own} <= {"weight", "bias"} or any(sum(each is one for each in every) > 1 for one in own.values()):
        return False
    with torch.no_grad():
        for parameter in own.values():
            parameter.neg_()
    return True
