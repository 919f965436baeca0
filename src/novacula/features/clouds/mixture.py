"""Is a cloud a mixture? The largest share of the points in a thin band, and what is left within two or three parts.

The band about the line v·f + c = 0 has the half width ε √E[(v·f + c)²]. In whitened coordinates, with |v| = 1 and the
band's middle at m = -c, that is h = ε √(1 + m²): bands far from the middle are wider. A best band begins at a point:
for each point p as its lower edge, m - h = p gives m in closed form, and one binary search counts what lies below
m + h. So an exact scan takes the place of gradient ascent.

Noise fills a band. Two or three features of one dimension that are active in turns then look like one feature of two.
So the cloud is cut in two and in three in several ways, and the information is measured again within the parts. A part
of a circle is an arc, which still is no product; a part of noisy lines is one. The parts are ours.

Many short arcs are nearly products, so four parts and more are judged by where they lie. Features of one dimension that
are active in turns lie on rays from one point, where all are off. So Gaussians are fitted whose long axes meet in one
point. The parts are rays if three things hold. Each part is longer along its ray than it is wide. Its points keep
nearer to the ray than evenly spread directions would, up to the middle between two rays. And their distances from the
point vary. A ring has arcs across the rays, or fills the space between them. Labels on a ring are no longer than wide,
or all at one distance. The rays are ours.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from novacula.features.clouds.cloud import Cloud, whiten
from novacula.features.clouds.separability import separability

_EDGES = 1000  #: lower edges that are tried for each direction of the grid; the refinement tries all points
_BEST = 4  #: directions about which the grid is refined
_POINTS = 2000
_LEAST = 30  #: points of a part; smaller ones say nothing
_TURNS, _STARTS = 9, 3  #: pairs of lines at right angles, and other starts, from which Gaussians are fitted
_TRIED = 4  #: cuts within which the information is measured, those of largest likelihood
_APART, _THIN = 0.005, 0.2
"""Largest mean chance that a point is of another part, and largest ratio of a part's axes. Three parts need either.
Arcs of a noisy circle touch, so they have 0.012 and 0.28, or more. Three rays have at most 0.002 of the first, three
crossing lines at most 0.2 of the second."""
_MOST_LINES, _ROUNDS, _FINEST = 8, 40, 0.02
"""Lines of the largest star, rounds of its fit, and its least standard deviation."""
_WIDE, _BETWEEN, _VARIED, _COVERED = 0.6, 0.8, 0.2, 0.9
"""What makes rays: the largest ratio of width to length of one; the largest ratio of all widths to those of evenly
spread directions; the least deviation of distances from the meeting point, in distances; and the least share of the
points on large rays. Chosen on clouds of our own: stars had at most 0.51 and 0.77, and at least 0.28. Of the others
none had all: those below 0.6 and 0.8 are labels on a ring, with 0.11."""
_ALIKE = 0.97  #: share of the points on which two cuts agree that are one
_ANGLES, _SHUFFLES = 30, 20
_Star = tuple[Float[np.ndarray, " d"], Float[np.ndarray, "k d"], Int[np.ndarray, " n"]]
"""A point where long axes meet, the axes, and the part of each of the points."""


@dataclass(frozen=True)
class Mixture:
    """The band that holds most points."""

    share: float  #: the share of points within it
    held_out: float  #: share of one half in the band that was chosen on the other half; mean of both halves
    direction: Float[np.ndarray, " d"]  #: unit normal of its middle line in the whitened plane
    middle: float  #: its distance from the mean along `direction`
    half_width: float  #: half the band's width


def mixture(
    white: Float[np.ndarray, "n 2"],
    generator: np.random.Generator | None = None,
    *,
    epsilon: float = 0.1,
    directions: int = 180,
) -> Mixture:
    """Finds the band that holds most points.

    Args:
        white: the whitened cloud.
        generator: of the halves; without one the held-out value is NaN.
        epsilon: half width, in root-mean-square distances from the middle line.
        directions: tried on half a turn before the best are refined.

    Source: arXiv 2405.14860, its ε-mixture index; the exact scan is ours.
    """
    angle, share = _search(white, epsilon, directions)
    held_out = float("nan")
    if generator is not None:
        order = generator.permutation(len(white))
        halves = white[order[::2]], white[order[1::2]]
        held_out = float(np.mean([_carried(a, b, epsilon, directions) for a, b in (halves, halves[::-1])]))
    share, middle, half_width = best_band(np.sort(white @ _unit(angle)), epsilon)
    return Mixture(share, held_out, _unit(angle), middle, half_width)


def _carried(
    chosen_on: Float[np.ndarray, "n 2"], counted_on: Float[np.ndarray, "m 2"], epsilon: float, directions: int
) -> float:
    unit = _unit(_search(chosen_on, epsilon, directions)[0])
    _, middle, half_width = best_band(np.sort(chosen_on @ unit), epsilon)
    return float(np.mean(np.abs(counted_on @ unit - middle) < half_width))


def _search(white: Float[np.ndarray, "n 2"], epsilon: float, directions: int) -> tuple[float, float]:
    """Returns the angle of the best direction, and its share."""
    step = np.pi / directions
    angles = step * np.arange(directions)
    shares = band_shares(white, _units(angles), epsilon, _EDGES)
    best = angles[np.argsort(-shares)[:_BEST]]
    for _ in range(2):
        step /= 6
        angles = np.unique(best[:, None] + step * np.arange(-5, 6))
        shares = band_shares(white, _units(angles), epsilon, 4 * _EDGES)
        best = angles[np.argsort(-shares)[:_BEST]]
    return float(best[0]), float(shares.max())


def band_shares(
    white: Float[np.ndarray, "n d"], normals: Float[np.ndarray, "m d"], epsilon: float, edges: int | None = None
) -> Float[np.ndarray, " m"]:
    """Returns the share of the best band across each of some directions."""
    return np.array([best_band(p, epsilon, edges)[0] for p in np.sort(normals @ white.T, axis=1)])


def best_band(p: Float[np.ndarray, " n"], epsilon: float, edges: int | None = None) -> tuple[float, float, float]:
    """Returns share, middle and half width of the best band across sorted projections."""
    every = 1 if edges is None else max(1, len(p) // edges)
    low = p[::every]
    middle = (low + epsilon * np.sqrt(low**2 + 1 - epsilon**2)) / (1 - epsilon**2)
    inside = np.searchsorted(p, 2 * middle - low) - every * np.arange(len(low))
    best = int(np.argmax(inside))
    return float(inside[best] / len(p)), float(middle[best]), float(middle[best] - low[best])


def _units(angles: Float[np.ndarray, " angles"]) -> Float[np.ndarray, "angles 2"]:
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _unit(angle: float) -> Float[np.ndarray, " 2"]:
    return np.array([np.cos(angle), np.sin(angle)])


def parts_bits(white: Float[np.ndarray, "n 2"], generator: np.random.Generator, bins: int = 40) -> float | None:
    """Returns the bits of `separability` left within two or three parts of a cloud, in the cut that leaves least.

    None stands for a cloud that no cut parts into large parts.

    Three parts must lie apart or be thin: as far as few points can tell, each third of a noisy circle is a product.
    Four parts would hold a circle of seven labels in pairs.
    """
    points = white if len(white) <= _POINTS else white[generator.permutation(len(white))[:_POINTS]]
    least = np.inf
    for count in (2, 3):
        for parts in _cuts(points, count, generator):
            bits = 0.0
            for part in (points[parts == number] for number in range(count)):
                flat = whiten(part).white
                if flat.shape[1] == 2:
                    found = separability(flat, generator, bins=bins, angles=_ANGLES, shuffles=_SHUFFLES, bootstraps=0)
                    bits += found.bits * len(part) / len(points)
            least = min(least, bits)
    return float(least) if least < np.inf else None


def _cuts(
    points: Float[np.ndarray, "n 2"], count: int, generator: np.random.Generator
) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields different cuts into `count` large parts, the likeliest first."""
    starts = _crossing(points) if count == 2 else _angular(points, count, generator)
    fits = [_fit(points, count, start) for start in starts]
    fits += [_fit(points, count, None, int(generator.integers(2**31))) for _ in range(_STARTS)]
    seen: list[np.ndarray] = []
    for fit in sorted(fits, key=lambda fit: -fit.lower_bound_):
        chances = fit.predict_proba(points)
        parts = chances.argmax(1)
        large = min(np.bincount(parts, minlength=count)) >= _LEAST
        thin = max(np.divide(*np.sqrt(np.linalg.eigvalsh(spread))) for spread in np.asarray(fit.covariances_)) < _THIN
        apart = count == 2 or thin or 1 - chances.max(1).mean() < _APART
        if large and apart and all(_agreement(parts, other, count) < _ALIKE for other in seen):
            seen.append(parts)
            yield parts
        if len(seen) == _TRIED:
            return


