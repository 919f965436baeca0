"""How large the difference of a network and a formula is in a box, at most: a relaxation, for many boxes at once.

In a box of inputs with center m, the terms of a direction d are a function H(x) of z = d·x and of little else. The
range of z is cut into cells, at all kinks. In a cell, Σ c φ along d is below the chord between its values at the ends,
or nowhere further above than M δ²/8, M bounding its second derivative and δ being the cell's length. What a row has
beside d adds c μ rest·(x - m) with a slope μ of φ in the cell: H(x) ≤ chord(z) + e·(x - m) + what μ may vary.

For any slopes λ and vectors u, one of each for every direction, the difference is at most

    Σ_d max over cells, z, x of [H(x) - λ z - u·(x - m)]  +  max over x of [plane + Σ λ d·x + u·(x - m)],

and this is computed exactly. The λ of the single inputs are those that leave nothing to the second maximum. All other
multipliers are improved by subgradients. Whatever they are, the bound is true, so that no solver need be trusted. Where
all kinks of a piecewise linear network are decided, it is exact. Rounding: see `Parts.rounding`.

Source: Lagrangian decomposition is standard; its use for directions of networks is ours.
"""

from dataclasses import dataclass, replace
from itertools import groupby
from math import inf

import numpy as np

from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation
from novacula.hypernet.formula.interval import EPS, Box, bend, slopes
from novacula.hypernet.formula.ridges import Parts

_CELLS, _FLAT_CELLS = 64, 2
_TABLE = 4096


@dataclass(frozen=True)
class Nodes:
    """Boxes with what is known of each."""

    low: np.ndarray  #: their ends
    high: np.ndarray  #: their ends
    sign: np.ndarray  #: the sign of the difference that is bounded
    bound: np.ndarray  #: the bound of that difference
    slopes: np.ndarray  #: λ of each direction
    vectors: np.ndarray  #: u of each direction with something beside it
    axis: np.ndarray  #: where to cut it
    place: np.ndarray  #: where to cut it

    def row(self, index: int) -> tuple[np.ndarray, ...]:
        """One of the boxes."""
        return tuple(np.asarray(getattr(self, name)[index]) for name in self.__dataclass_fields__)

    @property
    def halves(self) -> "Nodes":
        """Each box in two."""
        both = Nodes(*(np.concatenate([getattr(self, name)] * 2) for name in self.__dataclass_fields__))
        count, place = len(self.low), np.arange(len(self.low))
        both.high[place, self.axis], both.low[place + count, self.axis] = self.place, self.place
        return both


@dataclass(frozen=True)
class Best:
    """The best multipliers of some boxes, and what attains their bound: in each direction a z, a cell, and a value."""

    slopes: np.ndarray
    vectors: np.ndarray
    z: np.ndarray
    cell: np.ndarray
    top: np.ndarray


