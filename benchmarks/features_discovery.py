"""Are planted manifolds found without labels, and where do they stand in the ranking?

    python benchmarks/features_discovery.py [--seeds 3] [--rows 150000] [--kind topk] [--json PATH]

Two circles, a torus, a helix and a triangle of mixtures, each active on 5 % of the states, stand among 500
one-dimensional features (1 % each) in 256 dimensions, with noise. `discover` is given the states alone: it trains an
autoencoder of 1,024 latents, clusters and ranks. Afterwards each cluster is compared with what was planted:

- rank: of the first cluster half of whose activity, or more, is that of latents in the manifold's subspace;
- recall: share of the activity of all latents in the subspace that this cluster holds;
- purity: share of the cluster's activity that is theirs;
- angle: largest principal angle between the subspace and the cluster's leading directions, in degrees.

A latent is in a subspace if 0.8 or more of its unit direction is.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from harness import arguments, machine_line, save, table_head, table_row
from reference.planted import Planted, plant

from novacula.features.config import DiscoverConfig
from novacula.features.discover import DiscoverSource, discover
from novacula.features.discovery.findings import ClusterRow
from novacula.features.discovery.slices import CodeMatrix, codes_path, read_codes
from novacula.features.sae import read_sae
from novacula.files import write_npz

INSIDE = 0.8


@dataclass(frozen=True)
class Row:
    """A planted manifold in a run."""

    seed: int
    manifold: str
    rank: int | None
    score: float
    recall: float
    purity: float
    angle: float


def find(
    planted: Planted, ranking: Sequence[ClusterRow], decoder: np.ndarray, codes: CodeMatrix, seed: int
) -> list[Row]:
    """Where each manifold stands."""
    uses, rows = codes.uses, []
    for name, basis in planted.bases.items():
        inside = np.linalg.norm(decoder @ basis.T, axis=1) >= INSIDE
        found = Row(seed, name, None, 0.0, 0.0, 0.0, 90.0)
        for cluster in ranking:
            members = np.array(cluster.members)
            own = members[inside[members]]
            purity = float(uses[own].sum() / uses[members].sum())
            if purity >= 0.5:
                recall = float(uses[own].sum() / max(1, uses[inside].sum()))
                points = codes.slice(members, decoder, limit=5000).points
                leading = np.linalg.svd(points, full_matrices=False)[2][: len(basis)]
                cosine = float(np.linalg.svd(leading @ basis.T, compute_uv=False).min())
                angle = float(np.degrees(np.arccos(np.clip(cosine, 0, 1))))
                found = Row(seed, name, cluster.rank, cluster.score, recall, purity, angle)
                break
        rows.append(found)
    return rows


def run(seed: int, rows: int, kind: str) -> tuple[list[Row], dict]:
    """Plant, discover, compare."""
    planted = plant(rows, seed)
    with tempfile.TemporaryDirectory() as folder:
        states = Path(folder) / "states.npz"
        write_npz(states, {"activations": planted.states})
        config = DiscoverConfig(
            kind=kind,  # pyright: ignore[reportArgumentType]
            latents=1024,
            k=12,
            train_tokens=1_200_000,
            dead_after=100_000,
            shown=8,
            seed=seed,
        )
        begin = time.process_time()
        result = discover(DiscoverSource(activations=str(states)), config, out=Path(folder) / "run")
        if result.status != "finished":
            raise SystemExit(f"seed {seed}: {result.status}")
        seconds = time.process_time() - begin
        artifacts = Path(folder) / "run" / "artifacts"
        sae = read_sae(artifacts / "sae")
        shards = len(list((artifacts / "codes").iterdir()))
        codes = read_codes([codes_path(artifacts / "codes", shard) for shard in range(shards)], sae.n_latents)
        rank, quality, grouping = result.findings.rank, result.findings.train_sae, result.findings.cluster
        assert rank and quality and grouping, "the run is finished"
        found = find(planted, rank.ranking, sae.decoder.numpy(), codes, seed)
    ranks = {row.rank for row in found}
    facts = {
        "seed": seed,
        "cpu_seconds": seconds,
        **{name: getattr(quality, name) for name in ("explained", "l0", "dead")},
        "clusters": len(rank.ranking),
        "best_other": max((row.score for row in rank.ranking if row.rank not in ranks), default=0.0),
        "null": rank.null,
        "stability": grouping.variants,
    }
    return found, facts


def main() -> None:
    """Run all seeds and print the table."""
    options = arguments(__doc__, seeds=3, rows=150_000, kind="topk")
    torch.set_num_threads(1)
    found, facts = [], []
    table_head("seed", "manifold", "rank", "score", "recall", "purity", "angle")
    for seed in range(options.seeds):
        rows, fact = run(seed, options.rows, options.kind)
        for row in rows:
            shares = (f"{share:.3f}" for share in (row.score, row.recall, row.purity))
            table_row(row.seed, row.manifold, row.rank, *shares, f"{row.angle:.1f}°")
        print(f"seed {seed}: explained {fact['explained']:.4f}, best other {fact['best_other']:.3f}, "
              f"{fact['cpu_seconds']:.0f} CPU s", flush=True)  # fmt: skip
        found += rows
        facts.append(fact)
    first_five = sum(row.rank is not None and row.rank <= 5 for row in found)
    print(f"{first_five} of {len(found)} manifolds among the first five; {machine_line()}")
    save(options.json, kind=options.kind, rows=found, runs=facts)


if __name__ == "__main__":
    main()
