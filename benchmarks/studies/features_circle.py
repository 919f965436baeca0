"""Does a planted circle exceed chance where the dictionary is small?

    python benchmarks/studies/features_circle.py [--seeds 2]

40,000 states of width 32: a circle, active on a quarter of them, with log-normal radii of spread 0.2, and 30
one-dimensional features, each on 8 %, turned, with noise of 0.01. TopK has 64 latents, of which 4 are active; blocks
are 21 of three latents, 3 of them active. `holds` is the share of the circle's plane in the span of a cluster's
directions.
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

CONFIGS = {
    "TopK": DiscoverConfig(latents=64, k=4, train_tokens=2_000_000, shown=1),
    "blocks": DiscoverConfig(kind="block", latents=63, k=3, train_tokens=1_000_000, shown=1),
}
ROWS, WIDTH, LINES = 40_000, 32, 30


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The states, and the plane of the circle."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.standard_normal((WIDTH, WIDTH)))[0]
    states = np.zeros((ROWS, WIDTH))
    on = random.random(ROWS) < 0.25
    angle, radius = random.uniform(0, 2 * np.pi, on.sum()), np.exp(0.2 * random.standard_normal(on.sum()))
    states[on, :2] = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    for line in range(2, 2 + LINES):
        on = random.random(ROWS) < 0.08
        states[on, line] = random.uniform(0.5, 1.5, on.sum())
    return (states @ turn + 0.01 * random.standard_normal((ROWS, WIDTH))).astype(np.float32), turn[:2]


def main() -> None:
    """Print the first three of each ranking."""
    given = arguments(__doc__, seeds=2)
    torch.set_num_threads(1)
    print(machine_line())
    table_head("seed", "dictionary", "rank", "score", "highest of chance", "holds", "members", "shape", "ring")
    for seed in range(given.seeds):
        states, plane = drawn(seed)
        for name, config in CONFIGS.items():
            with tempfile.TemporaryDirectory() as folder:
                write_npz(Path(folder) / "states.npz", {"activations": states})
                source = DiscoverSource(activations=str(Path(folder) / "states.npz"))
                rank = discover(source, config, out=Path(folder) / "run").findings.rank
                decoder = read_sae(Path(folder) / "run" / "artifacts" / "sae").decoder.numpy()
            assert rank, "the run is finished"
            for row in rank.ranking[:3]:
                axes = np.linalg.svd(decoder[[*row.members]], full_matrices=False)[2]
                holds = float(np.square(plane @ axes.T).sum() / 2)
                scores = f"{row.score:.3f}", f"{rank.chance:.3f}"
                table_row(seed, name, row.rank, *scores, f"{holds:.2f}", len(row.members), row.shape, row.ring)


if __name__ == "__main__":
    main()
