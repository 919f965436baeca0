"""Which score tells irreducible clouds from reducible ones best?

    python benchmarks/features_zoo.py [--n 2000] [--seeds 4] [--legacy 1] [--json PATH]

Area under the ROC curve of every candidate on the zoo (`reference/zoo`), for clouds of n points: of the
families on which the default score was chosen, with other seeds, and of those that were left out. The published scores
are slow; they are measured on the first clouds of each family only, and beyond the plane averaged over planes of
consecutive principal components, as their programs do. A table of all families follows, with what the default score
says of them.
"""

import time
from collections.abc import Callable

import numpy as np
from harness import arguments, save, table_head, table_row
from reference.published_indices import (
    mixture_cluster,
    mixture_synthetic,
    separability_cluster,
    separability_published,
    separability_synthetic,
)
from reference.zoo import ZOO, Family
from sklearn.metrics import roc_auc_score

from novacula.features import ScoreConfig, score_cloud
from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.higher import best_hyperplane
from novacula.features.clouds.mixture import mixture

FIRST_SEED = 1000  #: the choice was made on smaller ones
Numbers = dict[str, float]


def gate(share: float, limit: float) -> float:
    """What a share leaves free of its limit."""
    return max(0.0, 1 - share / limit)


CANDIDATES: dict[str, Callable[[Numbers], float]] = {
    "published, synthetic clouds: (1 - M) S": lambda v: v["synthetic"],
    "published, clusters: (1 - M) S": lambda v: v["cluster"],
    "as the paper defines it: S": lambda v: v["published"],
    "separability S": lambda v: v["bits"],
    "its z": lambda v: v["z"],
    "its held-out value": lambda v: v["held_out"],
    "by neighbors K": lambda v: v["neighbors"],
    "1 - mixture M": lambda v: 1 - v["mixture"],
    "(1 - M) S": lambda v: (1 - v["mixture"]) * v["bits"],
    "(1 - M) K": lambda v: (1 - v["mixture"]) * v["neighbors"],
    "(1 - 2 M) S": lambda v: gate(v["mixture"], 1 / 2) * v["bits"],
    "(1 - 3 M) S": lambda v: gate(v["mixture"], 1 / 3) * v["bits"],
    "(1 - 2.5 M½) S": lambda v: gate(v["half"], 0.4) * v["bits"],
    "(1 - 3 M½) S, the default": lambda v: gate(v["half"], 1 / 3) * v["bits"],
    "(1 - 3 M¼) S": lambda v: gate(v["quarter"], 1 / 3) * v["bits"],
    "(1 - 3 M½) K": lambda v: gate(v["half"], 1 / 3) * v["neighbors"],
}
"""M½ and M¼ are mixture indices of bands a half and a quarter as wide; below 0 counts as 0."""


def measure(family: Family, seed: int, n: int, legacy: bool) -> Numbers:
    """Everything that a candidate may look at, of one cloud."""
    generator = np.random.default_rng([seed, n, ZOO.index(family)])
    points = family.draw(generator, n)
    scored = score_cloud(points, ScoreConfig(bootstraps=20), seed)
    white = scored.cloud.white
    thin = mixture if scored.d == 2 else best_hyperplane
    found: Numbers = {
        "bits": scored.separability_bits,
        "z": scored.separability_null_z,
        "held_out": scored.separability_held_out,
        "neighbors": scored.neighbors_bits,
        "mixture": scored.mixture,
        "half": scored.slice_share,
        "quarter": thin(white, generator, epsilon=0.025).share,
        "score": scored.score,
        "irreducible": float(scored.irreducible),
    }
    return found | (published(points, generator) if legacy else {})


def published(points: np.ndarray, generator: np.random.Generator) -> Numbers:
    """The published scores, averaged over planes of consecutive principal components."""
    cloud = whiten(points)
    planes = [cloud.principal[:, i : i + 2] for i in range(cloud.white.shape[1] - 1)]
    return {
        "published": float(np.mean([separability_published(p) for p in planes])),
        "synthetic": float(
            np.mean([(1 - mixture_synthetic(p, generator)) * separability_synthetic(p) for p in planes])
        ),
        "cluster": float(np.mean([(1 - mixture_cluster(p, generator)) * separability_cluster(p) for p in planes])),
    }


def area(
    rows: list[tuple[Family, Numbers]], held_out: bool | None, candidate: Callable[[Numbers], float]
) -> float | None:
    """The candidate's area on the families of one kind, from clouds where it was measured."""
    labels: list[bool] = []
    values: list[float] = []
    for family, numbers in rows:
        if held_out is None or family.held_out == held_out:
            try:
                value = candidate(numbers)
            except KeyError:
                continue
            if np.isfinite(value):
                labels.append(family.irreducible)
                values.append(value)
    return float(roc_auc_score(labels, values)) if len({*labels}) == 2 else None


def main() -> None:
    """Measure and print the tables."""
    options = arguments(__doc__, n=2000, seeds=4, legacy=1)
    start = time.process_time()
    rows = [
        (family, measure(family, FIRST_SEED + seed, options.n, seed < options.legacy))
        for family in ZOO
        for seed in range(options.seeds)
    ]
    areas = [
        {"score": name, "chosen_on": area(rows, False, f), "held_out": area(rows, True, f), "all": area(rows, None, f)}
        for name, f in CANDIDATES.items()
    ]
    print(f"AUROC, {len(rows)} clouds of {options.n} points")
    table_head("score", "chosen on", "left out", "all")
    for line in areas:
        shown = ["-" if line[key] is None else f"{line[key]:.3f}" for key in ("chosen_on", "held_out", "all")]
        table_row(line["score"], *shown)
    families = [summary(family, [numbers for each, numbers in rows if each is family]) for family in ZOO]
    print()
    table_head("family", "irreducible", "called so", "score", "S", "M", "M½")
    for line in families:
        table_row(*(f"{v:.3f}" if isinstance(v, float) else v for v in line.values()))
    save(options.json, cpu_seconds=time.process_time() - start, areas=areas, families=families)


def summary(family: Family, measured: list[Numbers]) -> dict[str, str | float]:
    """Medians of a family's clouds, and how many are called irreducible."""
    called = sum(int(numbers["irreducible"]) for numbers in measured)
    medians = {key: float(np.median([n[key] for n in measured])) for key in ("score", "bits", "mixture", "half")}
    label = "yes" if family.irreducible else "no"
    return (
        {"family": family.name + (" *" if family.held_out else ""), "label": label}
        | {"called": f"{called} of {len(measured)}"}
        | medians
    )


if __name__ == "__main__":
    main()
