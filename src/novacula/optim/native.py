"""The native kernels: layers of blocks, and the fused pass that learns, on one thread of the CPU.

They compute what `novacula.optim.engine.TorchEngine` computes; ``_native/optim`` has the kernels and their derivation.
"""

import torch
from jaxtyping import Float, Int, UInt16
from torch import Tensor
from typing_extensions import override

from novacula.errors import InputError
from novacula.optim.config import EngineName, GroupOptions
from novacula.optim.engine import Engine, MetaStep, TorchEngine
from novacula.optim.meta import folded_rate
from novacula.optim.structures.blocks import LANES, BlockLayers
from novacula.optim.structures.structure import Structure

LARGEST_BLOCK = 16
"""Side of the largest block that the kernels can multiply by."""
WINDOW = 8_256
"""Number of places among which a read is fast; a permutation of at most so many needs one move only."""


def native_is_built() -> bool:
    """Returns whether the extension can be imported."""
    try:
        from novacula._native import LodoBlocks  # noqa: F401
    except ImportError:
        return False
    return True


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
    def learn(self, left: Float[Tensor, " n"], weight: float | Tensor, step: Tensor, options: GroupOptions) -> MetaStep:
        assert self._ready
        self._ready = False
        self._left.copy_(left)
        rate = float(folded_rate(options, float(step))) if options.meta_optimizer == "adam" else options.meta_lr
        return MetaStep(*self._kernels.learn(float(weight), rate, *options.meta_betas, options.meta_eps))
