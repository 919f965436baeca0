"""Does noise turn a mixture of lines into a feature, or a curve into a mixture?

    python benchmarks/studies/features_noise.py [--fast] [--json PATH]

Clouds of 800 points of families that were written down before any was scored, each with three amounts of noise and
three seeds: how many are called irreducible, by the two indices alone and with the cut in parts. No constant was chosen
on them. Noise is in units of the half extent of each family. With ``--fast`` it is the fast score of a plane, which
ranks clusters, on further families.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, save, table_head, table_row

from novacula.features import ScoreConfig, score_cloud, score_plane
from novacula.features.clouds.cloud_score import LEAST_Z, THRESHOLD

POINTS, NOISES, SEEDS = 800, (0.03, 0.07, 0.12), (100, 101, 102)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def on_lines(generator: np.random.Generator, directions: list[float], lengths: np.ndarray, share: float) -> np.ndarray:
    """Points on one of two lines through the origin, at these degrees."""
    angle = np.deg2rad(np.array(directions))[(generator.random(len(lengths)) < share).astype(int)]
    return np.column_stack([np.cos(angle), np.sin(angle)]) * lengths[:, None]


def at(angle: np.ndarray, radius: np.ndarray | float) -> np.ndarray:
    """Points from angles and radii."""
    return np.column_stack([np.cos(angle), np.sin(angle)]) * np.reshape(radius, (-1, 1))


def trefoil(angle: np.ndarray) -> np.ndarray:
    """A curve of three lobes."""
    return at(angle, 0.7 + 0.3 * np.cos(3 * angle))


def boundary(generator: np.random.Generator, n: int) -> np.ndarray:
    """The sides of a square."""
    side, along = generator.integers(0, 4, n), generator.uniform(-1, 1, n)
    other = np.where(side < 2, -1.0, 1.0)
    return np.where((side % 2 == 0)[:, None], np.column_stack([along, other]), np.column_stack([other, along]))


def beside(generator: np.random.Generator, n: int) -> np.ndarray:
    """A line, or a blob beside its end."""
    line = np.column_stack([generator.uniform(-1, 1, n), np.zeros(n)])
    return np.where((generator.random(n) < 0.6)[:, None], line, generator.laplace(0.9, 0.08, (n, 2)))


FAMILIES: dict[str, tuple[bool, Draw]] = {
    "sparse pair, exponential": (False, lambda g, n: on_lines(g, [0, 90], g.exponential(0.35, n), 0.5)),
    "sparse pair, log-normal, 120°": (False, lambda g, n: on_lines(g, [0, 120], g.lognormal(-0.6, 0.3, n), 0.5)),
    "crossing lines, 40°, uneven": (False, lambda g, n: on_lines(g, [0, 40], g.uniform(-1, 1, n), 0.3)),
    "line and a blob beside it": (False, beside),
    "T": (False, lambda g, n: np.where((g.random(n) < 0.5)[:, None], at(np.zeros(n), g.uniform(-1, 1, n)),
                                       at(np.full(n, np.pi / 2), g.uniform(0, 1, n)))),
    "ellipse, uneven": (True, lambda g, n: at(g.vonmises(0, 0.5, n), 1.0) * [1.0, 0.6]),
    "trefoil": (True, lambda g, n: trefoil(g.uniform(0, 2 * np.pi, n))),
    "crescent": (True, lambda g, n: at(g.uniform(-2, 2, n), 1.0)),
    "sides of a square": (True, boundary),
    "ring, thick": (True, lambda g, n: at(g.uniform(0, 2 * np.pi, n), g.uniform(0.7, 1, n))),
    "quarter circle": (True, lambda g, n: 1.4 * at(g.uniform(0, np.pi / 2, n), 1.0)),
}  # fmt: skip
"""Whether irreducible; and how points are drawn."""


def chosen(generator: np.random.Generator, n: int, weights: list[float]) -> np.ndarray:
    """Numbers of parts that are active this often."""
    return generator.choice(len(weights), n, p=np.array(weights) / sum(weights))


def blobs(generator: np.random.Generator, n: int) -> np.ndarray:
    """Two long blobs that point in different directions."""
    x, y = generator.normal(0, 1, (2, n)) * np.array([[0.35], [0.08]])
    second = generator.random(n) < 0.5
    turn = np.deg2rad(np.where(second, 120, 30))
    along = np.column_stack([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y])
    return along + np.column_stack([np.where(second, 0.6, -0.6), np.zeros(n)])


PLANES: dict[str, tuple[bool, Draw]] = {
    "three rays": (False, lambda g, n: at(2 * np.pi / 3 * g.integers(0, 3, n), g.uniform(0.3, 1, n))),
    "two rays, or neither": (False, lambda g, n: on_lines(g, [0, 90], g.uniform(0.4, 1, n) * (g.random(n) < 0.7), 0.5)),
    "two rays, 75°, gamma": (False, lambda g, n: on_lines(g, [0, 75], g.gamma(4, 0.12, n), 0.5)),
    "a long and a short line": (False, lambda g, n: np.where((g.random(n) < 0.5)[:, None], at(np.zeros(n), g.uniform(
        -1, 1, n)), at(np.full(n, np.pi / 2), g.uniform(-0.4, 0.4, n)))),
    "two long blobs": (False, blobs),
    "horseshoe": (True, lambda g, n: at(g.uniform(0, 1.5 * np.pi, n), 1.0)),
    "spiral": (True, lambda g, n: (lambda t: at(3.5 * np.pi * t, 0.2 + 0.8 * t))(g.random(n))),
    "figure eight": (True, lambda g, n: (lambda t: np.column_stack([np.sin(t), np.sin(2 * t)]))(
        g.uniform(0, 2 * np.pi, n))),
    "S": (True, lambda g, n: (lambda t: np.column_stack([0.6 * np.sin(3 * t), t]))(g.uniform(-1, 1, n))),
    "triangle, filled": (True, lambda g, n: g.dirichlet([1, 1, 1], n) @ at(2 * np.pi / 3 * np.arange(3), 1.0)),
    "four rays, uneven": (False, lambda g, n: at(np.deg2rad([0, 70, 180, 260])[chosen(g, n, [4, 3, 2, 1])],
                                                g.gamma(5, 0.12, n))),
    "five rays in half a turn": (False, lambda g, n: at(np.pi / 4 * g.integers(0, 5, n), g.beta(2, 2, n))),
    "six rays": (False, lambda g, n: at(np.pi / 3 * g.integers(0, 6, n), g.uniform(0.25, 1, n))),
    "four lines": (False, lambda g, n: at(np.pi / 4 * g.integers(0, 4, n), g.laplace(0, 0.35, n))),
    "five lines, uneven": (False, lambda g, n: at(np.pi / 5 * chosen(g, n, [1, 2, 3, 2, 1]), g.uniform(-1, 1, n))),
    "seven labels on a ring": (True, lambda g, n: at(2 * np.pi / 7 * chosen(g, n, [2, 1, 1, 2, 1, 1, 1]),
                                                     g.normal(1, 0.06, n))),
    "twelve labels on a ring": (True, lambda g, n: at(np.pi / 6 * g.integers(0, 12, n), g.normal(1, 0.06, n))),
    "ring, uneven and thick": (True, lambda g, n: at(g.vonmises(0, 0.8, n), g.uniform(0.7, 1.3, n))),
}  # fmt: skip
"""The same for ``--fast``; the last eight were written down for the rays, before any of them was scored."""


def main() -> None:
    """Score and print the table."""
    options = arguments(__doc__, fast=False)
    score, families, seeds = (score_plane, PLANES, (200, 201, 202)) if options.fast else (score_cloud, FAMILIES, SEEDS)
    rows, head = [], ("family", "irreducible", "noise", "by two indices", "with parts")
    table_head(*head)
    for name, (irreducible, draw) in families.items():
        for noise in NOISES:
            counts = [0, 0]
            for seed in seeds:
                generator = np.random.default_rng([seed, int(1000 * noise), list(families).index(name)])
                points = draw(generator, POINTS)
                found = score(points + generator.normal(0, noise, points.shape), ScoreConfig(bootstraps=20), seed)
                counts[0] += found.score >= THRESHOLD and found.separability_null_z >= LEAST_Z
                counts[1] += found.irreducible
            rows.append((name, irreducible, noise, *counts))
            said = (f"{count} of {len(SEEDS)}" for count in counts)
            table_row(name, "yes" if irreducible else "no", noise, *said)
    save(options.json, points=POINTS, seeds=seeds, rows=rows)


if __name__ == "__main__":
    main()
