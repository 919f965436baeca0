"""How long does it take to score a cloud, beside the published estimators?

    python benchmarks/features_score.py [--n 20000] [--json PATH]

CPU seconds of one thread, imports not counted, on one noisy circle of n points and one Gaussian, everything in one
process, one after the other. A full score has the permutation null of 100 shuffles, the neighbor estimate, both
held-out values, and 200 bootstraps at the chosen angle. The published mixture index is gradient ascent of 10,000 steps
from one start, whose result is given beside that of the exact scan: the scan must find no less. That is asked of 50
more clouds, too, of 1,000 points each.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from harness import arguments, machine_line, save, table_head, table_row
from reference.published_indices import (
    mixture_cluster,
    mixture_synthetic,
    separability_cluster,
    separability_published,
    separability_synthetic,
)
from reference.zoo import ZOO

from novacula.features import score_cloud, score_plane
from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.higher import best_split, neighbor_information
from novacula.features.clouds.mixture import mixture
from novacula.features.clouds.separability import separability


@dataclass(frozen=True)
class Row:
    """CPU seconds of one estimator on one cloud, and its value."""

    cloud: str
    what: str
    seconds: float
    value: float


def jobs(points: np.ndarray) -> dict[str, Callable[[], float]]:
    """What is timed; each returns the value that it found."""
    white = whiten(points).white

    def generator() -> np.random.Generator:
        return np.random.default_rng(0)

    return {
        "full score": lambda: score_cloud(points).score,
        "fast score of a plane": lambda: score_plane(points).score,
        "separability, with null, halves and interval": lambda: separability(white, generator()).bits,
        "separability, neighbors": lambda: neighbor_information(white[:, :1], white[:, 1:], generator()),
        "mixture, exact scan": lambda: mixture(white).share,
        "published separability, 1000 angles": lambda: separability_published(points),
        "published separability, program for synthetic clouds": lambda: separability_synthetic(points),
        "published separability, program for clusters": lambda: separability_cluster(points),
        "published mixture, program for synthetic clouds": lambda: mixture_synthetic(points, generator()),
        "published mixture, program for clusters": lambda: mixture_cluster(points, generator()),
    }


def main() -> None:
    """Measure and print the table."""
    options = arguments(__doc__, n=20_000, clouds=50)
    families = {family.name: family for family in ZOO}
    for warm in (families["circle"], families["helix"]):  # what is imported when it is first used
        score_cloud(warm.draw(np.random.default_rng(0), 100))
    rows = []
    for name in ("circle", "gaussian"):
        points = families[name].draw(np.random.default_rng(0), options.n)
        for what, job in jobs(points).items():
            rows.append(timed(name, what, job))
    helix = families["helix"].draw(np.random.default_rng(0), options.n)
    rows.append(timed("helix", "full score", lambda: score_cloud(helix).score))
    rows.append(timed("helix", "best split", lambda: best_split(whiten(helix).white, np.random.default_rng(0)).bits))
    duels = [duel(seed) for seed in range(options.clouds)]
    print(f"{options.n} points, {machine_line()}")
    table_head("cloud", "estimator", "CPU seconds", "value")
    for row in rows:
        table_row(row.cloud, row.what, f"{row.seconds:.3f}", f"{row.value:.4f}")
    if duels:
        worst = min(each.scan - each.ascent for each in duels)
        ratios = sorted(each.ascent_seconds / each.scan_seconds for each in duels)
        print(
            f"{len(duels)} clouds: the scan finds {worst:+.4f} more than ascent at least, "
            f"{np.mean([each.scan - each.ascent for each in duels]):+.4f} on average; "
            f"ascent takes {ratios[0]:.0f} to {ratios[-1]:.0f} times as long, {ratios[len(ratios) // 2]:.0f} in the "
            "middle"
        )
    save(options.json, n=options.n, rows=rows, duels=duels)


@dataclass(frozen=True)
class Duel:
    """Largest share that the scan and gradient ascent find in one cloud, and the CPU seconds of both."""

    cloud: str
    scan: float
    ascent: float
    scan_seconds: float
    ascent_seconds: float


def duel(seed: int) -> Duel:
    """Both solvers on one of the zoo's planes."""
    planes = [family for family in ZOO if family.shape(np.random.default_rng(0), 4).shape[1] == 2]
    family = planes[seed % len(planes)]
    points = family.draw(np.random.default_rng(seed), 1000)
    scan = timed(family.name, "scan", lambda: mixture(whiten(points).white).share)
    ascent = timed(family.name, "ascent", lambda: mixture_synthetic(points, np.random.default_rng(seed)))
    return Duel(family.name, scan.value, ascent.value, scan.seconds, ascent.seconds)


def timed(cloud: str, what: str, job: Callable[[], float]) -> Row:
    """Run once and note the processor time."""
    start = time.process_time()
    value = job()
    return Row(cloud, what, time.process_time() - start, value)


if __name__ == "__main__":
    main()