class Layout:
    """The arrays of a difference's parts, in a box."""

    def __init__(self, parts: Parts, box: Box) -> None:
        self.parts, self.box, self.inputs, self.directions = parts, box, len(parts.plane), parts.directions
        self.group = parts.stacked("group").astype(int)
        self.weight, self.bias, self.out = (parts.stacked(name) for name in ("weight", "bias", "out"))
        self.rest, self.drift = parts.stacked("rest"), parts.stacked("drift")
        self.shift, self.spread = parts.stacked("shift"), parts.stacked("spread")
        self.beside = self.out[:, None] * self.rest + self.drift
        rows = self.weight[:, None] * self.directions[self.group] + self.rest
        self.steep = np.abs(self.out[:, None] * rows) + np.abs(self.drift)
        self.within = (np.arange(len(self.directions))[:, None] == self.group).astype(np.float64)
        self.pairs, n = np.triu(parts.square), self.inputs
        fuzzy = self.within @ np.abs(self.beside).sum(1) > 0
        fuzzy[:n] |= self.pairs.any(1)
        self.fuzzy = np.flatnonzero(fuzzy)
        self.bilinear = np.zeros_like(self.directions)
        self.bilinear[:n] = np.abs(self.pairs) + np.diag(np.abs(self.pairs).sum(1))
        self.bilinear *= box.farthest
        names: list[Activation] = [term.function for term in parts.terms]
        runs = [list(run) for _, run in groupby(range(len(names)), key=lambda index: names[index])]
        self.functions: list[tuple[Activation, slice]] = [(names[at[0]], slice(at[0], at[-1] + 1)) for at in runs]
        members = [np.flatnonzero(self.group == group).tolist() for group in range(len(self.directions))]
        kinked = [[term for term in each if ACTIVATIONS[names[term]].kinked] for each in members]
        most = max(map(len, kinked))
        self.kinks = np.array([each + [-1] * (most - len(each)) for each in kinked], int).reshape(len(kinked), most)
        self.tables = {group: table for group, each in enumerate(members) if (table := self._table(group, each))}
        cells = 3 * most + (_CELLS if self.tables else _FLAT_CELLS)
        self.numbers = cells * (len(self.group) + len(self.directions) + len(self.fuzzy) * n)
        """How many numbers a box takes, about."""

    def _table(self, group: int, members: list[int]) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns points along a direction and the share of cells below each; more lie where it is more curved."""
        reach = np.abs(self.directions[group]).sum() * self.box.farthest
        z = np.linspace(-reach, reach, _TABLE)
        density = np.full(_TABLE, np.sqrt(np.abs(self.parts.curve[group])))
        for term in members:
            y = self.weight[term] * z + self.bias[term]
            much = np.abs(self.out[term]) + 0.01 * np.abs(self.drift[term]).sum() * self.box.farthest
            density += self.weight[term] * np.sqrt(much * bend(self.parts.terms[term].function, y, y))
        below = np.cumsum(density + 0.1 * density.mean())
        return (z, below / below[-1]) if below[-1] > 0 else None


class Relaxation:
    """The cells of some boxes. Arrays have the axes boxes, directions or terms, cells, inputs.

    Attributes:
        work: numbers that were computed, weighted by what they cost.
    """

    def __init__(self, layout: Layout, nodes: Nodes, finer: int = 1) -> None:
        self._at, self._nodes, self.work = layout, nodes, 2e6 + 3e4 * len(nodes.low)
        parts, n, sign = layout.parts, layout.inputs, nodes.sign[:, None]
        self._m = m = (nodes.low + nodes.high) / 2
        self._r = r = np.maximum(nodes.high - m, m - nodes.low)
        self._zm, along = m @ layout.directions.T, r @ np.abs(layout.directions).T
        low, high = self._zm - along, self._zm + along
        low[:, :n], high[:, :n] = nodes.low, nodes.high
        self._empty, self._away = np.zeros(len(m), bool), r.sum(1)
        if n > 1:
            low[:, n] = np.maximum(low[:, n], layout.box.least)
            high[:, n] = np.minimum(high[:, n], layout.box.most)
            self._empty = low[:, n] > high[:, n] + 1e-9 * (layout.box.farthest + np.abs(self._zm[:, n]))
            high[:, n] = np.maximum(high[:, n], low[:, n])
            self._away = np.maximum(high[:, n] - self._zm[:, n], self._zm[:, n] - low[:, n])
        self._c, self._shift = sign * layout.out, sign * (m @ layout.drift.T + layout.shift)
        y, spread = m @ layout.rest.T + layout.bias, self._reach(layout.rest)
        z = self._grid(low, high, y, spread + layout.spread, finer)
        self._cells(z, y, spread)
        curve, gap = sign[..., None] * parts.curve[:, None], np.diff(z)
        self._extra += np.maximum(-curve, 0.0) * gap**2 / 4
        self._left, self._right = z[..., :-1] - self._zm[..., None], z[..., 1:] - self._zm[..., None]
        self._vectors(self._values + curve * z**2)
        inner = m @ parts.square
        self._constant = nodes.sign * (parts.constant + m @ parts.plane + (inner * m).sum(1))
        self._plane = sign * (parts.plane + 2 * inner)

    def _reach(self, rows: np.ndarray) -> np.ndarray:
        """Bounds of |row·(x - m)| in every box; what is alike in all weights meets the sum of all inputs."""
        common, r = rows.mean(1, keepdims=True), self._r
        together = r @ np.abs(rows - common).T + self._away[:, None] * np.abs(common).T
        return np.minimum(r @ np.abs(rows).T, together)

    def _grid(self, low: np.ndarray, high: np.ndarray, y: np.ndarray, zone: np.ndarray, finer: int) -> np.ndarray:
        """Ends of cells along each direction: more where it is curved; kinks, and where they are decided."""
        at = self._at
        even = np.linspace(0.0, 1.0, (_CELLS * finer if at.tables else _FLAT_CELLS) + 1)
        z = low[..., None] + (high - low)[..., None] * even
        for group, (points, below) in at.tables.items():
            first, last = (np.interp(end[:, group], points, below)[:, None] for end in (low, high))
            z[:, group] = np.interp(first + (last - first) * even, below, points)
        z[..., 0], z[..., -1] = low, high
        if at.kinks.shape[1]:
            kinks, wide = (np.where(at.kinks < 0, 0.0, values[:, at.kinks]) for values in (-y, zone))
            z = np.sort(np.concatenate([z, kinks, kinks - wide, kinks + wide], 2), 2)
        return z.clip(low[..., None], high[..., None])

    def _cells(self, z: np.ndarray, start: np.ndarray, spread: np.ndarray) -> None:
        """The values at the ends of cells, slopes, and what is above the chords, for each direction."""
        layout, (boxes, _, points) = self._at, z.shape
        y = z[:, layout.group] * layout.weight[:, None] + start[..., None]
        self._slope = np.empty((boxes, len(layout.group), points - 1))
        values, extra, self._vary = np.empty(y.shape), np.empty_like(self._slope), np.empty(y.shape[:2])
        wide, c = (spread + layout.spread)[..., None], np.abs(self._c)[..., None]
        drift = (np.abs(self._shift) + self._reach(layout.drift))[..., None]
        for name, at in layout.functions:
            low, high = y[:, at, :-1], y[:, at, 1:]
            # A kink that is decided up to the rounding of its place is decided.
            loose = 32 * EPS * (np.abs(y[:, at]).max(2, keepdims=True) + wide[:, at])
            values[:, at] = self._c[:, at, None] * ACTIVATIONS[name].function(y[:, at])
            middle, away = slopes(name, low - wide[:, at], high + wide[:, at], loose)
            self._slope[:, at], self._vary[:, at] = middle, (middle + away).max(2) - (middle - away).min(2)
            extra[:, at] = c[:, at] * (bend(name, low, high) * (high - low) ** 2 / 8 + loose)
            extra[:, at] += middle * self._shift[:, at, None]
            extra[:, at] += away * (c[:, at] * spread[:, at, None] + drift[:, at])
            self.work += y[:, at].size * (4 if name == "relu" else 24)
        self._values, self._extra = layout.within @ values, layout.within @ extra

    def _vectors(self, values: np.ndarray) -> None:
        """What terms do beside their directions, in every cell; its part along the direction joins the chord."""
        at, sign, fuzzy = self._at, self._nodes.sign[:, None, None], self._at.fuzzy
        self._e = np.zeros((len(values), len(fuzzy), self._left.shape[2], at.inputs))
        for place, group in enumerate(fuzzy.tolist()):
            terms = np.flatnonzero(at.group == group)
            self._e[:, place] = sign * (self._slope[:, terms].swapaxes(1, 2) @ at.beside[terms])
            if group < at.inputs and at.pairs[group].any():
                left, right = self._left[:, group], self._right[:, group]
                self._e[:, place] += sign * (left + right)[..., None] * at.pairs[group]
                self._extra[:, group] += (right - left) * (np.abs(at.pairs[group]) * self._r).sum(1)[:, None]
        rows = at.directions[fuzzy][:, None]
        along = (self._e * rows).sum(3) / (rows**2).sum(2)
        self._e -= along[..., None] * rows
        self._at_left, self._at_right = (values[..., part] + self._extra for part in (slice(-1), slice(1, None)))
        self._at_left[:, fuzzy] += along * self._left[:, fuzzy]
        self._at_right[:, fuzzy] += along * self._right[:, fuzzy]

    def start(self) -> Nodes:
        """The boxes with multipliers to begin with: slopes from end to end, and vectors amid all cells."""
        rise, length = self._at_right[..., -1] - self._at_left[..., 0], self._right[..., -1] - self._left[..., 0]
        secants = np.where(length > 0, rise / np.where(length > 0, length, 1.0), 0.0)
        secants[:, : self._at.inputs] = 0.0
        return replace(self._nodes, slopes=secants, vectors=(self._e.max(2) + self._e.min(2)) / 2)

    def improved(self, nodes: Nodes, seen: float, enough: float, steps: int) -> tuple[Nodes, Best]:
        """The boxes with better multipliers and bounds, after at most some steps along subgradients (Polyak's).

        No bound can be below `seen`, a difference that was seen, and none need be below `enough`.
        """
        best: Best | None = None
        least, slopes_, vectors = np.full(len(self._m), inf), nodes.slopes, nodes.vectors
        for step in range(steps + 1):
            bound, here = self._bounded(slopes_, vectors)
            better = bound < least
            least = np.where(better, bound, least)
            best = here if best is None else _chosen(better, here, best)
            if step == steps or (least <= enough).all():
                break
            x = here.z[:, : self._at.inputs] - self._m
            down_slopes = x @ self._at.directions.T - here.z + self._zm
            down_slopes[:, : self._at.inputs] = 0.0
            down_vectors = x[:, None] - self._r[:, None] * np.sign(self._chosen_vectors(here.cell) - vectors)
            norm = (down_slopes**2).sum(1) + (down_vectors**2).sum((1, 2))
            length = np.maximum(bound - seen, 0.0) / np.maximum(norm, 1e-300)
            slopes_, vectors = slopes_ - length[:, None] * down_slopes, vectors - length[:, None, None] * down_vectors
        assert best is not None
        least = np.where(self._empty, -inf, np.minimum(least, nodes.bound))
        return replace(nodes, bound=least, slopes=best.slopes, vectors=best.vectors), best

    def _bounded(self, multipliers: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, Best]:
        """The bounds that some multipliers give, and what attains them."""
        at = self._at
        plane = self._plane + multipliers @ at.directions + vectors.sum(1)
        slope = -multipliers
        slope[:, : at.inputs] += plane
        left, right = self._at_left + slope[..., None] * self._left, self._at_right + slope[..., None] * self._right
        value = np.maximum(left, right)
        if len(at.fuzzy):
            value[:, at.fuzzy] += self._deviation(self._e - vectors[:, :, None])
        self.work += 6 * (value.size + self._e.size)
        cell = value.argmax(2)
        boxes, rows = np.ogrid[: cell.shape[0], : cell.shape[1]]
        top, first, last, low, high = (
            array[boxes, rows, cell] for array in (value, left, right, self._left, self._right)
        )
        numbers = (np.abs(slope) * (np.abs(self._left[..., 0]) + np.abs(self._right[..., -1]))).sum(1)
        numbers += ((np.abs(vectors).sum(1) + np.abs(plane)) * (self._r + np.abs(self._m))).sum(1)
        bound = self._constant + top.sum(1) + at.parts.rounding(numbers)
        z = self._zm + np.where(first >= last, low, high)
        return np.where(np.isnan(bound), inf, bound), Best(multipliers, vectors, z, cell, top)

    def _chosen_vectors(self, cell: np.ndarray) -> np.ndarray:
        """The vectors of some cells, of the directions that have any."""
        fuzzy = self._at.fuzzy
        return self._e[np.arange(len(cell))[:, None], np.arange(len(fuzzy)), cell[:, fuzzy]]

    def _deviation(self, e: np.ndarray) -> np.ndarray:
        """The largest e·(x - m) in every box."""
        r = self._r[:, None, :, None]
        alone = (np.abs(e) @ r)[..., 0]
        if self._at.inputs < 4:
            return alone
        common = e @ np.full(self._at.inputs, 1 / self._at.inputs)
        together = (np.abs(e - common[..., None]) @ r)[..., 0] + np.abs(common) * self._away[:, None, None]
        return np.minimum(alone, together)

    def gaps(self, best: Best) -> np.ndarray:
        """How much more each direction adds to the bound than it does at the point that single inputs would have."""
        at, sign = self._at, self._nodes.sign[:, None]
        x = best.z[:, : at.inputs].clip(self._nodes.low, self._nodes.high)
        z, away = x @ at.directions.T, x - self._m
        y = z[:, at.group] * at.weight + x @ at.rest.T + at.bias
        values = np.empty_like(y)
        for name, part in at.functions:
            slope, _ = slopes(name, y[:, part], y[:, part])
            drift = sign * (x @ at.drift[part].T + at.shift[part])
            values[:, part] = self._c[:, part] * ACTIVATIONS[name].function(y[:, part]) + slope * drift
        found = values @ at.within.T + sign * at.parts.curve * z**2
        found[:, : at.inputs] += sign * 2 * away * (away @ at.pairs.T)
        slope = -best.slopes
        slope[:, : at.inputs] += self._plane + best.slopes @ at.directions + best.vectors.sum(1)
        found += slope * (z - self._zm)
        found[:, at.fuzzy] -= (best.vectors * away[:, None]).sum(2)
        return np.maximum(best.top - found, 0.0)

    def cut(self, nodes: Nodes, gap: np.ndarray) -> Nodes:
        """The boxes with the input whose directions have most of the gap, and where along it they are cut."""
        at, r = self._at, self._r
        share = (at.within @ (self._vary[..., None] * at.steep) + at.bilinear) * r[:, None]
        share /= np.maximum(share.sum(2, keepdims=True), 1e-300)
        length = r / np.maximum(r.max(1, keepdims=True), 1e-300)
        score = (gap[..., None] * share).sum(1) + 1e-9 * np.abs(nodes.bound)[:, None].clip(0, 1e300) * length
        axis = np.where(r > 1e-9 * at.box.farthest, score, -1.0).argmax(1)
        return replace(nodes, axis=axis, place=self._places(axis))

    def _places(self, axis: np.ndarray) -> np.ndarray:
        """Where along an input a box is cut: at the kink of most weight, or in the middle of all that is curved."""
        at, nodes, each = self._at, self._nodes, np.arange(len(axis))
        low, high = nodes.low[each, axis], nodes.high[each, axis]
        place, first, last = (low + high) / 2, 0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high
        for group, (points, below) in at.tables.items():
            middle = (np.interp(low, points, below) + np.interp(high, points, below)) / 2
            place = np.where(axis == group, np.interp(middle, below, points), place)
        place, kinks = place.clip(first, last), at.kinks[axis]
        if kinks.shape[1]:
            where = -(self._m @ at.rest.T + at.bias)[each[:, None], kinks]
            weight = (np.abs(at.out) + np.abs(at.beside).sum(1))[kinks]
            fits = (kinks >= 0) & (where > first[:, None]) & (where < last[:, None])
            most = np.where(fits, weight, -1.0).argmax(1)
            place = np.where(fits[each, most], where[each, most], place)
        return place


def _chosen(better: np.ndarray, new: Best, old: Best) -> Best:
    """Returns the better of two bounds for every box."""
    pairs = ((getattr(new, name), getattr(old, name)) for name in Best.__dataclass_fields__)
    return Best(*(np.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs))
