"""Both indices beyond the plane: every split of d dimensions into k and d - k, and bands about hyperplanes.

A search looks for the rotation that makes two groups of coordinates most independent. It has a smooth measure: the
covariance of random Fourier features of the two groups, which is zero only where they are independent. It turns one
pair of coordinates after the other, from many starts: principal axes, independent components, random rotations. The
result is then measured by nearest neighbors. A cloud that would be called irreducible is searched again, from many more
starts. Then the directions of one group may also lean towards the other, by the error of the covariance: whitening
makes groups uncorrelated, and so leans them by as much. Hyperplanes go through d points drawn at random; the best are
fitted to their points. Source: ours.
"""

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree
from scipy.special import digamma

from novacula.features.clouds.mixture import Mixture, band_shares, best_band

_FEATURES = 32  #: random Fourier features of each group
_SEARCHED = 800  #: points on which rotations are compared
_MEASURED = 2000  #: points on which information is measured by neighbors
_RANDOM_STARTS = 6
_REFINED_STARTS = 3
_WIDE = 5  #: times as many of both in the second search
_LEAN = 2.5  #: farthest that a direction leans, in units of 1 / √n
_HYPERPLANES = 600
_FITTED = 12
_BLUR = 1e-3  #: standard deviation of the noise that tells equal points apart


@dataclass(frozen=True)
class Split:
    """The most independent split into two groups of coordinates."""

    bits: float
    """Mutual information of the groups by nearest neighbors, minus the mean of shuffled clouds; not below 0."""
    null_z: float  #: standard deviations above that mean
    interval: tuple[float, float]
    """95 % interval of `bits`: subsamples of half of the points, as wide as the whole cloud's would be."""
    neighbors_bits: float  #: the plain estimate, which may be below 0
    rotation: Float[np.ndarray, "d d"]
    """The rotation of the whitened coordinates; its first `first` rows are one group. Directions may lean a little."""
    first: int  #: coordinates of the smaller group


