"""Parameter groups as torch keeps them, and what LODO reads of them."""

import math
from collections.abc import Sequence
from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from novacula.errors import InputError
from novacula.optim.config import MetaOptimizerName, ScopeName, StructureName

LARGEST_GLOBAL = 100_000
"""Number of scalars up to which all parameters share one preconditioner by default."""
Rate = float | Tensor
"""A learning rate; a scheduler may change one that is a tensor in place."""
Given = Tensor | tuple[str, Tensor]
"""A parameter, with or without its name."""


class ParameterGroup(TypedDict):
    """What LODO reads by name in a parameter group of torch, beside the options of `GroupOptions`."""

    params: list[Tensor]
    lr: Rate
    weight_decay: float
    meta_optimizer: MetaOptimizerName
    scope: ScopeName
    automatic: bool
    frozen: bool
    generation: int


def as_groups(params: ParamsT) -> list[dict[str, Any]]:
    """Returns the parameters that an optimizer is given as new groups, each with a list of its parameters.

    Raises:
        InputError: they are one tensor.
    """
    if isinstance(params, Tensor):
        raise InputError("LODO", "params is a tensor; it must be an iterable of tensors or of groups")
    given: list[Any] = list(params)
    groups = given if given and isinstance(given[0], dict) else [{"params": given}]
    return [
        {**group, "params": [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])}
        for group in groups
    ]


def tensor_of(parameter: Given) -> Tensor:
    """Returns a parameter without its name."""
    return parameter[1] if isinstance(parameter, tuple) else parameter


def check_gradients_possible(parameters: Sequence[Given]) -> None:
    """Checks that a parameter requires a gradient.

    Raises:
        InputError: none does.
    """
    if not any(tensor_of(parameter).requires_grad for parameter in parameters):
        raise InputError("LODO", f"none of {len(parameters)} parameters requires a gradient; at least one must")


def default_scope(parameters: Sequence[Given], structure: StructureName) -> ScopeName:
    """Returns the scope of an optimizer that is given none."""
    total = sum(scalars(tensor_of(parameter)) for parameter in parameters)
    return "global" if total <= LARGEST_GLOBAL and structure != "kronecker" else "param"


def real(tensor: Tensor) -> Tensor:
    """Returns a view of what this process holds of a tensor, with complex numbers as pairs."""
    tensor = tensor.detach()
    local = getattr(tensor, "to_local", None)  # a distributed tensor's shard
    tensor = tensor if local is None else local()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def scalars(parameter: Tensor) -> int:
    """Returns how many real numbers this process holds of a parameter."""
    return math.prod(real(parameter).shape)
