"""Is it a circle? Tests of label means that need no chosen plane: harmonics, permutations, order, closing.

A *group* is what the prompts of one wording share: all labels in one template (and offset). What differs between
groups only is removed first, so that the labels' effect is left.
"""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError

PERIODS = (2, 5, 10, 100)
"""Periods in which language models are known to write numbers (arXiv 2502.00873): rivals of a concept's own."""

_EXACT = 5040
SMALL_P = 0.003
CLOSED = (0.75, 1.33)
MOST_ERROR = 45.0


@dataclass(frozen=True)
class CircleTest:
    """What label means say about a circle.

    Attributes:
        harmonics: share of the means' variance at harmonic 1 … ⌊p/2⌋; chance is 2/(p - 1) each, half of it at p/2.
        p_value: of the first harmonic's share, by permuting labels: exact up to 7 labels, else with a drawn sample.
        smallest_p: what it can be at least: 2/(p - 1)!, or 1 over the sample and one.
        order_correct: whether the angular order of the means in their leading plane is the labels' order, in either
            sense; by chance 2/(p - 1)!.
        inversions: pairs of labels out of that order, from the best start and in the better sense.
        leading_share: share of the means' variance in that plane.
        turn: how far round the labels go: 1 on a circle, about 1/2 and less on an arc or a line; see `best_turn`.
        shapes: share and p-value of rival shapes: a line, and circles of other periods.
    """

    harmonics: tuple[float, ...]
    p_value: float
    smallest_p: float
    order_correct: bool
    inversions: int
    leading_share: float
    turn: float
    shapes: dict[str, tuple[float, float]]

    @property
    def first_harmonic(self) -> float:
        """Share of the first harmonic."""
        return self.harmonics[0]


@dataclass(frozen=True)
class HeldOut:
    """How well labels are read that a probe has never seen.

    Attributes:
        angles: what it reads, in radians.
        errors: absolute angular error in degrees; by chance 90.
        r2: of the two coordinates of the circle.
    """

    angles: Float[np.ndarray, "groups labels"]
    errors: Float[np.ndarray, "groups labels"]
    r2: float

    @property
    def median_error(self) -> float:
        """Median angular error in degrees."""
        return float(np.median(self.errors))


def circle(labels: Int[np.ndarray, "*n"] | Float[np.ndarray, "*n"], period: float) -> Float[np.ndarray, "*n 2"]:
    """Points of the unit circle, label 0 at angle 0."""
    angle = 2 * np.pi * np.asarray(labels, float) / period
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def without_group_means(states: Float[np.ndarray, "groups labels d"]) -> Float[np.ndarray, "groups labels d"]:
    """States less the mean of their group."""
    return states - states.mean(1, keepdims=True)


def circle_test(states: Float[np.ndarray, "groups labels d"], *, permutations: int = 9999, seed: int = 0) -> CircleTest:
    """Test whether states lie on a circle in the order of their labels.

    Args:
        states: one state for each label in each group, the labels in cyclic order.
        permutations: labelings that are drawn where there are too many to take all.
        seed: of that draw.

    Raises:
        InputError: fewer than 3 labels, states that are not finite, or states that are all alike.

    Source: ours; after the criticism that circles were judged by eye (arXiv 2405.14860 and its reviews).
    """
    means = _means(states)
    p = len(means)
    values = np.arange(p)
    designs: dict[str, np.ndarray] = {"circle": circle(values, p), "line": values[:, None].astype(float)}
    designs |= {f"period {period}": circle(values, period) for period in PERIODS if period < p or period >= 2 * p}
    orders = _orders(p, permutations, seed)
    shapes = {name: _share_and_p(means, design, orders) for name, design in designs.items()}
    _, p_value = shapes.pop("circle")
    exact = math.factorial(p) <= _EXACT
    plane, leading = leading_plane(means)
    around = np.argsort(np.arctan2(plane[:, 1], plane[:, 0]))
    inversions = cyclic_inversions(around)
    return CircleTest(
        harmonics=harmonic_shares(means),
        p_value=p_value,
        smallest_p=2 / math.factorial(p - 1) if exact else 1 / (permutations + 1),
        order_correct=inversions == 0,
        inversions=inversions,
        leading_share=leading,
        turn=best_turn(means),
        shapes=shapes,
    )


