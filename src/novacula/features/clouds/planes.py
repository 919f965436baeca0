"""Planes of principal components of a cluster's points, with and without their intensity.

The first component often says how strongly the feature is active: the points form a cone, and a loop shows in the
components after it. Dividing all points by their norm takes the intensity out. Source: arXiv 2405.14860, section 4; the
second form is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

AXES = 5
"""Most components."""
THIN = 0.02
"""Least part of the variance that the lesser axis of a plane must have; below, it is the error of the dictionary."""
Form = Literal["points", "directions"]


@dataclass(frozen=True)
class Plane:
    """Two neighboring principal components.

    Attributes:
        form: ``points`` as they are, or their ``directions``, of norm 1.
        axes: which components, from 1.
        coordinates: of every point.
        share: part of all variance in the plane.
    """

    form: Form
    axes: tuple[int, int]
    coordinates: Float[np.ndarray, "points 2"]
    share: float

    @property
    def name(self) -> str:
        """Such as ``directions 1-2``."""
        return f"{self.form} {self.axes[0]}-{self.axes[1]}"


def planes(points: Float[np.ndarray, "points width"], members: int) -> list[Plane]:
    """Returns all planes of neighboring components that are not thin, in both forms.

    Args:
        points: the points of a cluster.
        members: number of its latents; there are no more components.
    """
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    directions = points[norms[:, 0] > 1e-12] / norms[norms[:, 0] > 1e-12]
    full = directions if len(directions) == len(points) else points / np.maximum(norms, 1e-12)
    return [*_planes(points, members, "points"), *_planes(full, members, "directions")]


def _planes(points: Float[np.ndarray, "points width"], members: int, form: Form) -> Iterator[Plane]:
    if len(points) < 3:
        return
    centered = points.astype(np.float64) - points.mean(0)
    # Members span everything; where there are fewer points than numbers in a state, these do.
    if len(centered) < centered.shape[1]:
        left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
        scores, variances = left * sizes, sizes**2
    else:
        variances, axes = np.linalg.eigh(centered.T @ centered)
        variances, axes = np.maximum(variances[::-1], 0), axes[:, ::-1]
        scores = centered @ axes[:, :AXES]
    total = float(variances.sum())
    if total <= 1e-20:
        return
    for first in range(min(AXES, members, scores.shape[1]) - 1):
        if variances[first + 1] < THIN * total:
            return
        pair = scores[:, first : first + 2]
        signs = np.where(np.abs(pair.min(0)) > pair.max(0), -1.0, 1.0)
        share = float(variances[first : first + 2].sum() / total)
        yield Plane(form, (first + 1, first + 2), np.ascontiguousarray(pair * signs, dtype=np.float64), share)
