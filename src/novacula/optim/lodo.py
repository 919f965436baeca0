"""LODO as a `torch.optim.Optimizer`."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast, overload

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT, StateDict
from typing_extensions import override

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
from novacula.optim.groups import (
    Members,
    ParameterGroup,
    Rate,
    Units,
    alone,
    as_groups,
    check_step,
    default_scope,
    multiplied,
    partition,
    tensor_of,
)
from novacula.optim.preconditioner import Preconditioner
from novacula.optim.state import FORMAT, SavedState, checked_states, discard, exported, own_states, take_over
from novacula.optim.stats import Losses, Statistics, loss_value, preconditioner_stats, warn_before_saving

Loss = TypeVar("Loss")


class LODO(Optimizer):
    """Learns a quasi-Newton preconditioner while it optimizes (arXiv 2210.06171).

    The step is -G m, where m is a running mean of the gradients and G = α0 T(φ) is a small linear network, symmetric
    and positive semi-definite by construction. Every gradient shows how good the last step was, and moves φ. A step
    takes one ordinary backward pass; LODO evaluates nothing else of the model, and keeps no graph.

    With a number for `lr` this is exactly the published method. With ``lr=None`` LODO finds the scale while it trains
    and normalizes the gradients, so that it starts as Adam with its default rate would (ours; see
    `novacula.optim.automatic`). The groups' `lr` is then a factor, 1, which schedulers may change.

    LODO is for losses that are ill-conditioned and nearly the same at every step, or whose gradient is expensive for
    each parameter: a step reads and writes some 4.6 kB per scalar, and the state has 2 kB. It is not for millions of
    parameters (``structure="kronecker"`` with blocks and `meta_every` comes nearest), nor where noise rules, where
    `eval` may help. A network that fits its rows and trains on gets worse on new ones: the rate in `stats` then grows.

    A parameter without a gradient stays as it is. Gradients that are not finite change nothing and are counted. LODO
    learns from a clipped gradient as it is. If parameters are changed between a step and the next gradient, LODO learns
    nothing from that gradient. It does not see changes through ``.data``: call `reset_lookahead` after them. Each shard
    of a distributed tensor has its own preconditioner (scope ``"param"``), so results depend on how tensors are
    divided, and each process saves its own state. ``torch.compile`` leaves a step as it is, but for
    ``engine="torch"``, which then does not check gradients.

    Args:
        params: parameters, named parameters, or groups of them, each with its own options. Groups that share a
            preconditioner may differ in `lr` and `weight_decay` only.
        lr: α0, a number or a tensor; None finds it.
        meta_lr: α, the learning rate of the preconditioner.
        momentum: β of the running mean, 0 ≤ β < 1.
        depth: layers of one half of the network; None is 16 (butterfly: one more than mixes everything).
        block_size: side of a block; None is 4 (kronecker: the whole side).
        expand: width of the network per scalar; None is 2 (butterfly: 1).
        weight_decay: decoupled, x ← x (1 - lr · weight_decay); it enters no gradient and no meta-gradient. Without a
            number as `lr` it is x ← x (1 - s · lr · weight_decay) with the scale s, 10⁻³ at first: Adam's values serve.
        structure: ``"blockperm"`` is the published one; ``"butterfly"``, ``"kronecker"`` and ``"diagonal"`` are
            cheaper; ``"scalar"``, ``"residual"`` and ``"dense"`` are for comparisons.
        meta_optimizer: ``"adam"`` or ``"sgd"``.
        meta_betas, meta_eps: decays and ε of the meta-optimizer.
        meta_every: the preconditioner learns from one gradient in so many.
        max_update_rms: the largest root mean square of one update.
        scope: what shares a preconditioner: ``"global"``, ``"group"`` or ``"param"``. None is global up to 100,000
            scalars (never with a Kronecker product), else per parameter. A group that is added later has its own.
        state_dtype: ``"float32"`` or ``"float64"``; None is float32, or the parameter's dtype if it is wider.
        seed: of permutations and initial blocks; it means the same on every device.
        engine: ``"native"``, ``"torch"``, or ``"auto"``, which is native wherever the kernels can do the work.
        maximize: climb instead of descend.

    Raises:
        InputError: an option is out of its range, or groups differ; it lists all. It is a `ValueError` too.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Rate | None = None,
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
        self._forget_preconditioners()
        groups = as_groups(params)
        scope = scope or default_scope(groups, structure)
        super().__init__(groups, {**vars(group), "scope": scope, "frozen": False, "format": FORMAT})
        self._generation = 1

    @property
    def _groups(self) -> list[ParameterGroup]:
        return cast("list[ParameterGroup]", self.param_groups)

    def __getstate__(self) -> dict[str, Any]:
        self._note_changes()
        return super().__getstate__() | {"_shared": self._shared, "_generation": self._generation}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._forget_preconditioners()

    @override
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds parameters, also after training has begun, with preconditioners of their own; frozen if all others are.

        Raises:
            InputError: an option is out of its range, or a parameter is not a floating-point or complex tensor.
        """
        frozen = {"frozen": bool(self._groups) and all(group["frozen"] for group in self._groups)}
        group = {**self.defaults, **frozen, **as_groups([param_group])[0], "generation": self._generation}
        group |= vars(GroupOptions.of(group))
        SharedOptions(scope=group["scope"])
        automatic = group["lr"] is None or bool(group.get("automatic"))  # a group of another LODO says so
        group |= {"automatic": automatic, "lr": 1.0 if group["lr"] is None else group["lr"]}
        tensors = {**group, "params": [tensor_of(p) for p in group["params"]]}
        partition([*self._groups, cast("ParameterGroup", tensors)])
        super().add_param_group(group)
        self._generation += bool(self._generation)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Learns from the gradients, and takes the next step.

        Args:
            closure: LODO calls it once, with gradients enabled, and returns its value. If that is the loss, `stats`
                shows how far the step before lowered it.

        Raises:
            InputError: a gradient is sparse, or an option of a group is wrong; nothing has changed then.
        """
        plain = torch.compiler.is_compiling() and self._shared.engine != "torch"
        return _plain_step(self, closure) if plain else self._whole_step(closure)  # pyright: ignore[reportCallIssue]

    def _whole_step(self, closure: Callable[[], Loss] | None) -> Loss | None:
        with torch.enable_grad():
            loss = None if closure is None else closure()
        check_step(self._groups)
        self._move(loss)
        return loss

    @alone
    def _move(self, loss: object) -> None:
        given = [some for some in self._all_members() if any(p.grad is not None for p in some.parameters)]
        moving = list(self.preconditioners(given))
        for preconditioner in moving:
            preconditioner.check_options()
        noting = [] if torch.compiler.is_compiling() else moving
        still = [each for each in {*self._preconditioners.values()} - {*moving} if noting and each.unchanged]
        for preconditioner in noting:
            preconditioner.check_unchanged()
        if noting or not moving:
            self._losses.note(loss_value(loss) * (-1 if self._shared.maximize else 1))
        for preconditioner in moving:
            preconditioner.step(preconditioner.gradient())
        for preconditioner in (*noting, *still):
            preconditioner.note_versions()
        self._losses.moved = [each for each in noting if each.moved]

    @override
    def state_dict(self) -> StateDict:
        """Returns the state. It warns if `eval` has moved the parameters, or if they are shards."""
        self._note_changes()
        discard(self.state, (), self._groups)  # as of a group that was removed
        warn_before_saving(self.state.values(), (p for group in self._groups for p in group["params"]))
        return super().state_dict()

    @override
    def load_state_dict(self, state_dict: StateDict) -> None:
        """Loads a state bit for bit; unlike other optimizers LODO does not cast it to the parameters' dtype.

        Raises:
            InputError: the state has another version, structure, shape or precision; nothing has changed then.
        """
        state = dict(state_dict)
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            state = hook(self, state) or state
        groups, states = checked_states(self._groups, cast("SavedState", state), self._shared)
        if any("iterate" in state for state in self.state.values()):
            self.train()
        self.__setstate__({"state": defaultdict(dict, states), "param_groups": groups})
        self._generation = 1 + max(group["generation"] for group in groups)
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def reset_lookahead(self) -> None:
        """Makes the next gradient teach nothing, because the parameters were changed since the last step."""
        for preconditioner in self.preconditioners():
            preconditioner.forget()

    @alone
    def eval(self) -> None:
        """Moves the parameters to the mean of the last eighth of the iterates, where the gradients say it is better.

        On new data it may be worse, and with a number as `lr` nothing moves. Call `train` before the next gradient,
        which `step` checks, and before saving, of which `state_dict` warns.
        """
        for preconditioner in self.preconditioners():
            preconditioner.show_average()

    @alone
    def train(self) -> None:
        """Moves the parameters back to the last iterate."""
        for preconditioner in self.preconditioners():
            preconditioner.hide_average()

    def freeze(self) -> None:
        """Stops learning, so that the preconditioners stay as they are; a step then costs half."""
        self._set_frozen(True)

    def unfreeze(self) -> None:
        """Starts learning again."""
        self._set_frozen(False)

    @alone
    def matvec(self, v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Returns G v; a step with the mean v would be its negative.

        Args:
            v: all scalars in the order of groups and parameters, a complex number as two.
        """
        return multiplied(v, self._groups, [(each.members, each.matvec) for each in self.preconditioners()])

    @alone
    def dense(self, limit: int = 4096) -> Float[Tensor, "n n"]:
        """Returns G as a matrix.

        Args:
            limit: the largest number of scalars.

        Raises:
            InputError: there are more scalars.
        """
        found = list(self.preconditioners())
        n = sum(preconditioner.members.size for preconditioner in found)
        if n > limit:
            raise InputError("LODO.dense", f"there are {n} scalars; limit is {limit}")
        columns = torch.eye(n, device="cpu").to(found[0].state["momentum"]) if found else torch.eye(0, device="cpu")
        return torch.stack([self.matvec(column) for column in columns], dim=1) if found else columns

    @alone
    def stats(self, spectrum: int = 0) -> Statistics:
        """Returns the statistics of each preconditioner, as a list of `PreconditionerStats`.

        Args:
            spectrum: the number of products with G that its Ritz values may cost; 0 for none.
        """
        decrease = self._losses.decrease
        return Statistics(preconditioner_stats(each, spectrum, decrease) for each in self.preconditioners())

    @alone
    def export_preconditioner(self) -> dict[str, Tensor]:
        """Returns copies of what LODO has learned, by ``"<index>.<name>"``; nothing in it belongs to one run only."""
        return exported([(each.members, each.state) for each in self.preconditioners()])

    def load_preconditioner(self, tensors: Mapping[str, Tensor]) -> None:
        """Starts from what a run with parameters of the same shapes and the same options has learned.

        Args:
            tensors: the value of `export_preconditioner`.

        Raises:
            InputError: they do not fit; nothing has changed then.
        """
        take_over([(each.members, each.state) for each in self.preconditioners()], tensors)
        self.reset_lookahead()
        self._forget_preconditioners()

    def preconditioners(self, members: list[Members] | None = None) -> Iterator[Preconditioner]:
        """Yields the preconditioners of these members, by default all; it makes the states that do not exist yet."""
        for some in self._all_members() if members is None else members:
            first, known = some.parameters[0], self._preconditioners.get(some.index)
            if known is None or not (torch.compiler.is_compiling() or known.is_of(self.state[first])):
                self.state |= own_states(some, self.state[first], self._shared)
                self._preconditioners[some.index] = Preconditioner(some, self.state[first], self._shared)
            yield self._preconditioners[some.index]

    def _forget_preconditioners(self) -> None:
        """Makes LODO compute again what it computes from the groups and the state."""
        self._units = Units()
        self._preconditioners: dict[int, Preconditioner] = {}
        self._losses = Losses()

    def _note_changes(self) -> None:
        for preconditioner in self._preconditioners.values():
            preconditioner.mark()

    def _all_members(self) -> list[Members]:
        known = self._units.members and torch.compiler.is_compiling()
        if not known and (anew := self._units.follow(self._groups)) is not None:
            self._note_changes()
            discard(self.state, anew, self._groups)
            self._preconditioners = {}
        return self._units.members

    def _set_frozen(self, frozen: bool) -> None:
        for group in self._groups:
            group["frozen"] = frozen
        self.reset_lookahead()


@torch.compiler.disable
def _plain_step(optimizer: LODO, closure: Callable[[], Loss] | None) -> Loss | None:
    return optimizer._whole_step(closure)  # not `step`, whose hooks have run
