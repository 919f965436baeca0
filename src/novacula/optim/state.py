"""The state of one preconditioner, and the check of a saved state before it is loaded.

The optimizer keeps it in tensors, as the state of the first member's parameter:

    phi, first, second      φ and the moments of its gradient
    permutations            the random ones, where the structure has any
    momentum                the running mean of the gradients
    step, meta_step         the number of steps, and of meta-updates
    taken                   α0 of the last step; NaN where the next gradient teaches nothing about it
    skipped                 the number of gradients that were not finite
    changed                 the number of steps after which the parameters were changed by others
    rates                   the groups' rates in the last step, one for each parameter; 0 where it had no gradient
    root_square, log_scale, step_square    belong to the automatic scale
    shapes                  of the members in order, each after its number of dimensions
    iterate                 while `LODO.eval` shows: the iterate, of no scalars where the parameters did not move
    learned                 the sum of what was learned of each step, from 0 to 1
    cosine, spread          of the gradient after the step before last and that step, NaN at first; and its variance
    beta                    the decay of the running mean of the gradients in the last step; a scheduler may change it
    mark                    a checksum of the parameters when the state was saved; -1 since the next step
    lag, toward             δ, how far the iterate is from the mean of iterates, and how much gradients favor that mean
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor

from novacula.errors import refuse
from novacula.optim import automatic
from novacula.optim.config import SHAPING, GroupOptions, SharedOptions
from novacula.optim.groups import OPTIONS, Members, ParameterGroup, on_cpu, partition, real
from novacula.optim.structures import draw_permutations, make_structure, permutation_shape

Group = Mapping[str, object]  #: a parameter group, in which names are looked up that options hold


class SavedState(TypedDict):
    """The value of `state_dict`: tensors by the key of the parameter that has them, and the groups."""

    state: Mapping[object, Mapping[str, Tensor]]
    param_groups: Sequence[Group]


FORMAT = 3  #: version of the state, which every parameter group holds as ``format``
LEARNED = ("phi", "permutations", "log_scale")
"""The tensors that make a preconditioner, without those of the run that learned it."""


@on_cpu
def initial_state(members: Members, shared: SharedOptions) -> dict[str, Tensor]:
    """Returns the state before the first step."""
    options, n = GroupOptions.of(members.groups[0]), members.size
    generator = _generator(shared.seed, members.index)
    permutations = draw_permutations(options, n, generator)
    structure = make_structure(options, members.shape, permutations)
    dtype = _dtype(members, shared)
    state = {**_fresh(members, structure.shape, dtype), "phi": structure.initial(generator, dtype)}
    if permutations is not None:
        state["permutations"] = permutations
    return _copied(members, state | {"shapes": _shapes(members)})


@on_cpu
def own_states(members: Members, state: dict[str, Tensor], shared: SharedOptions) -> dict[Tensor, dict[str, Tensor]]:
    """Returns the states of the members' parameters: a new one where `state` is empty or that of other members.

    Others may have changed the groups since the state was loaded.
    """
    fits = "shapes" in state and state["shapes"].tolist() == _shapes(members).tolist()
    return _divided(members, state if fits else initial_state(members, shared))


def _divided(members: Members, state: dict[str, Tensor]) -> dict[Tensor, dict[str, Tensor]]:
    """The first parameter has the state, and the others have some, as `torch.distributed.checkpoint` expects."""
    first, *others = members.parameters
    return {first: state, **{other: {"step": state["step"]} for other in others}}


def discard(
    state: dict[Tensor, dict[str, Tensor]], members: Sequence[Members], groups: Sequence[ParameterGroup]
) -> None:
    """Drops the states of these members, and of tensors that no group has any more."""
    present = {id(p) for group in groups for p in group["params"]}
    anew = {id(p) for some in members for p in some.parameters}
    for parameter in [p for p in state if id(p) not in present or id(p) in anew]:
        del state[parameter]


def _fresh(members: Members, phi: tuple[int, ...], dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The state without the permutations, and with φ = 0."""
    group, n = members.groups[0], members.size
    # The published loop counts its first meta-update too, before which there is no step and φ stays as it is.
    counted = 0 if group["automatic"] else 1
    state = {
        "step": torch.tensor(0),
        "meta_step": torch.tensor(counted),
        "taken": torch.tensor(math.nan, dtype=torch.float64),
        "skipped": torch.tensor(0),
        "changed": torch.tensor(0),
        "rates": torch.zeros(len(members.parameters), dtype=torch.float64),
        "phi": torch.zeros(phi, dtype=dtype),
        "momentum": torch.zeros(n, dtype=dtype),
    }
    if group["meta_optimizer"] == "adam":
        state |= {"first": torch.zeros(phi, dtype=dtype), "second": torch.zeros(phi, dtype=dtype)}
    if group["automatic"]:
        state["root_square"] = torch.zeros(n, dtype=dtype)
        state["log_scale"] = torch.tensor(math.log(automatic.FIRST_SCALE), dtype=torch.float64)
        state["step_square"] = torch.tensor(0.0, dtype=torch.float64)
        state["learned"] = torch.tensor(0.0, dtype=torch.float64)
        state["cosine"] = torch.tensor(math.nan, dtype=torch.float64)
        state["lag"] = torch.zeros(n, dtype=dtype)
        state["toward"] = torch.tensor(0.0, dtype=torch.float64)
        state["spread"] = torch.tensor(1 / n, dtype=torch.float64)
    return state


