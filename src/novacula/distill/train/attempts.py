"""What a plan is made of: attempts to train networks, each in pieces of about a second. Source: ours."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from typing_extensions import override

from novacula.distill.networks.network import Network
from novacula.distill.train.descent import UPDATES, Descent
from novacula.distill.train.least_squares import fit_with_counterexamples
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Parameters, random_parameters
from novacula.distill.train.refine import Refinement
from novacula.files import JSON, from_json, to_json

Arrays = dict[str, np.ndarray]  #: arrays of a checkpoint, by name
_RESIDUALS = 1200
_MOST_REFINEMENTS = 60


@dataclass(frozen=True)
class Progress:
    """What a piece of work shows; a number is None where that kind of work has no such number."""

    stage: str  #: the kind of work
    size: int | None = None  #: numbers in the state of the network at hand
    width: int | None = None  #: its ReLU units
    length: int | None = None  #: the length of the sequences that are trained on
    right: float | None = None  #: the largest share of outputs that any of the networks gets right
    loss: float | None = None  #: the least loss
    attempt: int | None = None  #: which attempt of the plan it is, from 0
    networks: int | None = None  #: perfect networks so far


@runtime_checkable
class Work(Protocol):
    """An attempt at work."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to do."""
        ...

    def step(self, random: np.random.Generator) -> tuple[Progress, list[Network]]:
        """Does one piece of work; returns what to show of it, and the networks that it has finished."""
        ...

    def state(self) -> tuple[Arrays, JSON]:
        """Everything that the pieces to come depend on."""
        ...

    def load(self, arrays: Arrays, data: JSON) -> None:
        """Becomes the work whose `state` this was."""
        ...


@runtime_checkable
class Attempt(Protocol):
    """One entry of a plan."""

    @property
    def steps(self) -> int:
        """The most pieces of work that it can take."""
        ...

    def begin(self, lesson: Lesson, random: np.random.Generator) -> Work:
        """The attempt at its beginning."""
        ...


@dataclass(frozen=True)
class LeastSquares(Attempt):
    """Small networks, each fitted by least squares from a random start."""

    size: int  #: numbers in the state
    width: int  #: ReLU units
    symbols: bool  #: how inputs are shown (`Encoding`)
    starts: int  #: how many networks

    @property
    @override
    def steps(self) -> int:
        return self.starts

    @override
    def begin(self, lesson: Lesson, random: np.random.Generator) -> Work:
        return _Fits(self, lesson)


@dataclass(frozen=True)
class GradientDescent(Attempt):
    """Wide networks trained together by gradient descent, of which the best are shrunk."""

    size: int  #: numbers in the state
    width: int  #: ReLU units
    nets: int  #: how many networks
    updates: int  #: the most updates of each

    @property
    @override
    def steps(self) -> int:
        return -(-self.updates // UPDATES) + 2 * _MOST_REFINEMENTS

    @override
    def begin(self, lesson: Lesson, random: np.random.Generator) -> Work:
        return _Descents(self, lesson, random)


@dataclass(frozen=True)
class _FitsState:
    starts: int


class _Fits(Work):
    """Random starts, each fitted by least squares in one piece."""

    def __init__(self, attempt: LeastSquares, lesson: Lesson) -> None:
        self._attempt, self._lesson = attempt, lesson
        self._encoding = lesson.encoding(attempt.symbols)
        self._rows = lesson.rows_of(lesson.length)[: max(40, _RESIDUALS // lesson.length)]
        self._starts = 0

    @property
    def done(self) -> bool:
        return self._starts >= self._attempt.starts

    def step(self, random: np.random.Generator) -> tuple[Progress, list[Network]]:
        size, width, outputs = self._attempt.size, self._attempt.width, self._lesson.targets.shape[2]
        parameters = random_parameters(size, width, self._encoding, outputs, random)
        fitted = fit_with_counterexamples(parameters, self._lesson, self._encoding, self._rows)
        self._starts += 1
        progress = Progress("fit", size=size, width=width, loss=float(min(fitted.loss, 1e30)))
        return progress, [self._lesson.network(fitted.parameters, self._encoding)]

    def state(self) -> tuple[Arrays, JSON]:
        return {}, to_json(_FitsState(self._starts))

    def load(self, arrays: Arrays, data: JSON) -> None:
        self._starts = from_json(_FitsState, data, "checkpoint").starts


@dataclass(frozen=True)
class _DescentsState:
    """Where the descent stands, or the refinement, and how many networks wait for one."""

    descent: JSON
    waiting: int
    refinement: JSON
    done: bool


class _Descents(Work):
    """Wide networks going down together; once some are perfect, each of the best is refined."""

    KEEP = 2  #: networks that are refined

    def __init__(self, attempt: GradientDescent, lesson: Lesson, random: np.random.Generator) -> None:
        self._attempt, self._lesson = attempt, lesson
        self._encoding = lesson.encoding(True)
        generator = _torch(random)
        self._descent = Descent(
            lesson, self._encoding, attempt.nets, attempt.size, attempt.width, attempt.updates, generator
        )
        self._waiting: list[Parameters] = []
        self._refinement: Refinement | None = None
        self._done = False

    @property
    def done(self) -> bool:
        return self._done

    def step(self, random: np.random.Generator) -> tuple[Progress, list[Network]]:
        generator = _torch(random)
        if self._refinement is None:
            return self._descend(generator), []
        refinement = self._refinement
        refinement.step(generator)
        p = refinement.parameters
        progress = Progress(refinement.stage, size=p.size, width=p.width)
        if refinement.stage != "done":
            return progress, []
        self._next()
        return progress, [self._lesson.network(p, self._encoding)]

    def state(self) -> tuple[Arrays, JSON]:
        arrays, descent = self._descent.state()
        refinement = None
        for index, parameters in enumerate(self._waiting):
            arrays |= {f"waiting.{index}.{name}": matrix for name, matrix in parameters.matrices().items()}
        if self._refinement is not None:
            refined, refinement = self._refinement.state()
            arrays |= {f"refinement.{name}": array for name, array in refined.items()}
        state = _DescentsState(descent, len(self._waiting), refinement, self.done)
        return arrays, to_json(state)

    def load(self, arrays: Arrays, data: JSON) -> None:
        state = from_json(_DescentsState, data, "checkpoint")
        self._descent.load(arrays, state.descent)
        self._waiting = [Parameters.named(f"waiting.{index}", arrays) for index in range(state.waiting)]
        if state.refinement is not None:
            own = {name.removeprefix("refinement."): array for name, array in arrays.items()}
            self._refinement = Refinement(self._lesson, self._encoding, Parameters.named("best", own))
            self._refinement.load(own, state.refinement)
        self._done = state.done

    def _descend(self, generator: torch.Generator) -> Progress:
        descent = self._descent
        loss = descent.advance(generator)
        ended = descent.optimizer.updates >= self._attempt.updates
        self._waiting = descent.perfect()[: self.KEEP] or (descent.nearly_perfect() if ended else [])
        if self._waiting or ended:
            self._next()
        right = round(float(descent.right.max()), 4)
        return Progress("descend", length=descent.length, right=right, loss=loss)

    def _next(self) -> None:
        """Refine the next network that waits, or be done."""
        if self._waiting:
            self._refinement = Refinement(self._lesson, self._encoding, self._waiting.pop(0))
        else:
            self._refinement, self._done = None, True


def _torch(random: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(random.integers(2**63)))
