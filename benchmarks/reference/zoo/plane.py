"""Shapes in the plane. Each function draws n points of its shape."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from .family import Sampler

Draw = Callable[[np.random.Generator, int], Float[np.ndarray, " n"]]


def product(first: Draw, second: Draw) -> Sampler:
    """Two independent coordinates."""
    return lambda generator, n: np.column_stack([first(generator, n), second(generator, n)])


def normal(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """Standard normal numbers."""
    return generator.standard_normal(n)


def uniform(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """Numbers between -1 and 1."""
    return generator.uniform(-1, 1, n)


def sign(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """-1 or 1, one of them up to four times as often."""
    return np.where(generator.uniform(size=n) < generator.uniform(0.2, 0.8), -1.0, 1.0)


def exponential(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """Exponential numbers."""
    return generator.exponential(size=n)


def laplace(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """Numbers of a Laplace distribution."""
    return generator.laplace(size=n)


def counts(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """Poisson counts of mean 3."""
    return generator.poisson(3, n).astype(float)


def sparse(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """Zero in half of the points, else exponential: an activation."""
    return generator.exponential(size=n) * (generator.uniform(size=n) < 0.5)


def angles(generator: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
    """Uniform angles of a whole turn."""
    return generator.uniform(0, 2 * np.pi, n)


def polar(radius: Float[np.ndarray, " n"] | float, angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
    """Points of given radius and angle."""
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def circle(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """The uniform unit circle."""
    return polar(1.0, angles(generator, n))


def polygon(corners: int) -> Sampler:
    """The corners of a regular polygon, equally often."""
    return lambda generator, n: polar(1.0, 2 * np.pi * generator.integers(corners, size=n) / corners)


def disk(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """The uniform unit disk."""
    return polar(np.sqrt(generator.uniform(size=n)), angles(generator, n))


def annulus(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A uniform ring, its inner radius 0.5."""
    return polar(np.sqrt(generator.uniform(0.25, 1, n)), angles(generator, n))


def intensity_circle(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A circle, each point at an intensity of its own: a cone seen along its axis."""
    return polar(generator.gamma(8, 1 / 8, n), angles(generator, n))


def figure_eight(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """The curve (sin t, sin t cos t)."""
    t = angles(generator, n)
    return np.column_stack([np.sin(t), np.sin(t) * np.cos(t)])


def spiral(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A turn and a half of a spiral whose radius grows with the angle: the section of a Swiss roll."""
    t = 1.5 * np.pi * (1 + 2 * generator.uniform(size=n))
    return polar(t, t)


def two_circles(apart: float, ratio: float) -> Sampler:
    """Either of two circles in one plane, their middles so far apart, the second's radius being `ratio`."""

    def draw(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
        second = generator.integers(2, size=n)
        points = circle(generator, n) * np.where(second, ratio, 1.0)[:, None]
        return points + np.outer(second, [apart, 0.0])

    return draw


def arc(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """Half a circle: an ordered concept, bent."""
    return polar(1.0, generator.uniform(0, np.pi, n))


def parabola(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """The curve (t, t²)."""
    t = uniform(generator, n)
    return np.column_stack([t, t**2])


def moons(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """Two half circles, one inside the other's mouth."""
    lower = generator.integers(2, size=n)[:, None]
    points = arc(generator, n)
    return np.where(lower, [1.0, 0.5] - points, points)


def triangle(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A uniform filled triangle."""
    return generator.dirichlet([1, 1, 1], n) @ polar(1.0, 2 * np.pi * np.arange(3) / 3)


def sphere_shadow(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A uniform sphere, projected on a plane."""
    points = generator.standard_normal((n, 3))
    return (points / np.linalg.norm(points, axis=1, keepdims=True))[:, :2]


def torus_shadow(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A ring torus, projected on the plane of its ring."""
    return polar(1 + 0.4 * np.cos(angles(generator, n)), angles(generator, n))


def wave(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A helix seen from its side: (t, sin t) over two turns."""
    t = generator.uniform(0, 4 * np.pi, n)
    return np.column_stack([t / 4, np.sin(t)])


def radial_heavy(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """Student's t with 4 degrees of freedom in the plane: normal, times an intensity of each point."""
    return generator.standard_normal((n, 2)) / np.sqrt(generator.chisquare(4, n) / 4)[:, None]


def checkerboard(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """The dark squares of a board of 4 × 4."""
    row, column = generator.integers(4, size=n), generator.integers(2, size=n)
    return np.column_stack([row, 2 * column + row % 2]) + generator.uniform(size=(n, 2))


def rose(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A curve of three leaves."""
    t = angles(generator, n)
    return polar(np.cos(3 * t), t)


def s_curve(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """Two three-quarter circles that make an S."""
    t = 1.5 * np.pi * generator.uniform(-1, 1, n)
    return np.column_stack([np.sin(t), np.sign(t) * (np.cos(t) - 1)])


def lattice(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """Normal numbers cut to thirds, by a random matrix (arXiv 2405.14860, its synthetic clouds)."""
    return np.trunc(3 * generator.standard_normal((n, 2))) @ generator.standard_normal((2, 2))


def parallelogram(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """A uniform square, sheared by up to 45 degrees."""
    return generator.uniform(-1, 1, (n, 2)) @ np.array([[1.0, 0.0], [generator.uniform(0.3, 1), 1.0]])


def mixture(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """0.3 of the points normal, 0.6 on a line, 0.1 on another (arXiv 2405.14860, its synthetic clouds)."""
    part = generator.choice(3, size=n, p=[0.3, 0.6, 0.1])[:, None]
    along = generator.standard_normal((2, 2))
    offset = generator.standard_normal((2, 2))
    s = generator.standard_normal((n, 1))
    points = np.where(part == 1, s * along[0] + offset[0], s * along[1] + offset[1])
    return np.where(part == 0, generator.standard_normal((n, 2)), points)


def line_and_normal(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """0.4 to 0.6 of the points on a line through the middle of a normal cloud."""
    on_line = generator.uniform(size=n) < generator.uniform(0.4, 0.6)
    points = generator.standard_normal((n, 2))
    points[on_line, 1] = 0.0
    return points


def axes(draw: Draw, count: int) -> Sampler:
    """One of so many lines through the origin, in directions that share the turn (two: at right angles)."""

    def sample(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
        chosen = generator.integers(count, size=n)
        return polar(draw(generator, n), 2 * np.pi * chosen / max(count, 4 if count == 2 else 0))

    return sample


def corners(weights: tuple[float, float, float]) -> Sampler:
    """The corners of a triangle, so often: a one-hot code of three."""
    return lambda generator, n: polar(1.0, 2 * np.pi * generator.choice(3, size=n, p=weights) / 3)


def line(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """Normal numbers along a line."""
    return np.column_stack([generator.standard_normal(n), np.zeros(n)])


def two_points(generator: np.random.Generator, n: int) -> Float[np.ndarray, "n 2"]:
    """Either of two points."""
    return np.column_stack([sign(generator, n), np.zeros(n)])
