"""Is it a circle? Tests of the label means that need no chosen plane: harmonics, permutations, order, closing.

A *group* holds one state for each label, all in the same wording. The mean of each group is subtracted first, so that
only the effect of the labels is left.
"""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.circles.findings import Shape
from novacula.options import checked_seed
from novacula.runs.notebook import Brief

PERIODS = (2, 5, 10, 100)
"""Periods in which language models are known to write numbers (arXiv 2502.00873): rivals of a concept's own."""

SMALL_P = 0.003  #: largest p-value of a circle: with 7 labels the least possible one is 1/360
LEAST_TURN = 0.75  #: turns that a circle goes round at least: a half circle has 0.5
CLOSING = 0.2
"""Least `closing` of a circle. Among 90 smooth random curves of 12 points in 64 dimensions, which never return, 64 have
the turn of a circle, and 2 have this as well (``tests/features/circles``)."""
MOST_GAP = 2.0
"""Largest step from the last label to the first, in usual steps from label to label. Months and weekdays that are
circles in two models have 1.42 at most."""
MOST_GROWTH = 0.5  #: largest change of the radius from the first label to the last, in mean radii; there it is 0.41
LEAST_R2 = 0.5  #: least R² at unseen labels: the circle says more than half of where a label stands that it never saw
_SHORT = tuple(f"period {period}" for period in PERIODS[:-1])  # a period of 100 is an arc, as `turn` says
_EXACT = 5040  #: permutations up to which all are taken


@dataclass(frozen=True)
class CircleTest(Brief):
    """What the means of p labels say about a circle."""

    harmonics: tuple[float, ...]
    """Share of the variance at the harmonics 1 … ⌊p/2⌋; by chance 2/(p - 1) each, half of that at p/2."""
    p_value: float
    """The p-value of the first harmonic's share. Up to 7 labels, all permutations are tried, else a sample."""
    smallest_p: float  #: the least value that `p_value` can take
    order_correct: bool
    """Whether the means stand round their leading plane in the order of the labels, in either sense. Chance gives
    2/(p - 1)!."""
    inversions: int  #: pairs of labels out of that order, from the best start and in the better sense
    leading_share: float  #: share of the variance in the leading plane
    turn: float
    """How far round the labels go, in turns: 1 on a circle, 1/2 or less on an arc or a line; see `best_turn`."""
    shapes: dict[str, Shape]  #: rival shapes: a line, and circles of other periods
    closing: float  #: how near the last labels come to the first ones: 1 on a circle, 0 or less if open; see `closing`
    gap: float  #: distance from the last label to the first, over the median distance from a label to the next
    growth: float  #: by how much the radius grows from the first label to the last, in mean radii; see `growth`

    @property
    def first_harmonic(self) -> float:
        """Share of the variance at the first harmonic."""
        return self.harmonics[0]


@dataclass(frozen=True)
class Readout(Brief):
    """How well probes read labels, or wordings, that they have never seen."""

    angles: Float[np.ndarray, "groups labels"]  #: what they read, in radians
    errors: Float[np.ndarray, "groups labels"]  #: absolute angular error in degrees; by chance 90
    r2: float  #: R² of the two coordinates of the circle

    @property
    def median_error(self) -> float:
        """Median angular error in degrees."""
        return float(np.median(self.errors))


def circle(labels: Int[np.ndarray, "*n"] | Float[np.ndarray, "*n"], period: float) -> Float[np.ndarray, "*n 2"]:
    """Returns the points of labels on the unit circle; label 0 stands at angle 0."""
    angle = 2 * np.pi * np.asarray(labels, float) / period
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def without_group_means(states: Float[np.ndarray, "groups labels d"]) -> Float[np.ndarray, "groups labels d"]:
    """Returns the states minus the mean of their group."""
    return states - states.mean(1, keepdims=True)


