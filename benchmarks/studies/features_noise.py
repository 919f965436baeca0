"""Does noise turn a mixture of two lines into a feature, or a curve into a mixture?

    python benchmarks/studies/features_noise.py [--json PATH]

Clouds of 800 points of families that were written down before any was scored, each with three amounts of noise and
three seeds: how many are called irreducible, by the two indices alone and with the cut in parts. No constant was chosen
on them. Noise is in units of the half extent of each family.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, save, table_head, table_row

from novacula.features import ScoreConfig, score_cloud
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


def main() -> None:
    """Score and print the table."""
    options = arguments(__doc__)
    rows, head = [], ("family", "irreducible", "noise", "by two indices", "with parts")
    table_head(*head)
    for name, (irreducible, draw) in FAMILIES.items():
        for noise in NOISES:
            counts = [0, 0]
            for seed in SEEDS:
                generator = np.random.default_rng([seed, int(1000 * noise), list(FAMILIES).index(name)])
                points = draw(generator, POINTS)
                found = score_cloud(points + generator.normal(0, noise, points.shape), ScoreConfig(bootstraps=20), seed)
                counts[0] += found.score >= THRESHOLD and found.separability_null_z >= LEAST_Z
                counts[1] += found.irreducible
            rows.append((name, irreducible, noise, *counts))
            said = (f"{count} of {len(SEEDS)}" for count in counts)
            table_row(name, "yes" if irreducible else "no", noise, *said)
    save(options.json, points=POINTS, seeds=SEEDS, rows=rows)


if __name__ == "__main__":
    main()
