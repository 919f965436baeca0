"""What ``features score`` finds, as result.json says it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreFindings:
    """The score of a cloud; see `CloudScore` for the terms. A number that was not measured is None.

    Attributes:
        separability_bits: separability, corrected for chance.
        separability_null_z: the same in standard deviations of shuffled clouds.
        mixture: share of the points in the fullest band.
        score: bits of irreducibility.
        irreducible: the verdict.
        interval: 95 % interval of the separability.
        angle: degrees of the least information, in the plane.
        neighbors_bits: the same information by nearest neighbors.
        separability_held_out: separability at an angle that was chosen on other points.
        mixture_held_out: share of the points in a band that was chosen on others.
        slice_share: share of the points in the fullest band of half the width.
        n: points.
        d: dimensions that are scored.
        kept_variance: share of the variance that these dimensions keep.
        run: the run's folder.
    """

    separability_bits: float
    separability_null_z: float
    mixture: float
    score: float
    irreducible: bool
    interval: tuple[float | None, float | None]
    angle: float | None
    neighbors_bits: float | None
    separability_held_out: float | None
    mixture_held_out: float | None
    slice_share: float
    n: int
    d: int
    kept_variance: float
    run: str = ""