def best_split(
    white: Float[np.ndarray, "n d"],
    generator: np.random.Generator,
    *,
    neighbors: int = 4,
    shuffles: int = 20,
    subsamples: int = 20,
    wide: bool = False,
) -> Split:
    """Finds the split whose two groups of coordinates say least about each other."""
    d, more = white.shape[1], _WIDE if wide else 1
    some = generator.permutation(white)[:_SEARCHED]
    measured = generator.permutation(white)[:_MEASURED]
    starts = [
        np.eye(d),
        _independent_axes(some, generator),
        *(_turn(generator, d) for _ in range(more * _RANDOM_STARTS)),
    ]
    found: list[tuple[float, Float[np.ndarray, "d d"], int]] = []
    for first in range(1, d // 2 + 1):
        dependence = _Dependence(some, first, generator)
        ordered = sorted(
            (_ordered(start, group) for start in starts for group in combinations(range(d), first)), key=dependence
        )
        for start in ordered[: more * _REFINED_STARTS]:
            rotation = _descend(start, dependence)
            found.append((_measure(measured, rotation, first, generator, neighbors), rotation, first))
    plain, rotation, first = min(found, key=lambda split: split[0])
    if wide:
        plain, rotation = _leaning(measured, plain, rotation, first, generator, neighbors, _LEAN / np.sqrt(len(white)))
    turned = measured @ rotation.T
    a, b = turned[:, :first], turned[:, first:]
    chance = [neighbor_information(a, generator.permutation(b), generator, neighbors) for _ in range(shuffles)]
    mean, spread = float(np.mean(chance)), float(np.std(chance, ddof=1))
    bits = max(0.0, plain - mean)
    interval = _interval(a, b, bits, generator, neighbors, subsamples) if subsamples else (float("nan"), float("nan"))
    return Split(bits, (plain - mean) / max(spread, 1e-9), interval, plain, rotation, first)


def best_hyperplane(
    white: Float[np.ndarray, "n d"], generator: np.random.Generator, *, epsilon: float = 0.1, halves: bool = True
) -> Mixture:
    """Finds the band about a hyperplane that holds most points; see `novacula.features.clouds.mixture`.

    The generator draws the points of the hyperplanes, and the halves; without these, the held-out value is NaN.
    """
    normal = _hyperplane(white, generator, epsilon)
    share, middle, half_width = best_band(np.sort(white @ normal), epsilon)
    held_out = [_carried(white, generator, epsilon) for _ in range(2)] if halves else [float("nan")]
    return Mixture(share, float(np.mean(held_out)), normal, middle, half_width)


def _carried(white: Float[np.ndarray, "n d"], generator: np.random.Generator, epsilon: float) -> float:
    """Returns the share of one half of the points in the band that the other half chooses."""
    order = generator.permutation(len(white))
    chosen_on, counted_on = white[order[::2]], white[order[1::2]]
    normal = _hyperplane(chosen_on, generator, epsilon)
    _, middle, width = best_band(np.sort(chosen_on @ normal), epsilon)
    return float(np.mean(np.abs(counted_on @ normal - middle) < width))


def _hyperplane(
    white: Float[np.ndarray, "n d"], generator: np.random.Generator, epsilon: float
) -> Float[np.ndarray, " d"]:
    n, d = white.shape
    chosen = white[generator.integers(n, size=(_HYPERPLANES, d))]
    _, _, axes = np.linalg.svd(chosen[:, 1:] - chosen[:, :1], full_matrices=True)
    normals = axes[:, -1]
    some = white if n <= _MEASURED else white[generator.permutation(n)[:_MEASURED]]
    shares = band_shares(some, normals, epsilon)
    best = normals[np.argsort(-shares)[:_FITTED]]
    for width in (0.1, 0.03, 0.01):
        tried = np.vstack([best, *(_fitted(some, normal, epsilon) for normal in best)])
        near = tried[np.argsort(-band_shares(some, tried, epsilon))[:_FITTED]]
        moved = near[:, None] + width * generator.standard_normal((len(near), 8, d))
        tried = np.vstack([near, moved.reshape(-1, d) / np.linalg.norm(moved.reshape(-1, d), axis=1, keepdims=True)])
        best = tried[np.argsort(-band_shares(some, tried, epsilon))[:_FITTED]]
    return best[0]


def _fitted(
    white: Float[np.ndarray, "n d"], normal: Float[np.ndarray, " d"], epsilon: float
) -> Float[np.ndarray, "1 d"]:
    """Returns the direction in which the points of the band are thinnest."""
    _, middle, width = best_band(np.sort(white @ normal), epsilon)
    held = white[np.abs(white @ normal - middle) <= width]
    return np.linalg.eigh(np.cov(held.T))[1][:, :1].T if len(held) > white.shape[1] else normal[None]


class _Dependence:
    """A smooth measure of the dependence of two groups of coordinates, by rotation."""

    def __init__(self, white: Float[np.ndarray, "n d"], first: int, generator: np.random.Generator) -> None:
        d = white.shape[1]
        self.white, self.first, self.d = white, first, d
        # Of several widths, so that coarse and fine structure count.
        self.waves = [
            generator.standard_normal((size, _FEATURES)) * np.geomspace(0.7, 3, _FEATURES)
            for size in (first, d - first)
        ]
        self.phases = [generator.uniform(0, 2 * np.pi, _FEATURES) for _ in range(2)]

    def __call__(self, rotation: Float[np.ndarray, "d d"]) -> float:
        turned = self.white @ rotation.T
        groups = turned[:, : self.first], turned[:, self.first :]
        features = [np.cos(g @ w + p) for g, w, p in zip(groups, self.waves, self.phases, strict=True)]
        first, second = (f - f.mean(axis=0) for f in features)
        return float(((first.T @ second) ** 2).sum()) / len(turned) ** 2


def _descend(rotation: Float[np.ndarray, "d d"], dependence: _Dependence) -> Float[np.ndarray, "d d"]:
    """Turns one coordinate of a group against one of the other group, in ever smaller steps, while that helps."""
    least = dependence(rotation)
    for width in (np.pi / 4, np.pi / 8, np.pi / 20, np.pi / 60, np.pi / 180):
        for i in range(dependence.first):
            for j in range(dependence.first, dependence.d):
                turns = [_turned(rotation, i, j, width * part) for part in (-1, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1)]
                values = [dependence(turned) for turned in turns]
                if min(values) < least:
                    least, rotation = min(values), turns[int(np.argmin(values))]
    return rotation


def _leaning(
    white: Float[np.ndarray, "n d"],
    least: float,
    axes: Float[np.ndarray, "d d"],
    first: int,
    generator: np.random.Generator,
    neighbors: int,
    reach: float,
) -> tuple[float, Float[np.ndarray, "d d"]]:
    """Leans each direction towards those of the other group, in ever smaller steps, while that helps."""
    groups = range(first), range(first, len(axes))
    pairs = [(i, j) for one, other in (groups, groups[::-1]) for i in one for j in other]
    for step in reach * np.array([0.5, 0.25, 0.125]):
        for i, j in pairs:
            for sense in (-step, step):
                leaning = axes.copy()
                leaning[i] += sense * axes[j]
                bits = _measure(white, leaning, first, generator, neighbors)
                if bits < least:
                    least, axes = bits, leaning
    return least, axes


def _turned(rotation: Float[np.ndarray, "d d"], i: int, j: int, angle: float) -> Float[np.ndarray, "d d"]:
    turned = rotation.copy()
    turned[i] = np.cos(angle) * rotation[i] + np.sin(angle) * rotation[j]
    turned[j] = np.cos(angle) * rotation[j] - np.sin(angle) * rotation[i]
    return turned


def _ordered(rotation: Float[np.ndarray, "d d"], group: tuple[int, ...]) -> Float[np.ndarray, "d d"]:
    """Returns the rotation with the rows of the group first."""
    rest = [row for row in range(len(rotation)) if row not in group]
    return rotation[[*group, *rest]]


def _turn(generator: np.random.Generator, d: int) -> Float[np.ndarray, "d d"]:
    return np.linalg.qr(generator.standard_normal((d, d)))[0]


def _independent_axes(white: Float[np.ndarray, "n d"], generator: np.random.Generator) -> Float[np.ndarray, "d d"]:
    """Returns independent components after 30 rounds of FastICA, converged or not: this is one start of several."""
    from sklearn.decomposition import fastica
    from sklearn.exceptions import ConvergenceWarning

    start = _turn(generator, white.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, rotation, _ = fastica(white, whiten=False, max_iter=30, tol=0, w_init=start)  # pyright: ignore
    return rotation


def _measure(
    white: Float[np.ndarray, "n d"],
    rotation: Float[np.ndarray, "d d"],
    first: int,
    generator: np.random.Generator,
    neighbors: int,
) -> float:
    turned = white @ rotation.T
    return neighbor_information(turned[:, :first], turned[:, first:], generator, neighbors)


def _interval(
    a: Float[np.ndarray, "n p"],
    b: Float[np.ndarray, "n q"],
    bits: float,
    generator: np.random.Generator,
    neighbors: int,
    subsamples: int,
) -> tuple[float, float]:
    """Returns the interval, from halves of the points.

    A point drawn twice would be its own neighbor, so halves are drawn without replacement. The spread of the estimate
    on n of N points about that on all is √((N - n) / n) times that on N, and 1 for halves.
    """
    values = []
    for _ in range(subsamples):
        half = generator.permutation(len(a))[: len(a) // 2]
        values.append(neighbor_information(a[half], b[half], generator, neighbors))
    spread = 1.96 * float(np.std(values, ddof=1))
    return max(0.0, bits - spread), bits + spread


def neighbor_information(
    a: Float[np.ndarray, "n p"], b: Float[np.ndarray, "n q"], generator: np.random.Generator, neighbors: int = 4
) -> float:
    """Returns the mutual information of two groups of coordinates, in bits; it may lie a little below 0.

    Args:
        a: first group, each coordinate of standard deviation near 1.
        b: second group.
        generator: draws the noise, a thousandth of a standard deviation, that tells equal points apart.
        neighbors: k, at most n - 1.
    """
    neighbors = min(neighbors, len(a) - 1)
    a = a + _BLUR * generator.standard_normal(a.shape)
    b = b + _BLUR * generator.standard_normal(b.shape)
    both = np.hstack([a, b])
    radius = KDTree(both).query(both, k=neighbors + 1, p=np.inf)[0][:, -1]
    counts = [_closer(group, radius) for group in (a, b)]
    nats = digamma(neighbors) + digamma(len(a)) - sum(float(digamma(count).mean()) for count in counts)
    return float(nats / np.log(2))


def _closer(group: Float[np.ndarray, "n p"], radius: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns how many points of the group, each itself included, are strictly nearer to it than its radius."""
    inside = radius * (1 - 1e-12)
    if group.shape[1] > 1:
        return KDTree(group).query_ball_point(group, inside, p=np.inf, return_length=True).astype(float)
    line = np.sort(group[:, 0])
    high = np.searchsorted(line, group[:, 0] + inside, side="right")
    return (high - np.searchsorted(line, group[:, 0] - inside)).astype(float)
