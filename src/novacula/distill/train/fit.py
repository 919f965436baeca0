"""Least squares on a few rows of a lesson, and on the rows that contradict what came out. Source: ours."""

import numpy as np

from novacula.distill.train.encoding import Encoding
from novacula.distill.train.least_squares import Iterate, begin, converge
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Parameters

_ROUNDS = 4
_ADDED = 40
_GOOD = 1e-2
"""A fit with a larger loss than this gets no further round."""


def fit_with_counterexamples(parameters: Parameters, lesson: Lesson, encoding: Encoding, rows: np.ndarray) -> Iterate:
    """Fits some rows, then these and the rows with the largest errors, and so on; returns where that ends.

    Args:
        parameters: where to begin.
        lesson: all rows.
        encoding: of the inputs.
        rows: the first rows, all of the greatest length.
    """
    iterate = Iterate(parameters, np.inf)
    for _ in range(_ROUNDS):
        features, targets = encoding(lesson.data.x[rows]), lesson.targets[rows]
        iterate = converge(begin(iterate.parameters, features, targets), features, targets)
        if iterate.loss > _GOOD:
            break
        more = lesson.worst_rows(iterate.parameters, encoding, _ADDED)
        if not len(more):
            break
        rows = np.union1d(rows, more)
    return iterate
