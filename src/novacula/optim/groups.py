"""Parameter groups as torch keeps them, and which of their parameters share one preconditioner."""

import difflib
import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypedDict, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from novacula.errors import InputError, refuse
from novacula.optim.config import SHARED, GroupOptions, MetaOptimizerName, ScopeName, StructureName, is_rate

LARGEST_GLOBAL = 100_000  #: number of scalars up to which all parameters share one preconditioner by default
UNDIVIDED = ("state_dtype", "seed", "engine", "maximize")  #: options that no group has of its own
OPTIONS = tuple(field.name for field in fields(GroupOptions))
_OF_OTHERS = ("betas", "eps", "amsgrad", "nesterov", "dampening", "alpha", "centered", "foreach", "fused", "capturable")
Rate = float | Tensor  #: a learning rate; a scheduler may change one that is a tensor in place
Given = Tensor | tuple[str, Tensor]  #: a parameter, with or without its name
MANY_PARAMETERS = (
    "LODO keeps about 2 kB for each of {:,} parameters in the published structure. With this many, choose "
    "structure='kronecker', block_size=32, meta_every=10; or scope='param', which keeps this structure without a word"
)


Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")


class KindError(InputError, TypeError):
    """Parameters are not an iterable; other optimizers of torch raise a `TypeError` there."""


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
        KindError: they are one tensor, a module, or hold something else than tensors.
        InputError: there are none, or a group has an option of the whole optimizer, or one that LODO does not have.
    """
    if isinstance(params, Tensor | torch.nn.Module):
        kind = "a tensor" if isinstance(params, Tensor) else "a module, not its .parameters()"
        raise KindError("LODO", f"params is {kind}; it must be an iterable of tensors or of groups")
    given: list[Any] = list(params)
    if not given:
        raise InputError("LODO", "params is empty; there must be a parameter or a group")
    groups = given if given and isinstance(given[0], dict) else [{"params": given}]
    if wrong := sorted({name for group in groups for name in UNDIVIDED if name in group}):
        raise InputError("LODO", *(f"{name} is given for a group; it is for the whole optimizer" for name in wrong))
    if wrong := [
        problem for name in sorted({name for group in groups for name in group}) for problem in _unknown(name)
    ]:
        raise InputError("LODO", *wrong)
    groups = [
        {**group, "params": [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])}
        for group in groups
    ]
    for parameter in (tensor_of(each) for group in groups for each in group["params"]):
        if not isinstance(parameter, Tensor):
            raise KindError("LODO", f"params holds a {type(parameter).__name__}; it must hold tensors")
        if not (parameter.is_floating_point() or parameter.is_complex()):
            said = f"a parameter is of {parameter.dtype}; parameters must be floating-point or complex"
            raise InputError("LODO", said)
    return groups


def _unknown(name: str) -> list[str]:
    """The problem with a name in a group; names that mean nothing to any optimizer are the user's own."""
    if name in _OF_OTHERS:
        return [f"a group has {name}, which is no option of LODO; it has {', '.join(OPTIONS)}"]
    near = [] if name in OPTIONS else difflib.get_close_matches(name, OPTIONS, 1, 0.85)
    return [f"a group has {name!r}, which is no option; perhaps {near[0]} is meant"] if near else []


def tensor_of(parameter: Given) -> Tensor:
    """Returns a parameter without its name."""
    return parameter[1] if isinstance(parameter, tuple) else parameter


def default_scope(groups: Sequence[Mapping[str, Any]], structure: StructureName) -> ScopeName:
    """Returns the scope of an optimizer that is given none, and warns where it takes much memory."""
    total = sum(scalars(tensor_of(parameter)) for group in groups for parameter in group["params"])
    if total > LARGEST_GLOBAL and structure == "blockperm":
        warn_user(MANY_PARAMETERS.format(total))
    return "global" if total <= LARGEST_GLOBAL and structure != "kronecker" else "param"


def check_step(groups: Sequence[ParameterGroup]) -> None:
    """Checks what may be wrong at any step: the layout of the gradients, and what schedulers make of the rates.

    Raises:
        InputError: a gradient is sparse, or a rate is no finite number of at least 0.
    """
    rates = [("lr", group["lr"]) for group in groups] + [("weight_decay", group["weight_decay"]) for group in groups]
    for name, rate in () if torch.compiler.is_compiling() else rates:
        if not is_rate(rate):
            raise InputError("LODO.step", f"{name} is {rate!r} now; it must be a finite number, at least 0")
    gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
    if any(g.layout != torch.strided for g in gradients):
        raise InputError("LODO.step", "a gradient is sparse; gradients must be dense (embeddings: sparse=False)")


