"""Which parameters share one preconditioner, and how their scalars become one vector and parameters again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.errors import InputError
from novacula.optim.config import SHARED, GroupOptions

LARGEST_GLOBAL = 100_000
"""Scalars up to which all parameters share one preconditioner by default."""


@dataclass(frozen=True)
class Members:
    """Parameters with one preconditioner, in order.

    Attributes:
        parameters: at least one.
        groups: for each parameter, the options of its group, as they are now.
        index: which of the optimizer's preconditioners it is.
    """

    parameters: tuple[Tensor, ...]
    groups: tuple[dict[str, Any], ...]
    index: int

    @cached_property
    def sizes(self) -> list[int]:
        """Scalars of each parameter; a complex number is two."""
        return [scalars(p) for p in self.parameters]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Of the only parameter, or ``(n,)``."""
        return real(self.parameters[0]).shape if len(self.parameters) == 1 else (sum(self.sizes),)


def real(tensor: Tensor) -> Tensor:
    """A view of what this process holds of a tensor, complex numbers as pairs."""
    tensor = tensor.detach()
    local = getattr(tensor, "to_local", None)  # a distributed tensor's shard
    tensor = tensor if local is None else local()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def scalars(parameter: Tensor) -> int:
    """How many real numbers this process holds of it."""
    return math.prod(real(parameter).shape)


def partition(groups: Sequence[dict[str, Any]]) -> list[Members]:
    """The parameters of each preconditioner; empty parameters have none.

    Global scope unites the groups that came together; each group added later has a preconditioner of its own.

    Raises:
        InputError: groups that share a preconditioner disagree in what only it can have.
    """
    united: dict[object, list[tuple[Tensor, dict[str, Any]]]] = {}
    for place, group in enumerate(groups):
        for parameter in group["params"]:
            if scalars(parameter):
                key = {"global": ("generation", group["generation"]), "group": place, "param": id(parameter)}
                united.setdefault(key[group["scope"]], []).append((parameter, group))
    members = [
        Members(*(tuple(column) for column in zip(*pairs, strict=True)), index=index)
        for index, pairs in enumerate(united.values())
    ]
    for each in members:
        _check(each)
    return members


def _check(members: Members) -> None:
    first = GroupOptions.of(members.groups[0])
    scope = members.groups[0]["scope"]
    problems = []
    for group in members.groups[1:]:
        for name, value in vars(GroupOptions.of(group)).items():
            if name not in SHARED and value != getattr(first, name):
                problems.append(
                    f"{name} is {value!r} and {getattr(first, name)!r} in groups that share a preconditioner; "
                    f"with scope {scope!r} only {' and '.join(SHARED)} may differ"
                )
    if len({real(p).device for p in members.parameters}) > 1:
        problems.append(f"parameters are on several devices; with scope {scope!r} they must be on one")
    if first.structure == "kronecker" and scope != "param":
        problems.append(f"structure is 'kronecker' with scope {scope!r}; its matrices need scope 'param'")
    if problems:
        raise InputError("LODO", *dict.fromkeys(problems))


def flatten(tensors: Sequence[Tensor | None], members: Members, dtype: torch.dtype) -> Float[Tensor, " n"]:
    """Tensors like the members' parameters as one new vector; None counts as zeros."""
    pieces = [
        torch.zeros(size, dtype=dtype, device=real(p).device) if t is None else real(t).reshape(-1).to(dtype)
        for t, p, size in zip(tensors, members.parameters, members.sizes, strict=True)
    ]
    return pieces[0].clone() if len(pieces) == 1 else torch.cat(pieces)
