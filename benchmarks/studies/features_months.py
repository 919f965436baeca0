"""Where in a discovery's ranking are the months and the weekdays, and are they in order there?

    python benchmarks/studies/features_months.py RUN [--json PATH]

RUN is a finished `novacula features discover` of SmolLM2 on text with dates; the docs name the one that was measured.
For each name the token's occurrences, the latent that rises most on it, and the rank of that latent's cluster. Then the
cluster that holds the most names: its activity on each, and the test of a circle on the means of its points, and on the
means of the states themselves.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, save

from novacula.features import Store, probe_states, read_sae
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.slices import read_codes
from novacula.runs import RunFolder

NAMES = {
    "months": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "weekdays": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
LEADING = 3


def order_of(means: list[np.ndarray]) -> dict[str, Any]:
    """The test of a circle on one mean for each name, in the order of the names."""
    test = probe_states(np.stack([means])).test
    return {"p_value": test.p_value, "inversions": test.inversions, "order_correct": test.order_correct}


def measure(run: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """What a run holds of the names that occur in its text."""
    found = RunFolder.open(run).read_findings(DiscoverFindings)
    assert found and found.rank, "the run is finished"
    ranking = found.rank.ranking
    artifacts = run / "artifacts"
    store, sae = Store(artifacts / "store"), read_sae(artifacts / "sae")
    directions = np.asarray(sae.decoder, float)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    codes = read_codes(sorted((artifacts / "codes").glob("*.safetensors")), len(directions)).matrix.tocsr()
    tokens, words = np.asarray(store.labels.tokens), store.vocabulary or []
    cluster_of = {latent: row for row in ranking for latent in row.members}
    usual, leading, places = np.asarray(codes.mean(axis=0)).ravel(), [], {}
    for name in names:
        rows = np.flatnonzero(np.isin(tokens, [i for i, word in enumerate(words) if word.strip() == name]))
        if len(rows):
            places[name] = rows
            leading.append(np.argsort(usual - np.asarray(codes[rows].mean(axis=0)).ravel())[:LEADING])
    ranks = [{cluster_of[latent].rank for latent in top.tolist() if latent in cluster_of} for top in leading]
    held = Counter(rank for own in ranks for rank in own)
    cluster = ranking[held.most_common(1)[0][0] - 1]
    members = codes[:, [*cluster.members]]
    active = np.flatnonzero(np.asarray(members.sum(axis=1)).ravel())
    points = [
        np.asarray(members[rows].mean(axis=0)).ravel() @ directions[[*cluster.members]] for rows in places.values()
    ]
    cosines = directions[[top[0] for top in leading]] @ directions[[top[0] for top in leading]].T
    apart = cosines[~np.isclose(cosines, 1)]
    return {
        "occurrences": {name: len(rows) for name, rows in places.items()},
        "leading": {name: top.tolist() for name, top in zip(places, leading, strict=True)},
        "cluster": {key: getattr(cluster, key) for key in ("rank", "score", "members", "tokens", "irreducible")},
        "clusters": len(ranking),
        "names_led": held.most_common(1)[0][1],
        "share": float(np.isin(active, np.concatenate([*places.values()])).mean()),
        "activity": {n: np.asarray(members[r].mean(axis=0)).ravel().round(1).tolist() for n, r in places.items()},
        "largest_cosine": float(apart.max()) if apart.size else None,
        "circle_of_points": order_of(points),
        "circle_of_states": order_of([store.gather(rows).astype(float).mean(axis=0) for rows in places.values()]),
    }


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, "run")
    found = {kind: measure(options.run, names) for kind, names in NAMES.items()}
    for kind, values in found.items():
        print(f"{kind}:")
        for key, value in values.items():
            print(f"    {key}: {value}")
    save(options.json, **found)


if __name__ == "__main__":
    main()
