"""Levenberg's and Marquardt's method for one small recurrent network, with the Jacobian carried along in time.

The derivative of the state by all parameters obeys the same recurrence as the state, so that one pass forward gives
every residual and its gradient. A fit begins with a few rows of a lesson, and adds those that contradict its result.
Source: Levenberg (1944), Marquardt (1963); the recurrence is ours.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Encoding, Parameters, states
from novacula.runs import check_time

_WORST = 1e8
_LEAST = 1e-12
_GOAL = 1e-24
_ROUND = 20
_ROUNDS = 8
_HOPELESS = 0.5


@dataclass(frozen=True)
class Iterate:
    """Where a fit stands."""

    parameters: Parameters  #: the best so far
    loss: float  #: their mean squared error
    damping: float = 1e-2  #: the damping of the next iteration

    @property
    def stuck(self) -> bool:
        """Whether no damping helps."""
        return self.damping > _WORST or not np.isfinite(self.loss)


def residuals(
    parameters: Parameters,
    features: Float[np.ndarray, "rows time features"],
    targets: Float[np.ndarray, "rows time outputs"],
) -> Float[np.ndarray, " residuals"]:
    """Returns output minus target, everywhere."""
    reached = states(parameters, features)[:, 1:]
    return (reached @ parameters.read[:, :-1].T + parameters.read[:, -1] - targets).reshape(-1)


def jacobian(
    parameters: Parameters, features: Float[np.ndarray, "rows time features"]
) -> Float[np.ndarray, "residuals count"]:
    """Returns the derivative of every output by every parameter, in the order of `Parameters.flat`."""
    p = parameters
    rows, length, width = features.shape
    starts = np.cumsum([0, *(matrix.size for matrix in p.matrices().values())])
    recur, drive, carry, read = (slice(a, b) for a, b in pairwise(starts))
    into_units, into_state = slice(drive.start, drive.start + p.width * width), drive.start + p.width * width
    reached = states(p, features)
    slope = np.zeros((rows, p.size, p.count))
    result = np.zeros((rows, length, len(p.read), p.count))
    for time in range(length):
        before, shown = reached[:, time], features[:, time]
        units = before @ p.recur.T + shown @ p.drive[: p.width].T
        through = p.carry[None, :, p.size :] * (units > 0)[:, None, :]
        slope = (p.carry[:, : p.size] + through @ p.recur) @ slope
        slope[:, :, recur] += (through[..., None] * before[:, None, None, :]).reshape(rows, p.size, -1)
        slope[:, :, into_units] += (through[..., None] * shown[:, None, None, :]).reshape(rows, p.size, -1)
        carried = np.concatenate([before, np.maximum(units, 0)], axis=1)
        for i in range(p.size):
            slope[:, i, into_state + i * width : into_state + (i + 1) * width] += shown
            slope[:, i, carry.start + i * carried.shape[1] : carry.start + (i + 1) * carried.shape[1]] += carried
        result[:, time] = p.read[:, :-1] @ slope
        for output in range(len(p.read)):
            at = read.start + output * (p.size + 1)
            result[:, time, output, at : at + p.size] += reached[:, time + 1]
            result[:, time, output, at + p.size] += 1
    return result.reshape(-1, p.count)


def begin(parameters: Parameters, features: np.ndarray, targets: np.ndarray) -> Iterate:
    """Returns a fit that has not moved yet."""
    return Iterate(parameters, _mean_square(residuals(parameters, features, targets)))


def descend(
    iterate: Iterate,
    features: Float[np.ndarray, "rows time features"],
    targets: Float[np.ndarray, "rows time outputs"],
    iterations: int,
    goal: float,
) -> Iterate:
    """Makes some iterations; fewer where the goal is reached or nothing helps."""
    with np.errstate(over="ignore", invalid="ignore"):
        normal = None
        for _ in range(iterations):
            if iterate.stuck or iterate.loss <= goal:
                break
            check_time()
            if normal is None:
                error = residuals(iterate.parameters, features, targets)
                slope = jacobian(iterate.parameters, features)
                normal = slope.T @ slope / len(error), slope.T @ error / len(error)
            step = _damped_step(*normal, iterate.damping)
            moved = iterate.parameters.with_flat(iterate.parameters.flat() + step)
            loss = _mean_square(residuals(moved, features, targets))
            if loss < iterate.loss:
                iterate, normal = Iterate(moved, loss, max(iterate.damping / 3, _LEAST)), None
            else:
                iterate = Iterate(iterate.parameters, iterate.loss, iterate.damping * 4)
    return iterate


def converge(iterate: Iterate, features: np.ndarray, targets: np.ndarray) -> Iterate:
    """Makes rounds of iterations as long as each halves the loss."""
    for _ in range(_ROUNDS):
        before = iterate.loss
        iterate = descend(iterate, features, targets, _ROUND, _GOAL)
        if iterate.loss > _HOPELESS * before or iterate.loss <= _GOAL:
            break
    return iterate


def _damped_step(curvature: np.ndarray, gradient: np.ndarray, damping: float) -> np.ndarray:
    diagonal = np.diag(curvature)
    try:
        return -np.linalg.solve(curvature + damping * np.diag(diagonal + 1e-9), gradient)
    except np.linalg.LinAlgError:
        return np.zeros_like(gradient)


def _mean_square(error: np.ndarray) -> float:
    return float(np.nan_to_num(error @ error / len(error), nan=np.inf))


_ENLARGEMENTS = 4
_ADDED = 40
_GOOD = 1e-2  #: a fit with a larger loss than this gets no further round


def fit_with_counterexamples(parameters: Parameters, lesson: Lesson, encoding: Encoding, rows: np.ndarray) -> Iterate:
    """Fits some rows, then these and the rows with the largest errors, and so on; returns where that ends."""
    iterate = Iterate(parameters, np.inf)
    for _ in range(_ENLARGEMENTS):
        features, targets = encoding(lesson.data.x[rows]), lesson.targets[rows]
        iterate = converge(begin(iterate.parameters, features, targets), features, targets)
        if iterate.loss > _GOOD:
            break
        more = lesson.worst_rows(iterate.parameters, encoding, _ADDED)
        if not len(more):
            break
        rows = np.union1d(rows, more)
    return iterate
