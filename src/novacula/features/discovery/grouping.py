"""From codes to clusters of latents, and how much these depend on seed and settings. Stability is ours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.clusters import Clustering, cluster
from novacula.features.discovery.findings import GroupFindings, Variant
from novacula.features.discovery.similarity import affinity_graph
from novacula.features.discovery.slices import CodeMatrix

LEAST_USES = 20  #: tokens on which a latent must be active to take part


def group(codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], config: DiscoverConfig) -> GroupFindings:
    """Makes the clusters of a dictionary, and again with other seeds and settings."""
    alive = living(codes)
    if len(alive) < 2:
        raise InputError(
            "SAE",
            f"of {codes.n_latents} latents {len(alive)} are active on {LEAST_USES} tokens or more; "
            "at least 2 are needed to make clusters",
        )
    base = clustered(codes, decoder, config)
    others = {name: clustered(codes, decoder, other) for name, other in _other_settings(config).items()}
    variants, by_cluster = stability(base, others, codes.n_latents)
    return GroupFindings(
        alive=len(alive),
        latents=codes.n_latents,
        clusters=tuple(tuple(members.tolist()) for members in base.clusters),
        split=base.split,
        stability=tuple(round(float(value), 4) for value in by_cluster),
        variants=variants,
    )


def clustered(codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], config: DiscoverConfig) -> Clustering:
    """Cuts the graph of the living latents into clusters."""
    graph = affinity_graph(
        decoder,
        codes,
        living(codes),
        config.affinity,
        neighbors=100 if config.method == "threshold" else config.neighbors,
        cutoff=config.cutoff,
        seed=config.seed,
    )
    return cluster(graph, config.method, largest=config.largest, seed=config.seed)


def group_blocks(codes: CodeMatrix, block: int) -> GroupFindings:
    """Returns the living blocks of a dictionary as its clusters, which no setting changes."""
    alive = np.flatnonzero(codes.uses.reshape(-1, block).min(1) >= LEAST_USES).tolist()
    if not alive:
        raise InputError("SAE", f"none of its blocks is active on {LEAST_USES} tokens or more")
    clusters = tuple(tuple(range(block * number, block * (number + 1))) for number in alive)
    return GroupFindings(block * len(clusters), codes.n_latents, clusters, 0, (1.0,) * len(clusters), (), block)


def living(codes: CodeMatrix) -> Int[np.ndarray, " alive"]:
    """Returns the latents that are active often enough to take part."""
    return np.flatnonzero(codes.uses >= LEAST_USES)


def _other_settings(config: DiscoverConfig) -> dict[str, DiscoverConfig]:
    """Returns the configuration with another seed, and with other settings."""
    other = "components" if config.method != "components" else "communities"
    return {
        "another seed": replace(config, seed=(config.seed + 1) % 2**32),
        "half the neighbors": replace(config, neighbors=max(1, config.neighbors // 2)),
        "twice the neighbors": replace(config, neighbors=min(1000, 2 * config.neighbors)),
        other: replace(config, method=other),
    }


def stability(
    base: Clustering, others: Mapping[str, Clustering], latents: int
) -> tuple[tuple[Variant, ...], Float[np.ndarray, " clusters"]]:
    """Returns each of the others beside a clustering of the same latents, and the stability of its clusters.

    The stability of a cluster is the mean over the others of its best Jaccard index with one of their clusters.
    """
    from sklearn.metrics import adjusted_rand_score

    variants, best = [], []
    labels = base.labels(latents)
    for name, other in others.items():
        theirs = other.labels(latents)
        either = (labels >= 0) | (theirs >= 0)
        # A latent in no cluster counts as a cluster of one.
        rand = float(adjusted_rand_score(_alone(labels)[either], _alone(theirs)[either]))
        values = best_jaccard(base.clusters, other.clusters, latents)
        best.append(values)
        jaccard = float(np.mean(values)) if len(values) else 0.0
        variants.append(Variant(name, len(other.clusters), round(rand, 4), round(jaccard, 4)))
    return tuple(variants), np.mean(best, axis=0) if best else np.ones(len(base.clusters))


def best_jaccard(ours: Sequence[np.ndarray], others: Sequence[np.ndarray], latents: int) -> Float[np.ndarray, " ours"]:
    """Returns the best Jaccard index of each cluster with one of the others, which have no member in common."""
    labels, sizes = np.full(latents, -1), np.array([len(members) for members in others])
    for number, members in enumerate(others):
        labels[members] = number
    found = np.zeros(len(ours))
    for number, members in enumerate(ours):
        hit, counts = np.unique(labels[members], return_counts=True)
        counts, hit = counts[hit >= 0], hit[hit >= 0]
        if len(hit):
            found[number] = float((counts / (len(members) + sizes[hit] - counts)).max())
    return found


def _alone(labels: np.ndarray) -> np.ndarray:
    """Returns the labels, where each latent without a cluster gets a cluster of its own."""
    labels = labels.copy()
    none = labels < 0
    labels[none] = labels.max(initial=0) + 1 + np.arange(none.sum())
    return labels
