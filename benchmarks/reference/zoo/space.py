"""Shapes in three and more dimensions. Each function draws n points of its shape."""

import numpy as np
from jaxtyping import Float

from .family import Sampler
from .plane import angles, circle, polar, spiral


def normal(d: int) -> Sampler:
    """Isotropic normal points."""
    return lambda generator, n: generator.standard_normal((n, d))


def cube(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """A uniform filled cube."""
    return generator.uniform(-1, 1, (n, 3))


def swiss_roll(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """A spiral, and an independent height."""
    return np.column_stack([spiral(generator, n), generator.uniform(0, 20, n)])


def cylinder(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """A circle, and an independent height."""
    return np.column_stack([circle(generator, n), generator.uniform(-1, 1, n)])


def flat_torus(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 4"]:
    """Two independent circles, each in a plane of its own."""
    return np.column_stack([circle(generator, n), circle(generator, n)])


def either_circle(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 4"]:
    """One of two circles, each in a plane of its own (arXiv 2405.14860, its SAE on two circles)."""
    first = generator.integers(2, size=n)[:, None]
    return flat_torus(generator, n) * np.hstack([first, first, 1 - first, 1 - first])


def simplex(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """The corners of a tetrahedron: a one-hot code of four."""
    corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    return corners[generator.integers(4, size=n)]


def axes(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """One of three features at a time, each along its own axis."""
    return np.eye(3)[generator.integers(3, size=n)] * generator.exponential(size=(n, 1))


def torus(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """A ring torus of radii 1 and 0.5."""
    tube = angles(generator, n)
    return np.column_stack([polar(1 + 0.5 * np.cos(tube), angles(generator, n)), 0.5 * np.sin(tube)])


def sphere(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """The uniform unit sphere."""
    points = generator.standard_normal((n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def ball(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """The uniform unit ball."""
    return sphere(generator, n) * generator.uniform(size=(n, 1)) ** (1 / 3)


def helix(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """Two turns of a helix."""
    t = generator.uniform(0, 4 * np.pi, n)
    return np.column_stack([polar(1.0, t), t / (2 * np.pi) - 1])


def cone(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """A circle whose intensity is also a third coordinate."""
    intensity = generator.uniform(0.3, 1, n)
    return np.column_stack([polar(intensity, angles(generator, n)), intensity])


def trefoil(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 3"]:
    """The trefoil knot."""
    t = angles(generator, n)
    return np.column_stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)])
