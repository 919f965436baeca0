"""States with known features in superposition: manifolds and many one-dimensional features. Source: ours.

Every state is a sum of few features, each active at random and independently, in random directions that share one
space. What should be found is known exactly, and nothing of it is told to whoever looks for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

Draw = Callable[[int, np.random.Generator], Float[np.ndarray, "points dims"]]


def circle(points: int, random: np.random.Generator) -> Float[np.ndarray, "points 2"]:
    """Uniform on the unit circle."""
    angle = random.uniform(0, 2 * np.pi, points)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def torus(points: int, random: np.random.Generator) -> Float[np.ndarray, "points 3"]:
    """On a ring of radius 1 and thickness 1 in three dimensions, uniform in both angles.

    The flat torus in four is the product of two circles, and so reducible by definition.
    """
    ring, tube = random.uniform(0, 2 * np.pi, (2, points))
    radius = 1 + 0.5 * np.cos(tube)
    return np.stack([radius * np.cos(ring), radius * np.sin(ring), 0.5 * np.sin(tube)], axis=1)


def helix(points: int, random: np.random.Generator) -> Float[np.ndarray, "points 3"]:
    """Uniform on two turns of a helix of radius 1 that rises from -1 to 1."""
    time = random.uniform(-1, 1, points)
    return np.stack([np.cos(2 * np.pi * time), np.sin(2 * np.pi * time), time], axis=1)


def simplex(points: int, random: np.random.Generator) -> Float[np.ndarray, "points 2"]:
    """Uniform in the triangle whose corners have distance 1 from the middle: mixtures of three things."""
    corners = np.array([[1.0, 0.0], [-0.5, np.sqrt(0.75)], [-0.5, -np.sqrt(0.75)]])
    return random.dirichlet(np.ones(3), points) @ corners


MANIFOLDS: dict[str, Draw] = {
    "circle": circle,
    "second circle": circle,
    "torus": torus,
    "helix": helix,
    "simplex": simplex,
}
"""The manifolds that are planted, by name."""


@dataclass(frozen=True)
class Planted:
    """States, and what they are made of."""

    states: Float[np.ndarray, "rows width"]  #: the sums
    bases: dict[str, Float[np.ndarray, "dims width"]]
    """Of each manifold the directions of its coordinates, orthonormal rows."""
    active: dict[str, Bool[np.ndarray, " rows"]]  #: of each manifold the states in which it is active
    lines: Float[np.ndarray, "lines width"]  #: directions of the one-dimensional features, unit rows


def plant(
    rows: int,
    seed: int,
    *,
    width: int = 256,
    lines: int = 500,
    manifolds: dict[str, Draw] = MANIFOLDS,
    share: float | Sequence[float] = 0.05,
    line_share: float | Sequence[float] = 0.01,
    noise: float = 0.01,
) -> Planted:
    """Draw states.

    Args:
        rows: states.
        seed: of everything.
        width: numbers in a state.
        lines: one-dimensional features; their values are uniform in 0.5 … 1.5.
        manifolds: what else is planted; they are brought to a root mean square of 1, and each state has them
            larger or smaller by up to a tenth.
        share: of the states in which a manifold is active; one for all, or one each.
        line_share: of the states in which a one-dimensional feature is active; likewise.
        noise: standard deviation of what is added to every number.
    """
    random = np.random.default_rng(seed)
    directions = random.standard_normal((lines, width))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    states = noise * random.standard_normal((rows, width))
    for direction, often in zip(directions, np.broadcast_to(line_share, lines), strict=True):
        on = np.flatnonzero(random.random(rows) < often)
        states[on] += random.uniform(0.5, 1.5, len(on))[:, None] * direction
    bases, active = {}, {}
    for (name, draw), often in zip(manifolds.items(), np.broadcast_to(share, len(manifolds)), strict=True):
        on = random.random(rows) < often
        points = draw(int(on.sum()), random)
        points *= random.uniform(0.9, 1.1, (len(points), 1)) / np.sqrt(np.square(points).sum(1).mean())
        bases[name] = np.linalg.qr(random.standard_normal((width, points.shape[1])))[0].T
        states[on] += points @ bases[name]
        active[name] = on
    return Planted(states.astype(np.float32), bases, active, directions.astype(np.float32))
