"""Are rings told from all other shapes, without labels?

    python benchmarks/studies/features_shapes.py [--n 1000] [--seeds 1] [--renew] [--development]

`shape_of` on every family of the zoo (`reference/zoo`): as it is, with isotropic noise, and with a spread of radii.
Rings are the families whose points lie about one loop, thick or thin, without a void (`RINGS`); all others are not. The
area under the ROC curve of the ring index says how well the two are told apart. A cylinder is an annulus to topology,
so it is a ring. Needs the extra `[topology]`.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness and the zoo

from harness import RESULTS, arguments, recorded, table_head, table_row
from reference.zoo import ZOO
from sklearn.metrics import roc_auc_score

from novacula.features.clouds.geometry import shape_of
from novacula.files import to_json

RINGS = {
    "circle", "heptagon", "intensity circle", "noisy circle", "dodecagon", "annulus", "torus' shadow", "cylinder",
    "cone", "trefoil",
}  # fmt: skip
FIRST_SEED, DEVELOPED_ON = 291_100, 0
"""The first is written down before it was used; on the other one options were chosen."""
NOISE = 0.15  #: standard deviation of the noise, of the root-mean-square radius, beside what a family has of its own
RADII = (0.6, 1.4)  #: by what a point's distance from the mean is multiplied


@dataclass(frozen=True)
class Row:
    """What is found of a cloud."""

    family: str
    condition: str
    seed: int
    ring: float
    kind: str
    loops: tuple[float, float]
    void: float
    clusters: int
    dimension: float


def clouds(points: np.ndarray, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a cloud under each condition."""
    away = points - points.mean(axis=0)
    radius, (n, d) = np.sqrt(np.square(away).sum(axis=1).mean()), points.shape
    yield "as it is", away
    yield "noise", away + NOISE * radius / np.sqrt(d) * random.standard_normal((n, d))
    yield "radius spread", away * random.uniform(*RADII, (n, 1))


def measure(n: int, seeds: int, first: int) -> dict[str, Any]:
    """The shapes of all clouds."""
    rows, begun = [], time.process_time()
    for number, family in enumerate(ZOO):
        for seed in range(first, first + seeds):
            random = np.random.default_rng([seed, number])
            for condition, points in clouds(family.draw(random, n), random):
                found = shape_of(points, seed)
                loops = (round(found.loops[0], 3), round(found.loops[1], 3))
                numbers = (round(value, 3) for value in (found.void, found.dimension))
                void, dimension = numbers
                rows.append(
                    Row(family.name, condition, seed, found.ring, found.kind, loops, void, found.clusters, dimension)
                )
    return {"n": n, "first_seed": first, "cpu_seconds": time.process_time() - begun, "rows": to_json(rows)}


def main() -> None:
    """Print the areas under the curves and what each family is called."""
    given = arguments(__doc__, n=1000, seeds=1, renew=False, development=False)
    path = RESULTS / "features_shapes.json"
    if given.renew:
        path.unlink(missing_ok=True)
    if given.development:
        document = measure(given.n, given.seeds, DEVELOPED_ON)
    else:
        document = recorded(path, lambda: measure(given.n, given.seeds, FIRST_SEED))
    rows = document["rows"]
    table_head("condition", "AUROC of the ring index", "rings called ring", "others called ring", "clouds")
    for condition in ("as it is", "noise", "radius spread", "all"):
        some = [row for row in rows if condition in (row["condition"], "all")]
        truth = [row["family"] in RINGS for row in some]
        called = Counter((is_ring, row["kind"] == "ring") for is_ring, row in zip(truth, some, strict=True))
        area = roc_auc_score(truth, [row["ring"] for row in some])
        shares = (
            f"{called[is_ring, True]} of {called[is_ring, True] + called[is_ring, False]}" for is_ring in (True, False)
        )
        table_row(condition, f"{area:.3f}", *shares, len(some))
    print()
    table_head("family", "ring", "called", "ring index", "dimension")
    for family in ZOO:
        own = [row for row in rows if row["family"] == family.name]
        called = ", ".join(f"{kind} {count}" for kind, count in Counter(row["kind"] for row in own).most_common())
        numbers = (f"{np.median([row[key] for row in own]):.2f}" for key in ("ring", "dimension"))
        table_row(family.name, "yes" if family.name in RINGS else "", called, *numbers)
    print(f"\n{document['cpu_seconds'] / len(rows):.2f} CPU seconds a cloud of {document['n']} points")


if __name__ == "__main__":
    main()
