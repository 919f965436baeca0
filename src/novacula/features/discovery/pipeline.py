"""Stages that follow each other as one resumable program."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from typing_extensions import override

from novacula.features.discovery.findings import DiscoverFindings
from novacula.files import from_json
from novacula.runs import Program, Step


@dataclass(frozen=True)
class Stage:
    """A part of a pipeline.

    Attributes:
        name: the key of its result in result.json.
        begin: makes its program, once all stages before it are done.
    """

    name: str
    begin: Callable[[], Program]


@dataclass(frozen=True)
class _State:
    """Steps and number of the stages that are done, what they have found, and the state of the current stage."""

    before: int
    done: int
    findings: DiscoverFindings
    current: object


class Pipeline(Program):
    """Stages, one after the other; each leaves on the disk what the next one reads.

    Args:
        stages: in order.

    Attributes:
        findings: what the stages that are done have found.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        self._done = self._before = 0
        self._current: Program | None = None
        self.findings = DiscoverFindings()

    @property
    @override
    def position(self) -> int:
        return self._before + (self._current.position if self._current else 0)

    @property
    @override
    def length(self) -> int:
        # How long a stage takes is known once it has begun; until then it counts as one step.
        left = len(self._stages) - self._done
        if self._current:
            return max(self.position + 1, self._before + self._current.length + left - 1)
        return self.position + left

    @override
    def step(self) -> Step:
        stage = self._stages[self._done]
        program = self._current = self._current or stage.begin()
        step = program.step()
        if program.position >= program.length:
            self.findings = replace(self.findings, **{stage.name.replace("-", "_"): program.result()})
            self._before, self._current = self._before + program.position, None
            self._done += 1
        return Step({"stage": stage.name, **step.metrics}, step.milestones)

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        arrays, data = self._current.state() if self._current else ({}, None)
        return arrays, _State(self._before, self._done, self.findings, data)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "the pipeline's checkpoint")
        self._before, self._done, self.findings = state.before, state.done, state.findings
        if isinstance(state.current, dict):
            self._current = self._stages[self._done].begin()
            self._current.load(arrays, state.current)

    @override
    def result(self) -> DiscoverFindings:
        return self.findings
