"""Which dictionary finds planted manifolds, with default options: TopK and clusters, as published and ours, or blocks?

    python benchmarks/studies/features_blocks.py [--set NAME] [--kind NAME] [--renew] [--development]

Two circles, a torus, a helix and a triangle of mixtures stand among one-dimensional features in 256 dimensions, nothing
told. The sets, whose seeds were written down before any of them was drawn:

- `unequal`: 500 one-dimensional features active on 10 to 0.1 % of 150,000 states, in equal ratios; the five manifolds
  on 10, 3.2, 1, 0.32 and 0.1 %, in an order that the seed draws;
- `many`: 2,000 one-dimensional features on 0.25 % of 150,000 states each, the manifolds on 5 %.

A cluster, or a block, holds a manifold if 80 % of the manifold's space is in the leading directions of the cluster's
points, as many as the manifold has dimensions, and the manifold is active on half of the tokens on which the cluster is
not just weakly active. That does not depend on how a block's directions are turned. `recall` is the share of the
manifold's states that are such tokens. All options are the defaults, but for the seed: 2,048 latents, or 682 blocks of
three, and 4 million states. Both methods with TopK use one dictionary. A stopped run goes on when it is started
again. TopK and clusters were changed while the sets of seed 0 were looked at (`--development`), blocks while those, the
sets of seeds 4242 and 4243, and smaller ones were. Both were committed before the sets of these seeds were drawn. The
sets of TopK were seen before blocks were changed, so blocks have sets of their own.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness and the planted states

from harness import RESULTS, arguments, recorded, table_head, table_row
from reference.planted import Planted, plant

from novacula.features.config import DiscoverConfig
from novacula.features.discover import DiscoverSource, discover
from novacula.features.discovery.findings import ClusterRow
from novacula.features.discovery.slices import CodeMatrix, read_codes
from novacula.features.sae import SparseAutoencoder, read_sae
from novacula.files import to_json, write_npz
from novacula.runs import resume

SETS = ("unequal", "many")
SEEDS = {"topk": {"unequal": 3_011_001, "many": 3_011_002}, "blocks": {"unequal": 3_015_001, "many": 3_015_002}}
DEVELOPED_ON = 0  #: the seed that was looked at while discovery was changed
FIRST, SPACE, PURITY = 5, 0.8, 0.5
METHODS = {"topk": ("ours", "published"), "blocks": ("blocks",)}
LABELS = {"published": "TopK, clusters as published", "ours": "TopK, our clusters", "blocks": "blocks"}


@dataclass(frozen=True)
class Row:
    """A planted manifold, and the first of the ranking that holds it."""

    manifold: str
    share: float
    rank: int | None
    score: float
    space: float
    purity: float
    recall: float


def planted_set(name: str, seed: int) -> Planted:
    """Draw a set."""
    if name == "many":
        return plant(150_000, seed, lines=2000, line_share=0.0025)
    order = np.random.default_rng([seed, 1]).permutation(5)
    shares = np.geomspace(0.1, 0.001, 5)[order].tolist()
    return plant(150_000, seed, lines=500, share=shares, line_share=np.geomspace(0.1, 0.001, 500).tolist())


def options(method: str, seed: int) -> DiscoverConfig:
    """The options of a method."""
    config = DiscoverConfig(shown=1, seed=seed)
    if method == "blocks":
        return replace(config, kind="block")
    if method == "published":
        return replace(config, method="components", affinity="cosine", neighbors=2, cutoff=0.5)
    return config


def find(
    planted: Planted, ranking: Sequence[ClusterRow], sae: SparseAutoencoder, codes: CodeMatrix, radius: float
) -> list[Row]:
    """Where each manifold stands in a ranking."""
    decoder = sae.decoder.numpy()
    shares = {name: float(on.mean()) for name, on in planted.active.items()}
    held: dict[str, Row] = {}
    for rank, row in enumerate(ranking, 1):
        rows = codes.active(row.members, decoder, radius).strong
        axes = np.linalg.svd(codes.strong(row.members, decoder, radius, limit=5000).points, full_matrices=False)[2]
        for name, basis in planted.bases.items():
            space = float(np.square(axes[: len(basis)] @ basis.T).sum() / len(basis))
            on = planted.active[name]
            purity = float(on[rows].mean()) if len(rows) else 0.0
            if name not in held and space >= SPACE and purity >= PURITY:
                recall = float(on[rows].sum() / on.sum())
                held[name] = Row(name, shares[name], rank, row.score, space, purity, recall)
    return [held.get(name, Row(name, shares[name], None, 0.0, 0.0, 0.0, 0.0)) for name in planted.bases]


def measure(name: str, kind: str, seed: int) -> dict[str, Any]:
    """Plant a set and look for its manifolds with blocks, or with one TopK dictionary and both ways of grouping."""
    planted, found = planted_set(name, seed), {}
    folder, sae_path = Path(tempfile.gettempdir()) / f"features_blocks-{name}-{kind}-{seed}", None
    folder.mkdir(exist_ok=True)
    write_npz(folder / "states.npz", {"activations": planted.states})
    for method in METHODS[kind]:
        config, out = options(method, seed), folder / method
        begun = time.process_time()
        source = DiscoverSource(activations=str(folder / "states.npz"), sae=sae_path)
        result: Any = resume(out) if (out / "run.json").exists() else discover(source, config, out=out)
        seconds, rank, artifacts = time.process_time() - begun, result.findings.rank, out / "artifacts"
        if not rank:
            raise SystemExit(f"{name}, {kind}, {method}: {result.status}; the next call goes on from there")
        sae_path = sae_path or str(artifacts / "sae")
        sae = read_sae(sae_path)
        codes = read_codes(sorted((artifacts / "codes").iterdir()), sae.n_latents)
        place_of = attrgetter("published_rank" if method == "published" else "rank")
        rows = find(planted, sorted(rank.ranking, key=place_of), sae, codes, config.radius)
        quality = result.findings.train_sae
        found[method] = {
            "rows": rows,
            "first_five": sum(row.rank is not None and row.rank <= FIRST for row in rows),
            "held": sum(row.rank is not None for row in rows),
            "cpu_seconds": round(seconds, 1),
            "explained": round(quality.explained, 4) if quality else None,
            "ranked": len(rank.ranking),
            "chance": rank.chance,
            "above_chance": rank.above_chance,
        }
    shutil.rmtree(folder)
    return {"set": name, "seed": seed, "methods": to_json(found)}


def main() -> None:
    """Print the tables of both sets."""
    given = arguments(__doc__, renew=False, set=("all", *SETS), kind=("all", *METHODS), development=False)
    torch.set_num_threads(1)
    total: dict[str, int] = {}
    sets = 0
    for name in SETS if given.set == "all" else (given.set,):
        sets += 1
        for kind in METHODS if given.kind == "all" else (given.kind,):
            path = RESULTS / "features_blocks" / f"{name}-{kind}.json"
            if given.development:
                document = measure(name, kind, DEVELOPED_ON)
            else:
                if given.renew:
                    path.unlink(missing_ok=True)
                document = recorded(path, partial(measure, name, kind, SEEDS[kind][name]))
            for method, run in document["methods"].items():
                label = LABELS[method]
                total[label] = total.get(label, 0) + run["first_five"]
                explained = "same dictionary" if run["explained"] is None else f"{run['explained']:.1%} explained"
                print(f"\n{name}, {label}: {run['first_five']} of 5 in the first five, {run['held']} held; "
                      f"{explained}, {run['cpu_seconds']:.0f} CPU s, {run['above_chance']} of {run['ranked']} above "
                      f"chance ({run['chance']:.3f})")  # fmt: skip
                table_head("manifold", "active on", "rank", "score", "space", "purity", "recall")
                for row in run["rows"]:
                    shares = (f"{row[key]:.2f}" for key in ("score", "space", "purity", "recall"))
                    table_row(row["manifold"], f"{row['share']:.2%}", row["rank"], *shares)
    print()
    for label, count in total.items():
        print(f"{label}: {count} of {5 * sets} manifolds among the first five")


if __name__ == "__main__":
    main()
