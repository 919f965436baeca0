"""A proved bound of the difference between a network and a formula as it is printed, over a box of inputs.

The printed line is parsed back, and the difference is written as a sum of ridges, c φ(a·x + b). It is first simplified
exactly: |z| = 2 max(z, 0) - z, and max(-z, 0) = max(z, 0) - z as for all rectifiers, so that units of both senses stand
on one side; squares and products are one quadratic form; equal terms of network and formula cancel, and of nearly equal
ones little is left. Its terms are then grouped by direction (`novacula.hypernet.formula.ridges`).

What follows is branch and bound. Each box has a bound (`novacula.hypernet.formula.relax`); the box of the largest is
cut in two, at a kink or where slopes change most, until no bound is far above what was seen. The largest bound of the
boxes that are left is the bound of the difference. Work is counted in numbers that are computed, not in seconds, so
that a bound is the same everywhere. Source: branch and bound is standard; the rest is ours.

The adversary of bounds, `largest_difference`, searches for the largest difference by projected gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import product
from math import inf, isfinite

import numpy as np
from jaxtyping import Float

from novacula.hypernet.formula.expression import evaluate, parse
from novacula.hypernet.formula.interval import Box
from novacula.hypernet.formula.relax import Layout, Nodes, Relaxation
from novacula.hypernet.formula.ridges import parts_of, ridges, ridges_of
from novacula.hypernet.formula.shallow import Shallow

WORK = 4e8  #: numbers that are computed before a search ends with what it has: up to some seconds
_EXACT, _CLOSE, _EASY = 1e-7, 0.02, 0.05
"""Shares by which a bound is above what was seen that end a search: in the first part of its work, and later."""
_BATCH, _MOST = 2e6, 64  #: numbers, and boxes, that are computed at once
_LARGEST = 2_000_000  #: weights of network and formula; of larger ones no bound is sought
_FINER, _FIRST_STEPS, _STEPS = 8, 120, 8
"""Times the cells in the first box, and steps along subgradients there and in the others."""


@dataclass(frozen=True)
class Bound:
    """What is proved, and how near to it a difference comes."""

    value: float  #: a number that |network - formula| exceeds nowhere in the box
    seen: float  #: the largest difference that the search met


def error_bound(output: Shallow, line: str, box: Box, seen: float = 0.0, work: float = WORK) -> Bound | None:
    """Returns a number that |output(x) - line(x)| exceeds nowhere in a box; None where none is known.

    `line` is the formula as it is printed, a line of Python. The bound need not be far below `seen`, a difference that
    was seen; at most `work` numbers are computed.
    """
    expression = parse(line)
    formula = ridges(expression, output.rows.shape[1])
    if formula is None or (output.rows.size + len(formula.terms) * formula.inputs) > _LARGEST:
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        layout = Layout(parts_of(ridges_of(output), formula, box), box)
        search = _Search(layout, lambda x: output(x) - evaluate(expression, x), seen, work)
        value = search.run()
    return Bound(value, search.seen) if isfinite(value) else None


class _Search:
    """The search for the largest difference, from above and from below: boxes for it and for its negative.

    Attributes:
        seen: the largest that was met.
    """

    def __init__(
        self, layout: Layout, difference: Callable[[np.ndarray], np.ndarray], seen: float, work: float
    ) -> None:
        self.seen, self._layout, self._difference, self._left = seen, layout, difference, work
        self._later = (1 - _EASY) * work

    def run(self) -> float:
        """Returns what |difference| exceeds nowhere in the box."""
        size = int(np.clip(_BATCH / self._layout.numbers, 1, _MOST))
        heap: list[tuple[float, int, tuple[np.ndarray, ...]]] = []
        closed, count, nodes = 0.0, 0, self._first()
        while True:
            for index, bound in enumerate(nodes.bound.tolist()):
                if bound <= self._enough:
                    closed = max(closed, bound)
                else:
                    heappush(heap, (-bound, count, nodes.row(index)))
                    count += 1
            if not heap or -heap[0][0] <= self._enough or self._left <= 0:
                return max(closed, -heap[0][0] if heap else 0.0)
            taken = []
            while heap and len(taken) < size and -heap[0][0] > self._enough:
                taken.append(heappop(heap)[2])
            halves = Nodes(*map(np.array, zip(*taken, strict=True))).halves
            nodes = self._bounded(Relaxation(self._layout, halves), halves, _STEPS)

    def _first(self) -> Nodes:
        """The whole box, for both signs."""
        box, n = self._layout.box, self._layout.inputs
        unknown = np.full(2, inf)
        slopes, vectors = np.zeros((2, len(self._layout.directions))), np.zeros((2, len(self._layout.fuzzy), n))
        low, high, signs = np.full((2, n), box.low), np.full((2, n), box.high), np.array([1.0, -1.0])
        nodes = Nodes(low, high, signs, unknown, slopes, vectors, np.zeros(2, int), unknown)
        finer = int(np.clip(20 * _BATCH / (2 * self._layout.numbers), 1, _FINER))
        steps = int(np.clip(self._left / (50 * finer * self._layout.numbers), _STEPS, _FIRST_STEPS))
        relaxation = Relaxation(self._layout, nodes, finer)
        return self._bounded(relaxation, relaxation.start(), steps)

    def _bounded(self, relaxation: Relaxation, nodes: Nodes, steps: int) -> Nodes:
        """Boxes with bounds, better multipliers, and places to cut."""
        nodes, best = relaxation.improved(nodes, self.seen, self._enough, steps)
        gap = relaxation.gaps(best)
        self._see(best.z, gap)
        self._left -= relaxation.work
        return relaxation.cut(nodes, gap)

    @property
    def _enough(self) -> float:
        close = _EXACT if self._left > self._later else _CLOSE
        return (1 + close) * self.seen + 4 * float(self._layout.parts.rounding())

    def _see(self, z: np.ndarray, gap: np.ndarray) -> None:
        """Looks at the points that attain bounds: for single inputs, and for directions by what they add too much."""
        rows = self._layout.directions
        share = gap / np.maximum(gap.max(1, keepdims=True), 1e-300) + 1e-9
        squares, sums = np.einsum("bd,di,dj->bij", share, rows, rows), ((share * z) @ rows)[..., None]
        nearest = np.linalg.solve(squares, sums)[..., 0]
        points = inside(np.concatenate([z[:, : self._layout.inputs], nearest]), self._layout.box)
        found = np.nan_to_num(np.abs(self._difference(points)), nan=0.0, posinf=0.0)
        self.seen = max(self.seen, float(found.max()))


_STARTS, _CLIMB = 64, 60  #: points from which the adversary climbs, and its steps
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
    for step in range(_CLIMB):
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
