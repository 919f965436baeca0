"""The resumable program behind ``novacula arc solve``: train, and gather candidates.

With restarts, engines of different seeds follow each other. The candidates' scores go on from one to the next: since
they add up by logaddexp, this is the merge of the scores that the engines would reach on their own.
"""

import time
from bisect import bisect_left
from dataclasses import asdict, dataclass, replace
from math import nan

import numpy as np
from typing_extensions import override

from novacula.arc.answers.answers import Answers
from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.task import Answer, Task
from novacula.arc.findings import LATENTS, SURVIVES, NewAttempts, SolveFindings, StepCosts
from novacula.arc.network.engine_choice import MakeEngine, make_engine, numeric_threads
from novacula.arc.network.multitensor import SUBSETS
from novacula.files import from_json, write_npz
from novacula.runs import Program, RunFolder, Step
from novacula.runs.machine import peak_memory_mb


@dataclass(frozen=True)
class SolveState:
    """What a checkpoint of a training holds beside arrays.

    Scores are the log-weights of all candidates, the latest update last, and `total` is that of all together; metrics
    are those of the last step, and `shown` are the attempts after it.
    """

    steps: int
    scores: dict[str, float]
    metrics: StepCosts | None
    shown: tuple[Answer, ...] | None
    cpu_seconds: float
    total: float | None = None


@dataclass(frozen=True)
class Restarts:
    """Steps shared among `count` engines, one after another, that differ in their seed. Source: ours."""

    steps: int
    count: int
    seed: int

    def begin(self, restart: int) -> int:
        """Steps done before engine `restart`, counted from 0, begins; the shares differ by one step at most."""
        return self.steps * restart // self.count

    def at(self, position: int) -> int:
        """Returns the engine that did the last of `position` steps; the first where none is done."""
        return max(0, bisect_left(range(self.count + 1), position, key=self.begin) - 1)

    def seed_of(self, restart: int) -> int:
        """Returns the seed of an engine, 0 to 2^64 - 1."""
        if restart == 0:
            return self.seed
        return int(np.random.SeedSequence(self.seed, spawn_key=(restart,)).generate_state(1, np.uint64)[0])


class SolveProgram(Program):
    """The training on one puzzle, which holds no solution; `run` is the folder that the result names."""

    def __init__(self, task: Task, config: SolveConfig, run: str, engine: MakeEngine = make_engine) -> None:
        self.task, self._make_engine = task, engine
        self._puzzle, self._config, self._run = preprocess(task, config.sizes), config, run
        self._restarts = Restarts(config.steps, config.restarts, config.seed)
        self._restart = 0
        self._engine = engine(self._puzzle, config)
        self._answers = Answers(self._puzzle)
        self._metrics: StepCosts | None = None
        self._shown: tuple[Answer, ...] | None = None
        self._cpu_seconds = 0.0
        # Milliseconds of each step's training and of taking in its answers.
        self._training_ms, self._answers_ms = (np.zeros(config.steps, np.float32) for _ in range(2))

    @property
    @override
    def position(self) -> int:
        return self._restarts.begin(self._restart) + self._engine.steps

    @property
    @override
    def length(self) -> int:
        return self._config.steps

    @property
    def leading(self) -> Answer | None:
        """Attempt 1; None before the first step."""
        return self._shown[0] if self._shown else None

    @property
    def leading_share(self) -> float:
        """Its part of the weight of all candidates, 0 to 1; NaN before the first step."""
        return self._metrics.share if self._metrics else nan

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all steps."""
        return self._cpu_seconds

    @override
    def step(self) -> Step:
        if self.position == self._restarts.begin(self._restart + 1):
            self._begin(self._restart + 1)
            self._answers.restart()
        start = time.process_time()
        training = self._engine.step()
        trained = time.process_time()
        self._answers.update(training.tests, self._engine.steps - 1)
        attempts = self._answers.attempts()
        end = time.process_time()
        self._training_ms[self.position - 1] = 1e3 * (trained - start)
        self._answers_ms[self.position - 1] = 1e3 * (end - trained)
        self._cpu_seconds += end - start

        shares = tuple(attempt.share for attempt in attempts)
        self._metrics = StepCosts(
            step=self.position,
            kl=float(training.kl.sum()),
            reconstruction=training.reconstruction,
            loss=training.loss,
            kl_by_tensor={str(s): float(f"{kl:.6g}") for s, kl in zip(SUBSETS, training.kl, strict=True)},
            share=shares[0],
        )
        shown = tuple(attempt.answer for attempt in attempts)
        if shown == self._shown:
            return Step(asdict(self._metrics))
        self._shown = shown
        milestone = NewAttempts("attempts", self.position, shown, shares)
        return Step(asdict(self._metrics), (milestone.as_event(),))

    @override
    def state(self) -> tuple[dict[str, np.ndarray], SolveState]:
        arrays, scores = self._answers.state()
        timings = {"training_ms": self._training_ms, "answers_ms": self._answers_ms}
        total = self._answers.total if scores else None
        data = SolveState(self.position, scores, self._metrics, self._shown, self._cpu_seconds, total)
        return {**self._engine.state(), **arrays, **timings}, data

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(SolveState, data, "the checkpoint")
        self._begin(self._restarts.at(state.steps))
        self._engine.load(arrays, state.steps - self._restarts.begin(self._restart))
        self._answers.load(arrays, state.scores, state.total)
        self._metrics, self._shown, self._cpu_seconds = state.metrics, state.shown, state.cpu_seconds
        done = slice(0, self.position)
        self._training_ms[done], self._answers_ms[done] = arrays["training_ms"][done], arrays["answers_ms"][done]

    @override
    def result(self) -> SolveFindings:
        attempts, costs = self._answers.attempts(), self._metrics
        assert costs, "there is a result after the first step"
        done = slice(0, self.position)
        return SolveFindings(
            task=self._puzzle.name,
            attempts=tuple(attempt.answer for attempt in attempts),
            scores=tuple(attempt.score for attempt in attempts),
            shares=tuple(attempt.share for attempt in attempts),
            steps=self.position,
            seed=self._config.seed,
            engine=self._engine.name,
            threads=numeric_threads(self._config),
            cpu_seconds=round(self._cpu_seconds, 3),
            cpu_ms_per_step=round(float(np.median(self._training_ms[done])), 3),
            cpu_ms_answers=round(float(np.median(self._answers_ms[done])), 3),
            cpu_ms_per_step_mean=round(float(np.mean(self._training_ms[done])), 3),
            cpu_ms_answers_mean=round(float(np.mean(self._answers_ms[done])), 3),
            peak_memory_mb=round(peak_memory_mb(), 1),
            kl=costs.kl,
            reconstruction=costs.reconstruction,
            kl_by_tensor=costs.kl_by_tensor,
            run=self._run,
        )

    def keep(self, folder: RunFolder) -> None:
        """Leaves the decoded means of the surviving tensors."""
        costs = self._metrics.kl_by_tensor if self._metrics else {}
        means = {str(s): values for s, values in self._engine.latents().items()}
        write_npz(folder.artifact(LATENTS), {bits: values for bits, values in means.items() if costs[bits] > SURVIVES})

    def ranking(self) -> list[str]:
        """Returns the candidates as texts, best first."""
        return self._answers.ranking()

    def _begin(self, restart: int) -> None:
        """Makes the engine of a restart, unless it is at work."""
        if restart != self._restart:
            self._restart = restart
            self._engine = self._make_engine(self._puzzle, replace(self._config, seed=self._restarts.seed_of(restart)))
