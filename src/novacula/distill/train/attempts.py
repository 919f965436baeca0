"""The attempts of a plan at work, one bounded piece of it at a time. Source: ours."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from novacula.distill.network import Network
from novacula.distill.train.descent import UPDATES, Descent
from novacula.distill.train.fit import fit_with_counterexamples
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Parameters, random_parameters
from novacula.distill.train.plan import Attempt, Descended, Fitted, Searched
from novacula.distill.train.published_search import PublishedSearch, longest_search
from novacula.distill.train.refine import Refinement

_RESIDUALS = 1200


@runtime_checkable
class Work(Protocol):
    """An attempt at work."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to do."""
        ...

    def step(self, random: np.random.Generator) -> tuple[dict[str, Any], list[Network]]:
        """A piece of work: what to show of it, and the networks that it has finished."""
        ...

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything that the pieces to come depend on."""
        ...

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        ...


def begin_work(attempt: Attempt, lesson: Lesson, random: np.random.Generator) -> Work:
    """An attempt at its beginning."""
    if isinstance(attempt, Searched):
        return PublishedSearch(attempt, lesson)
    return Fits(attempt, lesson) if isinstance(attempt, Fitted) else Descents(attempt, lesson, random)


def length_of(attempt: Attempt) -> int:
    """The most pieces that an attempt can take."""
    if isinstance(attempt, Searched):
        return longest_search(attempt)
    return attempt.starts if isinstance(attempt, Fitted) else -(-attempt.updates // UPDATES) + 2 * 60


class Fits:
    """Random starts, each fitted by least squares in one piece."""

    def __init__(self, attempt: Fitted, lesson: Lesson) -> None:
        self._attempt, self._lesson = attempt, lesson
        self._encoding = lesson.encoding(attempt.symbols)
        self._rows = lesson.rows_of(lesson.length)[: max(40, _RESIDUALS // lesson.length)]
        self._starts = 0

    @property
    def done(self) -> bool:
        """Whether all starts have been made."""
        return self._starts >= self._attempt.starts

    def step(self, random: np.random.Generator) -> tuple[dict[str, Any], list[Network]]:
        """One start."""
        self._starts += 1
        size, width, outputs = self._attempt.size, self._attempt.width, self._lesson.targets.shape[2]
        parameters = random_parameters(size, width, self._encoding, outputs, random)
        fitted = fit_with_counterexamples(parameters, self._lesson, self._encoding, self._rows)
        metrics = {"stage": "fit", "size": size, "width": width, "loss": float(min(fitted.loss, 1e30))}
        return metrics, [self._lesson.network(fitted.parameters, self._encoding)]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """How many starts were made."""
        return {}, {"starts": self._starts}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._starts = data["starts"]


class Descents:
    """Wide networks going down together; once some are perfect, each of the best is refined."""

    KEEP = 2
    """Networks that are refined."""

    def __init__(self, attempt: Descended, lesson: Lesson, random: np.random.Generator) -> None:
        self._attempt, self._lesson = attempt, lesson
        self._encoding = lesson.encoding(attempt.symbols)
        generator = _torch(random)
        self._descent = Descent(
            lesson,
            self._encoding,
            attempt.nets,
            attempt.size,
            attempt.width,
            attempt.updates,
            generator,
            attempt.optimizer,
        )
        self._waiting: list[Parameters] = []
        self._refinement: Refinement | None = None
        self.done = False

    def step(self, random: np.random.Generator) -> tuple[dict[str, Any], list[Network]]:
        """Some updates of all networks, or one attempt to refine one."""
        generator = _torch(random)
        if self._refinement is None:
            return self._descend(generator), []
        refinement = self._refinement
        refinement.step(generator)
        p = refinement.parameters
        metrics = {"stage": refinement.stage, "size": p.size, "width": p.width}
        if refinement.stage != "done":
            return metrics, []
        self._next()
        return metrics, [self._lesson.network(p, self._encoding)]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Where the descent stands, or the refinement, and which networks wait for one."""
        arrays, data = self._descent.state()
        data = {"descent": data, "waiting": len(self._waiting), "refinement": None, "done": self.done}
        for index, parameters in enumerate(self._waiting):
            arrays |= {f"waiting.{index}.{name}": matrix for name, matrix in parameters.matrices().items()}
        if self._refinement is not None:
            more, data["refinement"] = self._refinement.state()
            arrays |= {f"refinement.{name}": array for name, array in more.items()}
        return arrays, data

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._descent.load(arrays, data["descent"])
        names = ("recur", "drive", "carry", "read")
        self._waiting = [
            Parameters(*(arrays[f"waiting.{index}.{name}"] for name in names)) for index in range(data["waiting"])
        ]
        if data["refinement"] is not None:
            own = {name.removeprefix("refinement."): array for name, array in arrays.items()}
            self._refinement = Refinement(self._lesson, self._encoding, Parameters(*(own[f"best.{n}"] for n in names)))
            self._refinement.load(own, data["refinement"])
        self.done = data["done"]

    def _descend(self, generator: torch.Generator) -> dict[str, Any]:
        descent = self._descent
        loss = descent.advance(generator)
        ended = descent.optimizer.updates >= self._attempt.updates
        self._waiting = descent.perfect()[: self.KEEP] or (descent.nearly_perfect() if ended else [])
        if self._waiting or ended:
            self._next()
        right = round(float(descent.right.max()), 4)
        return {"stage": "descend", "length": descent.length, "right": right, "loss": loss}

    def _next(self) -> None:
        """Refine the next network that waits, or be done."""
        if self._waiting:
            self._refinement = Refinement(self._lesson, self._encoding, self._waiting.pop(0))
        else:
            self._refinement, self.done = None, True


def _torch(random: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(random.integers(2**63)))
