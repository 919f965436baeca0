"""Chance: lines of clusters and blocks are found, moved to other tokens, and encoded again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from novacula.features.config import DiscoverConfig
from novacula.features.discovery.lines import ChanceEncoding, cluster_lines, null_blocks, related
from novacula.features.discovery.ranking import score_cluster
from novacula.features.discovery.slices import CodeMatrix, Encoding, Unexplained, codes_path, read_codes
from novacula.features.discovery.source import store_states
from novacula.features.sae import SparseAutoencoder
from novacula.features.store import Origin, Store, StoreWriter

ROWS, BLOCKS = 8000, 8
PAIRS = [(2 * block, 2 * block + 1) for block in range(BLOCKS)]
CONFIG = DiscoverConfig(kind="block", block=2, latents=2 * BLOCKS, k=4, points=600)


def dictionary() -> SparseAutoencoder:
    """Its blocks are the first two coordinates, the next two, and so on."""
    matrix, zeros = torch.eye(2 * BLOCKS), torch.zeros(2 * BLOCKS)
    return SparseAutoencoder("block", matrix, zeros, matrix, zeros, zeros, k=4, block=2)


def drawn(random: np.random.Generator, *, circle: bool) -> tuple[np.ndarray, np.ndarray]:
    """States with two lines in each block, or a circle in the first one; and the directions of the lines."""
    angles = random.uniform(0, np.pi, BLOCKS) + np.array([[0.0], [1.2]])  # they need not be at right angles
    lines = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    values = random.uniform(0.5, 1.5, (ROWS, 2, BLOCKS)) * (random.random((ROWS, 2, BLOCKS)) < 0.12)
    states = np.einsum("nlb,lbd->nbd", values, lines)
    if circle:
        turn = random.uniform(0, 2 * np.pi, ROWS)
        on = random.random(ROWS) < 0.2
        states[:, 0] = (random.uniform(0.9, 1.1, ROWS) * on)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    states += 0.01 * random.standard_normal(states.shape)
    return states.reshape(ROWS, -1).astype(np.float32), lines


def encoded(states: np.ndarray, folder: Path) -> tuple[CodeMatrix, CodeMatrix]:
    """The codes of the states, and of those of chance."""
    sae, store, matrices = dictionary(), store_states(folder / "store", states, source="drawn"), []
    real = folder / "codes"

    def encode(program: Encoding, out: Path, rounds: int) -> CodeMatrix:
        while program.position < program.length:
            program.step()
        shards = len(store.shard_rows)
        return read_codes([codes_path(out, shard) for shard in range((rounds - 1) * shards, rounds * shards)], 16)

    matrices.append(encode(Encoding(store, sae, real), real, 1))
    chance = ChanceEncoding(store, sae, real, matrices[0], PAIRS, folder / "chance", rounds=2, seed=3)
    matrices.append(encode(chance, folder / "chance", 2))
    return matrices[0], matrices[1]


def scores(codes: CodeMatrix) -> list[float]:
    decoder = dictionary().decoder.numpy()
    return [
        score_cluster(codes, decoder, np.arange(2 * block, 2 * block + 2), CONFIG, 2).score for block in range(BLOCKS)
    ]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lines_are_found_though_they_are_not_at_right_angles(seed: int, tmp_path: Path) -> None:
    states, lines = drawn(np.random.default_rng(seed), circle=False)
    real, _ = encoded(states, tmp_path)
    turns, rows = cluster_lines(real, dictionary().decoder.numpy(), PAIRS, 0)
    np.testing.assert_allclose(turns @ rows, np.eye(2 * BLOCKS), atol=1e-5)  # codes to lines, and back
    for block in range(BLOCKS):
        own = rows[2 * block : 2 * block + 2, 2 * block : 2 * block + 2]
        cosines = np.abs(own @ lines[:, block].T) / np.linalg.norm(own, axis=1, keepdims=True)
        assert cosines.max(0).min() > 0.995


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_of_independent_lines_chance_makes_the_same(seed: int, tmp_path: Path) -> None:
    """Many tokens have more active blocks than the dictionary keeps, so lines seem to be active together."""
    real, chance = encoded(drawn(np.random.default_rng(seed), circle=False)[0], tmp_path)
    norms = [np.sort(np.abs(codes.matrix.toarray()).max(1))[2000::80] for codes in (real, chance)]
    np.testing.assert_allclose(norms[0], norms[1], atol=0.06)
    assert max(scores(real)) <= max(scores(chance)) + 0.03


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_circle_exceeds_chance_alone(seed: int, tmp_path: Path) -> None:
    real, chance = encoded(drawn(np.random.default_rng(seed), circle=True)[0], tmp_path)
    highest = max(scores(chance))
    first, *others = scores(real)
    assert first > highest + 0.1
    assert max(others) <= highest + 0.03


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_lines_of_a_circle_are_related_and_others_are_not(seed: int, tmp_path: Path) -> None:
    real, chance = encoded(drawn(np.random.default_rng(seed), circle=True)[0], tmp_path)
    found = [
        [related(codes, dictionary().decoder.numpy(), np.array(pair), CONFIG) for pair in PAIRS]
        for codes in (real, chance)
    ]
    assert found[0] == [True, *(BLOCKS - 1) * [False]]
    assert not any(found[1][1:])


ALONE = replace(CONFIG, block=3, latents=3, k=1)


def test_a_circle_beside_a_rare_line_is_related_and_three_lines_are_not() -> None:
    """Also where the rare line is much larger than the circle, and not at a right angle to it."""
    random = np.random.default_rng(0)
    turn, on = random.uniform(0, 2 * np.pi, 40_000), random.random(40_000) < 0.05
    circle = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]) * on[:, None]
    lines = random.uniform(0.5, 1.5, (40_000, 3)) * (random.random((40_000, 3)) < 0.002)
    large = (random.uniform(3, 4, 40_000) * (random.random(40_000) < 0.004))[:, None] * [0.8, 0, 0.6]
    beside = circle + lines[:, :1] * [0, 0, 1]
    for columns, expected in ((beside, True), (circle + large, True), (lines, False)):
        assert related(CodeMatrix(scipy.sparse.csc_array(columns)), np.eye(3), np.arange(3), ALONE) is expected


def test_lines_are_related_by_the_part_of_the_rarer_one() -> None:
    """By the Jaccard index of their tokens, the two lines of a circle of uneven radius have 0.36."""
    random = np.random.default_rng(0)
    turn, on = random.uniform(0, 2 * np.pi, 40_000), random.random(40_000) < 0.05
    radius = random.uniform(0.6, 1.4, 40_000) * on
    points = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]) * radius[:, None]
    points += (random.uniform(2, 4, 40_000) * (random.random(40_000) < 0.002))[:, None] * [0.8, 0, 0.6]  # a rare line
    points[on] += 0.05 * random.standard_normal((on.sum(), 3))
    assert related(CodeMatrix(scipy.sparse.csc_array(points)), np.eye(3), np.arange(3), ALONE)


@pytest.mark.parametrize("silent", [0, 5, 20, 60])
def test_a_line_that_is_nearly_always_active_is_related_to_none(silent: int) -> None:
    """The few tokens on which it is not active tell nothing of others."""
    random = np.random.default_rng(silent)
    values = random.uniform(0.9, 1.1, (20_000, 3)) * (random.random((20_000, 3)) < [1, 0.05, 0.02])
    values[random.choice(20_000, silent, replace=False), 0] = 0
    assert not related(CodeMatrix(scipy.sparse.csc_array(values)), np.eye(3), np.arange(3), ALONE)


def test_equally_common_lines_are_not_left_halfway() -> None:
    """The analysis alone stops there in this draw, one of forty."""
    random = np.random.default_rng(35)
    values = random.uniform(0.5, 1.5, (40_000, 3)) * (random.random((40_000, 3)) < 0.004)
    turn = np.linalg.qr(random.standard_normal((3, 3)))[0]
    codes = CodeMatrix(scipy.sparse.csc_array(values @ turn))
    rows = cluster_lines(codes, np.eye(3), [[0, 1, 2]], 0)[1]
    cosines = np.abs(rows @ turn.T) / np.linalg.norm(rows, axis=1, keepdims=True)
    assert cosines.max(0).min() > 0.98
    assert not related(codes, np.eye(3), np.arange(3), ALONE)


def test_lines_go_to_other_tokens_each_by_its_own_way(tmp_path: Path) -> None:
    """How strongly a line is active stays, token by token; that two lines of a block are active together does not."""
    random = np.random.default_rng(0)
    on = random.random((ROWS, BLOCKS)) < 0.1
    states = (random.uniform(0.5, 1.5, (ROWS, BLOCKS, 2)) * on[:, :, None]).reshape(ROWS, -1).astype(np.float32)
    store = store_states(tmp_path / "store", states, source="drawn")
    Encoding(store, dictionary(), tmp_path / "codes").step()
    real = read_codes([codes_path(tmp_path / "codes", 0)], 16)
    made = ChanceEncoding(store, dictionary(), tmp_path / "codes", real, PAIRS, tmp_path / "chance", 1, 0)._states(0)
    turns, _ = cluster_lines(real, dictionary().decoder.numpy(), PAIRS, 0)
    for block in range(BLOCKS):
        before, after = (array @ turns.toarray()[:, 2 * block : 2 * block + 2] for array in (states, made))
        np.testing.assert_allclose(np.sort(before, axis=0), np.sort(after, axis=0), atol=1e-4)
        assert np.mean((np.abs(after) > 0.1).all(1)) < 0.02


def test_states_of_chance_are_made_again_for_some_tokens(tmp_path: Path) -> None:
    """Also over several shards and rounds, and where nuisances take no part."""
    random = np.random.default_rng(0)
    states = drawn(random, circle=False)[0][:1000]
    writer = StoreWriter(tmp_path / "store", 16, Origin("drawn"), precision="float32", shard_rows=300)
    writer.append(states, *np.zeros((3, 1000), np.int32))
    writer.close()
    store, sae = Store(tmp_path / "store"), replace(dictionary(), rescales=True)
    encoding = Encoding(store, sae, tmp_path / "codes")
    while encoding.position < encoding.length:
        encoding.step()
    real = read_codes(sorted((tmp_path / "codes").iterdir()), 16)
    kept = random.random(1000) < 0.7
    made = ChanceEncoding(store, sae, tmp_path / "codes", real, PAIRS, tmp_path / "chance", 2, 0, kept)
    for number in (0, 1):
        whole = np.concatenate([made._states(4 * number + shard) for shard in range(4)])
        rows = np.flatnonzero(random.random(len(whole)) < 0.1)
        np.testing.assert_array_equal(made.gather(number, rows), whole[rows])


def test_what_a_dictionary_leaves_is_in_the_units_of_the_codes() -> None:
    random = np.random.default_rng(0)
    states = torch.from_numpy(random.standard_normal((50, 16))).float()
    sae = replace(dictionary(), rescales=True, decoder_bias=torch.from_numpy(random.standard_normal(16)).float())
    codes = sae.encode(states)
    dense = scipy.sparse.coo_array((codes.values, (codes.tokens, codes.latents)), (50, 16))
    left = Unexplained(lambda rows: states.numpy()[rows], sae, dense.tocsc(), np.ones(16, np.float32))
    rows = np.array([3, 8, 40])
    scale = sae.norms(states)[rows].numpy()
    np.testing.assert_allclose(scale * left(rows), (states - sae.reconstruct(states)).numpy()[rows], atol=1e-5)


def test_a_cluster_has_as_many_lines_as_dimensions_and_a_latent_alone_is_one() -> None:
    random = np.random.default_rng(0)
    plane = np.array([[np.cos(angle), np.sin(angle)] for angle in (0.0, 0.7, 1.4, 2.1, 2.8)])
    decoder = np.zeros((6, 4), np.float32)
    members = [0, 1, 3, 4, 5]
    decoder[members, :2], decoder[2, 2] = plane, 1
    rays = np.array([[np.cos(angle), np.sin(angle)] for angle in (0.2, 1.3)])
    values = random.uniform(0.5, 1.5, (4000, 2)) * (random.random((4000, 2)) < 0.1)
    latents = np.zeros((4000, 6), np.float32)
    latents[:, members], latents[:, 2] = np.maximum(values @ rays @ plane.T, 0), random.random(4000) < 0.1
    codes = CodeMatrix(scipy.sparse.csc_array(latents))
    turns, rows = cluster_lines(codes, decoder, [members], 0)
    np.testing.assert_allclose(latents @ turns @ rows, latents @ decoder, atol=1e-5)
    np.testing.assert_array_equal(rows[0], decoder[2])
    seen = np.maximum(rays @ plane.T, 0) @ plane  # what the latents make of the two rays
    cosines = np.abs(rows[1:, :2] @ seen.T) / np.linalg.norm(rows[1:], axis=1)[:, None] / np.linalg.norm(seen, axis=1)
    assert rows.shape == (3, 4)
    assert cosines.max(0).min() > 0.98


def test_blocks_of_chance_are_drawn_once_a_round() -> None:
    blocks = [np.array([2 * number, 2 * number + 1]) for number in range(5)]
    drawn = null_blocks(blocks, 12, seed=0)
    assert [number for number, _ in drawn] == [0] * 5 + [1] * 5 + [2] * 2
    for number in (0, 1):
        assert {int(members[0]) for own, members in drawn if own == number} == {0, 2, 4, 6, 8}
    assert len(null_blocks(blocks, 3, seed=0)) == 3
    assert null_blocks(blocks, 0, seed=0) == []
