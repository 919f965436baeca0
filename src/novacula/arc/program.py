"""The resumable program behind ``novacula arc solve``: train, and gather candidates.

With restarts, engines of different seeds go step by step side by side, and their draws count in the order of the
restarts. Scores add up by logaddexp, so they are the merge of those that each engine would reach on its own. The number
of engines that work at the same time changes nothing.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from operator import methodcaller

import numpy as np
from msgspec import UNSET
from typing_extensions import override

from novacula.arc.answers.answers import Answers, of_network, stacked
from novacula.arc.answers.certainty import DECODE_EVERY, is_settled, probabilities
from novacula.arc.answers.laws import Laws
from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.task import Answer, Task
from novacula.arc.findings import LATENTS, SURVIVES, NewAttempts, SolveFindings, StepCosts
from novacula.arc.network.engine_choice import MakeEngine, make_engine, numeric_threads, restart_seed
from novacula.arc.network.multitensor import SUBSETS
from novacula.files import from_json, write_npz
from novacula.runs import Computation, RunFolder, Step
from novacula.runs.machine import peak_memory_mb


@dataclass(frozen=True)
class SolveState:
    """What a checkpoint of a training holds beside arrays.

    Scores are the log-weights of all candidates, the latest update last, and `total` is that of all together; metrics
    are those of the last step, and `shown` are the attempts after it. `decodes` counts what was shown without noise;
    `course` is that of `is_settled`.
    """

    steps: int
    scores: dict[str, float]
    metrics: StepCosts | None
    shown: tuple[Answer, ...] | None
    cpu_seconds: float
    total: float | None = None
    decodes: dict[str, int] = field(default_factory=dict)
    course: tuple[float, ...] = ()


class SolveProgram(Computation):
    """The training on one puzzle, which holds no solution; `run` is the folder that the result names.

    Attributes:
        task: the puzzle.
        cpu_seconds: processor time of all steps so far.
    """

    def __init__(self, task: Task, config: SolveConfig, run: str, engine: MakeEngine = make_engine) -> None:
        self.task, self._make_engine = task, engine
        self._puzzle, self._config, self._run = preprocess(task, config.sizes), config, run
        seeds = (restart_seed(config.seed, restart) for restart in range(config.restarts))
        self._engines = [engine(self._puzzle, replace(config, seed=seed)) for seed in seeds]
        self._pool = ThreadPoolExecutor(config.at_once) if config.at_once > 1 else None
        self._answers = Answers(self._puzzle, config.restarts, Laws(task), config.choice)
        self._metrics: StepCosts | None = None
        self._shown: tuple[Answer, ...] | None = None
        self._course: tuple[float, ...] = ()
        self.cpu_seconds = 0.0
        # Milliseconds of each step's training and of taking in its answers.
        self._training_ms, self._answers_ms = (np.zeros(config.steps_of(0), np.float32) for _ in range(2))

    @override
    def progress(self) -> tuple[int, int]:
        steps = self._engines[0].steps
        return steps, steps if self._stops else self._config.steps_of(0)

    @property
    def _stops(self) -> bool:
        at_decode = 0 < self._engines[0].steps == DECODE_EVERY * len(self._course)
        return self._config.stop == "auto" and at_decode and is_settled(self._course, self._answers.evidence())

    @property
    def leading(self) -> Answer | None:
        """Attempt 1; None before the first step."""
        return self._shown[0] if self._shown else None

    @override
    def step(self) -> Step:
        step = self.position
        start = time.process_time()
        engines = [engine for restart, engine in enumerate(self._engines) if step < self._config.steps_of(restart)]
        trainings = [*(self._pool.map if self._pool else map)(methodcaller("step"), engines)]
        trained = time.process_time()
        for restart, one in enumerate(trainings):
            self._answers.update(one.tests, step, restart)
        training = trainings[0]
        if self.position % DECODE_EVERY == 0:
            for restart, engine in enumerate(engines):
                self._answers.note_decode(engine.decode(), step, restart)
        attempts, chances = self._answers.attempts(), probabilities(self._answers.evidence())
        if self.position % DECODE_EVERY == 0:
            self._course = (*self._course, sum(chances))
        end = time.process_time()
        self._training_ms[self.position - 1] = 1e3 * (trained - start)
        self._answers_ms[self.position - 1] = 1e3 * (end - trained)
        self.cpu_seconds += end - start

        shares = tuple(attempt.share for attempt in attempts)
        self._metrics = StepCosts(
            step=self.position,
            kl=float(training.kl.sum()),
            reconstruction=training.reconstruction,
            loss=training.loss,
            kl_by_tensor={str(s): float(f"{kl:.6g}") for s, kl in zip(SUBSETS, training.kl, strict=True)},
            share=shares[0],
            probability=sum(chances) if chances else UNSET,
        )
        shown = tuple(attempt.answer for attempt in attempts)
        if shown == self._shown:
            return Step(self._metrics.as_metrics())
        self._shown = shown
        milestone = NewAttempts("attempts", self.position, shown, shares, chances)
        return Step(self._metrics.as_metrics(), (milestone.as_event(),))

    @override
    def state(self) -> tuple[dict[str, np.ndarray], SolveState]:
        arrays, scores = self._answers.state()
        timings = {"training_ms": self._training_ms, "answers_ms": self._answers_ms}
        total = self._answers.total if scores else None
        data = SolveState(
            self.position,
            scores,
            self._metrics,
            self._shown,
            self.cpu_seconds,
            total,
            dict(self._answers.decodes),
            self._course,
        )
        return {**stacked([engine.state() for engine in self._engines]), **arrays, **timings}, data

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(SolveState, data, "the checkpoint")
        own = {name: arrays[name] for name in arrays if not name.endswith("_ms")}
        for restart, engine in enumerate(self._engines):
            engine.load(of_network(own, restart), min(state.steps, self._config.steps_of(restart)))
        self._answers.load(own, state.scores, state.total, state.decodes)
        self._course = state.course
        self._metrics, self._shown, self.cpu_seconds = state.metrics, state.shown, state.cpu_seconds
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
            broken_laws=tuple(attempt.broken for attempt in attempts),
            probabilities=probabilities(self._answers.evidence()),
            steps=self.position,
            seed=self._config.seed,
            engine=self._engines[0].name,
            threads=numeric_threads(self._config),
            cpu_seconds=round(self.cpu_seconds, 3),
            cpu_ms_per_step=round(float(np.median(self._training_ms[done])), 3),
            cpu_ms_answers=round(float(np.median(self._answers_ms[done])), 3),
            cpu_ms_per_step_mean=round(float(np.mean(self._training_ms[done])), 3),
            cpu_ms_answers_mean=round(float(np.mean(self._answers_ms[done])), 3),
            peak_memory_mb=round(peak_memory_mb(), 1),
            kl=costs.kl,
            reconstruction=costs.reconstruction,
            kl_by_tensor=costs.kl_by_tensor,
            run=self._run,
            most_steps=self._config.steps_of(0),
        )

    def keep(self, folder: RunFolder) -> None:
        """Leaves the decoded means of the surviving tensors."""
        costs = self._metrics.kl_by_tensor if self._metrics else {}
        means = {str(s): values for s, values in self._engines[0].latents().items()}
        write_npz(folder.artifact(LATENTS), {bits: values for bits, values in means.items() if costs[bits] > SURVIVES})

    def ranking(self) -> list[str]:
        """Returns the candidates as texts, best first."""
        return self._answers.ranking()

    def attempts_by_test(self) -> tuple[Answer, ...]:
        """Returns two attempts for the contest's rule, as `Answers.attempts_by_test`."""
        return self._answers.attempts_by_test()
