"""Solve an ARC puzzle from its own grids, and watch its description getting shorter.

python examples/solve_a_puzzle.py [PUZZLE] [--steps N]
"""

import argparse
from pathlib import Path
from tempfile import mkdtemp

from novacula.arc import SolveConfig, load_solution, load_task, score_attempts, solve
from novacula.runs import Program, Step


def main(puzzle: str, steps: int, out: Path) -> tuple[list[float], bool]:
    """The price of the description after every step, in nats, and whether one of two attempts is right."""
    prices: list[float] = []

    def on_step(program: Program, step: Step) -> None:
        prices.append(float(str(step.metrics["kl"])))
        if program.position % 50 == 0:
            print(f"step {program.position:4d}: a description of {prices[-1]:7.1f} nats")

    result = solve(load_task(puzzle), SolveConfig(steps=steps, seed=0), out=out, on_step=on_step)
    # The solver never sees the solution; it is loaded only to judge.
    verdict = score_attempts(result.attempts, load_solution(puzzle))
    for attempt, right in zip(result.attempts, verdict.correct, strict=True):
        print("right:" if right else "wrong:")
        print("\n".join(" ".join(map(str, row)) for grid in attempt for row in grid))
    print(f"the report is {result.report}")
    return prices, verdict.solved


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("puzzle", nargs="?", default="3618c87e")
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    main(arguments.puzzle, arguments.steps, Path(mkdtemp()) / "run")