def circle_test(states: Float[np.ndarray, "groups labels d"], *, permutations: int = 9999, seed: int = 0) -> CircleTest:
    """Tests whether states lie on a circle in the order of their labels.

    Args:
        states: one state for each label in each group, the labels in cyclic order.
        permutations: permutations that are drawn where there are too many to take all.
        seed: seed of the drawn permutations.

    Raises:
        InputError: there are fewer than 3 labels, or the states are not finite, or all equal.

    Source: ours; reviewers of arXiv 2405.14860 objected that circles were judged by eye.
    """
    means = _means(states)
    p = len(means)
    values = np.arange(p)
    designs: dict[str, np.ndarray] = {"circle": circle(values, p), "line": values[:, None].astype(float)}
    designs |= {f"period {period}": circle(values, period) for period in PERIODS if period < p or period >= 2 * p}
    orders = _orders(p, permutations, seed)
    shapes = {name: _shape(means, design, orders) for name, design in designs.items()}
    own = shapes.pop("circle")
    plane, leading = leading_plane(means)
    around = np.argsort(np.arctan2(plane[:, 1], plane[:, 0]))
    inversions = cyclic_inversions(around)
    return CircleTest(
        harmonics=harmonic_shares(means),
        p_value=own.p_value,
        smallest_p=2 / math.factorial(p - 1) if all_orders(p) else 1 / (permutations + 1),
        order_correct=inversions == 0,
        inversions=inversions,
        leading_share=leading,
        turn=best_turn(means),
        shapes=shapes,
        closing=closing(means),
        gap=gap(means),
        growth=growth(means),
    )


def is_circle(test: CircleTest, unseen: Readout) -> bool:
    """Returns the verdict of our rule: significant, of no other period, closed, and read at unseen labels.

    Closed is what goes most of the way round, ends near its beginning, and is as wide there. The last label must not
    pass the first by more than half a step. The limits are `SMALL_P`, `LEAST_TURN`, `most_turn`, `CLOSING`, `MOST_GAP`,
    `MOST_GROWTH` and `LEAST_R2`. Source: ours.
    """
    rivals = [shape.share for name, shape in test.shapes.items() if name in _SHORT]
    return (
        test.p_value <= SMALL_P
        and int(np.argmax(test.harmonics)) == 0
        and test.first_harmonic >= max(rivals, default=0)
        and LEAST_TURN < test.turn <= most_turn(unseen.angles.shape[1])
        and test.closing >= CLOSING
        and test.gap <= MOST_GAP
        and abs(test.growth) <= MOST_GROWTH
        and unseen.r2 >= LEAST_R2
    )


def all_orders(labels: int) -> bool:
    """Returns whether the null has all permutations of the labels; otherwise it is a sample."""
    return math.factorial(labels) <= _EXACT