def _agreement(a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"], count: int) -> float:
    """Returns the share of the points on which two cuts agree, the parts being matched as well as they can be."""
    both = np.bincount(count * a + b, minlength=count**2).reshape(count, count)
    return float(both[linear_sum_assignment(-both)].sum() / len(a))


def _crossing(points: Float[np.ndarray, "n 2"]) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields the cuts into the points nearer to one, and to the other, of two lines at right angles through the mean.

    Two lines that cross at right angles are what whitening makes of any two lines of equal weight.
    """
    for angle in np.pi / 2 * np.arange(_TURNS) / _TURNS:
        yield (
            np.abs(points @ [np.cos(angle), np.sin(angle)]) < np.abs(points @ [-np.sin(angle), np.cos(angle)])
        ).astype(int)


def _angular(
    points: Float[np.ndarray, "n 2"], count: int, generator: np.random.Generator
) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields cuts by the directions of points from the mean: of rays, and of lines, where opposites are alike."""
    angles, radii = np.arctan2(points[:, 1], points[:, 0]), np.hypot(points[:, 0], points[:, 1])
    for turns in (1, 2):
        around = np.column_stack([np.cos(turns * angles), np.sin(turns * angles)])
        yield KMeans(count, random_state=int(generator.integers(2**31))).fit_predict(around, sample_weight=radii)


def _fit(
    points: Float[np.ndarray, "n 2"], count: int, start: Int[np.ndarray, " n"] | None, seed: int = 0
) -> GaussianMixture:
    """Returns a mixture of `count` Gaussians, fitted from a cut or from k-means."""
    means = weights = precisions = None
    if start is not None and min(np.bincount(start, minlength=count)) > 2:
        groups = [points[start == part] for part in range(count)]
        means = np.array([group.mean(0) for group in groups])
        weights = np.array([len(group) for group in groups]) / len(points)
        precisions = np.array([np.linalg.inv(np.cov(group.T) + 1e-6 * np.eye(2)) for group in groups])
    fit = GaussianMixture(
        count, weights_init=weights, means_init=means, precisions_init=precisions, random_state=seed, max_iter=60
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit.fit(points)


def on_rays(cloud: Cloud, generator: np.random.Generator) -> bool:
    """Returns whether the points of a cloud lie on rays from one point, in any number of dimensions.

    In the plane these are at least four rays or lines, since fewer are found as parts. Beyond it they are at least as
    many as there are dimensions; there, whitening can make noise wider than a ray is long, so points are looked at as
    they are, too.
    """
    d = cloud.white.shape[1]
    frames = [cloud.white] if d == 2 else [cloud.white, cloud.principal / cloud.lengths[0]]
    some = generator.permutation(len(cloud.white))[:_POINTS]
    return any(
        _are_rays(points[some], _star(points[some], hub, np.eye(count)[groups]))
        for points in frames
        for count in range(max(4 - (d > 2), d), _MOST_LINES + 1)
        for hub, groups in _bundles(points[some], count, generator)
    )


def _bundles(
    points: Float[np.ndarray, "n d"], count: int, generator: np.random.Generator
) -> Iterator[tuple[Float[np.ndarray, " d"], Int[np.ndarray, " n"]]]:
    """Yields points where lines may meet, with cuts by the directions from there: as rays, and as lines."""
    d = points.shape[1]

    def grouped(features: np.ndarray, groups: int, weight: np.ndarray | None = None) -> Int[np.ndarray, " n"]:
        means = KMeans(groups, random_state=int(generator.integers(2**31)), max_iter=30)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # there may be fewer different points than groups
            return means.fit_predict(features, sample_weight=weight)

    across, toward = 1e-9 * np.eye(d), np.zeros(d)
    places = grouped(points, 2 * count)
    for part in (points[places == place] for place in range(2 * count)):
        if len(part) > 2 * d:
            sizes, axes = np.linalg.eigh(np.cov(part.T))
            shorter, longer = np.sqrt(np.maximum(sizes[-2:], _FINEST**2))
            beside = np.eye(d) - np.outer(axes[:, -1], axes[:, -1])
            beside *= len(part) * (1 / shorter - 1 / longer) ** 2
            across, toward = across + beside, toward + beside @ part.mean(0)
    for hub in (np.zeros(d), np.linalg.solve(across, toward)):
        away = points - hub
        far = np.linalg.norm(away, axis=1)
        units = away / np.maximum(far, 1e-9)[:, None]
        yield hub, grouped(units, count, far)
        yield hub, grouped((units[:, :, None] * units[:, None, :]).reshape(len(units), -1), count, far)


def _star(points: Float[np.ndarray, "n d"], hub: Float[np.ndarray, " d"], parts: Float[np.ndarray, "n k"]) -> _Star:
    """Fits a mixture of Gaussians whose long axes meet in one point, from such a point and a first cut."""
    (n, d), last, axes = points.shape, -np.inf, np.zeros((parts.shape[1], points.shape[1]))
    for _ in range(_ROUNDS):
        sums, away = parts.sum(0) + 1e-9, points - hub
        sizes, turns = np.linalg.eigh(
            np.einsum("nk,ni,nj->kij", parts, away, away, optimize=True) / sums[:, None, None]
        )
        axes = turns[:, :, -1]
        width = np.maximum(sizes[:, :-1].mean(1), _FINEST**2)
        beside = (np.eye(d) - axes[:, :, None] * axes[:, None, :]) * (sums / width)[:, None, None]
        toward = np.einsum("kij,kj->i", beside, parts.T @ points / sums[:, None])
        hub = np.linalg.solve(beside.sum(0) + 1e-9 * np.eye(d), toward)
        away = points - hub
        along = away @ axes.T
        middle = (parts * along).sum(0) / sums
        length = np.maximum((parts * (along - middle) ** 2).sum(0) / sums, _FINEST**2)
        beyond = (away**2).sum(1)[:, None] - along**2
        logs = np.log(sums / n) - (np.log(length) + (along - middle) ** 2 / length) / 2
        logs -= ((d - 1) * np.log(width) + beyond / width) / 2
        top = logs.max(1, keepdims=True)
        parts = np.exp(logs - top)
        total = parts.sum(1, keepdims=True)
        parts /= total
        likelihood = float((top + np.log(total)).mean())
        if likelihood - last < 1e-4:
            break
        last = likelihood
    return hub, axes, parts.argmax(1)


def _are_rays(points: Float[np.ndarray, "n d"], star: _Star) -> bool:
    """Returns whether the parts of a star are rays."""
    hub, axes, parts = star
    away, d = points - hub, points.shape[1]
    along = (away * axes[parts]).sum(1)
    rays, counts = np.unique(2 * parts + (along < 0), return_counts=True)
    rays = rays[counts >= max(_LEAST, len(points) / 50)]
    if len(rays) < 3:
        return False
    units = axes[rays // 2] * (1 - 2 * (rays % 2))[:, None]
    cosines = np.clip(units @ units.T, -1, 1) - 2 * np.eye(len(rays))
    half = np.minimum(np.arccos(cosines.max(1)) / 2, np.pi / 4)
    covered, wide, even, length, square = 0, 0.0, 0.0, 0.0, 0.0
    spread = np.arange(1, d) / np.arange(3, d + 2)  # the variance of evenly filled balls of 1 … d - 1 dimensions
    for ray, unit, reach in zip(rays, units, half, strict=True):
        own = away[2 * parts + (along < 0) == ray]
        beside = own - np.outer(own @ unit, unit)
        across = np.maximum(np.linalg.eigvalsh(beside.T @ beside / len(own))[:0:-1], 0)
        varied, far = float((own @ unit).var()), float((own**2).sum(1).mean())
        wide = max(wide, across[0] / max(varied, 1e-12))
        even += len(own) * float((np.cumsum(across) / spread).max())
        square += len(own) * far * reach**2
        length += len(own) * varied / far
        covered += len(own)
    held = covered >= _COVERED * len(points) and length >= _VARIED**2 * covered
    return bool(held and wide <= _WIDE**2 and even <= _BETWEEN**2 * square)