def is_circle(test: CircleTest, held_out: HeldOut) -> bool:
    """Our rule: significant, strongest at the first harmonic, closed, and labels never seen are read near their place.

    The limits are p ≤ 0.003 (7 labels reach 1/360 at best), 3/4 to 4/3 of a turn (a half circle has 1/2), and a median
    error below 45° (chance: 90°).
    """
    return (
        test.p_value <= SMALL_P
        and int(np.argmax(test.harmonics)) == 0
        and CLOSED[0] < test.turn < CLOSED[1]
        and held_out.median_error < MOST_ERROR
    )


def harmonic_shares(means: Float[np.ndarray, "labels d"]) -> tuple[float, ...]:
    """Share of the variance of label means at each harmonic 1 … ⌊p/2⌋, all dimensions together."""
    p = len(means)
    power = (np.abs(np.fft.fft(means - means.mean(0), axis=0)) ** 2).sum(1)[1 : p // 2 + 1]
    power[: (p - 1) // 2] *= 2  # each with its mirror image; p/2 has none
    return tuple((power / power.sum()).tolist())


def leading_plane(means: Float[np.ndarray, "labels d"]) -> tuple[Float[np.ndarray, "labels 2"], float]:
    """Coordinates of label means in the plane of their two leading principal components, and its share of variance."""
    left, sizes, _ = np.linalg.svd(means - means.mean(0), full_matrices=False)
    return left[:, :2] * sizes[:2], float((sizes[:2] ** 2).sum() / (sizes**2).sum())


def cyclic_inversions(order: Int[np.ndarray, " labels"]) -> int:
    """Pairs of a cyclic sequence that are out of order, from the best start and in the better sense."""
    fewest = len(order) ** 2
    for sense in (order, order[::-1]):
        for start in range(len(order)):
            turned = np.roll(sense, -start)
            for zero in turned:
                ranks = (turned - zero) % len(order)
                fewest = min(fewest, int(np.triu(ranks[:, None] > ranks[None], 1).sum()))
    return fewest


def best_turn(means: Float[np.ndarray, "labels d"]) -> float:
    """How far round the labels go from the first to one beyond the last, in turns: that of the best-fitting arc.

    Arcs of 1/6 to 3/2 of a turn are tried: circles on which label v stands at angle 2πv·turn/p. Noise that labels have
    of their own adds the same to all.
    """
    turns = np.geomspace(1.5, 1 / 6, 120)
    designs = circle(np.arange(len(means)) * turns[:, None], len(means))
    bases, _ = np.linalg.qr(designs - designs.mean(1, keepdims=True))
    explained = (np.einsum("tlc,ld->tcd", bases, means - means.mean(0), optimize=True) ** 2).sum((1, 2))
    return float(turns[int(np.argmax(explained))])


def _means(states: Float[np.ndarray, "groups labels d"]) -> Float[np.ndarray, "labels d"]:
    if states.shape[1] < 3:
        raise InputError("labels", f"there are {states.shape[1]}; a circle needs at least 3")
    if not np.isfinite(states).all():
        raise InputError("states", "some are not finite numbers")
    means = without_group_means(states.astype(float)).mean(0)
    if not np.abs(means).max(initial=0) > 1e-12 * max(1.0, float(np.abs(states).max(initial=0))):
        raise InputError("states", "are the same for all labels: there is nothing to test")
    return means


def _orders(p: int, count: int, seed: int) -> Int[np.ndarray, "orders labels"]:
    """All labelings, or a sample that begins with the true one."""
    if math.factorial(p) <= _EXACT:
        return np.array(list(permutations(range(p))))
    drawn = np.random.default_rng(seed).random((count, p)).argsort(1)
    return np.concatenate([np.arange(p)[None], drawn])


def _share_and_p(
    means: Float[np.ndarray, "labels d"],
    design: Float[np.ndarray, "labels columns"],
    orders: Int[np.ndarray, "orders labels"],
) -> tuple[float, float]:
    """Share of the means' variance that a design explains, and how often a labeling explains as much."""
    basis, _ = np.linalg.qr(design - design.mean(0))
    gram = (centered := means - means.mean(0)) @ centered.T
    permuted = basis[orders]
    shares = np.einsum("nic,ij,njc->n", permuted, gram, permuted, optimize=True) / np.trace(gram)
    share = shares[np.flatnonzero((orders == np.arange(len(means))).all(1))[0]]
    return float(share), float((shares >= share - 1e-9).mean())
