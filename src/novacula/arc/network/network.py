"""The decoder, from the latents to a distribution over every grid of the puzzle, and the error of redrawing the grids.

The default is the form that produced the published results: softmax and pointwise layers read the raw residual stream.

The loss is what the latents cost, plus ten times that error. A grid may lie anywhere on the canvas: the size scores say
where, and all placements are summed. A placement's error needs the log-probabilities of the grid's colors under it;
they are gathered for all grids and placements at once. Source: arXiv 2512.06104, sections on the architecture and on
the loss, appendix on layers; vectorization ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
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
from novacula.runs.notebook import Brief

COLOR_BIAS_SPEED = 100.0  #: factor on the color head's bias; it makes black against the rest learn fast
OUT_OF_RANGE = -1000.0  #: added to the score of rows and columns beyond both grids of an example

Layers = tuple[tuple[str, Callable[[Multitensor], Multitensor]], ...]
"""The layers of a block: the name of each, and what it does."""
Observer = Callable[[str, Multitensor], None]


@dataclass(frozen=True)
class Outputs(Brief):
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


RECONSTRUCTION_WEIGHT = 10.0
WARM_UP_STEPS = 100  #: steps over which the size scores of uncertain grids come into force


def run_scores(line: Float[Tensor, "*batch cells"]) -> Float[Tensor, "*batch starts ends"]:
    """Returns the score of every run of cells: twice what it covers. Differences are those of inside minus outside.

    Entry (start, end) covers cells start … end - 1; only entries with start < end mean anything.
    """
    prefix = F.pad(line.cumsum(-1), (1, 0))
    return 2 * (prefix[..., None, :] - prefix[..., :, None])


@dataclass(frozen=True)
class _Placed:
    """One known grid: its shape, and how many offsets it may have in rows and columns."""

    shape: tuple[int, int]
    offsets: tuple[int, int]


class Reconstruction:
    """Negative log-likelihood of a puzzle's known grids, in nats."""

    def __init__(self, puzzle: Puzzle, dtype: torch.dtype = torch.float32, device: str = "cpu") -> None:
        self._grids: list[_Placed] = []
        index: list[Tensor] = []
        self._examples, self._modes = torch.tensor(puzzle.known_grids, device=device).unbind(1)
        known = [puzzle.size_known[example][mode] for example, mode in puzzle.known_grids]
        target = torch.as_tensor(puzzle.target)
        strides = _strides(puzzle)
        for (example, mode), fixed in zip(puzzle.known_grids, known, strict=True):
            height, width = puzzle.shapes[example][mode]
            # Where the size is known, cells beyond both grids cost e^-2000 each: no offset reaches them.
            room = puzzle.extent[example] if fixed else (puzzle.axes.x, puzzle.axes.y)
            offsets = (room[0] - height + 1, room[1] - width + 1)
            self._grids.append(_Placed((height, width), offsets))
            colors = target[example, :height, :width, mode]
            index.append(_placements(colors, offsets, strides) + mode * strides[0] + example * strides[1])
        self._sizes = [len(i) for i in index]
        self._index = torch.cat(index).to(device)
        shapes = [grid.shape for grid in self._grids]
        self._barred = [
            torch.stack(
                [_barred(length, shape[axis] if fixed else None) for shape, fixed in zip(shapes, known, strict=True)]
            ).to(device)
            for axis, length in ((0, puzzle.axes.x), (1, puzzle.axes.y))
        ]
        self._uncertain = torch.tensor([not fixed for fixed in known], dtype=dtype, device=device)

    def __call__(self, outputs: Outputs, step: int) -> Tensor:
        """Returns the reconstruction error of `outputs` at training step `step`, counted from 0."""
        ramp = max(0.0, 1 - step / WARM_UP_STEPS)
        alpha, beta = (base ** (ramp * self._uncertain) for base in (0.01, 0.1))
        rows = self._log_run_probabilities(outputs.row, alpha, self._barred[0])
        columns = self._log_run_probabilities(outputs.column, alpha, self._barred[1])
        log_probability = F.pad(outputs.color, (0, 0, 0, 0, 1, 0)).log_softmax(2)
        picked = log_probability.flatten().index_select(0, self._index).split(self._sizes)
        evidence = [
            torch.logsumexp(beta[g] * self._placement_log_likelihoods(grid, rows[g], columns[g], picked[g]), (0, 1))
            / beta[g]
            for g, grid in enumerate(self._grids)
        ]
        return -torch.stack(evidence).sum()

    def _log_run_probabilities(self, scores: Tensor, alpha: Tensor, barred: Tensor) -> Tensor:
        """Returns ``[grid, start, end]``: log-probability of each run of rows (or columns) among those not barred."""
        lines = scores[self._modes, self._examples] * alpha[:, None]
        runs = run_scores(lines)
        return runs - runs.masked_fill(barred, -torch.inf).logsumexp((1, 2), keepdim=True)

    @staticmethod
    def _placement_log_likelihoods(grid: _Placed, rows: Tensor, columns: Tensor, picked: Tensor) -> Tensor:
        """Returns ``[row offset, column offset]``: log-probability of the grid being there with its colors."""
        (height, width), (down, right) = grid.shape, grid.offsets
        colors = picked.view(down, right, height * width).sum(-1)
        return rows.diagonal(height)[:down, None] + columns.diagonal(width)[None, :right] + colors


def _strides(puzzle: Puzzle) -> tuple[int, int, int, int, int]:
    """Returns the strides of the flat color distribution ``[mode, example, color with black, x, y]``."""
    axes = puzzle.axes
    cells, colors = axes.x * axes.y, axes.color + 1
    return axes.example * colors * cells, colors * cells, cells, axes.y, 1


def _placements(colors: Tensor, offsets: tuple[int, int], strides: tuple[int, ...]) -> Tensor:
    """Returns the flat indices of a grid's cells under every offset: offsets slowest, then the grid's own cells."""
    _, _, color, x, y = strides
    height, width = colors.shape
    own = colors * color + torch.arange(height)[:, None] * x + torch.arange(width) * y
    moved = torch.arange(offsets[0])[:, None] * x + torch.arange(offsets[1]) * y
    return (moved.flatten()[:, None] + own.flatten()).flatten()


def _barred(length: int, fixed: int | None) -> Tensor:
    """Returns which runs (start, end) on a line the normalizer leaves out: empty ones, or not of the fixed length."""
    ends = torch.arange(length + 1)
    run = ends[None, :] - ends[:, None]
    return run <= 0 if fixed is None else run != fixed