UNMARKED = -1  #: the mark of a state that was not saved since its last step


def fingerprint(members: Members) -> int:
    """Returns a checksum of the members' values, of 24 bits, which float32 holds."""
    checksum = 0
    for parameter in map(real, members.parameters):
        checksum = zlib.crc32(parameter.cpu().reshape(-1).view(torch.uint8).numpy().data, checksum)
    return checksum & 0xFFFFFF


def _shapes(members: Members) -> Tensor:
    return torch.tensor([n for p in map(real, members.parameters) for n in (p.dim(), *p.shape)])


def _generator(seed: int, index: int) -> torch.Generator:
    """A generator on the CPU whatever the device, so that a seed means the same everywhere."""
    mixed = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed) >> 1)


def _dtype(members: Members, shared: SharedOptions) -> torch.dtype:
    if shared.state_dtype is not None:
        return getattr(torch, shared.state_dtype)
    dtype = torch.float32
    for parameter in members.parameters:
        dtype = torch.promote_types(dtype, real(parameter).dtype)
    return dtype


@on_cpu
def checked_states(
    groups: Sequence[ParameterGroup], saved: SavedState, shared: SharedOptions
) -> tuple[list[ParameterGroup], dict[Tensor, dict[str, Tensor]]]:
    """Returns parameter groups with the options of a saved state, and the states of their parameters.

    Returns:
        The groups, and the states of those preconditioners that had begun, as copies on the parameters' devices.

    Raises:
        InputError: the state has another version, other structures, other shapes, or another precision.
    """
    refuse(_form_problems(saved), "LODO state dict")
    saved_groups = saved["param_groups"]
    problems = _group_problems(groups, saved_groups)
    refuse(problems, "LODO state dict")
    copies: dict[int, Tensor] = {}
    new = [_adopted(theirs, mine, copies) for mine, theirs in zip(groups, saved_groups, strict=True)]
    keys = {
        id(parameter): key
        for mine, theirs in zip(groups, saved_groups, strict=True)
        for parameter, key in zip(mine["params"], _parameters(theirs), strict=True)
    }
    strays = [key for key in saved["state"] if str(key).isdecimal() and key not in keys.values()]
    problems += [f"state {key!r} belongs to no parameter of its groups" for key in strays]
    states: dict[Tensor, dict[str, Tensor]] = {}
    for members in partition(new):
        tensors = saved["state"].get(keys[id(members.parameters[0])])
        if tensors:
            tensors = {name: _tensor(name, value) for name, value in tensors.items()}
            found = _state_problems(members, tensors) or _precision_problems(tensors, _dtype(members, shared))
            problems += [f"preconditioner {members.index}: {problem}" for problem in found]
        if tensors and not problems:
            states |= _divided(members, _copied(members, {"shapes": _shapes(members), **tensors}))
    refuse(problems, "LODO state dict")
    return new, states