def harmonic_shares(means: Float[np.ndarray, "labels d"]) -> tuple[float, ...]:
    """Returns the share of the variance of label means at each harmonic 1 … ⌊p/2⌋, over all dimensions."""
    p = len(means)
    power = (np.abs(np.fft.fft(means - means.mean(0), axis=0)) ** 2).sum(1)[1 : p // 2 + 1]
    power[: (p - 1) // 2] *= 2  # each with its mirror image; p/2 has none
    return tuple((power / power.sum()).tolist())


def leading_plane(means: Float[np.ndarray, "labels d"]) -> tuple[Float[np.ndarray, "labels 2"], float]:
    """Returns the label means in the plane of their two leading principal components, and its share of the variance."""
    left, sizes, _ = np.linalg.svd(means - means.mean(0), full_matrices=False)
    return left[:, :2] * sizes[:2], float((sizes[:2] ** 2).sum() / (sizes**2).sum())


def cyclic_inversions(order: Int[np.ndarray, " labels"]) -> int:
    """Returns how many pairs of a cyclic sequence are out of order, from the best start and in the better sense."""

    def fewest(ranks: Int[np.ndarray, " labels"]) -> int:
        # From one start to the next, the first label goes to the end: past those before it, and before the others.
        first = int(np.triu(ranks[:, None] > ranks[None], 1).sum())
        return first + int(np.cumsum(len(ranks) - 1 - 2 * ranks).min())

    return min(fewest((sense - zero) % len(order)) for sense in (order, order[::-1]) for zero in order)


def best_turn(means: Float[np.ndarray, "labels d"]) -> float:
    """Returns how far round the labels go from the first to one beyond the last, in turns: that of the best arc.

    Arcs of 1/6 to 3/2 of a turn are tried, on which label v stands at the angle 2πv·turn/p. Noise of single labels adds
    the same to the fit of all arcs.
    """
    turns = np.geomspace(1.5, 1 / 6, 120)
    designs = circle(np.arange(len(means)) * turns[:, None], len(means))
    bases, _ = np.linalg.qr(designs - designs.mean(1, keepdims=True))
    explained = (np.einsum("tlc,ld->tcd", bases, means - means.mean(0), optimize=True) ** 2).sum((1, 2))
    return float(turns[int(np.argmax(explained))])


def closing(means: Float[np.ndarray, "labels d"]) -> float:
    """Returns how near the last labels come to the first ones: 1 as near as neighbors, 0 as far as labels anywhere.

    `near` is the mean squared distance of labels that are k steps apart in the list. `wrapped` is that of labels k
    steps apart round its end. Both are for k up to a quarter of the labels. `far` is that of all labels more steps
    apart than that, both ways. The value is (far - wrapped) / (far - near). An arc of 0.8 turns has 0.1. A smooth curve
    that never returns has 0 or less, though its leading plane may show an arc of 0.8 turns.
    """
    p = len(means)
    first, second = np.triu_indices(p, 1)
    steps = second - first
    squared = ((means[second] - means[first]) ** 2).sum(1)
    quarter = range(1, max(1, p // 4) + 1)
    near = float(np.mean([squared[steps == k].mean() for k in quarter]))
    wrapped = float(np.mean([squared[steps == p - k].mean() for k in quarter]))
    others = squared[np.minimum(steps, p - steps) > quarter[-1]]
    far = float(others.mean()) if len(others) else near
    return (far - wrapped) / (far - near) if far > near else 0.0


def most_turn(labels: int) -> float:
    """Returns the turns after which the last label has passed the first by half a step."""
    return (labels + 0.5) / (labels - 1)


def gap(means: Float[np.ndarray, "labels d"]) -> float:
    """Returns the distance from the last label to the first, over the median distance from a label to the next.

    It is 1 on a circle, and large on a spiral or a helix. Noise of single labels brings it nearer to 1.
    """
    steps = np.linalg.norm(np.roll(means, -1, axis=0) - means, axis=1)
    return float(steps[-1] / max(np.median(steps[:-1]), 1e-300))


def growth(means: Float[np.ndarray, "labels d"]) -> float:
    """Returns by how much the radius grows from the first label to the last, in mean radii: the slope of a line.

    The radius is that in the plane of the circle that fits best; a turn of a spiral from 0.5 to 1.5 has 0.7.
    """
    centered = means - means.mean(0)
    plane = np.linalg.qr((circle(np.arange(len(means)), len(means)).T @ centered).T)[0]
    radii, places = np.linalg.norm(centered @ plane, axis=1), np.linspace(-0.5, 0.5, len(means))
    return float((places @ radii) / (places @ places) / max(radii.mean(), 1e-300))


def _means(states: Float[np.ndarray, "groups labels d"]) -> Float[np.ndarray, "labels d"]:
    """Returns the label means in units of the largest coordinate: squares of any finite numbers then stay finite."""
    if states.shape[1] < 3:
        raise InputError("labels", f"there are {states.shape[1]}; a circle needs at least 3")
    if states.shape[2] < 2:
        raise InputError("states", f"have {states.shape[2]} coordinates; a circle needs at least 2")
    if not np.isfinite(states).all():
        raise InputError("states", "some are not finite numbers")
    size = float(np.abs(states).max(initial=0))
    means = without_group_means(states.astype(float) / (size or 1.0)).mean(0)
    largest = float(np.abs(means).max(initial=0))
    if not largest > 1e-12:
        raise InputError("states", "are the same for all labels: there is nothing to test")
    return means / largest


def _orders(p: int, count: int, seed: int) -> Int[np.ndarray, "orders labels"]:
    """Returns all permutations of the labels, or a sample that begins with the identity."""
    if all_orders(p):
        return np.array(list(permutations(range(p))))
    drawn = np.random.default_rng(checked_seed(seed)).random((count, p)).argsort(1)
    return np.concatenate([np.arange(p)[None], drawn])


def _shape(
    means: Float[np.ndarray, "labels d"],
    design: Float[np.ndarray, "labels columns"],
    orders: Int[np.ndarray, "orders labels"],
) -> Shape:
    """Returns how much of the variance of the means a design explains, and how often a permutation explains as much."""
    left, sizes, _ = np.linalg.svd(design - design.mean(0), full_matrices=False)
    basis = left[:, sizes > 1e-9 * sizes[0]]  # the sine of a period of 2 is rounding alone
    gram = (centered := means - means.mean(0)) @ centered.T
    permuted = basis[orders]
    shares = np.einsum("nic,ij,njc->n", permuted, gram, permuted, optimize=True) / np.trace(gram)
    share = shares[np.flatnonzero((orders == np.arange(len(means))).all(1))[0]]
    return Shape(float(share), float((shares >= share - 1e-9).mean()))
