"""The decoder: from the latents to a distribution over every grid of the puzzle.

Source: arXiv 2512.06104, sections on the architecture and appendix on layers. The default is the form that produced
the published results: softmax and pointwise layers read the raw residual stream.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.canvas import Canvas
from novacula.arc.network.layers import (
    communicate,
    cumulative_maximum,
    directional,
    nonlinear,
    normalize,
    posterior,
    share_down,
    share_up,
    shift,
    softmax,
)
from novacula.arc.network.multitensor import COLOR_HEAD, SUBSETS, X_HEAD, Y_HEAD, Multitensor
from novacula.arc.network.weights import Block, Weights

COLOR_BIAS_SPEED = 100.0  #: factor on the color head's bias; it makes black against the rest learn fast
OUT_OF_RANGE = -1000.0  #: added to the score of rows and columns beyond both grids of an example

Layers = tuple[tuple[str, Callable[[Multitensor], Multitensor]], ...]
"""The layers of a block: the name of each, and what it does."""
Observer = Callable[[str, Multitensor], None]


@dataclass(frozen=True)
class Outputs:
    """What one forward pass gives; the first axis is the mode, 0 for input and 1 for output grids."""

    color: Float[Tensor, "2 examples colors rows columns"]  #: logits of the colors other than black, whose logit is 0
    row: Float[Tensor, "2 examples rows"]  #: scores of rows and columns being inside the grid
    column: Float[Tensor, "2 examples columns"]  #: scores of rows and columns being inside the grid
    kl: Float[Tensor, " tensors"]  #: nats of each latent tensor


class Network:
    """The decoder of one puzzle.

    With `pre_norm`, softmax and pointwise layers read the normalized stream, as the paper writes.
    """

    def __init__(self, puzzle: Puzzle, weights: Weights, pre_norm: bool = False) -> None:
        flat = weights.flat
        self.canvas = Canvas(puzzle, flat.dtype, str(flat.device))
        self.weights = weights
        self.pre_norm = pre_norm
        self.positions = [puzzle.axes.positions(s) for s in SUBSETS]
        self._row_range, self._column_range = (
            torch.tensor(
                [[0.0 if i < extent[axis] else OUT_OF_RANGE for i in range(length)] for extent in puzzle.extent]
            ).to(flat)
            for axis, length in ((0, puzzle.axes.x), (1, puzzle.axes.y))
        )

    def decode(self, latents: Float[Tensor, "4 positions"]) -> Multitensor:
        """Returns the residual streams that samples (or means) of the latents give."""
        parts = zip(SUBSETS, latents.split(self.positions, 1), strict=True)
        return {s: _affine(self.weights.decode[s], z) for s, z in parts}

    def forward(self, noise: Float[Tensor, "4 positions"], observe: Observer | None = None) -> Outputs:
        """Returns what one pass gives; `observe` is called with each layer's name and the streams after it."""
        w = self.weights
        latents = posterior(w.target, w.mean, w.adjustment, noise, self.positions)
        tensors = self.decode(latents.sample)
        for index, block in enumerate(w.blocks):
            for layer, step in self.layers(block):
                tensors = step(tensors)
                if observe:
                    observe(f"block{index}.{layer}", tensors)
        axes = self.canvas.axes
        weight, bias = w.color
        color = _affine((weight, COLOR_BIAS_SPEED * bias), tensors[COLOR_HEAD])
        return Outputs(
            color=color.view(2, axes.example, axes.color, axes.x, axes.y),
            row=_affine(w.size, tensors[X_HEAD]).view(2, axes.example, axes.x) + self._row_range,
            column=_affine(w.size, tensors[Y_HEAD]).view(2, axes.example, axes.y) + self._column_range,
            kl=latents.kl,
        )

    def layers(self, b: Block) -> Layers:
        """Returns the layers of a block in order, each from all tensors to all tensors that are still seen.

        A subclass may leave layers out, or replace them.
        """
        canvas = self.canvas

        def read(v: Tensor) -> Tensor:
            return normalize(v) if self.pre_norm else v

        return (
            ("share_up", lambda t: share_up(t, b.share_up, canvas, b.live)),
            ("softmax", lambda t: {s: softmax(v, read(v), b.softmax[s], s, canvas) for s, v in t.items()}),
            ("cummax", lambda t: t | directional(t, b.cummax, canvas, cumulative_maximum)),
            ("shift", lambda t: t | directional(t, b.shift, canvas, shift)),
            ("direction_share", lambda t: t | communicate(t, b.direction)),
            ("nonlinear", lambda t: {s: nonlinear(v, read(v), b.nonlinear[s]) for s, v in t.items()}),
            ("share_down", lambda t: share_down(t, b.share_down, canvas, b.receivers)),
            ("normalize", lambda t: {s: normalize(v) for s, v in t.items()}),
        )


def _affine(weight_and_bias: tuple[Tensor, Tensor], v: Tensor) -> Tensor:
    weight, bias = weight_and_bias
    return torch.addmm(bias[:, None], weight, v)
