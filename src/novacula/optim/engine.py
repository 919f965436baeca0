"""The engine of a preconditioner multiplies by T(φ) and moves φ.

The torch form defines what the native kernels compute; ``_native/optim`` has the kernels and their derivation. They
multiply by layers of blocks, and learn in one fused pass, on one thread of the CPU.

The meta-optimizers are pure update functions, in place. Adam is in the folded form of the published loop, whose ε is
added to the uncorrected root: φ ← φ - α √(1-β2ᵗ)/(1-β1ᵗ) M/(√V + ε).
"""

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, UInt16
from torch import Tensor
from typing_extensions import override

from novacula.errors import InputError
from novacula.optim import automatic
from novacula.optim.config import EngineName, GroupOptions
from novacula.optim.groups import Rate
from novacula.optim.structures.layers import LANES, BlockLayers
from novacula.optim.structures.structure import Structure, Trace
from novacula.options import native_is_built

if TYPE_CHECKING:
    from novacula._native import LodoAutomatic


class MetaStep(NamedTuple):
    """What a meta-step measures: ‖∂⟨left, T v⟩/∂φ · weight‖² and the products of `left`, v and T v."""

    meta_square: float | Tensor
    slope: float | Tensor
    left_v: float | Tensor
    left_square: float | Tensor
    v_square: float | Tensor


@runtime_checkable
class Engine(Protocol):
    """Multiplies by T(φ), and learns from what the last product led to: once for each product that left its trace."""

    @property
    def ready(self) -> bool:
        """Whether `learn` can be called."""
        ...

    def apply(self, v: Float[Tensor, " n"], keep: bool) -> Float[Tensor, " n"]:
        """Returns T(φ) v, which is valid until the next call; with `keep` it leaves the trace that `learn` needs."""
        ...

    def learn(
        self, left: Float[Tensor, " n"], weight: Rate, step: Tensor, options: GroupOptions, share: Rate = 1.0
    ) -> MetaStep:
        """Moves φ by one meta-step along -weight · ∂⟨left, T(φ) v⟩/∂φ, where v is the vector of the last product."""
        ...


class TorchEngine(Engine):
    """The engine in torch; it changes the tensors of `state` in place."""

    def __init__(self, structure: Structure, state: dict[str, Tensor]) -> None:
        self._structure, self._state = structure, state
        self._trace: Trace | None = None
        self._last: tuple[Tensor, Tensor] | None = None

    @property
    @override
    def ready(self) -> bool:
        return self._trace is not None

    @override
    def apply(self, v: Float[Tensor, " n"], keep: bool) -> Float[Tensor, " n"]:
        self._trace = None
        if not keep:
            return self._structure.matvec(self._state["phi"], v)
        product, self._trace = self._structure.apply(self._state["phi"], v)
        self._last = v, product
        return product

    @override
    def learn(
        self, left: Float[Tensor, " n"], weight: Rate, step: Tensor, options: GroupOptions, share: Rate = 1.0
    ) -> MetaStep:
        assert self._trace is not None and self._last is not None
        v, product = self._last
        phi = self._state["phi"]
        gradient = self._structure.gradient(phi, left, self._trace).mul_(-weight)
        self._trace = None
        if options.meta_optimizer == "adam":
            rate = share * folded_rate(options, step.double())
            adam(phi, self._state["first"], self._state["second"], gradient, rate, options)
        else:
            phi.sub_(gradient * (share * options.meta_lr))
        square = gradient.square().sum()
        return MetaStep(square, left.dot(product), left.dot(v), left.dot(left), v.dot(v))


def folded_rate(options: GroupOptions, step: Rate) -> Rate:
    """Returns what multiplies M/(√V + ε) in update `step`, which counts from 1."""
    first, second = options.meta_betas
    return options.meta_lr * (1 - second**step) ** 0.5 / (1 - first**step)


def adam(
    phi: Float[Tensor, "..."],
    first: Float[Tensor, "..."],
    second: Float[Tensor, "..."],
    gradient: Float[Tensor, "..."],
    rate: Rate,
    options: GroupOptions,
) -> None:
    """Updates φ, M and V by one step, whose `rate` is `folded_rate`."""
    keep_first, keep_second = options.meta_betas
    first.mul_(keep_first).add_(gradient, alpha=1 - keep_first)
    second.mul_(keep_second).addcmul_(gradient, gradient, value=1 - keep_second)
    phi.sub_((first / second.sqrt().add_(options.meta_eps)).mul_(rate))


NUMBERS = ("taken", "log_scale", "step_square", "learned", "cosine", "spread", "toward")
"""Numbers of the automatic form's state, which the kernels change in place."""
LARGEST_BLOCK = 16  #: side of the largest block that the kernels can multiply by
WINDOW = 8_256
"""Number of places among which a read is fast; a permutation of at most this many places needs only one move."""


def _native_obstacles(structure: Structure, state: dict[str, Tensor]) -> list[str]:
    """Why the native kernels cannot multiply by this structure; empty where they can."""
    obstacles = [] if native_is_built() else ["the native kernels were not built: there was no C++ compiler"]
    if not isinstance(structure, BlockLayers) or structure.block_size > LARGEST_BLOCK or not structure.depth:
        obstacles.append(f"they know layers of blocks only, of sides up to {LARGEST_BLOCK}")
    if state["phi"].device.type != "cpu":
        obstacles.append(f"they run on the cpu only; the parameters are on {state['phi'].device}")
    return obstacles


