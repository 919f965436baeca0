"""Parameter groups as torch keeps them, and which of their parameters share one preconditioner."""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cache, cached_property, wraps
from inspect import signature
from typing import Any, ParamSpec, TypedDict, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import ParamsT

from novacula.errors import InputError, refuse
from novacula.optim.config import SHARED, GroupOptions, MetaOptimizerName, ScopeName, StructureName, is_rate
from novacula.optim.stats import MANY_PARAMETERS, warn_user

LARGEST_GLOBAL = 100_000  #: number of scalars up to which all parameters share one preconditioner by default
UNDIVIDED = ("state_dtype", "seed", "engine", "maximize")  #: options that no group has of its own
OPTIONS = tuple(field.name for field in fields(GroupOptions))
_DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex32, torch.complex64, torch.complex128),
)
_DEVICES = ("cpu", "cuda", "mps", "xpu")  #: kinds of devices that torch may compute on at lower precision by itself
Product = Callable[[Tensor], Tensor]  #: a product with a vector
Rate = float | Tensor  #: a learning rate; a scheduler may change one that is a tensor in place
Form = tuple[int, torch.Size, bool]  #: which parameter it is, and what makes its scalars
Given = Tensor | tuple[str, Tensor]  #: a parameter, with or without its name


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
        KindError: they are one tensor, a module, a set, or hold something else than tensors.
        InputError: there are none, or a group has an option of the whole optimizer, or one that LODO does not have.
    """
    if isinstance(params, Tensor | torch.nn.Module | Set):
        kind = "a tensor" if isinstance(params, Tensor) else "a module, not its .parameters()"
        kind = "a set, which has no order" if isinstance(params, Set) else kind
        raise KindError("LODO", f"params is {kind}; it must be an iterable of tensors or of groups")
    given: list[Any] = list(params)
    if not given:
        raise InputError("LODO", "params is empty; there must be a parameter or a group")
    groups = given if any(isinstance(each, dict) for each in given) else [{"params": given}]
    if others := [each for each in groups if not isinstance(each, dict)]:
        raise KindError("LODO", f"params holds groups and a {type(others[0]).__name__}; it must hold groups alone")
    if wrong := [group for group in groups if "params" not in group or isinstance(group["params"], Set)]:
        said = (
            "the params of a group are a set, which has no order" if "params" in wrong[0] else "a group has no params"
        )
        raise KindError("LODO", said)
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
        if problem := _unfit(parameter):
            raise InputError("LODO", f"a parameter {problem}")
    return groups


def _unfit(parameter: Tensor) -> str:
    """Why LODO cannot move a tensor; empty where it can."""
    if is_lazy(parameter):
        return "of a lazy module has no shape yet; call the module once before"
    if parameter.dtype not in _DTYPES:
        return f"is of {parameter.dtype}; parameters must be floating-point or complex, of 16 bits at least"
    if parameter.is_inference():
        return "was made in torch.inference_mode; clone it outside"
    return "is a conjugate view; make it from .resolve_conj()" if parameter.is_conj() else ""


def _unknown(name: str) -> list[str]:
    """The problem with a name in a group; names that mean nothing to any optimizer are the user's own."""
    if name in _of_others():
        return [f"a group has {name}, which is no option of LODO; it has {', '.join(OPTIONS)}"]
    near = [] if name in OPTIONS else difflib.get_close_matches(name, OPTIONS, 1, 0.85)
    return [f"a group has {name!r}, which is no option; perhaps {near[0]} is meant"] if near else []


@cache
def _of_others() -> set[str]:
    """The options of torch's own optimizers that LODO does not have."""
    kinds = [kind for kind in vars(torch.optim).values() if isinstance(kind, type)]
    return {name for kind in kinds for name in signature(kind).parameters} - {*OPTIONS, "params"}


def tensor_of(parameter: Given) -> Tensor:
    """Returns a parameter without its name."""
    return parameter[1] if isinstance(parameter, tuple) else parameter


def default_scope(groups: Sequence[Mapping[str, Any]], structure: StructureName) -> ScopeName:
    """Returns the scope of an optimizer that is given none, and warns where it takes much memory."""
    total = sum(scalars(tensor_of(parameter)) for group in groups for parameter in group["params"])
    structures = [group.get("structure", structure) for group in groups]
    if total > LARGEST_GLOBAL and "blockperm" in structures:
        warn_user(MANY_PARAMETERS.format(total))
    return "global" if total <= LARGEST_GLOBAL and "kronecker" not in structures else "param"


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


