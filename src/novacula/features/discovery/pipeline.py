"""Stages that follow each other as one resumable program."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from novacula.files import JSON
from novacula.runs import Program, Step


@dataclass(frozen=True)
class Stage:
    """A part of a pipeline.

    Attributes:
        name: under which its result is found.
        begin: makes its program, once all stages before it are done.
    """

    name: str
    begin: Callable[[], Program]


class Pipeline:
    """Stages, one after the other (`novacula.runs.Program`); each leaves on the disk what the next one reads.

    Args:
        stages: in order.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        self._before = 0
        self._current: Program | None = None
        self.results: dict[str, dict[str, JSON]] = {}

    @property
    def position(self) -> int:
        """Steps done."""
        return self._before + (self._current.position if self._current else 0)

    @property
    def length(self) -> int:
        """Steps in all, as far as can be told: a stage tells its length once it has begun."""
        left = len(self._stages) - len(self.results)
        if self._current:
            return max(self.position + 1, self._before + self._current.length + left - 1)
        return self.position + left

    def step(self) -> Step:
        """A step of the current stage."""
        stage = self._stages[len(self.results)]
        program = self._current = self._current or stage.begin()
        step = program.step()
        if program.position >= program.length:
            self.results[stage.name] = dict(program.result())  # pyright: ignore[reportCallIssue, reportArgumentType]
            self._before, self._current = self._before + program.position, None
        return Step({"stage": stage.name, **step.metrics}, step.milestones)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """The current stage's, and the results of those before."""
        arrays, data = self._current.state() if self._current else ({}, None)
        return arrays, {"before": self._before, "results": {**self.results}, "current": data}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._before, self.results = int(data["before"]), dict(data["results"])
        if data["current"] is not None:
            self._current = self._stages[len(self.results)].begin()
            self._current.load(arrays, data["current"])

    def result(self) -> dict[str, JSON]:
        """The results of all stages that are done."""
        return {**self.results}
