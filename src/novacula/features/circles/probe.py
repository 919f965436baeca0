"""A linear probe that reads labels from a circle, kept as a map of all dimensions, and its tests on unseen labels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.circles.test import Readout, circle, without_group_means
from novacula.runs.notebook import Brief

_NOISE = 1e-5
"""Principal components below this share of the largest are rounding errors of float32, and are not fitted."""


@dataclass(frozen=True)
class CircularProbe(Brief):
    """Reads points near the unit circle from states, and writes them into states.

    Both are maps of all dimensions, so they mean the same at every layer, whatever its principal axes are.
    """

    mean: Float[np.ndarray, " d"]  #: x̄, the mean of the states that it was fitted to
    basis: Float[np.ndarray, "k d"]  #: W, orthonormal rows of the subspace in which it works
    reading: Float[np.ndarray, "2 d"]  #: P W; it reads the point ``offset + (x - mean) @ reading.T``
    writing: Float[np.ndarray, "d 2"]  #: Wᵀ P⁺; it writes the state ``mean + (point - offset) @ writing.T``
    offset: Float[np.ndarray, " 2"]  #: mean of the points of the labels; 0 where all labels are equally frequent
    period: int  #: p
    harmonic: int  #: h; label c stands at the angle 2πhc/p
    r2: float  #: R² of the two coordinates on the states that it was fitted to, which says little (see `unseen_labels`)

    def read(self, states: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n 2"]:
        """Returns the points near the circle that the states say."""
        return self.offset + (states - self.mean) @ self.reading.T

    def point(self, labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
        """Returns the points of labels on the circle."""
        return circle(labels * self.harmonic, self.period)

    def write(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n d"]:
        """Returns the states that lie at these points of the circle's plane, and at the mean in all else."""
        return self.mean + (points - self.offset) @ self.writing.T

    @property
    def plane(self) -> Float[np.ndarray, "2 d"]:
        """Orthonormal rows that span the directions that the probe reads."""
        return np.linalg.qr(self.reading.T)[0].T


def fit_probe(
    states: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    period: int,
    *,
    components: int = 5,
    harmonic: int = 1,
    plane: Float[np.ndarray, "k d"] | None = None,
) -> CircularProbe:
    """Fits the circle to states by least squares in their leading principal components, or in a given subspace.

    Args:
        states: the states at the tokens that say the label.
        labels: the label of each state, 0 … p - 1.
        period: p.
        components: k, the number of principal components.
        harmonic: h, for a circle that goes round h times.
        plane: rows that span the subspace, such as that of a group of SAE latents; it replaces the components.

    Raises:
        InputError: the states do not span two dimensions, or are not finite; or the labels stand at fewer than three
            places.

    Source: arXiv 2405.14860, section 4 (circular probe), with both sides centered. The plane of SAE latents comes from
        its appendix on probing with SAE directions.
    """
    if not np.isfinite(states).all():
        raise InputError("states", "some are not finite numbers")
    states = states.astype(float)
    mean = states.mean(0)
    centered = states - mean
    _, sizes, axes = np.linalg.svd(centered if plane is None else plane.astype(float), full_matrices=False)
    spanned = int((sizes > _NOISE * max(sizes[0], 1e-300)).sum())
    basis = axes[: spanned if plane is not None else min(components, spanned)]
    if len(basis) < 2:
        raise InputError("states", "span fewer than two dimensions; a circle needs two")
    target = circle(labels * harmonic, period)
    offset = target.mean(0)
    if np.linalg.matrix_rank(target - offset) < 2:
        raise InputError("labels", "stand at fewer than three places of the circle, which do not fix it")
    solution, *_ = np.linalg.lstsq(centered @ basis.T, target - offset, rcond=None)
    reading = solution.T @ basis
    fitted = offset + centered @ reading.T
    r2 = 1 - ((target - fitted) ** 2).sum() / ((target - offset) ** 2).sum()
    writing = basis.T @ np.linalg.pinv(solution.T)
    return CircularProbe(mean, basis, reading, writing, offset, period, harmonic, float(r2))


