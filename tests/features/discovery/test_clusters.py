import tracemalloc
from collections.abc import Sequence

import networkx
import numpy as np
import pytest
import scipy.sparse

from novacula.features.config import ClusterMethod
from novacula.features.discovery import similarity as similarity_module
from novacula.features.discovery.clusters import Clustering, cluster, stability
from novacula.features.discovery.similarity import affinity_graph, chance_activity, chance_cosine, co_activity
from novacula.features.discovery.slices import CodeMatrix

METHODS: tuple[ClusterMethod, ...] = (
    "communities", "components", "threshold", "agglomerative", "hdbscan", "spectral",
)  # fmt: skip


def groups(count: int = 5, size: int = 6, seed: int = 0) -> np.ndarray:
    """Directions about `count` orthogonal ones."""
    random = np.random.default_rng(seed)
    centers = np.eye(20)[:count].repeat(size, axis=0)
    return centers + 0.08 * random.standard_normal(centers.shape)


@pytest.mark.parametrize("block", [7, 1024])
def test_nearest_neighbors_in_blocks_are_those_of_all_pairs(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity_module, "BLOCK", block)
    rows = np.random.default_rng(0).standard_normal((40, 5))
    alive = np.flatnonzero(np.arange(40) % 4)
    graph = affinity_graph(rows, None, alive, "cosine", neighbors=3, cutoff=0.4).toarray()
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = units @ units.T
    expected = np.zeros((40, 40))
    for one in alive:
        others = [other for other in alive if other != one]
        for other in sorted(others, key=lambda other: -cosines[one, other])[:3]:
            if cosines[one, other] > 0.4:
                expected[one, other] = expected[other, one] = cosines[one, other]
    np.testing.assert_allclose(graph, expected, atol=1e-6)


def test_angular_affinity_is_the_published_one() -> None:
    rows = groups()
    cosine = affinity_graph(rows, None, np.arange(30), "cosine", cutoff=0.5)
    angular = affinity_graph(rows, None, np.arange(30), "angular", cutoff=0.5)
    np.testing.assert_allclose(angular.data, 1 - np.arccos(np.minimum(cosine.data, 1)) / np.pi, rtol=1e-5)


@pytest.mark.parametrize(
    "degrees", [(0, 90, 180, 270), range(0, 360, 60), (0, 90, 180, 270, 0, 90, 180, 270), range(0, 360, 45)]
)
def test_communities_do_not_cut_a_circle_into_lines(degrees: Sequence[int]) -> None:
    """Opposites and twins are far more alike than the lines of a plane, which belong together all the same."""
    random = np.random.default_rng(0)
    angle, on = random.uniform(0, 2 * np.pi, 8000), random.random(8000) < 0.2
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * on[:, None]
    toward = np.deg2rad(np.array(degrees))
    count, lines = len(toward), 6
    decoder = np.zeros((count + 2 * lines, 20))
    decoder[:count, :2] = np.stack([np.cos(toward), np.sin(toward)], axis=1)
    decoder[count::2, 2 : 2 + lines] = np.eye(lines)
    decoder[count + 1 :: 2, 2 : 2 + lines] = -np.eye(lines)
    signed = random.standard_normal((8000, lines)) * (random.random((8000, lines)) < 0.1)
    codes = np.maximum(np.hstack([circle, signed]) @ decoder[:, : 2 + lines].T, 0).astype(np.float32)
    graph = affinity_graph(decoder, CodeMatrix(scipy.sparse.csc_array(codes)), np.arange(len(decoder)), "mixed")
    for seed in range(3):
        found = [members.tolist() for members in cluster(graph, "communities", seed=seed).clusters]
        assert found[0] == list(range(count))
        assert sorted(found[1:]) == [[count + 2 * line, count + 2 * line + 1] for line in range(lines)]


def test_co_activity_is_the_jaccard_index_beyond_chance() -> None:
    random = np.random.default_rng(0)
    active = random.random((5000, 4)) < 0.2
    active[:, 1] = active[:, 0]
    active[:, 2] = active[:, 0] ^ (random.random(5000) < 0.05)
    matrix = scipy.sparse.csc_array(active.astype(np.float32))
    [(_, found)] = list(co_activity(matrix, matrix))
    both = (active[:, 0] & active[:, 2]).sum() / (active[:, 0] | active[:, 2]).sum()
    p, q = active[:, 0].mean(), active[:, 2].mean()
    chance = p * q / (p + q - p * q)
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 2] == pytest.approx((both - chance) / (1 - chance), rel=1e-4)
    assert abs(found[0, 3]) < 0.03
    assert chance_activity(matrix) < 0.05


def test_the_co_activity_of_chance_needs_no_matrix_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    active = (np.random.default_rng(0).random((400, 2000)) < 0.01).astype(np.float32)
    matrix = scipy.sparse.csc_array(active)
    whole = chance_activity(matrix)
    monkeypatch.setattr(similarity_module, "BLOCK", 50)
    tracemalloc.start()
    assert chance_activity(matrix) == whole > 0.1
    assert tracemalloc.get_traced_memory()[1] < 4 * 2000**2 / 2
    tracemalloc.stop()


