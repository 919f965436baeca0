"""The published estimators, with their defects, for comparison only.

Separability: the paper's (`separability_published`), and those of its two programs, which differ from it and from each
other. That for synthetic clouds divides by the mean square instead of its root, so that its result depends on units;
that for clusters stretches 10 × 10 cells to the data. None removes what a table holds by chance. Mixture: gradient
ascent from one random start; that for clusters keeps the temperature at 1.
"""

import numpy as np
from jaxtyping import Float

_STEPS = 10_000
_RATE = 0.1


def separability_published(points: Float[np.ndarray, "n 2"]) -> float:
    """Least plug-in information, bits, on 40 × 40 cells, of 1000 angles of a whole turn.

    Source: arXiv 2405.14860.
    """
    centered = points - points.mean(axis=0)
    scaled = centered * np.sqrt(2 / (centered**2).sum(axis=1).mean())
    return _least(scaled, np.linspace(0, 2 * np.pi, 1000, endpoint=False), 40, 0.0)


def separability_synthetic(points: Float[np.ndarray, "n 2"]) -> float:
    """The same as the program for synthetic clouds computes it: smoothed, in units of the mean square.

    Source: how the reference program of arXiv 2405.14860 behaves.
    """
    centered = points - points.mean(axis=0)
    return _least(centered / (centered**2).mean(), np.linspace(0, 2 * np.pi, 1000, endpoint=False), 40, 1e-4)


def separability_cluster(points: Float[np.ndarray, "n 2"]) -> float:
    """The same as the program for clusters computes it: 10 × 10 cells between least and largest, 100 angles.

    Source: how the reference program of arXiv 2405.14860 behaves.
    """
    return _least(points, np.linspace(0, 2 * np.pi, 100), 10, 1e-10, fixed=False)


def _least(
    points: Float[np.ndarray, "n 2"],
    turns: Float[np.ndarray, " angles"],
    bins: int,
    smoothing: float,
    fixed: bool = True,
) -> float:
    least = np.inf
    for turn in turns:
        a = points @ [np.cos(turn), -np.sin(turn)]
        b = points @ [np.sin(turn), np.cos(turn)]
        table = _table(
            _fixed_cells(a, bins) if fixed else _stretched_cells(a, bins),
            _fixed_cells(b, bins) if fixed else _stretched_cells(b, bins),
            bins,
        )
        expected = np.outer(table.sum(axis=1), table.sum(axis=0))
        held = table > 0
        ratio = (table[held] + smoothing) / (expected[held] + smoothing)
        least = min(least, float(table[held] @ np.log2(ratio)))
    return least


def _fixed_cells(a: Float[np.ndarray, " n"], bins: int) -> np.ndarray:
    return np.clip((a + 3) * (bins / 6), 0, bins - 1).astype(int)


def _stretched_cells(a: Float[np.ndarray, " n"], bins: int) -> np.ndarray:
    low, high = a.min(), a.max()
    return np.clip((a - low) * (bins / max(high - low, 1e-300)), 0, bins - 1).astype(int)


def _table(a: np.ndarray, b: np.ndarray, bins: int) -> Float[np.ndarray, "bins bins"]:
    return np.bincount(a * bins + b, minlength=bins * bins).reshape(bins, bins) / len(a)


def mixture_synthetic(points: Float[np.ndarray, "n d"], generator: np.random.Generator, epsilon: float = 0.1) -> float:
    """Largest softened share, its temperature falling from 1 to 1/10000; the value of the last step.

    Source: arXiv 2405.14860, as its program for synthetic clouds computes it.
    """
    direction, offset = _ascend(points, generator, epsilon, 1 - np.arange(_STEPS) / _STEPS)
    distance, root = _distances(points, direction, offset)
    return float(_sigmoid((epsilon - distance / root) * _STEPS).mean())


def mixture_cluster(points: Float[np.ndarray, "n d"], generator: np.random.Generator, epsilon: float = 0.1) -> float:
    """The share in the band that ascent at temperature 1 finds.

    Source: how the reference program of arXiv 2405.14860 behaves for clusters.
    """
    direction, offset = _ascend(points, generator, epsilon, np.ones(_STEPS))
    distance, root = _distances(points, direction, offset)
    return float((distance < epsilon * root).mean())


def _ascend(
    points: Float[np.ndarray, "n d"],
    generator: np.random.Generator,
    epsilon: float,
    temperatures: Float[np.ndarray, " steps"],
) -> tuple[Float[np.ndarray, " d"], float]:
    """Plain gradient ascent on the mean of σ((ε - |v·f + c| / r) / T), r being the root of the mean of (v·f + c)²."""
    direction, offset = generator.standard_normal(points.shape[1]), 0.0
    for temperature in temperatures:
        signed = points @ direction + offset
        distance = np.abs(signed)
        root = np.sqrt((signed**2).mean())
        soft = _sigmoid((epsilon - distance / root) / temperature)
        slope = soft * (1 - soft) / temperature
        pull = -slope * np.sign(signed) / root + (slope * distance).mean() * signed / root**3
        direction = direction + _RATE * (pull @ points) / len(points)
        offset = offset + _RATE * float(pull.mean())
    return direction, offset


def _distances(
    points: Float[np.ndarray, "n d"], direction: Float[np.ndarray, " d"], offset: float
) -> tuple[Float[np.ndarray, " n"], float]:
    signed = points @ direction + offset
    return np.abs(signed), float(np.sqrt((signed**2).mean()))


def _sigmoid(x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return 0.5 * (1 + np.tanh(0.5 * x))
