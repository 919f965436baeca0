"""Cutting the graph of similar latents into clusters; the same seed gives the same clusters.

Sources: k-nearest-neighbor graph and its components, and spectral clustering, arXiv 2405.14860, section 4; communities,
Blondel et al. 2008; the guard against giant components is ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import networkx
import numpy as np
import scipy.sparse
from jaxtyping import Int

from novacula.features.config import ClusterMethod

_DENSE = 4000  #: members of the largest component whose members are all compared with each other
_SPECTRAL_SIZE = 12
_CERTAIN = 0.85
"""Likeness from which on latents are one node where communities are sought: opposites, twins, always active together.

Such an edge says only that two latents share a line. Left in, it would outweigh all that joins the lines of a plane."""

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


def cluster(graph: scipy.sparse.csr_array, method: ClusterMethod, *, largest: int = 200, seed: int = 0) -> Clustering:
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
        split += 1
        found += _halve(graph, members, seed)
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
    parts = _louvain(merged, seed)
    return [members[np.isin(nodes, part)] for part in parts]


def _louvain(graph: scipy.sparse.csr_array, seed: int, resolution: float = 1.0) -> list[Members]:
    network = networkx.Graph()
    network.add_nodes_from(range(len(graph.indptr) - 1))
    edges = scipy.sparse.triu(graph, 1).tocoo()
    network.add_weighted_edges_from(zip(edges.row.tolist(), edges.col.tolist(), edges.data.tolist(), strict=True))
    parts: Iterable[set[int]] = networkx.community.louvain_communities(network, seed=seed, resolution=resolution)
    return [np.array(sorted(part)) for part in parts]


def _halve(graph: scipy.sparse.csr_array, members: Members, seed: int) -> list[Members]:
    """Splits a giant cluster into communities or, where it is one, into the parts that its stronger edges connect."""
    inner = graph[members][:, members]
    parts = _louvain(inner, seed, resolution=2.0)
    if len(parts) > 1:
        return [members[part] for part in parts]
    inner.data[inner.data <= np.median(inner.data)] = 0
    inner.eliminate_zeros()
    return [members[part] for part in _components(inner)]


def _as_matrix(graph: scipy.sparse.csr_array) -> scipy.sparse.csr_matrix:
    """Returns the graph as scikit-learn takes it, with 32-bit indices."""
    matrix = scipy.sparse.csr_matrix(graph)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix
