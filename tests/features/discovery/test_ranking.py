"""The ranking of clusters: what a plane must exceed, the Gaussian cloud beside it, clusters of chance, and ranks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from novacula.features.clouds.cloud import Plane
from novacula.features.clouds.cloud_score import score_plane
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.findings import LEAST_EXCESS, ClusterRow, GroupFindings, RankFindings
from novacula.features.discovery.lines import null_clusters
from novacula.features.discovery.ranking import (
    ClusterScore,
    PlaneScore,
    Ranking,
    gaussian_like,
    score_cluster,
    with_ranks,
)
from novacula.features.discovery.slices import CodeMatrix, Unexplained, weak_below
from novacula.features.discovery.source import store_states
from novacula.features.sae import SparseAutoencoder
from novacula.files import to_json


def scored(bits: float, gaussian: float) -> PlaneScore:
    turns = 2 * np.pi * np.arange(200) / 200
    points = np.column_stack([np.cos(turns), np.sin(turns)])
    measured = replace(score_plane(points), score=bits, irreducible=True)
    return PlaneScore(Plane("points", (1, 2), points, 1.0), measured, gaussian)


@pytest.mark.parametrize(
    ("bits", "gaussian", "excess"), [(1.0, 0.0, 1.0), (1.0, 0.4, 0.5), (0.5, 0.4, 0.0), (0.1, 0.4, 0.0)]
)
def test_a_plane_counts_beyond_one_and_a_quarter_of_its_gaussian(bits: float, gaussian: float, excess: float) -> None:
    assert scored(bits, gaussian).excess == pytest.approx(excess)


def test_a_cluster_is_irreducible_only_beyond_its_gaussian() -> None:
    """At 0.25 bits a Gaussian of 0.2 leaves nothing: without the margin 0.05 bits would be left."""
    for bits, verdict in ((0.25, False), (0.25 + LEAST_EXCESS, False), (0.26 + LEAST_EXCESS, True)):
        cluster = ClusterScore(np.arange(3), 500, 2.0, [scored(bits, 0.2)])
        assert cluster.row(0, 1.0, []).irreducible is verdict, bits


def test_the_best_plane_is_that_of_the_largest_excess_not_of_the_largest_score() -> None:
    cluster = ClusterScore(np.arange(3), 500, 2.0, [scored(1.0, 0.7), scored(0.6, 0.1)])
    assert cluster.score == pytest.approx(0.6 - 1.25 * 0.1)


def test_the_gaussian_has_the_mean_the_covariance_and_the_hole_of_the_points() -> None:
    generator = np.random.default_rng(0)
    points = generator.standard_normal((6000, 3)) * [2.0, 1.0, 0.5] + [1.0, 0.5, 0.0]
    points = points[np.linalg.norm(points, axis=1) > 0.8].astype(np.float32)
    drawn = gaussian_like(points, 3, 0.8)
    assert len(drawn) == len(points)
    np.testing.assert_allclose(drawn.mean(0), points.mean(0), atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(points.T), atol=0.2)
    assert np.linalg.norm(drawn, axis=1).min() >= 0.8 - 1e-5


def test_clusters_of_chance_are_drawn_from_all_rounds_and_small_ones_are_not() -> None:
    rounds = [[np.arange(size) for size in sizes] for sizes in ((3, 5, 2), (), (2, 4), (7,))]
    drawn = null_clusters(rounds, 4, seed=1)
    assert [(number, len(members)) for number, members in drawn] == [(0, 3), (0, 5), (2, 4), (3, 7)]
    some = null_clusters(rounds, 2, seed=1)
    assert len(some) == 2
    assert {(number, len(members)) for number, members in some} < {(0, 3), (0, 5), (2, 4), (3, 7)}
    assert null_clusters(rounds[1:2], 4, seed=1) == []


def test_ranks_are_by_score_and_ties_by_number() -> None:
    plain = ClusterRow(
        0, 0, 0, 1.0, (), (1, 2, 3), 10, 1.0, 0.0, 0.0, False, None, None, None, None, None, None, None, ""
    )
    rows = [
        replace(plain, cluster=number, score=score, published=published)
        for number, score, published in ((4, 0.1, 0.3), (2, 0.5, 0.1), (3, 0.1, 0.9))
    ]
    ordered = with_ranks(rows)
    assert [(row.cluster, row.rank, row.published_rank) for row in ordered] == [(2, 1, 3), (3, 2, 1), (4, 3, 2)]


def test_a_score_of_almost_nothing_does_not_exceed_a_chance_of_nothing() -> None:
    plain = ClusterRow(1, 1, 0, 1.0, (), (1, 2), 10, 1.0, 0.0, 0.0, False, None, None, None, None, None, None, None, "")
    rows = tuple(replace(plain, score=score) for score in (0.3, 0.1, 0.02))
    assert RankFindings(rows, (0.0,) * 20).above_chance == 2
    assert "less than 0.05 counts as nothing" in RankFindings(rows, (0.0,) * 20).against_chance
    assert RankFindings(rows, (0.2,) * 20).above_chance == 1
    assert RankFindings(rows, ()).above_chance == 0  # nothing exceeds a chance that was not scored


def test_copies_of_states_are_no_evidence() -> None:
    """Three independent lines on 150 tokens: each of them 20 times is scored as each of them once."""
    generator = np.random.default_rng(4)
    once = np.abs(generator.standard_normal((150, 3))) + 0.1
    decoder = np.eye(3, dtype=np.float32)

    def score(states: np.ndarray) -> ClusterScore:
        codes = CodeMatrix(scipy.sparse.csc_array(states.astype(np.float32)))
        return score_cluster(codes, decoder, np.arange(3), DiscoverConfig(), shaped=False)

    copied = score(np.repeat(once, 20, axis=0))
    assert copied.tokens == 3000 and copied.score == score(once).score
    few = score(np.repeat(once[:50], 20, axis=0))
    assert few.reason == "is active on fewer than 100 different states"


def test_what_the_dictionary_leaves_puts_points_back_into_their_place() -> None:
    """Four latents at right angles code a circle; between two of them one alone is active, and the rest is left."""
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 1000)
    axes = np.linalg.qr(np.random.default_rng(1).standard_normal((16, 2)))[0].T
    states = (np.column_stack([np.cos(angles), np.sin(angles)]) @ axes).astype(np.float32)
    decoder = np.concatenate([axes, -axes]).astype(np.float32)
    codes = states @ decoder.T
    codes[codes < codes.max(1, keepdims=True)] = 0
    matrix = scipy.sparse.csc_array(codes)
    rows = torch.from_numpy(decoder)
    sae = SparseAutoencoder("relu", rows, torch.zeros(4), rows, torch.zeros(16), torch.zeros(4))
    plain = score_cluster(CodeMatrix(matrix), decoder, np.arange(4), DiscoverConfig(), shaped=False)
    left = Unexplained(lambda rows: states[rows], sae, matrix, np.ones(16, np.float32))
    whole = CodeMatrix(matrix, left).strong(range(4), decoder, 0.45)
    np.testing.assert_allclose(whole.points, states[whole.rows], atol=1e-5)
    found = score_cluster(CodeMatrix(matrix, left), decoder, np.arange(4), DiscoverConfig(), shaped=False)
    assert plain.score == 0 and found.score > 0.5


def circles(random: np.random.Generator) -> np.ndarray:
    """States of 16 numbers, in which three blocks of two hold a circle each, on 40 % of the tokens."""
    states = np.zeros((900, 16), np.float32)
    angles, on = random.uniform(0, 2 * np.pi, (900, 3)), random.random((900, 3)) < 0.4
    states[:, :6:2], states[:, 1:6:2] = np.cos(angles) * on, np.sin(angles) * on
    return states + 0.01 * random.standard_normal((900, 16)).astype(np.float32)


def test_the_states_of_chance_are_made_in_one_pass_for_all_clusters(tmp_path: Path) -> None:
    """They were made again, shard by shard, for each cluster of chance, and each cluster was looked for twice."""
    states, chance_states = (circles(np.random.default_rng(seed)) for seed in (0, 1))
    eye = torch.eye(16)
    sae = SparseAutoencoder("relu", eye, torch.zeros(16), eye, torch.zeros(16), torch.zeros(16))
    real, chance = (
        scipy.sparse.csc_array(np.where(np.abs(array) > 0.1, array, 0)) for array in (states, chance_states)
    )
    grouping = GroupFindings(16, 16, ((0, 1), (2, 3), (4, 5)), 0, (1.0, 1.0, 1.0), (), block=2)
    config, passes, found = DiscoverConfig(nulls=3, clusters=3, shown=1, points=300), [], []

    def made(rows: np.ndarray) -> np.ndarray:
        passes.append(len(rows))
        return chance_states[rows]

    class Counting(CodeMatrix):
        def active(self, members, decoder, radius):  # pyright: ignore
            found.append(tuple(members))
            return super().active(members, decoder, radius)

    def ranking() -> Ranking:
        codes = Counting(chance, Unexplained(made, sae, chance, np.ones(16, np.float32)))
        return Ranking(Counting(real), eye.numpy(), grouping, store, config, tmp_path / "p.json", lambda _: codes, 1)

    store = store_states(tmp_path / "store", states, source="drawn")
    program = ranking()
    while program.progress()[0] < 5:
        program.step()
    _, halfway = program.state()
    program.step()
    scores = sorted(program.result().null)
    assert len(passes) == 1 and len(found) == 6
    plain = CodeMatrix(chance, Unexplained(lambda rows: chance_states[rows], sae, chance, np.ones(16, np.float32)))
    each = [score_cluster(plain, eye.numpy(), np.array(members), config, 2) for members in grouping.clusters]
    assert sorted(cluster.score for cluster in each) == scores and scores[0] > 0
    again = ranking()
    again.load({}, to_json(halfway))
    again.step()
    assert sorted(again.result().null) == scores and len(passes) == 2


def test_states_that_are_read_ahead_are_those_that_are_read() -> None:
    random = np.random.default_rng(0)
    states, matrix = random.standard_normal((50, 4)).astype(np.float32), scipy.sparse.csc_array((50, 4))
    eye, calls = torch.eye(4), []
    sae = SparseAutoencoder("relu", eye, torch.zeros(4), eye, torch.zeros(4), torch.zeros(4))
    left = Unexplained(lambda rows: (calls.append(rows), states[rows])[1], sae, matrix, np.ones(4, np.float32))
    left.read_ahead(np.arange(0, 50, 2))
    for rows, reads in ((np.array([4, 8, 48]), 1), (np.zeros(0, int), 1), (np.array([4, 9]), 2), (np.array([49]), 3)):
        np.testing.assert_array_equal(left(rows), states[rows])
        assert len(calls) == reads


def test_weak_activations_leave_no_trace_however_many_they_are() -> None:
    random = np.random.default_rng(0)
    strong, weak = random.uniform(0.5, 1.5, 500), np.abs(random.normal(0, 0.08, 20_000))
    level = weak_below(np.concatenate([strong, weak]), 0.45)
    assert (strong >= level).mean() > 0.95 and (weak >= level).sum() < 10
    assert weak_below(np.concatenate([strong, strong]), 0.45) == pytest.approx(weak_below(strong, 0.45))
    assert weak_below(np.zeros(0), 0.45) == 0
