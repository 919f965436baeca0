"""How often is a short list on a random smooth curve called a circle, and how often a noisy circle?

    python benchmarks/studies/features_curves.py [--seeds 150]

A curve is a Gaussian process along the list, whose points are unrelated if they are more than half the list apart; so
its ends are near each other by chance alone. `noise` is what each label has of its own, in each dimension, where the
curve has 1. A circle has the same variance as the curve, all of it in two dimensions.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, machine_line, table_head, table_row
from jaxtyping import Float

from novacula.features import probe_states
from novacula.features.config import ProbeConfig

REACH = 0.25  #: in lengths of the list; the correlation of points twice as far apart is e^-2
CONFIG = ProbeConfig(permutations=999)


def curve(random: np.random.Generator, labels: int, width: int) -> Float[np.ndarray, "labels width"]:
    """A smooth random curve."""
    along = np.arange(labels) / labels
    covariance = np.exp(-((along[:, None] - along) ** 2) / (2 * REACH**2)) + 1e-9 * np.eye(labels)
    return np.linalg.cholesky(covariance) @ random.standard_normal((labels, width))


def ring(labels: int, width: int) -> Float[np.ndarray, "labels width"]:
    """A circle whose points have the length that those of a curve have on average."""
    angle = 2 * np.pi * np.arange(labels) / labels
    plane = np.sqrt(width) * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.concatenate([plane, np.zeros((labels, width - 2))], axis=1)


def main() -> None:
    """Print the shares that are called circles."""
    seeds = arguments(__doc__, seeds=150).seeds
    print(machine_line())
    table_head("labels", "dimensions", "noise", "curves called circles", "circles called circles")
    for labels in (8, 12, 16):
        for width in (4, 16, 64):
            for noise in (0.3, 0.8):
                called = [0, 0]
                for seed in range(seeds):
                    random = np.random.default_rng([seed, labels, width])
                    own = noise * random.standard_normal((labels, width))
                    for kind, means in enumerate((curve(random, labels, width), ring(labels, width))):
                        called[kind] += probe_states(np.stack([means + own] * 2), CONFIG).circle
                table_row(labels, width, noise, *(f"{count / seeds:.0%}" for count in called))


if __name__ == "__main__":
    main()
