"""Three experiments with the solver of ARC puzzles: another choice of answers, a layer less, and another loss.

python examples/research_on_arc.py [PUZZLE] [--steps N]
"""

import argparse
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

from torch import Tensor
from typing_extensions import override

from novacula.arc import (
    Block,
    Layers,
    Network,
    Outputs,
    Puzzle,
    SolveConfig,
    TorchEngine,
    load_solution,
    load_task,
    record,
    score_attempts,
    solve,
)


def answer_of_decodes(puzzle: str, steps: int) -> bool:
    """Rank the candidates by how often noise-free decodes show them, instead of by the published weights."""
    recording = record(load_task(puzzle), SolveConfig(steps=steps, seed=0))
    shown = Counter(map(recording.decodes.candidate, range(len(recording.decodes.grids))))
    attempts = [recording.answer(candidate) for candidate, _ in shown.most_common(2)]
    return score_attempts(attempts, load_solution(puzzle)).solved


class WithoutShift(Network):
    """The network without its layers that move values along an axis."""

    @override
    def layers(self, b: Block) -> Layers:
        return tuple((name, layer) for name, layer in super().layers(b) if name != "shift")


class Ablated(TorchEngine):
    """The engine that trains it."""

    def __init__(self, puzzle: Puzzle, config: SolveConfig) -> None:
        super().__init__(puzzle, config)
        self.network = WithoutShift(puzzle, self.weights)


class Cheap(TorchEngine):
    """An engine for which a nat of the latents costs half."""

    @override
    def loss(self, outputs: Outputs, error: Tensor) -> Tensor:
        return 0.5 * outputs.kl.sum() + 10 * error


def main(puzzle: str, steps: int, out: Path) -> dict[str, bool]:
    """Whether each experiment solves the puzzle."""
    solved = {"decodes": answer_of_decodes(puzzle, steps)}
    for engine in (Ablated, Cheap):
        config = SolveConfig(steps=steps, seed=0)
        result = solve(load_task(puzzle), config, engine=engine, out=out / engine.__name__)
        solved[engine.__name__] = score_attempts(result.attempts, load_solution(puzzle)).solved
    for name, right in solved.items():
        print(f"{name}: {'solved' if right else 'not solved'}")
    return solved


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("puzzle", nargs="?", default="3618c87e")
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    main(arguments.puzzle, arguments.steps, Path(mkdtemp()))