def test_opposite_latents_of_a_circle_are_joined_by_mixed_affinity() -> None:
    """Four latents at right angles hold a circle; their cosines are 0 and -1, and yet they belong together."""
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 4000)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    decoder = np.zeros((8, 30))
    decoder[:4, :2] = [[1, 0], [0, 1], [-1, 0], [0, -1]]
    decoder[4:, 2:6] = np.eye(4)
    codes = np.maximum(circle @ decoder[:4, :2].T, 0) * (random.random(4000) < 0.1)[:, None]
    others = random.random((4000, 4)) * (random.random((4000, 4)) < 0.05)
    matrix = CodeMatrix(scipy.sparse.csc_array(np.hstack([codes, others]).astype(np.float32)))
    graph = affinity_graph(decoder, matrix, np.arange(8), "mixed")
    assert [members.tolist() for members in cluster(graph, "components").clusters] == [[0, 1, 2, 3]]
    by_cosine = affinity_graph(decoder, matrix, np.arange(8), "cosine", cutoff=0.3)
    assert cluster(by_cosine, "components").clusters == []


def test_weak_activations_do_not_part_a_circle() -> None:
    """TopK fills up its k latents: where no feature is active, all of the dictionary answers weakly to noise."""
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 4000)
    decoder = np.zeros((8, 30))
    decoder[:4, :2] = [[1, 0], [0, 1], [-1, 0], [0, -1]]
    decoder[4:, 2:6] = np.eye(4)
    states = np.zeros((4000, 6))
    states[:, :2] = np.column_stack([np.cos(angle), np.sin(angle)]) * (random.random(4000) < 0.1)[:, None]
    states[:, 2:] = random.random((4000, 4)) * (random.random((4000, 4)) < 0.05)
    pre = (states + 0.02 * random.standard_normal(states.shape)) @ decoder[:, :6].T
    pre[pre < np.sort(pre, axis=1)[:, -4:-3]] = 0
    matrix = CodeMatrix(scipy.sparse.csc_array(np.maximum(pre, 0).astype(np.float32)))
    assert matrix.uses.min() > 1000
    graph = affinity_graph(decoder, matrix, np.arange(8), "mixed")
    for method in ("communities", "components"):
        assert [members.tolist() for members in cluster(graph, method).clusters] == [[0, 1, 2, 3]]


def test_chance_cosine_is_what_random_directions_reach() -> None:
    """The 99 % quantile of the largest cosine in d = 100: from the distribution of one cosine, and independence."""
    rows = np.random.default_rng(0).standard_normal((500, 100))
    from scipy.stats import beta

    single = 0.99 ** (1 / 499)
    expected = 2 * beta.ppf(single, 99 / 2, 99 / 2) - 1
    assert chance_cosine(rows, np.arange(500)) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_groups_that_are_far_apart(method: ClusterMethod) -> None:
    graph = affinity_graph(groups(), None, np.arange(30), "cosine", cutoff=0.5)
    found = cluster(graph, method, seed=1).clusters
    expected = [set(range(start, start + 6)) for start in range(0, 30, 6)]
    if method == "hdbscan":  # it may find groups within groups
        assert len(found) >= 5
        assert all(any(set(members.tolist()) <= group for group in expected) for members in found)
    else:
        assert sorted(map(sorted, expected)) == sorted(members.tolist() for members in found)
    again = cluster(graph, method, seed=1).clusters
    assert [members.tolist() for members in again] == [members.tolist() for members in found]


def test_a_giant_is_split_until_no_part_is_too_large() -> None:
    ring = networkx.to_scipy_sparse_array(networkx.random_geometric_graph(300, 0.15, seed=1), dtype=float).tocsr()
    found = cluster(scipy.sparse.csr_array(ring), "components", largest=25, seed=0)
    assert max(map(len, found.clusters)) <= 25
    assert found.split >= 1
    members = np.concatenate(found.clusters)
    assert len(np.unique(members)) == len(members) > 200


def test_a_giant_clique_is_split_too() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 1, (60, 60))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    found = cluster(scipy.sparse.csr_array(weights), "components", largest=20, seed=0)
    assert max(map(len, found.clusters), default=0) <= 20


def test_duplicates_and_loners() -> None:
    rows = np.vstack([np.eye(5), np.eye(5)[:1]])
    graph = affinity_graph(rows, None, np.arange(6), "cosine", cutoff=0.9)
    assert [members.tolist() for members in cluster(graph, "communities").clusters] == [[0, 5]]


def test_stability_of_the_same_is_one_and_of_others_less() -> None:
    base = Clustering([np.arange(4), np.arange(4, 8)], 0)
    other = Clustering([np.arange(2), np.arange(4, 8), np.arange(8, 10)], 0)
    (same, less), by_cluster = stability(base, {"same": base, "other": other}, 10)
    assert (same.variant, same.rand, same.jaccard) == ("same", 1, 1)
    assert by_cluster.tolist() == [(1 + 0.5) / 2, 1]
    assert less.rand < 1
