"""A preconditioner, and how it moves the parameters that share it.

A step has two halves. First φ moves, since the gradient after the last step is now known. Then the parameters move.
Everything that is kept between steps can be computed again from the state, so the state is all that must be saved.
"""

import math
from collections.abc import Mapping
from dataclasses import fields

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.optim import automatic
from novacula.optim.config import SHARED, GroupOptions, SharedOptions
from novacula.optim.engine import MetaStep, make_engine
from novacula.optim.groups import Members, Rate, flatten, real
from novacula.optim.structures.make import make_structure

_OWN = tuple(field.name for field in fields(GroupOptions) if field.name not in SHARED)


class Preconditioner:
    """A matrix G that learns, for the parameters that share it.

    Args:
        members: the parameters.
        state: as `novacula.optim.state.initial_state` makes it; the preconditioner changes it in place.
        shared: the optimizer's options.

    Attributes:
        structure: the family of matrices.
        meta_step: what the last meta-step measured; None before the first.
        last: the last gradient, and the update before it was scaled; None before the first step.
    """

    def __init__(self, members: Members, state: dict[str, Tensor], shared: SharedOptions) -> None:
        self.members, self.state = members, state
        self.dtype = state["momentum"].dtype
        self.meta_step: MetaStep | None = None
        self.last: tuple[Tensor, Tensor] | None = None
        self._maximize = shared.maximize
        self._group = members.groups[0]
        self._options, self._values = GroupOptions.of(self._group), self._read()
        self.structure = make_structure(self._options, members.shape, state.get("permutations"))
        self._engine = make_engine(self.structure, state, shared.engine)
        # α0 of the last step, and whether the next gradient tells how good that step was.
        self._taken: Rate = float(state["taken"])
        self._pending = self._taken == self._taken
        self._versions: list[int] | None = None
        self._entered: Tensor | None = None
        self._product: Tensor | None = None

    def gradient(self) -> Float[Tensor, " n"]:
        """Returns the members' gradients as one new vector."""
        flat = flatten([p.grad for p in self.members.parameters], self.members, self.dtype)
        return -flat if self._maximize else flat

    def step(self, gradient: Float[Tensor, " n"]) -> None:
        """Learns from a gradient, then moves the parameters; a gradient that is not finite is only counted."""
        options = self._current_options()
        if not torch.compiler.is_compiling() and not _is_finite(gradient):
            self.state["skipped"] += 1
            return
        if self._pending and self._learns(options):
            self._learn(gradient, options)
        self._move(gradient, options)

    def check_unchanged(self) -> None:
        """Forgets the last step if the parameters were changed since; called before any preconditioner moves."""
        if self._versions is not None and self._versions != [p._version for p in self.members.parameters]:
            self.forget()

    def note_versions(self) -> None:
        """Notes the parameters' versions once all preconditioners have moved: views of a tensor share one version."""
        self._versions = [p._version for p in self.members.parameters]

    def forget(self) -> None:
        """Makes the next gradient teach nothing, because it is not that of the point after the last step."""
        self._pending = False
        self.state["taken"].fill_(math.nan)

    def predicted_decrease(self) -> float:
        """Returns by how much the last step lowers the loss to first order: gᵀ G m; NaN where it is forgotten."""
        if self.last is None:
            return math.nan
        gradient, update = self.last
        return float(self.state["taken"]) * float(gradient.dot(update))

    def matvec(self, v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Returns G v with the current φ, normalization and scale."""
        side, rest = self._diagonals()
        product = self.structure.matvec(self.state["phi"], v if side is None else v * side)
        return self._rate() * _around(product, side, rest, v)

    def _current_options(self) -> GroupOptions:
        """The group's options, checked again where they have changed."""
        if (values := self._read()) != self._values:
            self._options, self._values = GroupOptions.of(self._group), values
        return self._options

    def _read(self) -> list[object]:
        group: Mapping[str, object] = self._group
        return [group[name] for name in _OWN]

    def _learns(self, options: GroupOptions) -> bool:
        """Whether the preconditioner learns from the next gradient."""
        if self._group["frozen"]:
            return False
        return options.meta_every == 1 or int(self.state["step"]) % options.meta_every == 0

    def _learn(self, gradient: Tensor, options: GroupOptions) -> None:
        """Moves φ and the automatic scale along the gradient of the loss with respect to the last step."""
        side, _ = self._diagonals()
        left = gradient if side is None else gradient * side
        if not self._engine.ready or self._product is None or self._entered is None:
            self._multiply(self._mean(options), side, keep=True)
        assert self._product is not None and self._entered is not None
        weight = self._taken
        if self._group["automatic"]:
            weight = automatic.weight(left, self._entered)
            self.state["log_scale"] += automatic.scale_change(left, self._product).to(self.state["log_scale"])
        self.state["meta_step"] += 1
        self.meta_step = self._engine.learn(left, weight, self.state["meta_step"], options)

    def _move(self, gradient: Tensor, options: GroupOptions) -> None:
        """Adds the gradient to its running mean m, and moves the parameters along -G m."""
        self.state["step"] += 1
        self.state["momentum"].mul_(options.momentum).add_(gradient, alpha=1 - options.momentum)
        if self._group["automatic"]:
            automatic.advance(self.state["second_moment"], gradient)
        (side, rest), rate, mean = self._diagonals(), self._rate(), self._mean(options)
        self._multiply(mean, side, keep=self._learns(options))
        assert self._product is not None
        update = _around(self._product, side, rest, mean)
        if self._group["automatic"]:
            rate = rate * self._trusted_part(self._product)
        if options.max_update_rms is not None:
            rms = torch.linalg.vector_norm(update) * rate / math.sqrt(update.numel())
            rate = rate * (options.max_update_rms / rms.clamp(min=options.max_update_rms))
        self._write(update, rate)
        self.last = gradient, update
        self._taken, self._pending = rate, True
        self.state["taken"].copy_(rate) if isinstance(rate, Tensor) else self.state["taken"].fill_(rate)

    def _trusted_part(self, product: Tensor) -> Tensor:
        """The part of a step of the automatic form that is taken; the step enters the mean of step lengths."""
        size = self.state["log_scale"].exp() * torch.linalg.vector_norm(product).to(self.state["log_scale"])
        part = automatic.trusted(size, self.state["step_square"], self.state["step"] - 1)
        automatic.advance(self.state["step_square"], size * part)
        return part

    def _mean(self, options: GroupOptions) -> Tensor:
        """The running mean of the gradients, which the automatic form corrects for its start."""
        mean = self.state["momentum"]
        return mean / (1 - options.momentum ** self.state["step"].double()) if self._group["automatic"] else mean

    def _multiply(self, mean: Tensor, side: Tensor | None, keep: bool) -> None:
        """Multiplies the mean of the gradients, normalized or not, by T(φ)."""
        self._entered = mean if side is None else mean * side
        self._product = self._engine.apply(self._entered, keep)

    def _rate(self) -> Rate:
        """The scale of the step: the largest rate of the members' groups, times the automatic scale."""
        rates = self._group_rates()
        rate = rates[0] if len(rates) == 1 else max(rates)
        return rate * self.state["log_scale"].exp() if self._group["automatic"] else rate

    def _group_rates(self) -> list[Rate]:
        """The rates of the members' groups, one per group."""
        if self._group is self.members.groups[-1]:
            return [self._group["lr"]]
        return list({id(group): group["lr"] for group in self.members.groups}.values())

    def _diagonals(self) -> tuple[Float[Tensor, " n"] | None, Float[Tensor, " n"] | None]:
        """The diagonal on both sides of T and the diagonal that is added to it, from normalization and rates."""
        side = rest = None
        if self._group["automatic"]:
            side, rest = automatic.diagonals(self.state["second_moment"], self.state["step"].clamp(min=1))
        rates = self._group_rates()
        if len(rates) > 1 and any(rate != rates[0] for rate in rates):
            highest = float(max(rates))
            roots = torch.tensor([math.sqrt(float(group["lr"]) / highest) for group in self.members.groups])
            relative = roots.repeat_interleave(torch.tensor(self.members.sizes)).to(self.state["momentum"])
            side = relative if side is None else side * relative
            rest = None if rest is None else rest * relative.square()
        return side, rest

    def _write(self, update: Tensor, rate: Rate) -> None:
        """x ← x (1 - lr · weight decay) - rate · update."""
        start = 0
        for parameter, group, size in zip(
            self.members.parameters, self.members.groups, self.members.sizes, strict=True
        ):
            target = real(parameter)
            piece = update[start : start + size].view(target.shape)
            start += size
            if group["weight_decay"]:
                scale = self.state["log_scale"].exp() if group["automatic"] else 1
                target.mul_(1 - group["lr"] * scale * group["weight_decay"])
            if isinstance(rate, Tensor):
                target.sub_((rate * piece).to(target.dtype))
            else:
                target.sub_(piece.to(target.dtype), alpha=rate)


def _around(product: Tensor, side: Tensor | None, rest: Tensor | None, v: Tensor) -> Tensor:
    """G v without its rate, from the product of T with what enters it."""
    update = product if side is None else product * side
    return update if rest is None else update.addcmul_(rest, v)


def _is_finite(gradient: Tensor) -> bool:
    """Whether all numbers are finite; their sum of squares may overflow although they are."""
    return math.isfinite(gradient.dot(gradient)) or bool(torch.isfinite(gradient).all())