_WHOLE = ("step", "meta_step", "skipped", "changed", "mark")


def _tensor(name: str, value: Any) -> Any:
    """A tensor of a saved state; numbers, which others may have written as such or in another precision, as ours."""
    if isinstance(value, int | float):
        value = torch.tensor(value, dtype=torch.float64)
    number = isinstance(value, Tensor) and (value.ndim == 0 or name == "rates") and _real(value)
    return value.to(torch.int64 if name in _WHOLE else torch.float64) if number else value


def _real(value: Tensor) -> bool:
    return not value.is_complex() and value.dtype != torch.bool


def _form_problems(saved: Mapping[str, Any]) -> list[str]:
    """What is wrong with a saved state before anything in it can be compared."""
    if not isinstance(saved.get("state"), Mapping) or not isinstance(saved.get("param_groups"), list | tuple):
        return ["it must have `state`, and a list of `param_groups`"]
    problems = [
        f"group {place}: is no group with a list of params"
        for place, group in enumerate(saved["param_groups"])
        if not (isinstance(group, Mapping) and isinstance(group.get("params"), list | tuple))
    ]
    wrong = [key for key, tensors in saved["state"].items() if tensors and not isinstance(tensors, Mapping)]
    return problems + [f"state {key!r}: is no mapping of tensors" for key in wrong]


def _parameters(group: Group) -> list[object]:
    """The parameters of a group, which in a saved one are keys."""
    parameters: Any = group["params"]
    return list(parameters)


def _adopted(saved: Group, mine: ParameterGroup, copies: dict[int, Tensor]) -> ParameterGroup:
    """A saved group with the parameters of mine, and what else only mine has; groups that share a tensor share a copy.

    Args:
        saved: the saved group.
        mine: the group of this optimizer.
        copies: those of all groups, by the tensor's id.
    """
    group = {
        name: copies.setdefault(id(value), value.clone()) if isinstance(value, Tensor) else value
        for name, value in saved.items()
    }
    whole: Any = {**mine, **group, "params": mine["params"]}
    return whole


def _group_problems(groups: Sequence[Group], saved: Sequence[Group]) -> list[str]:
    if [len(_parameters(group)) for group in groups] != [len(_parameters(group)) for group in saved]:
        return ["its groups have other numbers of parameters than those of this optimizer"]
    names, others = ([name for group in each for name in _names(group)] for each in (groups, saved))
    if names != others and sorted(names) == sorted(others):
        return ["its parameters have the same names as those of this optimizer, in another order"]
    problems = []
    for place, (mine, theirs) in enumerate(zip(groups, saved, strict=True)):
        if theirs.get("format") != FORMAT:
            problems.append(f"group {place}: format is {theirs.get('format')!r}; this novacula reads {FORMAT}")
        elif missing := [name for name in (*OPTIONS, *ParameterGroup.__annotations__) if name not in theirs]:
            problems.append(f"group {place}: {', '.join(missing)} is missing")
        elif wrong := [name for name in ("lr", "generation") if not isinstance(theirs[name], (int, float, Tensor))]:
            problems += [f"group {place}: {name} is {theirs[name]!r}; it must be a number" for name in wrong]
        else:
            problems += [
                f"group {place}: {name} is {theirs[name]!r}; this optimizer's is {mine[name]!r}"
                for name in SHAPING
                if theirs[name] != mine[name]
            ]
    return problems


