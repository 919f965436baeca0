"""The shapes that are trained, and their order, decided by the data alone. Source: ours.

Small networks come first, each fitted from a random start by least squares in about a second; then wide ones, by
gradient descent, which are shrunk afterwards.
"""

import numpy as np

from novacula.distill.train.attempts import Attempt, GradientDescent, LeastSquares
from novacula.distill.train.encoding import Encoding
from novacula.distill.train.lesson import Lesson

_EXACT = 1e-9
_MAX_FEATURES = 700
"""The most features, over all positions, for which an affine explanation is looked for."""


def plan(lesson: Lesson) -> tuple[Attempt, ...]:
    """Returns the attempts, in order."""
    attempts: list[Attempt] = []
    numbers, symbols = lesson.encoding(False), lesson.encoding(True)
    for encoding in (numbers, symbols) if symbols.symbols else (numbers,):
        if order := affine_order(lesson, encoding):
            attempts += [LeastSquares(size, 0, encoding.symbols, 4) for size in range(order, order + 3)]
    attempts += [LeastSquares(1, 8, False, 4), LeastSquares(2, 8, False, 4), LeastSquares(3, 8, False, 3)]
    if symbols.symbols or lesson.data.high - lesson.data.low == 1:
        wide = (GradientDescent(8, 64, 8, 2500), GradientDescent(16, 128, 4, 5000), GradientDescent(16, 128, 4, 10000))
    else:
        attempts += [LeastSquares(size, width, False, 10) for width in (12, 16) for size in (1, 2, 3)]
        wide = (GradientDescent(8, 64, 8, 5000),)
    return (*attempts, *wide)


def affine_order(lesson: Lesson, encoding: Encoding) -> int:
    """Returns the state size of an affine system that explains the outputs exactly, or 0 where there is none.

    Every output of such a system is an affine function of all inputs so far, with coefficients that depend on the lag
    only; the rank of their Hankel matrix is the least size of its state (Ho and Kalman, 1966).
    """
    length = lesson.length
    rows = lesson.rows_of(length)[:3000]
    features = encoding(lesson.data.x[rows])[:, :, :-1]
    table = np.concatenate([features.reshape(len(rows), -1), np.ones((len(rows), 1))], axis=1)
    if table.shape[1] > min(_MAX_FEATURES, len(rows)):
        return 0
    target = lesson.targets[rows]
    late, *_ = np.linalg.lstsq(table, target[:, -1], rcond=None)
    if np.abs(table @ late - target[:, -1]).max() > _EXACT * max(1.0, float(np.abs(target).max())) * 1e3:
        return 0
    # Coefficients by lag: the last position's input has lag 0. What all symbols share counts as a constant.
    by_lag = late[:-1].reshape(length, encoding.streams, -1, target.shape[2])[::-1]
    if encoding.symbols:
        by_lag = by_lag - by_lag.mean(axis=2, keepdims=True)
    by_lag = by_lag.reshape(length, features.shape[2], -1)
    constants = (target - _explained(features, by_lag)).mean(axis=0)
    steps = np.diff(constants, axis=0, prepend=constants[:1])
    markov = np.concatenate([by_lag, steps[:, None, :]], axis=1)
    half = (length + 1) // 2
    hankel = np.block([[markov[i + j].T for j in range(half)] for i in range(length - half + 1)])
    # The constant's step at lag 0 is free, since the readout has an offset: leave it out.
    hankel = np.delete(hankel, features.shape[2], axis=1)
    strengths = np.linalg.svd(hankel, compute_uv=False)
    return max(1, int((strengths > 1e-6 * strengths[0]).sum()))


def _explained(features: np.ndarray, by_lag: np.ndarray) -> np.ndarray:
    """What the inputs so far add to every output."""
    result = np.zeros((*features.shape[:2], by_lag.shape[2]))
    for time in range(features.shape[1]):
        past = features[:, : time + 1][:, ::-1]
        result[:, time] = np.einsum("rlf,lfo->ro", past, by_lag[: time + 1])
    return result
