"""Does a discovery without labels hold the months, or the weekdays, in one row of its ranking, and in order?

    python benchmarks/studies/features_months.py RUN [--json PATH]

RUN is a finished `novacula features discover` of a language model on text with dates; the docs name those that were
measured. The rule was written before any result of 2026-11-30 was seen: a list of names is looked up once in a run, in
the row that tells its tokens best. That is the row whose tokens, weakly active ones left out, have the largest F1 with
the tokens of the names, short and long forms, each name weighing the same.

Printed are its rank, its place among the rows of shape ring (in the order of the ranking) and by the ring index, the
share of names on whose tokens it is active at least half of the time, the share of its tokens that are names, and the
test of a circle on the means of its points. Then, for each name, the latent that rises most on it, and the test on the
means of the states themselves, which says what there was to find.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, save

from novacula.features import Store, probe_states, read_sae
from novacula.features.discovery.findings import ClusterRow, DiscoverFindings
from novacula.features.discovery.slices import CodeMatrix, Unexplained, in_space, read_codes
from novacula.runs import RunFolder

MONTHS = "January February March April May June July August September October November December"
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
NAMES = {
    kind: {name[:3]: (name[:3], name) for name in names.split()}
    for kind, names in (("months", MONTHS), ("weekdays", WEEKDAYS))
}
LEAST_TOKENS = 5  #: occurrences with which a name takes part


@dataclass(frozen=True)
class Found:
    """The row of a ranking that tells the names best."""

    rank: int
    ring_place: int | None  #: its place among the rows of shape ring; None where it is none of them
    ring_index_place: int | None  #: its place by the ring index; None where it has none
    rows: int
    score: float
    exceeds_chance: bool
    shape: str
    members: int
    f1: float
    names: float  #: share of the names on which it is active at least half of the time
    purity: float  #: share of its tokens that are names
    p_value: float | None  #: of a circle of the means of its points; None where a name has no point
    inversions: int | None


class Run:
    """What a finished discovery has on the disk."""

    def __init__(self, folder: Path) -> None:
        opened, artifacts = RunFolder.open(folder), folder / "artifacts"
        found, given = opened.read_findings(DiscoverFindings), opened.record.inputs
        assert found and found.rank, "the run is finished"
        self.rank, self.radius = found.rank, float(opened.record.configuration["radius"])
        store, sae = artifacts / "store", artifacts / "sae"
        self.store = Store(store if store.exists() else given["store"])
        dictionary = read_sae(sae if sae.exists() else given["sae"])
        self.decoder = dictionary.decoder.numpy() / self.store.sizes
        self.codes: CodeMatrix = read_codes(sorted((artifacts / "codes").iterdir()), len(self.decoder))
        self.unexplained = Unexplained(self.store.gather, dictionary, self.codes.matrix, self.store.sizes)

    def places(self, forms: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
        """The stored places of each name that occurs often enough."""
        tokens, words = np.asarray(self.store.labels.tokens), self.store.vocabulary or []
        found = {
            name: np.flatnonzero(np.isin(tokens, [i for i, word in enumerate(words) if word.strip() in own]))
            for name, own in forms.items()
        }
        return {name: rows for name, rows in found.items() if len(rows) >= LEAST_TOKENS}

    def strong(self, members: Sequence[int]) -> np.ndarray:
        """The tokens on which a row is not just weakly active, ascending."""
        return self.codes.active(members, self.decoder, self.radius).strong

    def points(self, members: Sequence[int], rows: np.ndarray) -> np.ndarray:
        """The points of a row on these tokens, as the ranking sees them."""
        axes = in_space(self.decoder[[*members]])
        return (
            self.codes.matrix[:, [*members]].tocsr()[rows] @ self.decoder[[*members]]
            + self.unexplained(rows) @ axes.T @ axes
        )


def place_of(row: ClusterRow, rows: Sequence[ClusterRow]) -> int | None:
    """Where a row stands among others, from 1."""
    return next((place for place, other in enumerate(rows, 1) if other.rank == row.rank), None)


def best_row(run: Run, places: Mapping[str, np.ndarray]) -> Found:
    """The row whose tokens have the largest F1 with those of the names."""
    ranking, every = run.rank.ranking, np.concatenate([*places.values()])
    best: tuple[float, float, list[float], ClusterRow, np.ndarray] | None = None
    for row in ranking:
        active = run.strong(row.members) if row.tokens else np.zeros(0, int)
        recalls = [float(np.isin(own, active).mean()) for own in places.values()]
        recall, purity = float(np.mean(recalls)), float(np.isin(active, every).mean()) if len(active) else 0.0
        f1 = 2 * recall * purity / (recall + purity) if recall and purity else 0.0
        if best is None or f1 > best[0]:
            best = f1, purity, recalls, row, active
    assert best
    f1, purity, recalls, row, active = best
    own = [rows[np.isin(rows, active)] for rows in places.values()]
    test = order_of([run.points(row.members, rows).mean(axis=0) for rows in own]) if all(map(len, own)) else {}
    rings = [each for each in ranking if each.shape == "ring"]
    by_index = sorted((each for each in ranking if each.ring is not None), key=lambda each: -(each.ring or 0.0))
    return Found(
        rank=row.rank,
        ring_place=place_of(row, rings),
        ring_index_place=place_of(row, by_index),
        rows=len(ranking),
        score=round(row.score, 4),
        exceeds_chance=row.score > run.rank.bar,
        shape=row.shape,
        members=len(row.members),
        f1=round(f1, 4),
        names=round(float(np.mean(np.array(recalls) >= 0.5)), 4),
        purity=round(purity, 4),
        p_value=test.get("p_value"),
        inversions=test.get("inversions"),
    )


def order_of(means: list[np.ndarray]) -> dict[str, Any]:
    """The test of a circle on one mean for each name, in the order of the names."""
    test = probe_states(np.stack([means])).test
    return {"p_value": test.p_value, "inversions": test.inversions, "order_correct": test.order_correct}


def leading(run: Run, places: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """For each name the latent that rises most on it, the rank of its row, and the largest cosine of two of them."""
    codes, usual = run.codes.matrix.tocsr(), np.asarray(run.codes.matrix.mean(axis=0)).ravel()
    rank_of = {latent: row.rank for row in run.rank.ranking for latent in row.members}
    tops = {name: int(np.argmax(np.asarray(codes[rows].mean(axis=0)).ravel() - usual)) for name, rows in places.items()}
    directions = run.decoder[[*tops.values()]] / np.linalg.norm(run.decoder[[*tops.values()]], axis=1)[:, None]
    cosines = directions @ directions.T
    apart = cosines[~np.isclose(cosines, 1)]
    return {
        "latents": tops,
        "ranks": {name: rank_of.get(latent) for name, latent in tops.items()},
        "largest_cosine": float(apart.max()) if apart.size else None,
    }


def measure(run: Run, forms: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a run holds of the names that occur in its text."""
    places = run.places(forms)
    occurrences = {name: len(rows) for name, rows in places.items()}
    if len(places) < 5:
        return {"occurrences": occurrences}
    return {
        "occurrences": occurrences,
        "best_row": asdict(best_row(run, places)),
        "leading": leading(run, places),
        "circle_of_states": order_of([run.store.gather(r).astype(float).mean(axis=0) for r in places.values()]),
    }


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, "run")
    run = Run(options.run)
    found = {kind: measure(run, forms) for kind, forms in NAMES.items()}
    rank = run.rank
    print(f"{rank.above_chance} of {len(rank.ranking)} rows exceed chance ({rank.chance:.3f} bits)")
    for kind, values in found.items():
        print(f"{kind}:")
        for key, value in values.items():
            print(f"    {key}: {value}")
    save(options.json, rows=len(rank.ranking), above_chance=rank.above_chance, chance=rank.chance, **found)


if __name__ == "__main__":
    main()