def number(rate: Rate) -> Rate:
    """Returns a rate without dimensions."""
    return rate.squeeze() if isinstance(rate, Tensor) else float(rate)


def is_finite(gradient: Tensor) -> bool:
    """Returns whether all numbers are finite; their sum of squares may overflow although they are."""
    return math.isfinite(gradient.dot(gradient)) or bool(torch.isfinite(gradient).all())


def multiplied(
    v: Float[Tensor, " n"], groups: Sequence[ParameterGroup], products: "Sequence[tuple[Members, Product]]"
) -> Float[Tensor, " n"]:
    """Multiplies each member's part of a vector of all scalars, which are in the order of the groups.

    Raises:
        InputError: it has another length.
    """
    sizes = {id(p): scalars(p) for group in groups for p in group["params"]}
    total = sum(sizes.values())
    if v.shape != (total,):
        raise InputError("LODO.matvec", f"v has the shape {(*v.shape,)}; ({total},) is needed")
    parts = dict(zip(sizes, v.split([*sizes.values()]), strict=True))
    for members, product in products:
        keys = [id(p) for p in members.parameters]
        parts |= zip(keys, product(torch.cat([parts[key] for key in keys])).split(members.sizes), strict=True)
    return torch.cat([parts[key] for key, size in sizes.items() if size]) if products else v.clone()


def alone(compute: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Computes without gradients, in the precision of the tensors, and with results that may change in place later.

    Neither `torch.autocast` nor `torch.inference_mode` around a step of LODO changes it.
    """

    @wraps(compute)
    def computed(*args: Arguments.args, **options: Arguments.kwargs) -> Made:
        if torch.compiler.is_compiling():
            with torch.no_grad():
                return compute(*args, **options)
        with ExitStack() as modes:
            if torch.is_inference_mode_enabled():
                modes.enter_context(torch.inference_mode(False))
            for kind in filter(torch.is_autocast_enabled, _DEVICES):
                modes.enter_context(torch.autocast(kind, enabled=False))
            modes.enter_context(torch.no_grad())
            return compute(*args, **options)

    return computed


def on_cpu(make: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Makes tensors `alone`, and on the CPU where no device is named, whatever torch's default device is."""
    compute = alone(make)

    @wraps(make)
    def made(*args: Arguments.args, **options: Arguments.kwargs) -> Made:
        with torch.device("cpu"):
            return compute(*args, **options)

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
    def apart(self) -> list[ParameterGroup]:
        """The groups, each once."""
        return list({id(group): group for group in self.groups}.values())

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
        check_members(members)
    return found


class Units:
    """The members of each preconditioner as the groups are now; anybody may change these at any time."""

    def __init__(self) -> None:
        self.members: list[Members] = []
        self._seen: list[tuple[int, torch.dtype, Form]] | None = None

    def follow(self, groups: Sequence[ParameterGroup]) -> list[Members] | None:
        """Divides the groups again if they have changed.

        Returns:
            None where nothing changed; else the members with other parameters, or other forms of these, than before.
        """
        seen = [(id(group), p.dtype, _form(p)) for group in groups for p in group["params"]]
        if seen == self._seen:
            return None
        forms = {form for *_, form in self._seen or ()}
        before = {tuple(map(id, some.parameters)) for some in self.members}
        first, self.members, self._seen = self._seen is None, partition(groups), seen
        return [
            some
            for some in self.members
            if not first
            and (tuple(map(id, some.parameters)) not in before or any(_form(p) not in forms for p in some.parameters))
        ]


def _form(parameter: Tensor) -> Form:
    """A parameter, and what makes its scalars: a complex number is two."""
    return id(parameter), parameter.shape, parameter.is_complex()


def check_members(members: Members) -> None:
    """Checks the options of all groups whose parameters share a preconditioner.

    Raises:
        InputError: one is out of its range, or they differ in what they must share.
    """
    first = GroupOptions.of(members.groups[0])
    scope = members.groups[0]["scope"]
    problems = []
    for group in members.apart[1:]:
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
