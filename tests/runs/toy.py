"""A small chaotic program with everything that a state can hold, and a command line to run it in a process of its own.

One wrong bit anywhere changes every number after it.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from novacula.runs import NoInputs, RunFolder, RunResult, Signature, Step, Verb, drive


class Toy:
    """Iterates a noisy logistic map on a vector, and remembers the largest sum.

    Args:
        pause: seconds that a step takes.
        fail_at: the step that fails.
        interrupt_at: the step in whose midst the signals `interrupt_with` arrive.
    """

    def __init__(
        self,
        length: int,
        seed: int = 0,
        *,
        pause: float = 0.0,
        fail_at: int | None = None,
        interrupt_at: int | None = None,
        interrupt_with: tuple[int, ...] = (signal.SIGINT,),
    ) -> None:
        self.position = 0
        self.length = length
        self.pause = pause
        self.fail_at = fail_at
        self.interrupt_at = interrupt_at
        self.interrupt_with = interrupt_with
        self.generator = np.random.Generator(np.random.PCG64(seed))
        self.x = self.generator.random(50)
        self.counts = np.zeros((3, 2), dtype=np.int64)
        self.best = {"step": 0, "sum": float(self.x.sum())}

    def step(self) -> Step:
        if self.position + 1 == self.fail_at:
            raise ArithmeticError("the map diverged")
        if self.position + 1 == self.interrupt_at:
            for number in self.interrupt_with:
                os.kill(os.getpid(), number)
        time.sleep(self.pause)
        noise = self.generator.random(self.x.size)
        self.x = 3.9 * self.x * (1 - self.x) * 0.98 + 0.01 * noise
        self.position += 1
        self.counts[self.position % 3, self.position % 2] += 1
        total = float(self.x.sum())
        milestones = ()
        if total > self.best["sum"]:
            self.best = {"step": self.position, "sum": total}
            milestones = ({"milestone": "best", "step": self.position, "sum": total},)
        return Step({"step": self.position, "sum": total, "parts": {"first": float(self.x[0])}}, milestones)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        data = {"position": self.position, "best": self.best, "generator": self.generator.bit_generator.state}
        return {"x": self.x, "counts": self.counts}, data

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        self.x, self.counts = arrays["x"], arrays["counts"]
        self.position, self.best = data["position"], data["best"]
        self.generator.bit_generator.state = data["generator"]

    def result(self) -> dict[str, Any]:
        return {"task": "toy", "best": self.best, "sum": float(self.x.sum()), "step": self.position}


@dataclass(frozen=True)
class ToyConfig:
    """Options of a toy."""

    length: int = 10
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True)
class ToyFindings:
    """What a toy finds."""

    task: str
    sum: float
    step: int


def write_page(folder: RunFolder) -> Path:
    path = folder.path / "report.html"
    path.write_text("<p>toy</p>")
    return path


TOY = Verb(
    Signature("toy iterate", ToyConfig, NoInputs, RunResult[ToyFindings]),
    page=write_page,
    load=lambda config, inputs, folder: None,
    begin=lambda config, subject, folder: Toy(config.length, config.seed),
)


def make_folder(path: Path) -> RunFolder:
    return TOY.create(ToyConfig(), NoInputs(), about="logistic", out=path)


def in_process(*arguments: object) -> list[str]:
    """The command that runs this file."""
    return [sys.executable, __file__, *map(str, arguments)]


def environment() -> dict[str, str]:
    """Where a process of its own finds the novacula that is being tested."""
    import novacula

    return os.environ | {"PYTHONPATH": str(Path(novacula.__file__).parents[1])}


def main(path: str, length: str, pause: str, checkpoint_seconds: str) -> int:
    folder = RunFolder.open(path) if (Path(path) / "run.json").exists() else make_folder(Path(path))
    program = Toy(int(length), pause=float(pause))
    status = drive(program, folder, checkpoint_seconds=float(checkpoint_seconds), log_every=3)
    return 130 if status == "interrupted" else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