def fit_answer_probe(
    states: Float[np.ndarray, "n d"],
    starts: Int[np.ndarray, " n"],
    offsets: Int[np.ndarray, " n"],
    period: int,
    *,
    components: int = 20,
) -> CircularProbe:
    """Fits the circle of the answer γ = α + β, beside what α, β and α - β explain by themselves.

    Args:
        states: the states at the last token.
        starts: α of each prompt.
        offsets: β of each prompt.
        period: p.
        components: k, the number of principal components.

    Raises:
        InputError: the circle of the answer cannot be told from the rest.

    Source: arXiv 2405.14860, appendix on interventions at γ ("inverse regression probe"); the pseudo-inverse is cut
        at 10⁻².
    """
    mean = states.mean(0)
    centered = states.astype(float) - mean
    basis = np.linalg.svd(centered, full_matrices=False)[2][:components]
    values, column = np.unique(offsets, return_inverse=True)
    answer = circle(starts + offsets, period)
    design = np.concatenate(
        [
            np.ones((len(states), 1)),
            np.eye(period)[starts % period],
            np.eye(len(values))[column],
            circle(starts - offsets, period),
            answer,
        ],
        axis=1,
    )
    rows = (np.linalg.pinv(design, rcond=1e-2) @ (centered @ basis.T))[-2:]
    if np.linalg.matrix_rank(rows) < 2:
        raise InputError("states", "the circle of the answer cannot be told from the rest; more offsets may help")
    offset = answer.mean(0)
    reading = np.linalg.pinv(rows).T @ basis
    fitted = offset + centered @ reading.T
    r2 = 1 - ((answer - fitted) ** 2).sum() / ((answer - offset) ** 2).sum()
    return CircularProbe(mean, basis, reading, basis.T @ rows.T, offset, period, 1, float(r2))


def check_labels(count: int) -> None:
    """Makes sure that a label can be left out and read from a circle through the others."""
    if count < 4:
        raise InputError("labels", f"there are {count}; leaving one out needs at least 4")


def unseen_labels(states: Float[np.ndarray, "groups labels d"], *, components: int = 5, harmonic: int = 1) -> Readout:
    """Reads each label by a probe that was fitted to all other labels only.

    With few labels a probe fits any order of them: only a label that it never saw tells whether there is a circle.

    Args:
        states: one state for each label in each group; the means of groups are subtracted.
        components: number of principal components.
        harmonic: how often the circle goes round.

    Raises:
        InputError: there are fewer than 4 labels.

    Source: ours.
    """
    count = states.shape[1]
    check_labels(count)
    # There are no more directions than the remaining labels can fix.
    return _left_out(states, 1, min(components, count - 2), harmonic)


def unseen_groups(states: Float[np.ndarray, "groups labels d"], *, components: int = 5, harmonic: int = 1) -> Readout:
    """Reads each group, such as a wording, by a probe that was fitted to the other groups only.

    Raises:
        InputError: there are fewer than 2 groups.

    Source: ours.
    """
    if len(states) < 2:
        raise InputError("templates", "leaving one out needs at least 2")
    return _left_out(states, 0, components, harmonic)


def _left_out(
    states: Float[np.ndarray, "groups labels d"], axis: Literal[0, 1], components: int, harmonic: int
) -> Readout:
    """Reads each group (axis 0), or each label (axis 1), by a probe that was fitted to the others only."""
    states = without_group_means(states.astype(float))
    groups, count, _ = states.shape
    labels, read = np.tile(np.arange(count), (groups, 1)), np.empty((groups, count, 2))
    for out in range(states.shape[axis]):
        kept, seen = np.delete(states, out, axis), np.delete(labels, out, axis).ravel()
        probe = fit_probe(kept.reshape(len(seen), -1), seen, count, components=components, harmonic=harmonic)
        np.moveaxis(read, axis, 0)[out] = probe.read(states.take(out, axis))
    true = circle(np.arange(count) * harmonic, count)
    angles = np.arctan2(read[..., 1], read[..., 0])
    away = angles - np.arctan2(true[:, 1], true[:, 0])
    errors = np.degrees(np.abs((away + np.pi) % (2 * np.pi) - np.pi))
    r2 = 1 - ((read - true) ** 2).sum() / (((true - true.mean(0)) ** 2).sum() * len(read))
    return Readout(angles, errors, float(r2))