def _names(group: Group) -> list[str]:
    """The names of a group's parameters, where it has any."""
    names: Any = group.get("param_names", [])
    return list(names)


Owned = Sequence[tuple[Members, dict[str, Tensor]]]  #: the members and the state of preconditioners


def exported(owned: Owned) -> dict[str, Tensor]:
    """Returns copies of what preconditioners have learned, by ``"<index>.<name>"``."""
    names = [(some.index, name, state[name]) for some, state in owned for name in LEARNED if name in state]
    return {f"{index}.{name}": value.clone() for index, name, value in names}


@on_cpu
def take_over(owned: Owned, tensors: Mapping[str, Tensor]) -> None:
    """Puts into states what was learned elsewhere, from tensors as `exported` returns them.

    Raises:
        InputError: a tensor is missing or has another shape, or a row of the permutations is no permutation.
    """
    problems, found = [], []
    for some, state in owned:
        values = {name: tensors[key] for name in LEARNED if (key := f"{some.index}.{name}") in tensors}
        missing = [name for name in LEARNED if name in state and name not in values]
        problems += [f"{some.index}.{name} is missing" for name in missing]
        if not missing:
            problems += [f"preconditioner {some.index}: {text}" for text in _state_problems(some, {**state, **values})]
        found.append((state, values))
    refuse(problems, "LODO preconditioner")
    for state, values in found:
        state |= {name: value.detach().to(state[name], copy=True) for name, value in values.items()}


def _state_problems(members: Members, tensors: Mapping[str, object]) -> list[str]:
    options, n = GroupOptions.of(members.groups[0]), members.size
    permutations, wanted = tensors.get("permutations"), permutation_shape(options, n)
    if wanted is not None:
        if not isinstance(permutations, Tensor) or tuple(permutations.shape) != wanted or not _real(permutations):
            return [f"permutations must have shape {wanted}, for {n} scalars"]
        whole = torch.arange(wanted[1], dtype=permutations.dtype, device=permutations.device)
        if not bool((permutations.sort(1).values == whole).all()):
            return ["permutations hold rows that are no permutations"]
    else:
        permutations = None
    problems = []
    for name, like in _fresh(members, make_structure(options, members.shape, permutations).shape).items():
        value = tensors.get(name)
        if not isinstance(value, Tensor):
            problems.append(f"{name} is missing")
        elif value.shape != like.shape:
            problems.append(f"{name} has shape {tuple(value.shape)}; it must have {tuple(like.shape)}")
    shapes, iterate = tensors.get("shapes"), tensors.get("iterate")
    if not problems and isinstance(shapes, Tensor) and shapes.tolist() != _shapes(members).tolist():
        problems.append("its parameters had other shapes, or stood in another order")
    if isinstance(iterate, Tensor) and iterate.shape not in ((0,), (n,)):
        problems.append(f"iterate has shape {tuple(iterate.shape)}; it must have {(n,)}")
    return problems


def _precision_problems(tensors: Mapping[str, Tensor], wanted: torch.dtype) -> list[str]:
    """What is wrong with the precision of a state's vectors and φ, which are computed with together."""
    names = {"phi", "first", "second", "momentum", "root_square", "lag"} & tensors.keys()
    kinds = {tensors[name].dtype for name in names}
    if odd := [name for name, value in tensors.items() if not _real(value)]:
        return [f"{name} is of {tensors[name].dtype}" for name in odd]
    if kinds == {wanted}:
        return []
    said = ", ".join(sorted(map(str, kinds)))
    return [f"its vectors are of {said}; this optimizer's are of {wanted}, which `state_dtype` may change"]


def _copied(members: Members, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the members' device, dtypes as they are; single numbers stay on the CPU."""
    device = real(members.parameters[0]).device
    return {name: tensor.detach().clone().to(device if tensor.ndim else "cpu") for name, tensor in tensors.items()}
