"""Do blocks of independent lines exceed chance, and does a planted circle?

    python benchmarks/studies/features_lines.py [--seeds 3]

6,000 states of width 32: 16 lines in random directions, with values of 0.5 to 1.5, each active on 8 or 20 % of the
states, and noise of 0.01; or a circle, active half as often again, with radii of 0.9 to 1.1, in place of two of the
lines. 12 blocks of two directions are trained, of which 2 are active; on 20 % of the states, 3. `circle` is the share
of the circle's plane that the first block of the ranking holds, `others` are blocks above chance that hold less than a
quarter of it. Of rows without a manifold one in 21 should exceed chance.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, machine_line, table_head, table_row

from novacula.features import DiscoverConfig, DiscoverSource, discover, read_sae
from novacula.files import write_npz

ROWS, WIDTH, LINES = 6000, 32, 16
CONFIG = DiscoverConfig(
    kind="block",
    block=2,
    latents=24,
    k=2,
    train_tokens=300_000,
    batch=500,
    rate=0.005,
    dead_after=20_000,
    shown=1,
    points=1000,
)


def drawn(seed: int, often: float, *, circle: bool) -> tuple[np.ndarray, np.ndarray]:
    """The states, and the plane of the circle, or a random one."""
    random = np.random.default_rng([seed, 1])
    states = 0.01 * random.standard_normal((ROWS, WIDTH))
    for _ in range(LINES - 2 * circle):
        on = np.flatnonzero(random.random(ROWS) < often)
        line = random.standard_normal(WIDTH)
        states[on] += random.uniform(0.5, 1.5, len(on))[:, None] * line / np.linalg.norm(line)
    plane = np.linalg.qr(random.standard_normal((WIDTH, 2)))[0].T
    if circle:
        on = np.flatnonzero(random.random(ROWS) < 1.5 * often)
        turn = random.uniform(0, 2 * np.pi, len(on))
        states[on] += random.uniform(0.9, 1.1, (len(on), 1)) * np.column_stack([np.cos(turn), np.sin(turn)]) @ plane
    return states.astype(np.float32), plane


def main() -> None:
    """Print how many blocks exceed chance in each set."""
    given = arguments(__doc__, seeds=3)
    torch.set_num_threads(1)
    print(machine_line())
    table_head("seed", "active on", "set", "above chance", "blocks", "first", "highest of chance", "circle", "others")
    for seed in range(given.seeds):
        for often, k in ((0.08, 2), (0.2, 3)):
            for circle in (False, True):
                states, plane = drawn(seed, often, circle=circle)
                with tempfile.TemporaryDirectory() as folder:
                    write_npz(Path(folder) / "states.npz", {"activations": states})
                    source = DiscoverSource(activations=str(Path(folder) / "states.npz"))
                    config = DiscoverConfig(**{**vars(CONFIG), "k": k, "seed": seed})
                    result = discover(source, config, out=Path(folder) / "run")
                    rank = result.findings.rank
                    if not rank:
                        raise SystemExit(f"seed {seed}, {often:.0%}: {result.status}")
                    decoder = read_sae(Path(folder) / "run" / "artifacts" / "sae").decoder.numpy()
                held = [float(np.square(plane @ decoder[[*row.members]].T).sum() / 2) for row in rank.ranking]
                others = sum(part < 0.25 for part in held[: rank.above_chance]) if circle else rank.above_chance
                what, first = "circle" if circle else "lines", f"{held[0]:.2f}" if circle else ""
                best, chance = f"{rank.ranking[0].score:.3f}", f"{rank.chance:.3f}"
                counts = rank.above_chance, len(rank.ranking)
                table_row(seed, f"{often:.0%}", what, *counts, best, chance, first, others)


if __name__ == "__main__":
    main()
