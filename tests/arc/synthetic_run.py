"""A finished run folder as `novacula arc solve` leaves it, made without solving: curves shaped like real ones."""

from pathlib import Path

import numpy as np

from novacula.arc.config import SolveConfig
from novacula.arc.data.parse import kept_task
from novacula.arc.data.puzzle import Puzzle, preprocess
from novacula.arc.data.sources import load_solution, load_task
from novacula.arc.solve import SOLVE, SolveInputs
from novacula.files import write_npz
from novacula.runs import RunFolder

BITS = ("01000", "11000", "00100", "10100", "01100", "11100", "10010", "11010", "10110", "11110", "10001", "11001")
BITS += ("10101", "11101", "10011", "11011", "10111", "11111")
SURVIVORS = {"10010": 190.0, "10001": 140.0, "01100": 31.0, "01000": 16.0}
"""The tensors that keep information in puzzle 272f95fa, as the paper tells, at made-up prices in nats."""


def make_run(
    out: Path,
    task_id: str = "272f95fa",
    *,
    steps: int = 2000,
    survivors: dict[str, float] = SURVIVORS,
    source: str | None = None,
) -> RunFolder:
    """A run that ends with the right answer as attempt 1."""
    rng = np.random.default_rng(0)
    task = load_task(task_id)
    inputs = SolveInputs(task.name, source or task_id, "arc1")
    folder = SOLVE.create(SolveConfig(steps=steps), inputs, about=task.name, out=out, kept=kept_task(task))

    truth = [[list(row) for row in grid] for grid in load_solution(task_id).outputs]
    attempts, share, costs, kl, error = [truth, truth], 0.0, {}, 0.0, 0.0
    lifetimes = dict(zip(BITS, rng.uniform(60, 250, len(BITS)), strict=True))
    for step in range(1, steps + 1):
        if step == 1 or (step < 300 and rng.random() < 0.2 * np.exp(-step / 90)) or step == 300:
            wrong = 0.0 if step == 300 else 0.6 * np.exp(-step / 60)
            attempts, share = [_damaged(truth, wrong, rng), attempts[0]], rng.uniform(0.02, 0.4)
            event = {"milestone": "attempts", "step": step, "attempts": attempts, "shares": [share, share / 3]}
            folder.append_event(event)
        share = share + (0.93 - share) * 0.01 if step > 300 else share * 0.995
        costs = {bits: _cost(bits, step, survivors.get(bits, 0.0), lifetimes[bits], rng) for bits in BITS}
        kl = sum(costs.values())
        error = 2500 * np.exp(-step / 9) + (np.exp(-step / 150) + 0.02) * abs(rng.normal())
        error += 40 * np.exp(-(((step - 350) / 6) ** 2))
        measured = {"step": step, "kl": kl, "reconstruction": error, "loss": kl + 10 * error, "share": share}
        if step == 1 or step % 10 == 0 or step == steps:
            folder.append_event({**measured, "kl_by_tensor": costs})

    write_npz(folder.artifact("latents.npz"), {bits: _latent(bits, preprocess(task), rng) for bits in survivors})
    result = {
        "task": task.name,
        "attempts": attempts,
        "scores": [-1.0, -5.0],
        "shares": [share, 0.02],
        "steps": steps,
        "seed": 0,
    }
    result |= {"engine": "torch", "threads": 1, "cpu_seconds": 212.4, "cpu_ms_per_step": 98.71, "cpu_ms_answers": 4.2}
    result |= {"peak_memory_mb": 412.3, "run": str(out), "kl": kl, "reconstruction": error, "kl_by_tensor": costs}
    folder.write_result(result)
    folder.set_status("finished", step=steps, length=steps)
    return folder


def _damaged(grids: list, wrong: float, rng: np.random.Generator) -> list:
    """The grids with a share of the cells replaced, and unless it is 0, one of them wrong for certain."""
    grids = [[[int(rng.integers(10)) if rng.random() < wrong else c for c in row] for row in grid] for grid in grids]
    if wrong:
        grids[0][0][0] = (grids[0][0][0] + 1) % 10
    return grids


def _cost(bits: str, step: int, price: float, lifetime: float, rng: np.random.Generator) -> float:
    noise = 1 + 0.03 * rng.normal()
    late = price * (1 + 1.5 * np.exp(-step / 300)) if price else 80 * np.exp(-step / lifetime)
    return 0.5 + max(10_000 * np.exp(-step / 14.5), late * noise)


def _latent(bits: str, puzzle: Puzzle, rng: np.random.Generator) -> np.ndarray:
    """Three directions in channel space, each with a pattern of two values over the places."""
    lengths = (puzzle.axes.example, puzzle.axes.color, 8, puzzle.axes.x, puzzle.axes.y)
    shape = [length for length, bit in zip(lengths, bits, strict=True) if bit == "1"]
    channels = 8 if bits[2] == "1" else 16
    patterns = [np.sign(rng.normal(size=shape)) * rng.uniform(0.7, 1, shape) for _ in range(3)]
    directions = [strength * rng.normal(size=channels) for strength in (3.0, 1.0, 0.3)]
    latent = sum(p[..., None] * d for p, d in zip(patterns, directions, strict=True))
    return np.asarray(latent, dtype=np.float32)
