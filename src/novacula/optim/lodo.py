"""LODO as a `torch.optim.Optimizer`."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar, overload

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

from novacula.errors import InputError
from novacula.optim.config import (
    DtypeName,
    EngineName,
    GroupOptions,
    MetaOptimizerName,
    ScopeName,
    SharedOptions,
    StructureName,
)
from novacula.optim.scope import LARGEST_GLOBAL, Members, partition, scalars
from novacula.optim.state import FORMAT, LEARNED, check_learned, checked_states, initial_state
from novacula.optim.stats import UnitStats, unit_stats
from novacula.optim.unit import Unit

Loss = TypeVar("Loss")
_DENSE_LIMIT = 4096


class LODO(Optimizer):
    """Learns a quasi-Newton preconditioner while it optimizes (arXiv 2210.06171).

    The step is -G m, where m is a running mean of the gradients and G = α0 T(φ) a small linear network, symmetric and
    positive semi-definite by construction. Every gradient tells how good the last step was, and moves φ: one ordinary
    backward pass per step, nothing else of the model is evaluated, no graph is kept.

    With a number for `lr` this is the published method exactly. With ``lr=None`` the scale is found while training and
    the gradients are normalized, so that LODO starts as Adam with its default rate would (ours; see
    `novacula.optim.automatic`); `lr` of the groups is then a factor, 1, which schedulers may change.

    A step reads and writes some 4.6 kB per scalar with the published structure, and the state has 2 kB per scalar: it
    pays where a gradient is expensive for each parameter, or where there are few. It is not for millions of parameters;
    ``structure="kronecker"`` with blocks and `meta_every` is nearer to that.

    Parameters without a gradient are left alone with scope ``"param"`` and count as zeros otherwise. Gradients that are
    not finite change nothing and are counted. If a gradient is clipped, the clipped one is learned from. After a step
    the next gradient must be taken at the parameters that the step left; if they were changed meanwhile, nothing is
    learned from it, once. Changes through ``.data`` go unnoticed: call `reset_lookahead` after them. Shards of
    distributed tensors have preconditioners of their own (scope ``"param"``), so results depend on how tensors are
    divided. Under ``torch.compile`` take ``engine="torch"``; gradients are then not checked.

    Args:
        params: parameters, named parameters, or groups of them, each with options of its own. Groups of one
            preconditioner may differ in `lr` and `weight_decay` only.
        lr: α0, a number or a tensor; None finds it.
        meta_lr: α, the learning rate of the preconditioner.
        momentum: β of the running mean, 0 ≤ β < 1.
        depth: layers of one half of the network; None: 16 (butterfly: as many as mix everything, and one).
        block_size: side of a block; None: 4 (kronecker: the whole side).
        expand: width of the network per scalar; None: 2 (butterfly: 1).
        weight_decay: decoupled, x ← x (1 - lr · weight_decay); it enters no gradient and no meta-gradient.
        structure: ``"blockperm"`` is the published one; ``"butterfly"``, ``"kronecker"`` and ``"diagonal"`` are
            cheaper; ``"scalar"``, ``"residual"`` and ``"dense"`` are for comparisons.
        meta_optimizer: ``"adam"`` or ``"sgd"``.
        meta_betas, meta_eps: of the meta-optimizer.
        meta_every: learn from every so many-th gradient only.
        max_update_rms: most that the root mean square of one update may be.
        scope: what shares a preconditioner: ``"global"``, ``"group"`` or ``"param"``; None: global up to 100,000
            scalars (never with a Kronecker product), else per parameter. A group added later has one of its own.
        state_dtype: ``"float32"`` or ``"float64"``; None: float32, or the parameter's if wider.
        seed: of permutations and initial blocks; the same on every device.
        engine: ``"native"``, ``"torch"``, or ``"auto"``, which takes the native kernels where they can do the work.
        maximize: climb instead of descend.

    Raises:
        InputError: an option is out of its range, no parameter can have a gradient, or groups disagree; all at once.

    Example:
        >>> optimizer = LODO(model.parameters())  # doctest: +SKIP
        >>> loss(model(x), y).backward()  # doctest: +SKIP
        >>> optimizer.step()  # doctest: +SKIP
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor | None = None,
        meta_lr: float = 1e-3,
        momentum: float = 0.9,
        depth: int | None = None,
        block_size: int | None = None,
        expand: int | None = None,
        *,
        weight_decay: float = 0.0,
        structure: StructureName = "blockperm",
        meta_optimizer: MetaOptimizerName = "adam",
        meta_betas: tuple[float, float] = (0.9, 0.999),
        meta_eps: float = 1e-7,
        meta_every: int = 1,
        max_update_rms: float | None = None,
        scope: ScopeName | None = None,
        state_dtype: DtypeName | None = None,
        seed: int = 0,
        engine: EngineName = "auto",
        maximize: bool = False,
    ) -> None:
        group = GroupOptions(
            lr, meta_lr, momentum, weight_decay, structure, depth, block_size, expand, meta_optimizer,
            meta_betas, meta_eps, meta_every, max_update_rms,
        )  # fmt: skip
        self._shared = SharedOptions(scope, state_dtype, seed, engine, maximize)
        self._generation = 0
        self._forget_units()
        groups = _as_groups(params)
        _check_gradients_possible(groups)
        defaults = {field.name: getattr(group, field.name) for field in fields(GroupOptions)}
        defaults |= {"scope": scope or _default_scope(groups, structure), "frozen": False, "format": FORMAT}
        super().__init__(groups, defaults)
        self._generation = 1

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_shared": self._shared, "_generation": self._generation}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._forget_units()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize more parameters; training may have begun. The new group has preconditioners of its own.

        Raises:
            InputError: an option is out of its range, or a parameter is not a floating-point or complex tensor.
        """
        group = {**self.defaults, **_as_groups([param_group])[0], "generation": self._generation}
        GroupOptions.of(group)
        SharedOptions(scope=group["scope"])
        group["automatic"] = group["lr"] is None
        group["lr"] = 1.0 if group["lr"] is None else group["lr"]
        tensors = {**group, "params": [_tensor(p) for p in group["params"]]}
        if wrong := [p.dtype for p in tensors["params"] if not (p.is_floating_point() or p.is_complex())]:
            raise InputError("LODO", f"a parameter is of {wrong[0]}; parameters must be floating-point or complex")
        partition([*self.param_groups, tensors])
        super().add_param_group(group)
        self._generation += bool(self._generation)
        self._members = None

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Learn from the gradients, and take the next step.

        Args:
            closure: evaluated once, with gradients enabled; its value is returned. If that is the loss, `stats` tells
                how far the step before lowered it.

        Raises:
            InputError: no parameter has a gradient, or one has a sparse one; nothing has changed then.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._check_gradients()
        if closure is not None and not torch.compiler.is_compiling():
            self._note(loss)
        units, watched = list(self.units(self._with_gradients())), not torch.compiler.is_compiling()
        for unit in units if watched else ():
            unit.notice()
        for unit in units:
            unit.step(unit.gradient())
        for unit in units if watched else ():
            unit.remember()
        return loss

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up a state, bit for bit; unlike other optimizers this one casts nothing to the parameters' dtype.

        Raises:
            InputError: the state is of another version, structure or shape; nothing has changed then.
        """
        state = dict(state_dict)
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            state = hook(self, state) or state
        groups, states = checked_states(self.param_groups, state)
        taken_up: dict[Tensor, Any] = defaultdict(dict)
        for members, tensors in zip(partition(groups), states, strict=True):
            if tensors:
                taken_up[members.parameters[0]] = tensors
        self.__setstate__({"state": taken_up, "param_groups": groups})
        self._generation = 1 + max(group["generation"] for group in groups)
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def reset_lookahead(self) -> None:
        """Learn nothing from the next gradient: the parameters were changed since the last step."""
        for unit in self.units():
            unit.forget()

    def freeze(self) -> None:
        """Keep the preconditioners as they are; a step then costs half."""
        self._set_frozen(True)

    def unfreeze(self) -> None:
        """Go on learning."""
        self._set_frozen(False)

    @torch.no_grad()
    def matvec(self, v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """G v, so that a step with the mean v would be its negative.

        Args:
            v: all scalars in the order of groups and parameters, a complex number as two.
        """
        units = list(self.units())
        pieces = v.split([sum(unit.members.sizes) for unit in units])
        return torch.cat([unit.matvec(piece.to(unit.dtype)) for unit, piece in zip(units, pieces, strict=True)])

    @torch.no_grad()
    def dense(self, limit: int = _DENSE_LIMIT) -> Float[Tensor, "n n"]:
        """G as a matrix.

        Args:
            limit: of n, above which it is refused.

        Raises:
            InputError: there are more scalars.
        """
        units = list(self.units())
        n = sum(sum(unit.members.sizes) for unit in units)
        if n > limit:
            raise InputError("LODO.dense", f"there are {n} scalars; limit is {limit}")
        columns = torch.eye(n, dtype=units[0].dtype, device=units[0].state["phi"].device)
        return torch.stack([self.matvec(column) for column in columns], dim=1)

    def stats(self, spectrum: int = 0) -> list[UnitStats]:
        """What each preconditioner has done.

        Args:
            spectrum: products with G that a look at its eigenvalues may cost; 0 for none.
        """
        return [unit_stats(unit, spectrum, self._told) for unit in self.units()]

    def export_preconditioner(self) -> dict[str, Tensor]:
        """What has been learned, without what belongs to one training run: copies, by ``"<index>.<name>"``."""
        return {
            f"{unit.members.index}.{name}": unit.state[name].clone()
            for unit in self.units()
            for name in LEARNED
            if name in unit.state
        }

    def load_preconditioner(self, tensors: Mapping[str, Tensor]) -> None:
        """Start from what a run with parameters of the same shapes and the same options has learned.

        Args:
            tensors: what `export_preconditioner` gave.

        Raises:
            InputError: they do not fit; nothing has changed then.
        """
        units = list(self.units())
        learned = [
            {name: tensors[key] for name in LEARNED if (key := f"{unit.members.index}.{name}") in tensors}
            for unit in units
        ]
        check_learned([unit.members for unit in units], [unit.state for unit in units], learned)
        for unit, values in zip(units, learned, strict=True):
            for name, value in values.items():
                unit.state[name] = value.detach().to(unit.state[name], copy=True)
            unit.forget()
        self._forget_units()

    def units(self, members: list[Members] | None = None) -> Iterator[Unit]:
        """The preconditioners at work, by default all; their state is made where there is none."""
        for each in self._all_members() if members is None else members:
            if each.index not in self._units:
                first = each.parameters[0]
                if not self.state[first]:
                    self.state[first] = initial_state(each, self._shared)
                self._units[each.index] = Unit(each, self.state[first], self._shared)
            yield self._units[each.index]

    def _forget_units(self) -> None:
        """What is computed from the groups and the state will be computed again."""
        self._members: list[Members] | None = None
        self._units: dict[int, Unit] = {}
        # The last loss, and how far the step before it was to lower it and did.
        self._loss, self._told = math.nan, (math.nan, math.nan)

    def _note(self, loss: Any) -> None:
        """Take a closure's value into account; anything but a number counts as none."""
        value = math.nan
        if isinstance(loss, int | float) or (isinstance(loss, Tensor) and loss.numel() == 1):
            value = float(loss.detach() if isinstance(loss, Tensor) else loss) * (-1 if self._shared.maximize else 1)
        predicted = sum(unit.predicted_decrease() for unit in self._units.values())
        self._told, self._loss = (predicted, self._loss - value), value

    def _all_members(self) -> list[Members]:
        if self._members is None:
            self._members = partition(self.param_groups)
        return self._members

    def _with_gradients(self) -> list[Members]:
        return [each for each in self._all_members() if any(p.grad is not None for p in each.parameters)]

    def _check_gradients(self) -> None:
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        if not gradients:
            raise InputError("LODO.step", "no parameter has a gradient; call backward() before step()")
        if any(g.layout != torch.strided for g in gradients):
            raise InputError("LODO.step", "a gradient is sparse; gradients must be dense (embeddings: sparse=False)")

    def _set_frozen(self, frozen: bool) -> None:
        for group in self.param_groups:
            group["frozen"] = frozen
        self.reset_lookahead()


def _as_groups(params: Any) -> list[dict[str, Any]]:
    """What an optimizer may be given, as new dictionaries whose parameters are lists."""
    if isinstance(params, Tensor):
        raise InputError("LODO", "params is a tensor; it must be an iterable of tensors or of groups")
    given = list(params)
    groups = given if given and isinstance(given[0], dict) else [{"params": given}]
    return [
        {**group, "params": [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])}
        for group in groups
    ]


def _tensor(parameter: Tensor | tuple[str, Tensor]) -> Tensor:
    return parameter[1] if isinstance(parameter, tuple) else parameter


def _check_gradients_possible(groups: list[dict[str, Any]]) -> None:
    tensors = [_tensor(p) for group in groups for p in group["params"]]
    if not any(t.requires_grad for t in tensors):
        raise InputError("LODO", f"none of {len(tensors)} parameters requires a gradient; at least one must")


def _default_scope(groups: list[dict[str, Any]], structure: StructureName) -> ScopeName:
    total = sum(scalars(_tensor(p)) for group in groups for p in group["params"])
    return "global" if total <= LARGEST_GLOBAL and structure != "kronecker" else "param"
