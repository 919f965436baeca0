"""From codes to clusters of latents: the graph of similar latents is cut; the same seed gives the same clusters.

Sources: k-nearest-neighbor graph and its components, and spectral clustering, arXiv 2405.14860, section 4; communities,
Blondel et al. 2008; the guard against giant components, and how much clusters depend on seed and settings, are ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import networkx
import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.config import ClusterMethod, DiscoverConfig
from novacula.features.discovery.findings import GroupFindings, Variant
from novacula.features.discovery.similarity import affinity_graph
from novacula.features.discovery.slices import CodeMatrix

LEAST_USES = 20  #: tokens on which a latent must be active to take part
_DENSE = 4000  #: members of the largest component whose members are all compared with each other
_SPECTRAL_SIZE = 12
_CERTAIN = 0.85
"""Likeness from which on latents are one node where communities are sought: opposites, twins, always active together.

Such an edge says only that two latents share a line. Left in, it would outweigh all that joins the lines of a plane."""
_WHOLE = 20.0
"""Weight of all edges below which communities are sought as if the graph were part of one of this weight. Modularity
compares with the whole graph: where there are few other latents, it would cut a circle in two."""

Members = Int[np.ndarray, " _"]


@dataclass(frozen=True)
class Clustering:
    """Clusters of two or more latents."""

    clusters: list[Members]  #: members of each, ascending; the largest cluster first
    split: int  #: how many giant clusters had to be split again

    def labels(self, latents: int) -> Int[np.ndarray, " latents"]:
        """Returns the cluster of each latent; -1 for a latent in none."""
        labels = np.full(latents, -1)
        for number, members in enumerate(self.clusters):
            labels[members] = number
        return labels


def cluster(graph: scipy.sparse.csr_array, method: ClusterMethod, *, largest: int = 30, seed: int = 0) -> Clustering:
    """Cuts a graph into clusters; latents without a partner are in none.

    Args:
        graph: symmetric similarities.
        method: ``components`` and ``threshold``, the connected components; ``communities``, Louvain's;
            ``agglomerative``, average linkage, ``hdbscan`` and ``spectral`` within each component.
        largest: members of the largest cluster; larger ones are split again.
        seed: seed of everything that is drawn.
    """
    found = _components(graph)
    if method == "communities" and found:
        # On the whole graph: within a small component alone, modularity would cut what belongs together.
        found = _communities(graph, np.sort(np.concatenate(found)), seed)
    elif method not in ("components", "threshold"):
        found = [part for component in found for part in _cut(graph, component, method, seed)]
    split, whole = 0, []
    while found:
        members = found.pop()
        if len(members) <= largest:
            whole.append(np.sort(members))
            continue
        split += 1  # at twice the resolution, all in one community are worse than each alone
        parts = _louvain(graph[members][:, members], seed, resolution=2.0)
        found += [members[part] for part in parts]
    clusters = [members for members in whole if len(members) > 1]
    return Clustering(sorted(clusters, key=lambda members: (-len(members), *members.tolist())), split)


def _components(graph: scipy.sparse.csr_array) -> list[Members]:
    """Returns the connected components of two or more."""
    _, labels = scipy.sparse.csgraph.connected_components(graph, directed=False)
    return [members for members in _groups(np.arange(len(labels)), labels) if len(members) > 1]


def _groups(members: Members, labels: Int[np.ndarray, " _"]) -> list[Members]:
    """Returns the members by label, in the order of labels; members with a negative label are left out."""
    order = np.argsort(labels, kind="stable")
    ends = np.flatnonzero(np.diff(labels[order])) + 1
    return [members[part] for part in np.split(order, ends) if len(part) and labels[part[0]] >= 0]


def _cut(graph: scipy.sparse.csr_array, members: Members, method: ClusterMethod, seed: int) -> list[Members]:
    """Cuts one component into clusters."""
    if len(members) > _DENSE:
        return _communities(graph, members, seed)
    if len(members) < 4:
        return [members]
    inner = graph[members][:, members]
    if method == "spectral":
        from sklearn.cluster import SpectralClustering

        parts = -(-len(members) // _SPECTRAL_SIZE)
        if parts < 2:
            return [members]
        model = SpectralClustering(parts, affinity="precomputed", assign_labels="cluster_qr", random_state=seed)
        return _groups(members, model.fit_predict(_as_matrix(inner)))
    distances = 1 - inner.toarray()
    np.fill_diagonal(distances, 0)
    if method == "hdbscan":
        from sklearn.cluster import HDBSCAN

        # `copy` is typed by its default, a text that only warns.
        copy: Any = True
        model = HDBSCAN(min_cluster_size=3, metric="precomputed", allow_single_cluster=True, copy=copy)
        return _groups(members, model.fit_predict(distances))
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(distances, checks=False), "average")
    weakest = float(inner.data.min())
    # Pairs without an edge count as unlike, so a group holds together while half of its pairs are as close as an edge.
    return _groups(members, fcluster(tree, 1 - weakest / 2, criterion="distance"))


def _communities(graph: scipy.sparse.csr_array, members: Members, seed: int) -> list[Members]:
    """Returns Louvain's communities of a part of the graph, in which latents that are certainly alike are one node."""
    inner = graph[members][:, members].tocoo()
    strong = inner.data >= _CERTAIN
    size = len(members)
    certain = scipy.sparse.coo_array((inner.data[strong], (inner.row[strong], inner.col[strong])), shape=(size, size))
    _, nodes = scipy.sparse.csgraph.connected_components(certain, directed=False)
    merged = scipy.sparse.csr_array((inner.data, (nodes[inner.row], nodes[inner.col])), shape=(max(nodes) + 1,) * 2)
    parts = _louvain(merged, seed, min(1.0, float(merged.sum()) / (2 * _WHOLE)))
    return [members[np.isin(nodes, part)] for part in parts]


def _louvain(graph: scipy.sparse.csr_array, seed: int, resolution: float = 1.0) -> list[Members]:
    network = networkx.Graph()
    network.add_nodes_from(range(len(graph.indptr) - 1))
    edges = scipy.sparse.triu(graph, 1).tocoo()
    network.add_weighted_edges_from(zip(edges.row.tolist(), edges.col.tolist(), edges.data.tolist(), strict=True))
    parts: Iterable[set[int]] = networkx.community.louvain_communities(network, seed=seed, resolution=resolution)
    return [np.array(sorted(part)) for part in parts]


def _as_matrix(graph: scipy.sparse.csr_array) -> scipy.sparse.csr_matrix:
    """Returns the graph as scikit-learn takes it, with 32-bit indices."""
    matrix = scipy.sparse.csr_matrix(graph)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


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
