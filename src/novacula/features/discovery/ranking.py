"""How irreducible the clusters are, and what chance would make of that.

A cluster's value is what the score of its best plane exceeds that of a Gaussian cloud by which went the same way, weak
points left out and norms taken away, and came out with the same mean and covariance. Without that every plane through
the origin would hold a circle of directions. Sources: arXiv 2405.14860, section 4, takes the mean over planes as they
are; the best of planes with and without intensity, the Gaussian and the clusters of chance are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.clouds.planes import Plane, planes
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.slices import CodeMatrix, Slice
from novacula.features.score import CloudScore, score_plane
from novacula.files import JSON

LEAST_MEMBERS = 3
"""Of a cluster that is scored: two latents are mostly one direction that the dictionary has split."""
LEAST_POINTS = 100
"""Tokens that a cluster needs to be scored."""
LEAST_EXCESS = 0.05
"""Bits by which a cluster must exceed its Gaussian to be called irreducible."""
_WEAK = 3
_DRAWN, _ROUNDS, _MARGIN = 8, 6, 1.25


@dataclass(frozen=True)
class PlaneScore:
    """A plane of a cluster.

    Attributes:
        plane: the points.
        measured: its score.
        gaussian: score of the Gaussian cloud in its plane of the same name.
    """

    plane: Plane
    measured: CloudScore
    gaussian: float

    @property
    def excess(self) -> float:
        """Bits beyond the Gaussian, and beyond what its score may be wrong by; not below 0."""
        return max(0.0, self.measured.score - _MARGIN * self.gaussian)


@dataclass(frozen=True)
class ClusterScore:
    """What was measured of a cluster.

    Attributes:
        members: its latents.
        tokens: tokens on which any of them is active.
        together: mean number of members that are active on a token that is not just weakly active.
        planes: its planes.
        reason: why it was not scored; empty otherwise.
    """

    members: Int[np.ndarray, " members"]
    tokens: int
    together: float
    planes: list[PlaneScore]
    reason: str = ""

    @cached_property
    def best(self) -> PlaneScore | None:
        """The plane with the largest excess."""
        return max(self.planes, key=lambda one: one.excess, default=None)

    @property
    def score(self) -> float:
        """Excess of the best plane, in bits; 0 where there is none."""
        return self.best.excess if self.best else 0.0

    @property
    def published(self) -> float:
        """Mean of (1 - mixture) · separability over the planes as they are."""
        points = [one.measured for one in self.planes if one.plane.form == "points"]
        return float(np.mean([(1 - one.mixture) * one.separability_bits for one in points])) if points else 0.0

    def as_json(self) -> dict[str, JSON]:
        """For ``result.json``."""
        best = self.best
        return {
            "members": self.members.tolist(),
            "tokens": self.tokens,
            "together": round(self.together, 4),
            "score": self.score,
            "published": self.published,
            "irreducible": bool(best and best.measured.irreducible and best.excess > LEAST_EXCESS),
            "plane": best.plane.name if best else None,
            "plane_share": best.plane.share if best else None,
            "plane_score": best.measured.score if best else None,
            "gaussian_score": best.gaussian if best else None,
            "separability_bits": best.measured.separability_bits if best else None,
            "separability_null_z": best.measured.separability_null_z if best else None,
            "mixture": best.measured.mixture if best else None,
            "reason": self.reason,
        }


def score_cluster(
    codes: CodeMatrix,
    decoder: Float[np.ndarray, "latents width"],
    members: Int[np.ndarray, " members"],
    config: DiscoverConfig,
) -> ClusterScore:
    """Score a cluster.

    Args:
        codes: of all tokens.
        decoder: the dictionary.
        members: of the cluster.
        config: how many tokens, the radius, and the seed.
    """
    if len(members) < LEAST_MEMBERS:
        reason = f"has fewer than {LEAST_MEMBERS} members"
        return ClusterScore(members, len(codes.rows(members)), 0.0, [], reason)
    part = strong(codes.slice(members, decoder, limit=_WEAK * config.points, seed=config.seed), config.radius)
    part = part.head(config.points)
    together = part.codes.nnz / max(1, len(part.rows))
    if len(part.rows) < LEAST_POINTS:
        return ClusterScore(members, part.total, together, [], f"is active on fewer than {LEAST_POINTS} tokens")
    found = planes(part.points, len(members))
    drawn = {plane.name: plane for plane in planes(_gaussian(part.points, config.seed), len(members))} if found else {}
    scored = [
        PlaneScore(plane, measured, beside.score if beside else 0.0)
        for plane in found
        if (measured := _score(plane, config.seed)) is not None
        for beside in [_score(drawn.get(plane.name), config.seed)]
    ]
    return ClusterScore(members, part.total, together, scored, "" if scored else "its points lie on a line")


def strong(part: Slice, radius: float) -> Slice:
    """The tokens of a slice on which the cluster is not just weakly active.

    A latent answers a little to all directions that are not quite orthogonal to its own. Many such tokens lie about the
    origin, and would make a mixture of everything.
    """
    norms = np.linalg.norm(part.points, axis=1)
    kept = norms >= radius * np.quantile(norms, 0.95) if len(norms) else np.zeros(0, bool)
    return Slice(part.rows[kept], part.points[kept], part.codes[kept], part.total)


def null_clusters(
    sizes: Sequence[int], uses: Int[np.ndarray, " latents"], alive: Int[np.ndarray, " alive"], count: int, seed: int
) -> list[Int[np.ndarray, " _"]]:
    """Clusters as large as the real ones that are scored, of living latents that have nothing to do with each other.

    Latents are drawn the likelier the more often they are active, since active ones are more often in clusters.
    """
    random = np.random.default_rng([seed, 17])
    weights = np.sqrt(uses[alive].astype(np.float64))
    scored = [size for size in sizes if LEAST_MEMBERS <= size <= len(alive)]
    chosen = random.choice(scored, count).tolist() if scored else []
    return [np.sort(random.choice(alive, size, replace=False, p=weights / weights.sum())) for size in chosen]


def _gaussian(points: Float[np.ndarray, "points width"], seed: int) -> Float[np.ndarray, "drawn width"]:
    """Gaussian points that, once those nearer to the origin than all of `points` are left out, have their mean and
    covariance: found by a few rounds of comparing."""
    _, sizes, rows = np.linalg.svd(points.astype(np.float64), full_matrices=False)
    basis = rows[sizes > 1e-6 * sizes[0]]
    own = points @ basis.T
    mean, least = own.mean(0), np.linalg.norm(own, axis=1).min()
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(own.T)))
    variances = np.maximum(variances, 1e-12 * variances[-1])
    normal = np.random.default_rng([seed, 19]).standard_normal((_DRAWN * len(own), len(basis)))
    center, squares, kept = mean, variances, own
    for _ in range(_ROUNDS):
        drawn = center + normal * np.sqrt(squares) @ axes.T
        inside = drawn[np.linalg.norm(drawn, axis=1) >= least]
        if len(inside) < LEAST_POINTS:
            break
        kept = inside
        center = center + mean - kept.mean(0)
        squares = squares * np.clip(variances / ((kept - kept.mean(0)) @ axes).var(0), 0.25, 4)
    return (kept[: len(points)] @ basis).astype(np.float32)


def _score(plane: Plane | None, seed: int) -> CloudScore | None:
    """The score of a plane; None where it has no points, or all at one place, as where a latent is there twice."""
    if plane is None or len(plane.coordinates) < LEAST_POINTS // 2:
        return None
    try:
        return score_plane(plane.coordinates, seed=seed)
    except InputError:
        return None
