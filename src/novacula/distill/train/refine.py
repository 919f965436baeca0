"""From a network that is right to one that is small and exact: settled, shrunk, polished in float64. Source: ours."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from novacula.distill.train.descent import Batches, settle
from novacula.distill.train.least_squares import fit_with_counterexamples
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Encoding, Parameters
from novacula.distill.train.snap import eliminate, find_points, project, snap
from novacula.files import JSON, from_json, to_json
from novacula.runs import OutOfTimeError

Phase = Literal["settle", "size", "width", "done"]

EXACT = 1e-16  #: a mean squared error, by output, that only an exact network reaches
_ROWS = 300
_WIDTHS = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
_RATE = 3e-3
_POLISHED_ROWS = 2000  #: the most residuals that a network is polished on
_LARGEST = 1500  #: the most parameters of a network that is polished


@dataclass(frozen=True)
class _State:
    stage: Phase
    trial: int
    finite: bool


class Refinement:
    """A network, perfect or nearly so, on its way to a small and exact one; every step is one attempt."""

    def __init__(self, lesson: Lesson, encoding: Encoding, parameters: Parameters) -> None:
        self._lesson, self._encoding = lesson, encoding
        self._batches = Batches(lesson, encoding)
        self._rows = lesson.rows_of(lesson.length)[:_ROWS]
        self._features, self._targets = encoding(lesson.data.x[self._rows]), lesson.targets[self._rows]
        self.parameters = parameters
        self._wide = parameters
        self.stage: Phase = "settle"
        self.trial = 0
        self._finite = False

    def step(self, generator: torch.Generator) -> None:
        """Tries once to make the network smaller, or exact; what runs out of time is not done at all."""
        before = self.parameters, self._wide, self.stage, self.trial, self._finite
        try:
            self._try(generator)
        except OutOfTimeError:
            self.parameters, self._wide, self.stage, self.trial, self._finite = before
            raise

    def _try(self, generator: torch.Generator) -> None:
        match self.stage:
            case "settle":
                self._settle(generator)
            case "size":
                self._reduce(generator)
            case "width":
                self._narrow(generator)
            case "done":
                pass

    def state(self) -> tuple[dict[str, np.ndarray], JSON]:
        """Returns the network, the one that it is shrunk from, and what is tried next."""
        arrays = {f"best.{name}": matrix for name, matrix in self.parameters.matrices().items()}
        arrays |= {f"wide.{name}": matrix for name, matrix in self._wide.matrices().items()}
        return arrays, to_json(_State(self.stage, self.trial, self._finite))

    def load(self, arrays: dict[str, np.ndarray], data: JSON) -> None:
        """Becomes the refinement whose `state` this was."""
        self.parameters, self._wide = (Parameters.named(part, arrays) for part in ("best", "wide"))
        state = from_json(_State, data, "checkpoint")
        self.stage, self.trial, self._finite = state.stage, state.trial, state.finite

    def _enter(self, stage: Phase, parameters: Parameters) -> None:
        self.stage, self.trial = stage, 0
        self.parameters = self._wide = parameters

    def _settle(self, generator: torch.Generator) -> None:
        """Train without noise and classifier; a network that does not get all right in three such rounds is left."""
        self.trial += 1
        settled = settle(self.parameters, self._batches, self._lesson.length, 300, _RATE, generator)
        if self._loss(settled) < float("inf"):
            self._enter("size", settled)
            self._finite = self._snapped(settled) is not None
        elif self._loss(self.parameters) < float("inf"):
            self._enter("size", self.parameters)
        elif self.trial < 3:
            self.parameters = settled
        else:
            self._enter("done", settled)

    def _reduce(self, generator: torch.Generator) -> None:
        """Try the next size; where the states are finitely many, it must leave them so, and the network is done."""
        self.trial += 1
        smaller = self._wide
        if self.trial < self._wide.size:
            projected = project(self._wide, self._features, self.trial)
            smaller = self._settled(projected, 150, generator)
        if smaller is None:
            return
        if not self._finite:
            self._enter("width", smaller)
        elif exact := self._snapped(smaller):
            self._enter("done", exact)

    def _snapped(self, parameters: Parameters) -> Parameters | None:
        """The network made exact at once, with as few units as that takes; None if its states are not that few."""
        best = None
        points = find_points(parameters, self._features, self._targets)
        if points is None:
            return None
        widths = [width for width in _WIDTHS if width < parameters.width]
        for width in reversed([*widths, parameters.width]):
            exact = snap(best or parameters, points, width)
            if exact is None or not self._loss(exact) < EXACT:
                break
            best = exact
        return best

    def _narrow(self, generator: torch.Generator) -> None:
        """Try the next width; done with the first that becomes exact, or that is no better than the one before."""
        width = _WIDTHS[self.trial] if self.trial < len(_WIDTHS) else self._wide.width
        if width >= self._wide.width:
            self._enter("done", self.parameters)
            return
        self.trial += 1
        narrow = self._settled(eliminate(self._wide, self._features, width), 250, generator)
        if narrow is None:
            return
        polished = self._polished(narrow)
        if self._loss(polished) < EXACT:
            self._enter("done", polished)
        elif self.parameters.width == self._wide.width or self._loss(polished) < self._loss(self.parameters):
            self.parameters = polished
        else:
            self._enter("done", self.parameters)

    def _settled(self, parameters: Parameters, updates: int, generator: torch.Generator) -> Parameters | None:
        """The network after some training, if it then has everything right."""
        settled = settle(parameters, self._batches, self._lesson.length, updates, _RATE, generator)
        return settled if self._lesson.judge(self._lesson.network(settled, self._encoding))[0] == 1 else None

    def _polished(self, parameters: Parameters) -> Parameters:
        """The network after Levenberg's and Marquardt's method, if it is closer and no worse."""
        if parameters.count > _LARGEST:
            return parameters
        rows = self._rows[: max(30, _POLISHED_ROWS // self._lesson.length)]
        polished = fit_with_counterexamples(parameters, self._lesson, self._encoding, rows).parameters
        return polished if self._loss(polished) < self._loss(parameters) else parameters

    def _loss(self, parameters: Parameters) -> float:
        """On the rows that are held out; infinite where not all are right."""
        accuracy, loss = self._lesson.judge(self._lesson.network(parameters, self._encoding))
        return loss if accuracy == 1 else float("inf")
