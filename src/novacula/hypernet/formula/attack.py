"""An adversary of bounds: where in a box do a network and a formula differ most? Source: projected gradients, ours."""

from collections.abc import Callable
from itertools import product

import numpy as np
from jaxtyping import Float

from novacula.hypernet.formula.interval import Box

_STARTS = 64
_STEPS = 60
_MOST_CORNERS = 4096
_HALVINGS = 60

Difference = Callable[[Float[np.ndarray, "batch inputs"]], Float[np.ndarray, "batch outputs"]]


def largest_difference(difference: Difference, box: Box, inputs: int, seed: int = 0) -> tuple[float, np.ndarray]:
    """Returns the largest difference that a search finds, and where: from 64 starts uphill, and at the box's corners.

    All corners are tried of up to 12 inputs, and 4,096 of more. A point whose sum lies outside of the box is moved in.
    """
    generator = np.random.default_rng(seed)

    def height(points: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.nan_to_num(np.abs(difference(points)).max(1), nan=0.0)

    sides = np.array(list(product((0.0, 1.0), repeat=inputs))) if 2**inputs <= _MOST_CORNERS else (
        generator.integers(0, 2, (_MOST_CORNERS, inputs)).astype(np.float64)
    )  # fmt: skip
    corners = inside(box.low + (box.high - box.low) * sides, box)
    starts = inside(generator.uniform(box.low, box.high, (_STARTS, inputs)), box)
    best = np.concatenate([starts, corners[np.argsort(-height(corners))[: _STARTS // 4]]])
    heights, points = height(best), best
    for step in range(_STEPS):
        size = (box.high - box.low) * 0.2 * 0.85**step
        points = inside(points + size * _uphill(height, points, 1e-6 * (box.high - box.low)), box)
        found = height(points)
        better = found > heights
        best, heights = np.where(better[:, None], points, best), np.maximum(found, heights)
        if step % 10 == 9:  # from the best points again
            points = best
    place = int(heights.argmax())
    return float(heights[place]), best[place]


def _uphill(height: Callable[[np.ndarray], np.ndarray], points: np.ndarray, width: float) -> np.ndarray:
    """The slopes at some points, by differences, each point's largest of length 1."""
    shifts = width * np.eye(points.shape[1])
    moved = np.concatenate([points[:, None] + shifts, points[:, None] - shifts], 1)
    values = height(moved.reshape(-1, points.shape[1])).reshape(len(points), 2, -1)
    slopes = values[:, 0] - values[:, 1]
    return slopes / np.maximum(np.abs(slopes).max(1, keepdims=True), 1e-300)


def inside(points: np.ndarray, box: Box) -> np.ndarray:
    """The nearest points of the box, by a common shift of the inputs where their sum is too large or too small."""
    points = points.clip(box.low, box.high)
    total = points.sum(1)
    wanted = total.clip(box.least, box.most)
    if not (outside := total != wanted).any():
        return points
    moved, wanted = points[outside], wanted[outside]
    low, high = np.full(len(moved), box.low - box.high), np.full(len(moved), box.high - box.low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        short = (moved + middle[:, None]).clip(box.low, box.high).sum(1) < wanted
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    # The side of the interval that keeps the sum within the box.
    shift = np.where(total[outside] > box.most, low, high)
    points[outside] = (moved + shift[:, None]).clip(box.low, box.high)
    return points
