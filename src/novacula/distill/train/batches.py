"""Random batches of a lesson as tensors, at any length up to its own. Source: ours."""

import numpy as np
import torch

from novacula.distill.train.encoding import Encoding
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.stack import Batch


class Batches:
    """The rows of a lesson, encoded once.

    Args:
        lesson: the data.
        encoding: of the inputs.
        dtype: of the tensors.
    """

    def __init__(self, lesson: Lesson, encoding: Encoding, dtype: torch.dtype = torch.float32) -> None:
        # From the longest row to the shortest, so that the rows of some length or more are the first ones.
        order = np.argsort(-lesson.data.lengths, kind="stable")
        self._lengths = lesson.data.lengths[order]
        self._features = _time_first(encoding(lesson.data.x)[order]).to(dtype)
        self._targets = _time_first(lesson.targets[order]).to(dtype)
        self._classes = torch.from_numpy(np.ascontiguousarray(lesson.classes[order].T))

    def draw(self, rows: int, length: int, generator: torch.Generator) -> Batch:
        """Draws random rows, and cuts them to a length that they all have."""
        enough = int(np.searchsorted(-self._lengths, -length, side="right"))
        chosen = torch.randint(0, enough, (rows,), generator=generator)
        return Batch(
            *(part[:length][..., chosen].contiguous() for part in (self._features, self._targets, self._classes))
        )


def _time_first(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values.transpose(1, 2, 0)))
