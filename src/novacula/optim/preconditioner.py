"""A preconditioner, and how it moves the parameters that share it.

A step has two halves. First φ moves, since the gradient after the last step is now known. Then the parameters move.
Everything that is kept between steps can be computed again from the state, so the state is all that must be saved.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from functools import reduce
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.errors import InputError, refuse
from novacula.optim import automatic
from novacula.optim.automatic import Frame
from novacula.optim.config import SHAPING, SHARED, GroupOptions, SharedOptions
from novacula.optim.engine import MetaStep, NativeEngine, make_engine
from novacula.optim.groups import Members, Rate, check_members, flatten, is_finite, number, on_cpu, real
from novacula.optim.state import UNMARKED, fingerprint
from novacula.optim.stats import NEVER_LEARNS, PATIENCE, warn_of_low_factor, warn_user
from novacula.optim.structures import make_structure

_OWN = (*(field.name for field in fields(GroupOptions) if field.name not in SHARED), "scope", "automatic")


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
        moved: whether the last call of `step` moved the parameters.
    """

    @on_cpu
    def __init__(self, members: Members, state: dict[str, Tensor], shared: SharedOptions) -> None:
        self.members, self.state = members, state
        self.dtype = state["momentum"].dtype
        self.meta_step: MetaStep | None = None
        self.last: tuple[Tensor, Tensor] | None = None
        self.moved = False
        self._rounds = any(torch.finfo(p.dtype).bits == 16 for p in members.parameters)
        self._maximize = shared.maximize
        self._group = members.groups[0]
        self._options, self._values = GroupOptions.of(self._group), self._read()
        self._began: Mapping[str, object] = dict(self._group)
        state.setdefault("mark", torch.tensor(UNMARKED))
        if self._group["automatic"]:
            state.setdefault("beta", torch.tensor(float(self._options.momentum), dtype=torch.float64))
        self.structure = make_structure(self._options, members.shape, state.get("permutations"))
        self._engine = own = make_engine(self.structure, state, shared.engine)
        self._native = own if isinstance(own, NativeEngine) and own.knows_automatic else None
        # The rate of the last step, if the native kernels know all of it: all parameters had the same.
        self._even = float(state["rates"][0]) if bool((state["rates"] == state["rates"][0]).all()) else None
        # Whether the next gradient tells how good the last step was.
        self._pending = not math.isnan(float(state["taken"]))
        self._versions: list[int] | None = None
        self._frame, self._product = Frame(), state["momentum"]  # until the first product
        self._made_of = dict(state)

    def is_of(self, state: Mapping[str, Tensor]) -> bool:
        """Whether it is made of this state, and of the tensors in it: others may put copies there."""
        return state is self.state and all(state.get(name) is tensor for name, tensor in self._made_of.items())

    def gradient(self) -> Float[Tensor, " n"]:
        """Returns the members' gradients as one new vector."""
        flat = flatten([p.grad for p in self.members.parameters], self.members, self.dtype)
        return -flat if self._maximize else flat

    def step(self, gradient: Float[Tensor, " n"]) -> None:
        """Learns from a gradient, then moves the parameters; a gradient that is not finite is only counted."""
        options = self._options
        finite = is_finite if self._native is None else self._native.enter
        self.moved = torch.compiler.is_compiling() or finite(gradient)
        if not self.moved:
            self.state["skipped"] += 1
            return
        if self._pending and self._learns(options):
            self.state["meta_step"] += 1
            if self._native is not None and self._even is not None:
                self.meta_step = self._native.judge(self.state, options, self._even, float(self.state["beta"]))
            else:
                self._learn(gradient, options)
            if self._group["automatic"] and not torch.compiler.is_compiling():
                warn_of_low_factor(self.state, options.max_update_rms is not None)
        self._move(gradient, options)

    def show_average(self) -> None:
        """Moves the parameters to the mean of the iterates if the gradients say that it is better."""
        if "iterate" in self.state:
            return
        if float(self.state.get("toward", 0)) <= automatic.EVIDENCE:
            self.state["iterate"] = self.state["momentum"].new_empty(0)  # whether they move or not, `train` must follow
            return
        self.check_unchanged()
        targets = [real(p) for p in self.members.parameters]
        widest = reduce(torch.promote_types, (target.dtype for target in targets))
        self.state["iterate"] = flatten(self.members.parameters, self.members, widest)
        for target, lag in zip(targets, self.state["lag"].split(self.members.sizes), strict=True):
            target.sub_(lag.view(target.shape).to(target.dtype))

    def hide_average(self) -> None:
        """Moves the parameters back to the iterate; those that others changed since they were shown stay."""
        iterate, changed = self.state.pop("iterate", None), False
        if iterate is None or not len(iterate):
            return
        pieces = (vector.split(self.members.sizes) for vector in (iterate, self.state["lag"]))
        for parameter, was, lag in zip(self.members.parameters, *pieces, strict=True):
            target = real(parameter)
            was, lag = (piece.view(target.shape).to(target.dtype) for piece in (was, lag))
            if torch.equal(target, was - lag):
                target.copy_(was)
            else:
                changed = True
        self.note_versions()
        if changed:
            self.forget()
            self.state["changed"] += 1

    def check_unchanged(self) -> None:
        """Forgets the last step if the parameters were changed since; called before any preconditioner moves.

        Raises:
            InputError: the parameters are not the iterate.
        """
        if (iterate := self.state.get("iterate")) is not None:
            said = "the parameters are a mean since eval()" if len(iterate) else "eval() came last"
            raise InputError("LODO.step", f"{said}; train() comes before a gradient")
        self.note_changes()

    @property
    def unchanged(self) -> bool:
        """Whether nobody has changed the parameters since their versions were noted, or the state was marked."""
        if self._versions is None:
            return int(self.state["mark"]) == UNMARKED or int(self.state["mark"]) == fingerprint(self.members)
        return self._versions == [p._version for p in self.members.parameters]

    def note_changes(self) -> None:
        """Forgets the last step if the parameters were changed since; a state that is then saved knows it, too."""
        if self.unchanged or len(self.state.get("iterate", ())):
            return
        self.forget()
        self._versions = None
        self.state["changed"] += 1
        never = int(self.state["meta_step"]) == (0 if self._group["automatic"] else 1) and not self._group["frozen"]
        if never and int(self.state["changed"]) == PATIENCE:
            warn_user(NEVER_LEARNS)

    def mark(self) -> None:
        """Notes in the state, which is then saved or taken by another, whose parameters it is the state of."""
        if self._versions is not None or int(self.state["mark"]) == UNMARKED:  # a loaded mark waits for the next step
            self.note_changes()
            if self._pending and "iterate" not in self.state:
                self.state["mark"].fill_(fingerprint(self.members))

    def note_versions(self) -> None:
        """Notes the parameters' versions once all preconditioners have moved: views of a tensor share one version."""
        self._versions = [p._version for p in self.members.parameters]

    def forget(self) -> None:
        """Makes the next gradient teach nothing, because it is not that of the point after the last step."""
        self._pending = False
        self.state["taken"].fill_(math.nan)
        self.state["mark"].fill_(UNMARKED)

    def predicted_decrease(self) -> float:
        """Returns by how much the last step lowers the loss to first order: gᵀ G m; NaN where it is forgotten."""
        if self.last is None:
            return math.nan
        gradient, update = self.last
        return float(self.state["taken"]) * float(gradient.dot(update))

    def matvec(self, v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Returns G v with the current φ, normalization, scale and rates."""
        rate, rates = self._rates(every=True)
        frame = self._frame_of(rates)
        v, entered = frame.enter(v.to(self.dtype))
        return rate * self._scale() * frame.leave(self.structure.matvec(self.state["phi"], entered), v)

    def check_options(self) -> None:
        """Follows the options of the groups; called before any preconditioner moves.

        Raises:
            InputError: they are out of their ranges, differ, or have changed what the preconditioner is made of.
        """
        if (values := self._read()) == self._values:
            return
        check_members(self.members)
        group, began = cast("Mapping[str, object]", self._group), self._began
        changed = [name for name in SHAPING if group[name] != began[name]]
        said = "{} is {!r} now and was {!r}; only a new optimizer can change it"
        refuse([said.format(name, group[name], began[name]) for name in changed], "LODO.step")
        self._options, self._values = GroupOptions.of(self._group), values

    def _read(self) -> list[object]:
        groups = cast("list[Mapping[str, object]]", self.members.apart)
        return [group[name] for group in groups for name in _OWN]

    def _learns(self, options: GroupOptions) -> bool:
        """Whether the preconditioner learns from the next gradient."""
        due = options.meta_every == 1 or int(self.state["step"]) % options.meta_every == 0
        return due and not self._group["frozen"]

    def _learn(self, gradient: Tensor, options: GroupOptions) -> None:
        """Moves φ and the automatic scale along the gradient of the loss with respect to the last step."""
        if not self._engine.ready:
            rates = self.state["rates"]
            self._frame = self._frame_of(None if bool((rates == rates[0]).all()) else rates)
            self._multiply(keep=True)
        _, left = Frame(self._frame.side).enter(gradient)
        if not self._group["automatic"]:
            self.meta_step = self._engine.learn(left, self.state["taken"], self.state["meta_step"], options)
            return
        size, left = automatic.length(left), automatic.unit_vector(left)
        scale, factor = self.state["log_scale"], self.state["rates"].max().to(self.state["log_scale"])
        c = automatic.cosine(left, self._product).to(scale)
        share = automatic.share(c, factor, self.state["taken"] / scale.exp())
        over = automatic.overshoot(c, self.state["spread"])
        automatic.follow(self.state, c, share)
        self.state["log_scale"] += share * automatic.scale_change(c, over, self.state["learned"])
        self.state["learned"] += share
        self.state["momentum"] *= automatic.kept(over).to(self.state["momentum"])
        weight = automatic.weight(self._product)
        step = self._engine.learn(left, weight, self.state["meta_step"], options, share)
        self.meta_step = step._replace(slope=step.slope * size)

    def _move(self, gradient: Tensor, options: GroupOptions) -> None:
        """Adds the gradient to its running mean m, and moves the parameters along -G m."""
        self.state["step"] += 1
        self.state["mark"].fill_(UNMARKED)
        if self._group["automatic"]:
            self.state["beta"] = self.state["beta"].fill_(options.momentum)
        rate, rates = self._rates()
        self._even = None if rates is not None or self._native is None else float(rate)
        self.state["rates"].fill_(rate) if rates is None else self.state["rates"].copy_(rates)
        if self._native is not None and rates is None:
            update, scale = self._native.move(self.state, options, self._learns(options))
            rate = rate * scale
        else:
            update, rate = self._update(gradient, rate, rates, options)
        if options.max_update_rms is not None:
            rms = torch.linalg.vector_norm(update) * rate / math.sqrt(update.numel())
            rate = rate * (options.max_update_rms / rms.clamp(min=options.max_update_rms))
        self._write(update, rate)
        self.last, self._pending = (gradient, update), True
        self._versions = None  # until they are noted, which a compiled step does not do

    def _update(
        self, gradient: Tensor, rate: Rate, rates: Float[Tensor, " members"] | None, options: GroupOptions
    ) -> tuple[Tensor, Rate]:
        """Updates the running means; returns the step before it is scaled, and its scale."""
        if self._group["automatic"]:
            automatic.favor(self.state, gradient)
        self._advance(gradient, options)
        self._frame = self._frame_of(rates)
        mean = self._multiply(keep=self._learns(options))
        update = self._frame.leave(self._product, mean)
        return update, rate * self._scale() * self._trusted_part() if self._group["automatic"] else rate

    def _advance(self, gradient: Tensor, options: GroupOptions) -> None:
        """Updates the running means; those of a parameter without a gradient stay."""
        given = [p.grad is not None for p in self.members.parameters]
        still = None if all(given) else ~self._per_scalar(torch.tensor(given, device="cpu"))
        means = [self.state[name] for name in ("momentum", "root_square") if name in self.state]
        before = [mean[still] for mean in means] if still is not None else []
        means[0].mul_(options.momentum).add_(gradient, alpha=1 - options.momentum)
        for root in means[1:]:
            automatic.advance(root, gradient)
        for mean, values in zip(means, before, strict=False):
            mean[still] = values

    def _trusted_part(self) -> Tensor:
        """The part of a step of the automatic form that is taken."""
        size = self._scale() * automatic.length(self._product).to(self.state["step_square"])
        return automatic.trusted(size, self.state, self.state["step"] - 1)

    def _multiply(self, keep: bool) -> Tensor:
        """Multiplies the mean of the gradients by T(φ) within the frame; returns what enters the frame."""
        mean = self.state["momentum"]
        if self._group["automatic"]:  # corrected for the start of the mean
            mean = mean / (1 - self.state["beta"] ** self.state["step"].double())
        mean, entered = self._frame.enter(mean)
        self._product = self._engine.apply(entered, keep)
        return mean

    def _scale(self) -> Rate:
        """The automatic scale; 1 where the groups have rates of their own."""
        return self.state["log_scale"].exp() if self._group["automatic"] else 1.0

    def _rates(self, every: bool = False) -> tuple[Rate, Float[Tensor, " members"] | None]:
        """The highest rate of a step, and the rate of each parameter, or None where they are equal.

        A parameter without a gradient has rate 0, unless `every` parameter counts.
        """
        moved = [every or p.grad is not None for p in self.members.parameters]
        if self._group is self.members.groups[-1] and all(moved):
            return number(self.members.groups[0]["lr"]), None
        each = [float(group["lr"]) if moves else 0.0 for group, moves in zip(self.members.groups, moved, strict=True)]
        rates = torch.tensor(each, dtype=torch.float64, device="cpu")
        return max(each), None if min(each) == max(each) else rates

    def _frame_of(self, rates: Float[Tensor, " members"] | None) -> Frame:
        """The normalization, with the rates of the parameters relative to the highest."""
        frame = Frame()
        if self._group["automatic"]:
            frame = automatic.normalization(self.state["root_square"], self.state["step"].clamp(min=1))
        if rates is None:
            return frame
        relative = self._per_scalar((rates / rates.max()).sqrt()).to(self.state["momentum"])
        rest = None if frame.rest is None else frame.rest * relative.square()
        return frame._replace(side=relative if frame.side is None else frame.side * relative, rest=rest)

    def _per_scalar(self, values: Tensor) -> Tensor:
        """One value for each scalar, from one for each parameter."""
        sizes = torch.tensor(self.members.sizes, device="cpu")
        return values.cpu().repeat_interleave(sizes).to(self.state["momentum"].device)

    def _write(self, update: Tensor, rate: Rate) -> None:
        """x ← x (1 - lr · weight decay) - rate · update."""
        settled = self._even is not None and not self._rounds
        settled = settled and not any(group["weight_decay"] for group in self.members.apart)
        whole = self._native.settle(self.state, rate) if self._native and settled else update * rate
        pieces = whole.split(self.members.sizes) if len(self.members.sizes) > 1 else (whole,)
        for parameter, group, piece in zip(self.members.parameters, self.members.groups, pieces, strict=True):
            if parameter.grad is None:
                continue
            target = real(parameter)
            if group["weight_decay"]:
                decay = number(group["lr"]) * self._scale() * number(group["weight_decay"])
                piece.add_((decay * target).flatten())
            before = target.clone() if self._rounds else target
            target.sub_(piece.view(target.shape).to(target.dtype))
            if self._rounds:  # the mean of the iterates follows what is left of a step
                piece.copy_((before.to(piece) - target.to(piece)).flatten())
        if settled:
            return
        if (lag := self.state.get("lag")) is not None:
            lag.sub_(whole).mul_(1 - automatic.averaged(self.state["step"]).to(lag))
        taken = self.state["taken"]
        self.state["taken"] = taken.copy_(rate) if isinstance(rate, Tensor) else taken.fill_(rate)