def warn_user(text: str) -> None:
    """Warns of the user's line, whatever of torch stands between."""
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("novacula", "torch"):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def pieces(v: Float[Tensor, " n"], members: "Sequence[Members]") -> tuple[Tensor, ...]:
    """Returns the parts of a vector of all scalars that belong to each of the members.

    Raises:
        InputError: it has another length.
    """
    sizes = [some.size for some in members]
    if v.shape != (sum(sizes),):
        raise InputError("LODO.matvec", f"v has the shape {(*v.shape,)}; ({sum(sizes)},) is needed")
    return v.split(sizes)


def on_cpu(make: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Makes tensors on the CPU where no device is named, whatever torch's default device is."""

    @wraps(make)
    def made(*args: Arguments.args, **options: Arguments.kwargs) -> Made:
        with torch.device("cpu"):
            return make(*args, **options)

    return made


def real(tensor: Tensor) -> Tensor:
    """Returns a view of what this process holds of a tensor, with complex numbers as pairs."""
    local = getattr(type(tensor), "to_local", None)  # a distributed tensor's shard
    tensor = tensor.detach() if local is None else local(tensor.detach())
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def scalars(parameter: Tensor) -> int:
    """Returns how many real numbers this process holds of a parameter."""
    return math.prod(real(parameter).shape)


@dataclass(frozen=True)
class Members:
    """Parameters that share one preconditioner, in order."""

    parameters: tuple[Tensor, ...]  #: at least one
    groups: tuple[ParameterGroup, ...]  #: for each parameter, the group that it is in, with its current options
    index: int  #: place among the optimizer's preconditioners

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

    Global scope unites the groups that were given together, those with a rate and those without apart. A group that is
    added later has its own preconditioner.

    Raises:
        InputError: groups that share a preconditioner differ in an option that belongs to it.
    """
    united: dict[object, list[tuple[Tensor, ParameterGroup]]] = {}
    seen: set[int] = set()  # torch only warns of a parameter that a group has twice
    for place, group in enumerate(groups):
        for parameter in group["params"]:
            if scalars(parameter) and id(parameter) not in seen:
                seen.add(id(parameter))
                given = ("generation", group["generation"], group["automatic"])
                key = {"global": given, "group": place, "param": id(parameter)}
                united.setdefault(key[group["scope"]], []).append((parameter, group))
    found = [
        Members(tuple(parameter for parameter, _ in pairs), tuple(group for _, group in pairs), index)
        for index, pairs in enumerate(united.values())
    ]
    for members in found:
        _check(members)
    return found


class Units:
    """The members of each preconditioner as the groups are now; anybody may change these at any time."""

    def __init__(self) -> None:
        self.members: list[Members] = []
        self._seen: list[tuple[int, int, torch.Size]] | None = None

    def follow(self, groups: Sequence[ParameterGroup]) -> list[Members] | None:
        """Divides the groups again if they have changed.

        Returns:
            None where nothing changed; else the members with other parameters, or other shapes of these, than before.
        """
        seen = [(id(group), id(p), p.shape) for group in groups for p in group["params"]]
        if seen == self._seen:
            return None
        shapes = {(which, shape) for _, which, shape in self._seen or ()}
        before = {tuple(map(id, some.parameters)) for some in self.members}
        first, self.members, self._seen = self._seen is None, partition(groups), seen
        return [
            some
            for some in self.members
            if not first
            and (
                tuple(map(id, some.parameters)) not in before
                or any((id(p), p.shape) not in shapes for p in some.parameters)
            )
        ]


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
    refuse(problems, "LODO")


def flatten(tensors: Sequence[Tensor | None], members: Members, dtype: torch.dtype) -> Float[Tensor, " n"]:
    """Returns tensors of the members' shapes as one new vector; None counts as zeros."""
    pieces = [
        torch.zeros(size, dtype=dtype, device=real(p).device)
        if t is None
        else real(t.resolve_conj()).reshape(-1).to(dtype)
        for t, p, size in zip(tensors, members.parameters, members.sizes, strict=True)
    ]
    return pieces[0].clone() if len(pieces) == 1 else torch.cat(pieces)
