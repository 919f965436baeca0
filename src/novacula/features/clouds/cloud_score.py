"""Is a cloud of points one irreducible feature?

The stages: the cloud, whitened (`cloud`); how far it is from a product (`separability`, checked by `neighbors`; beyond
the plane `higher`); how much of it lies in a thin band (`mixture`, `higher`); and the score of both.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from typing_extensions import override

from novacula.features.clouds.cloud import (
    FEWEST,
    Cloud,
    as_points,
    check_points,
    copied_rows,
    named_rows,
    whiten,
    without_outliers,
)
from novacula.features.clouds.higher import Split, best_hyperplane, best_split, neighbor_information
from novacula.features.clouds.mixture import Mixture, mixture, on_rays, parts_bits
from novacula.features.clouds.separability import Separability, separability
from novacula.features.config import ScoreConfig
from novacula.options import checked_seed, percent
from novacula.runs.notebook import Brief, drawn_by

FINER = 2  #: the band that must hold a slice of the cloud is this many times thinner than that of the mixture index
SLICE_LIMIT = 1 / 3  #: share of the points in that band from which on the cloud counts as a mixture
THRESHOLD = 0.04
"""Bits of the score from which on a cloud is called irreducible. All three were chosen on 25 of the families in
``benchmarks/reference/zoo``."""
LEAST_Z = 3.0  #: standard deviations of shuffled clouds that the separability must exceed as well
PARTS_LIMIT = 0.05
"""Share of the bits that must be left within two or three parts of a cloud (`novacula.features.clouds.mixture`). Below
it, parts that are products explain the cloud."""
_NONE = float("nan")
_PLANE_POINTS = 4000


@dataclass(frozen=True)
class ScoreFindings(Brief):
    """The score of a cloud, as result.json contains it. A number that was not measured is None."""

    separability_bits: float
    """Mutual information of two groups of coordinates in the rotation of the whitened cloud where it is least,
    corrected for chance; 0 where the cloud is a product."""
    separability_null_z: float  #: how many standard deviations of shuffled clouds it lies above their mean
    mixture: float  #: largest share of the points in a band about a line; for d > 2, about a hyperplane
    score: float
    """Bits of irreducibility: `separability_bits`, reduced by `slice_share` as `combine` says; 0 where the cloud is
    a product or a mixture."""
    irreducible: bool
    """Whether the score reaches `THRESHOLD`, and z reaches `LEAST_Z`; in the plane also whether `parts_bits` reaches
    `PARTS_LIMIT` of `separability_bits`; and whether there are no `rays`."""
    interval: tuple[float | None, float | None]  #: 95 % interval of `separability_bits` at the chosen angle
    angle: float | None
    """In the plane, the degrees of the least information, 0 … 90, from the first axis of the points to that of the
    coordinates, in the whitened cloud; None where d is not 2."""
    neighbors_bits: float | None
    """The same information by nearest neighbors, without bins; it may lie a little below 0."""
    separability_held_out: float | None  #: bits at an angle that was chosen on other points
    mixture_held_out: float | None  #: share of the points in a band that was chosen on other points
    slice_share: float  #: largest share of the points in a band of half the width
    n: int  #: points
    d: int  #: dimensions that the cloud spans, or the most that are scored
    kept_variance: float  #: share of the variance that these dimensions keep
    run: str = ""  #: the run's folder
    outliers: tuple[int, ...] = ()
    """Rows that were left out, since they lie so far out that they would decide the whole score."""
    parts_bits: float | None = None
    """In the plane, the bits that are left within two or three parts of the cloud, in the cut that leaves least; None
    where all else says already that the cloud is reducible."""
    distinct: int | None = None
    """The number of different points, where rows are copies of others; None where they are not. A cloud that would be
    called irreducible must then be so without copies, too, if there are at least `FEWEST` different points."""
    rays: bool = False
    """Whether the points lie on rays from one point, in the plane at least four; looked for where all else says that
    the cloud is irreducible."""

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        return f"{'irreducible' if self.irreducible else 'reducible'}, {self.score:.2f} bits"

    @property
    def sentence(self) -> str:
        """Whether the cloud is irreducible, why not, and what was left out."""
        far = f" Left out, far from all others: {named_rows(self.outliers)}." if self.outliers else ""
        few = self.irreducible and self.distinct is not None and self.distinct < FEWEST
        places = f" All rows are {self.distinct} different points; how far these stand by chance is not tested."
        return self._verdict() + (places if few else "") + far

    def _verdict(self) -> str:
        if self.irreducible:
            return (
                "One irreducible feature: no rotation makes its coordinates independent, and no thin slice holds much."
            )
        if self.d == 1:
            return "Reducible: the points lie on a line."
        if self.separability_null_z < LEAST_Z or self.separability_bits < THRESHOLD:
            return (
                "Reducible: in some rotation its coordinates are independent, as far as the number of points can tell."
            )
        if self.distinct is not None:
            return (
                f"Not called irreducible: {self.n:,} rows are copies of {self.distinct:,} different points, and these "
                "points alone are not irreducible, as far as their number can tell."
            )
        if self.rays:
            return "Reducible: a noisy mixture; the points lie on rays from one point, each a feature of one number."
        if self.parts_bits is not None:
            return "Reducible: a noisy mixture; of a few parts of the cloud, each has nearly independent coordinates."
        if self.slice_share >= SLICE_LIMIT:
            return f"Reducible: a mixture, {percent(self.slice_share)} of the points lying in one thin slice."
        return "Reducible: its coordinates are nearly independent, and much of it lies in one thin slice."

    @property
    def numbers(self) -> str:
        """The numbers in a line."""
        low, high, neighbors = (
            f"{value:.3f}" if value is not None else "?" for value in (*self.interval, self.neighbors_bits)
        )
        dimensions = "1 dimension" if self.d == 1 else f"{self.d} dimensions"
        return (
            f"score {self.score:.3f} bits: separability {self.separability_bits:.3f} bits ({low} … {high}, "
            f"z {self.separability_null_z:.1f}, by neighbors {neighbors}), mixture {self.mixture:.3f}, slice "
            f"{self.slice_share:.3f}; {self.n:,} points in {dimensions}"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class CloudScore(ScoreFindings):
    """What is measured of a cloud: the numbers of `ScoreFindings`, and what they were measured on.

    A number that was not measured is NaN. `print` tells the verdict, and a notebook shows it with its pictures.
    """

    interval: tuple[float, float]
    neighbors_bits: float
    separability_held_out: float
    mixture_held_out: float
    cloud: Cloud  #: the whitened points
    dependence: Separability | Split | None  #: its most independent rotation; None where it is a line
    band: Mixture  #: its fullest band

    def findings(self, run: str = "") -> ScoreFindings:
        """Returns the numbers for a result; what was not measured is None."""
        numbers = {field.name: getattr(self, field.name) for field in fields(ScoreFindings)}
        for name in ("neighbors_bits", "separability_held_out", "mixture_held_out"):
            numbers[name] = _measured(numbers[name])
        low, high = self.interval
        return ScoreFindings(**{**numbers, "interval": (_measured(low), _measured(high)), "run": run})

    @override
    def __repr__(self) -> str:
        return f"<CloudScore: {self.outcome}>"

    @override
    def __str__(self) -> str:
        found = self.findings()
        return f"{found.sentence}\n{found.numbers}"

    _repr_html_ = drawn_by("novacula.features.clouds.score_report:score_html")


def _measured(value: float) -> float | None:
    return value if math.isfinite(value) else None


def score_cloud(points: ArrayLike, config: ScoreConfig = ScoreConfig(), seed: int = 0) -> CloudScore:
    """Measures how irreducible a cloud is.

    Args:
        points: the active points of a feature, one a row: n × d numbers as an array, a tensor or lists. A few that lie
            far out are left out, named in the log and in `outliers`.
        config: resolution and repetitions.
        seed: seed of shuffles, bootstraps and halves.

    Raises:
        InputError: the points are masked, not finite, all equal, too few, or span as many dimensions as they can.

    Source: arXiv 2405.14860, its two indices; corrections, higher dimensions and the score are ours.
    """
    config = ScoreConfig.given(config)
    kept, outliers = without_outliers(check_points(as_points(points)))
    cloud = whiten(kept, config.dimensions, config.thinnest)
    generator = np.random.default_rng(checked_seed(seed))
    if cloud.white.shape[1] == 1:
        return replace(_line(cloud), outliers=outliers)
    scored = (_plane if cloud.white.shape[1] == 2 else _space)(cloud, config, generator)
    scored = replace(scored, outliers=outliers)
    return _without_copies(scored, kept, lambda points: score_cloud(points, replace(config, thinnest=0.0), seed))


def score_plane(
    points: ArrayLike, config: ScoreConfig = ScoreConfig(), seed: int = 0, *, parts: bool = True
) -> CloudScore:
    """Measures the same faster, for ranking many planes.

    It tries a third of the directions, at right angles only, on at most 4,000 points, with 20 shuffles. The interval,
    the held-out values and the neighbor estimate are NaN.

    Args:
        points: two coordinates, one point a row, as for `score_cloud`.
        config: resolution.
        seed: seed of the choice of points, and of shuffles.
        parts: whether to cut a cloud that seems irreducible, and to score it without copies; that takes longest.

    Raises:
        InputError: as `score_cloud`.

    Source: as `score_cloud`.
    """
    config, generator = ScoreConfig.given(config), np.random.default_rng(checked_seed(seed))
    checked, outliers = without_outliers(check_points(as_points(points), columns=2), logging.INFO)
    some = generator.permutation(checked)[:_PLANE_POINTS] if len(checked) > _PLANE_POINTS else checked
    cloud = whiten(some)
    if cloud.white.shape[1] == 1:
        return replace(_line(cloud), outliers=outliers)
    directions = max(8, config.angles // 3)
    least = separability(
        cloud.white, generator, bins=config.bins, angles=directions, shuffles=20, bootstraps=0, oblique=False
    )
    band = mixture(cloud.white, epsilon=config.epsilon, directions=2 * directions)
    thin = mixture(cloud.white, epsilon=config.epsilon / FINER, directions=2 * directions)
    scored = replace(_scored(cloud, least, band, thin.share, _NONE), outliers=outliers)
    if not parts:
        return scored
    scored = with_parts(scored, generator, config.bins)
    return _without_copies(scored, some, lambda points: score_plane(points, config, seed, parts=parts))


def _without_copies(
    scored: CloudScore, points: Float[np.ndarray, "n d"], again: Callable[[np.ndarray], CloudScore]
) -> CloudScore:
    """Returns the score with the verdict that the different points alone leave; copies tell nothing new.

    Shuffled clouds, and counts, take rows as drawn one by one. Any points that are repeated would look like a feature.
    """
    if not scored.irreducible or (rows := copied_rows(points, scored.cloud.white)) is None:
        return scored
    alone = len(rows) < FEWEST or again(scored.cloud.white[rows]).irreducible
    return replace(scored, distinct=len(rows), irreducible=alone)


def combine(bits: float, slice_share: float) -> float:
    """Returns the score of both indices: the bits, times the part of `SLICE_LIMIT` that the slice leaves free.

    Source: ours; of the candidates in ``benchmarks/features_zoo.py`` it tells reducible clouds apart best.
    """
    return bits * max(0.0, 1 - slice_share / SLICE_LIMIT)


def _line(cloud: Cloud) -> CloudScore:
    """One coordinate is constant: independent of the other, and a slice that holds everything."""
    return CloudScore(
        separability_bits=0.0,
        separability_null_z=0.0,
        mixture=1.0,
        score=0.0,
        irreducible=False,
        interval=(0.0, 0.0),
        angle=None,
        neighbors_bits=0.0,
        separability_held_out=0.0,
        mixture_held_out=1.0,
        slice_share=1.0,
        n=len(cloud.white),
        d=1,
        kept_variance=cloud.kept_variance,
        cloud=cloud,
        dependence=None,
        band=Mixture(1.0, 1.0, np.ones(1), 0.0, 0.0),
    )


def _plane(cloud: Cloud, config: ScoreConfig, generator: np.random.Generator) -> CloudScore:
    white = cloud.white
    least = separability(
        white, generator, bins=config.bins, angles=config.angles, shuffles=config.shuffles, bootstraps=config.bootstraps
    )
    directions = np.deg2rad([least.angle, least.second])
    along = white @ np.array([np.cos(directions), np.sin(directions)])
    neighbors_bits = neighbor_information(along[:, :1], along[:, 1:], generator, config.neighbors)
    band = mixture(white, generator, epsilon=config.epsilon, directions=2 * config.angles)
    thin = mixture(white, epsilon=config.epsilon / FINER, directions=2 * config.angles)
    return with_parts(_scored(cloud, least, band, thin.share, neighbors_bits), generator, config.bins)


def with_parts(scored: CloudScore, generator: np.random.Generator, bins: int = ScoreConfig.bins) -> CloudScore:
    """Returns the score of a plane with the verdict that its parts leave; a cloud that is reducible is not cut."""
    if not scored.irreducible:
        return scored
    left = parts_bits(scored.cloud.white, generator, bins)
    left = scored.separability_bits if left is None else left
    cut = replace(scored, parts_bits=left, irreducible=left >= PARTS_LIMIT * scored.separability_bits)
    return without_rays(cut, generator)


def without_rays(
    scored: CloudScore, generator: np.random.Generator, points: Float[np.ndarray, "n d"] | None = None
) -> CloudScore:
    """Returns the score with the verdict that a mixture of many lines leaves, of its own points or of these."""
    cloud = scored.cloud if points is None else whiten(points)
    rays = scored.irreducible and cloud.white.shape[1] > 1 and on_rays(cloud, generator)
    return replace(scored, rays=True, irreducible=False) if rays else scored


def _space(cloud: Cloud, config: ScoreConfig, generator: np.random.Generator) -> CloudScore:
    split = best_split(cloud.white, generator, neighbors=config.neighbors)
    band = best_hyperplane(cloud.white, generator, epsilon=config.epsilon)
    thin = best_hyperplane(cloud.white, generator, epsilon=config.epsilon / FINER, halves=False)
    scored = _scored(cloud, split, band, thin.share, split.neighbors_bits)
    if not scored.irreducible:
        return scored
    split = best_split(cloud.white, generator, neighbors=config.neighbors, wide=True)
    return without_rays(_scored(cloud, split, band, thin.share, split.neighbors_bits), generator)


def _scored(
    cloud: Cloud, least: Separability | Split, band: Mixture, slice_share: float, neighbors_bits: float
) -> CloudScore:
    flat = isinstance(least, Separability)
    score = combine(least.bits, slice_share)
    return CloudScore(
        separability_bits=least.bits,
        separability_null_z=least.null_z,
        mixture=band.share,
        score=score,
        irreducible=score >= THRESHOLD and least.null_z >= LEAST_Z,
        interval=least.interval,
        angle=least.angle if flat else None,
        neighbors_bits=neighbors_bits,
        separability_held_out=least.held_out if flat else _NONE,
        mixture_held_out=band.held_out,
        slice_share=slice_share,
        n=len(cloud.white),
        d=cloud.white.shape[1],
        kept_variance=cloud.kept_variance,
        cloud=cloud,
        dependence=least,
        band=band,
    )