def make_engine(structure: Structure, state: dict[str, Tensor], engine: EngineName) -> Engine:
    """Returns the engine of that name; ``auto`` means the native one wherever it can do the work.

    Raises:
        InputError: the native one is named where it cannot do the work.
    """
    obstacles = _native_obstacles(structure, state)
    if engine == "native" and obstacles:
        raise InputError("LODO", *(f"engine is 'native': {obstacle}" for obstacle in obstacles))
    if engine == "torch" or obstacles:
        return TorchEngine(structure, state)
    assert isinstance(structure, BlockLayers)
    return NativeEngine(structure, state)


def route(
    table: Int[Tensor, "rows places"], inverse: Int[Tensor, "rows places"], window: int
) -> tuple[Int[Tensor, "rows places"], UInt16[Tensor, "rows places"]]:
    """Splits a permutation into two moves, in neither of which a place reads from outside a window.

    Args:
        table: from where each place is read, one permutation a row.
        inverse: where each place is read.
        window: places of a window.

    Returns:
        Where each place is written: into its reader's window, after the places that were written there before. And
        where each place is read, counted from the start of its window.
    """
    place = torch.arange(table.shape[1], dtype=torch.int32)
    order = (inverse // window).sort(dim=1, stable=True).indices
    put = torch.empty_like(table).scatter_(1, order, place.expand_as(table))
    get = put.gather(1, table.long()) - place // window * window
    return put, get.to(torch.uint16)


class NativeEngine(Engine):
    """The engine in compiled kernels; it changes the tensors of `state` in place."""

    def __init__(self, structure: BlockLayers, state: dict[str, Tensor]) -> None:
        from novacula import _native

        self._ready = False
        kind = _native.LodoBlocks if state["phi"].dtype == torch.float32 else _native.LodoBlocksDouble
        moments = (state["first"], state["second"]) if "first" in state else (None, None)
        tile = structure.block_size * LANES
        window = (WINDOW // tile | 1) * tile  # an odd number of groups, or all windows share a few sets of the cache
        forward = route(structure.forward, structure.backward, window)
        backward = route(structure.backward, structure.forward, window)
        self._v, self._left, self._product = torch.zeros(3, structure.n, dtype=state["phi"].dtype)
        vectors = (self._v, self._left, self._product)
        self._kernels = kind(state["phi"], *moments, *forward, *backward, window, *vectors)
        self._gradient, self._side, self._update, self._whole = torch.zeros(4, structure.n, dtype=state["phi"].dtype)
        self._automatic = self._automatic_kernels(state) if "root_square" in state else None

    def _automatic_kernels(self, state: dict[str, Tensor]) -> "LodoAutomatic":
        from novacula._native import LodoAutomatic, LodoAutomaticDouble

        state |= {name: state[name].double() for name in NUMBERS}  # others may have written them as float32
        kind = LodoAutomatic if state["phi"].dtype == torch.float32 else LodoAutomaticDouble
        return kind(self._kernels, state, automatic, self._gradient, self._side, self._update, self._whole)

    @property
    def knows_automatic(self) -> bool:
        """Whether `enter`, `judge`, `move` and `settle` can be called, once each in a step and in this order."""
        return self._automatic is not None

    def enter(self, gradient: Float[Tensor, " n"]) -> bool:
        """Keeps the gradient of a step; returns whether all its numbers are finite."""
        assert self._automatic is not None
        self._gradient.copy_(gradient)
        return self._automatic.finite()

    def judge(self, state: dict[str, Tensor], options: GroupOptions, factor: float, beta: float) -> MetaStep:
        """Learns from the gradient, with the automatic scale, as `Preconditioner` does in torch.

        All parameters had the same rate in the last step, `factor`, and the mean of the gradients had `beta`.
        """
        assert self._automatic is not None
        ready, self._ready = self._ready, False
        rate = folded_rate(options, int(state["meta_step"])) if options.meta_optimizer == "adam" else options.meta_lr
        learning = float(rate), *options.meta_betas, options.meta_eps
        return MetaStep(*self._automatic.judge(float(state["step"]), beta, factor, *learning, ready))

    def move(self, state: dict[str, Tensor], options: GroupOptions, keep: bool) -> tuple[Float[Tensor, " n"], float]:
        """Updates the running means; returns the step before it is scaled, and its scale at a factor of 1."""
        assert self._automatic is not None
        self._ready = keep
        return self._update, self._automatic.move(float(state["step"]), options.momentum)

    def settle(self, state: dict[str, Tensor], rate: Rate) -> Float[Tensor, " n"]:
        """Scales the step by the rate that is taken, and moves the mean of the iterates; returns the step."""
        assert self._automatic is not None
        self._automatic.settle(float(state["step"]), float(rate))
        return self._whole

    @property
    @override
    def ready(self) -> bool:
        return self._ready

    @override
    def apply(self, v: Float[Tensor, " n"], keep: bool) -> Float[Tensor, " n"]:
        self._v.copy_(v)
        self._kernels.apply()
        self._ready = keep
        return self._product

    @override
    def learn(
        self, left: Float[Tensor, " n"], weight: Rate, step: Tensor, options: GroupOptions, share: Rate = 1.0
    ) -> MetaStep:
        assert self._ready
        self._ready = False
        self._left.copy_(left)
        rate = float(folded_rate(options, float(step))) if options.meta_optimizer == "adam" else options.meta_lr
        return MetaStep(*self._kernels.learn(float(weight), float(share) * rate, *options.meta_betas, options.meta_eps))
