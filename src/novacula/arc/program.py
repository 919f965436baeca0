"""The resumable program behind ``novacula arc solve``: train, and gather candidates.

With restarts, engines of different seeds follow each other. The candidates' scores go on from one to the next: since
they add up by logaddexp, this is the merge of the scores that the engines would reach on their own.
"""

import resource
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from novacula.arc.answers import Answers
from novacula.arc.config import SolveConfig
from novacula.arc.engine import Training, make_engine
from novacula.arc.multitensor import SUBSETS, Subset
from novacula.arc.puzzle import Puzzle
from novacula.arc.restarts import Restarts
from novacula.files import JSON
from novacula.runs import Step


class SolveProgram:
    """One puzzle's training (`novacula.runs.Program`).

    Args:
        puzzle: what to train on; it holds no solution.
        config: how.
        run: the run's folder, as the result names it.
        threads: numeric threads in use.
    """

    def __init__(self, puzzle: Puzzle, config: SolveConfig, run: str, threads: int) -> None:
        self._puzzle, self._config, self._run, self._threads = puzzle, config, run, threads
        self._restarts = Restarts(config.steps, config.restarts, config.seed)
        self._restart = 0
        self._engine = make_engine(puzzle, config)
        self._answers = Answers(puzzle)
        self._metrics: dict[str, Any] = {}
        self._shown: JSON = None
        self._cpu_seconds = 0.0
        # Milliseconds of each step's training and of taking in its answers.
        self._training_ms, self._answers_ms = (np.zeros(config.steps, np.float32) for _ in range(2))

    @property
    def position(self) -> int:
        """Steps done."""
        return self._restarts.begin(self._restart) + self._engine.steps

    @property
    def length(self) -> int:
        """Steps in all."""
        return self._config.steps

    def step(self) -> Step:
        """One training step; a milestone where the attempts change."""
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

        shares: list[JSON] = [attempt.share for attempt in attempts]
        self._metrics = {"step": self.position, **_costs(training), "share": shares[0]}
        answers = _as_json([attempt.answer for attempt in attempts])
        if answers == self._shown:
            return Step(self._metrics)
        self._shown = answers
        milestone: dict[str, JSON] = {
            "milestone": "attempts",
            "step": self.position,
            "attempts": answers,
            "shares": shares,
        }
        return Step(self._metrics, (milestone,))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """Engine, candidates and timings."""
        arrays, scores = self._answers.state()
        timings = {"training_ms": self._training_ms, "answers_ms": self._answers_ms}
        data: dict[str, JSON] = {
            "steps": self.position,
            "scores": dict(scores),
            "metrics": self._metrics,
            "shown": self._shown,
            "cpu_seconds": self._cpu_seconds,
        }
        return {**self._engine.state(), **arrays, **timings}, data

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._begin(self._restarts.at(data["steps"]))
        self._engine.load(arrays, data["steps"] - self._restarts.begin(self._restart))
        self._answers.load(arrays, data["scores"])
        self._metrics, self._shown = data["metrics"], data["shown"]
        self._cpu_seconds = data["cpu_seconds"]
        done = slice(0, self.position)
        self._training_ms[done], self._answers_ms[done] = arrays["training_ms"][done], arrays["answers_ms"][done]

    def result(self) -> dict[str, JSON]:
        """What ``result.json`` and ``--json`` say."""
        attempts = self._answers.attempts()
        done = slice(0, self.position)
        return {
            "task": self._puzzle.name,
            "attempts": _as_json([attempt.answer for attempt in attempts]),
            "scores": [attempt.score for attempt in attempts],
            "shares": [attempt.share for attempt in attempts],
            "steps": self.position,
            "seed": self._config.seed,
            "engine": self._engine.name,
            "threads": self._threads,
            "cpu_seconds": round(self._cpu_seconds, 3),
            "cpu_ms_per_step": round(float(np.median(self._training_ms[done])), 3),
            "cpu_ms_answers": round(float(np.median(self._answers_ms[done])), 3),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "kl": self._metrics["kl"],
            "reconstruction": self._metrics["reconstruction"],
            "kl_by_tensor": self._metrics["kl_by_tensor"],
            "run": self._run,
        }

    def ranking(self) -> list[str]:
        """The candidates as texts, best first."""
        return self._answers.ranking()

    @property
    def cpu_seconds(self) -> float:
        """Of all steps."""
        return self._cpu_seconds

    def survivors(self, least: float) -> dict[Subset, np.ndarray]:
        """The decoded means of the tensors that cost more than `least` nats, axes in naming order, channels last."""
        costs: dict[str, float] = self._metrics["kl_by_tensor"]
        return {s: v for s, v in self._engine.latents().items() if costs[str(s)] > least}

    def _begin(self, restart: int) -> None:
        """Make the engine of a restart, unless it is at work."""
        if restart != self._restart:
            self._restart = restart
            self._engine = make_engine(self._puzzle, replace(self._config, seed=self._restarts.seed_of(restart)))


def _costs(training: Training) -> dict[str, JSON]:
    return {
        "kl": float(training.kl.sum()),
        "reconstruction": training.reconstruction,
        "loss": training.loss,
        "kl_by_tensor": {str(s): float(f"{kl:.6g}") for s, kl in zip(SUBSETS, training.kl, strict=True)},
    }


def _as_json(answers: list[tuple[tuple[tuple[int, ...], ...], ...]]) -> JSON:
    return [[[list(row) for row in grid] for grid in answer] for answer in answers]


def peak_memory_mb() -> float:
    """The most memory that this process has held, in MB (10^6 bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
