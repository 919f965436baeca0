"""The flat parameter vector as the layers see it: small groups of tensors that share its memory."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from novacula.arc.network.multitensor import DIRECTIONAL, DIRECTIONS, SUBSETS, Subset
from novacula.arc.network.parameters import (
    BLOCKS,
    SOFTMAX_WIDTH,
    Layout,
    class_coefficients,
    class_table,
    live_subsets,
    share_down_receivers,
    softmax_owners,
)
from novacula.runs.notebook import Brief


@dataclass(frozen=True)
class Residual:
    """Maps of a residual layer. One that only sends in a layer has no use for `up`, and then it is absent."""

    down: Float[Tensor, "inner width"]
    _up: Tensor | None

    @property
    def up(self) -> Float[Tensor, "width inner"]:
        """The way back into the stream."""
        assert self._up is not None, "this tensor only sends"
        return self._up


@dataclass(frozen=True)
class SoftmaxWeights:
    """Maps of a softmax layer; `owners` is set where groups of axes share their columns of `up`."""

    down: Float[Tensor, "2 width"]
    up: Float[Tensor, "width columns"]
    owners: Int[Tensor, " groups"] | None

    def up_for_every_group(self) -> Float[Tensor, "width all_columns"]:
        """Returns `up` with shared columns repeated."""
        if self.owners is None:
            return self.up
        return self.up.unflatten(1, (-1, SOFTMAX_WIDTH))[:, self.owners].flatten(1)


@dataclass(frozen=True)
class DirectionMaps:
    """The distinct direction maps of one block, and how strongly each is applied.

    For each of `subsets`, `table` has 64 indices into `classes`, receiver slowest.
    """

    classes: Float[Tensor, "classes 8 8"]
    coefficients: Float[Tensor, "classes 1 1"]
    table: Int[Tensor, " maps"]
    subsets: tuple[Subset, ...]

    def matrices(self) -> dict[Subset, Float[Tensor, "64 64"]]:
        """Returns the maps of each tensor as one matrix from (channel, sender) to (channel, receiver)."""
        width = self.classes.shape[1]
        maps = (self.classes * self.coefficients).index_select(0, self.table)
        maps = maps.view(-1, DIRECTIONS, DIRECTIONS, width, width)  # subset, receiver, sender, output, input
        matrices = maps.permute(0, 3, 1, 4, 2).reshape(-1, width * DIRECTIONS, width * DIRECTIONS)
        return dict(zip(self.subsets, matrices.unbind(), strict=True))


@dataclass(frozen=True)
class Block(Brief):
    """Weights of one block, by layer and subset."""

    live: tuple[Subset, ...]
    receivers: tuple[Subset, ...]
    share_up: dict[Subset, Residual]
    softmax: dict[Subset, SoftmaxWeights]
    cummax: dict[Subset, Residual]
    shift: dict[Subset, Residual]
    direction: DirectionMaps
    nonlinear: dict[Subset, Residual]
    share_down: dict[Subset, Residual]


class Weights:
    """All parameters as autograd leaves in the memory of `flat`, their gradients in the memory of `gradient`.

    `gradient` must be zeroed before each backward pass, which adds to it in place.

    Attributes:
        flat: the parameter vector.
        gradient: its gradient after a backward pass.
        target, mean, adjustment: the latents of all tensors.
        decode: (weight, bias) by subset.
        blocks: the four blocks.
        color, size: (weight, bias) of the heads.
    """

    def __init__(self, layout: Layout, flat: Tensor, exact_transpose: bool = False) -> None:
        self.layout = layout
        self.flat = flat
        self.gradient = torch.zeros_like(flat)
        self._exact_transpose = exact_transpose
        self._leaves = {
            name: _leaf(layout.slice(flat, name), layout.slice(self.gradient, name))
            for name in layout.entries
            if ".direction." not in name
        }
        get = self._leaves.__getitem__
        self.target, self.mean, self.adjustment = (get(f"latent.{part}") for part in ("target", "mean", "adjustment"))
        self.decode = {s: (get(f"decode.{s.twin}.weight"), get(f"decode.{s.twin}.bias")) for s in SUBSETS}
        self.blocks = [self._block(index) for index in range(BLOCKS)]
        self.color = (get("head.color.weight"), get("head.color.bias"))
        self.size = (get("head.size.weight"), get("head.size.bias"))

    def _block(self, index: int) -> Block:
        live, receivers = live_subsets(index), share_down_receivers(index)
        return Block(
            live=live,
            receivers=receivers,
            share_up=self._residuals(index, "share_up", SUBSETS),
            softmax={s: self._softmax(index, s) for s in live},
            cummax=self._residuals(index, "cummax", DIRECTIONAL),
            shift=self._residuals(index, "shift", DIRECTIONAL),
            direction=self._direction(index, live),
            nonlinear=self._residuals(index, "nonlinear", live),
            share_down=self._residuals(index, "share_down", live),
        )

    def _residuals(self, block: int, layer: str, subsets: tuple[Subset, ...]) -> dict[Subset, Residual]:
        names = {s: f"block{block}.{layer}.{s.twin}" for s in subsets}
        return {s: Residual(self._leaves[f"{n}.down"], self._leaves.get(f"{n}.up")) for s, n in names.items()}

    def _softmax(self, block: int, s: Subset) -> SoftmaxWeights:
        name = f"block{block}.softmax.{s.twin}"
        owners = softmax_owners(s, self._exact_transpose)
        shared = len(set(owners)) < len(owners)
        index = torch.tensor(owners, device=self.flat.device) if shared else None
        return SoftmaxWeights(self._leaves[f"{name}.down"], self._leaves[f"{name}.up"], index)

    def _direction(self, block: int, live: tuple[Subset, ...]) -> DirectionMaps:
        subsets = tuple(s for s in live if s.direction)
        names = {s: f"block{block}.direction.{s.twin}.weight" for s in subsets}
        # The maps of a block lie together, so that one leaf spans them all.
        entries = [self.layout.entries[name] for name in dict.fromkeys(names.values())]
        start, stop = entries[0].offset, entries[-1].offset + entries[-1].size
        width, _ = entries[0].shape[1:]
        shape, per_class = (-1, width, width), width * width
        classes = _leaf(self.flat[start:stop].view(shape), self.gradient[start:stop].view(shape))
        first = {entry.name: (entry.offset - start) // per_class for entry in entries}
        table = np.concatenate([class_table(s).flatten() + first[names[s]] for s in subsets])
        coefficients = np.concatenate([class_coefficients(s) for s in subsets if s.twin == s])
        strengths = torch.as_tensor(coefficients).to(classes)[:, None, None]
        return DirectionMaps(classes, strengths, torch.as_tensor(table, device=self.flat.device), subsets)


def _leaf(values: Tensor, gradient: Tensor) -> Tensor:
    leaf = values.detach().requires_grad_()
    leaf.grad = gradient
    return leaf
