"""Which parameters share one preconditioner, and how their scalars become one vector and parameters again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.errors import InputError
from novacula.optim.config import SHARED, GroupOptions
from novacula.optim.groups import ParameterGroup, real, scalars


@dataclass(frozen=True)
class Members:
    """Parameters that share one preconditioner, in order.

    Attributes:
        parameters: at least one.
        groups: for each parameter, the group that it is in, with its current options.
        index: place among the optimizer's preconditioners.
    """

    parameters: tuple[Tensor, ...]
    groups: tuple[ParameterGroup, ...]
    index: int

    @cached_property
    def sizes(self) -> list[int]:
        """The number of scalars of each parameter; a complex number is two."""
        return [scalars(p) for p in self.parameters]

    @cached_property
    def size(self) -> int:
        """The number of all scalars."""
        return sum(self.sizes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of the only parameter, or ``(n,)``."""
        return real(self.parameters[0]).shape if len(self.parameters) == 1 else (self.size,)


def partition(groups: Sequence[ParameterGroup]) -> list[Members]:
    """Returns the parameters of each preconditioner; empty parameters have none.

    Global scope unites the groups that were given together; a group that is added later has its own preconditioner.

    Raises:
        InputError: groups that share a preconditioner differ in an option that belongs to it.
    """
    united: dict[object, list[tuple[Tensor, ParameterGroup]]] = {}
    for place, group in enumerate(groups):
        for parameter in group["params"]:
            if scalars(parameter):
                key = {"global": ("generation", group["generation"]), "group": place, "param": id(parameter)}
                united.setdefault(key[group["scope"]], []).append((parameter, group))
    found = [
        Members(tuple(parameter for parameter, _ in pairs), tuple(group for _, group in pairs), index)
        for index, pairs in enumerate(united.values())
    ]
    for members in found:
        _check(members)
    return found


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
    """Returns tensors of the members' shapes as one new vector; None counts as zeros."""
    pieces = [
        torch.zeros(size, dtype=dtype, device=real(p).device) if t is None else real(t).reshape(-1).to(dtype)
        for t, p, size in zip(tensors, members.parameters, members.sizes, strict=True)
    ]
    return pieces[0].clone() if len(pieces) == 1 else torch.cat(pieces)
