"""Lines that belong together come into one block."""

import numpy as np
import torch

from novacula.features.config import TrainSaeConfig
from novacula.features.sae import Trainer
from novacula.features.sae.blocks import arrange, independent

TOKENS = 4000


def sparse(random: np.random.Generator, share: float = 0.05) -> np.ndarray:
    return random.uniform(0.5, 1.5, TOKENS) * (random.random(TOKENS) < share)


def halves(random: np.random.Generator) -> torch.Tensor:
    """Codes of three blocks of two: the halves of a circle, each beside a line, and a block that is never active."""
    turn, on = random.uniform(0, 2 * np.pi, TOKENS), random.random(TOKENS) < 0.1
    circle = np.column_stack([np.cos(turn), np.sin(turn)]) * on[:, None]
    columns = [circle[:, 0], sparse(random), circle[:, 1], sparse(random), np.zeros(TOKENS), np.zeros(TOKENS)]
    return torch.from_numpy(np.column_stack(columns)).float()


def test_lines_of_a_block_are_found_at_any_angle() -> None:
    random = np.random.default_rng(0)
    lines = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.28, 0.96]])
    values = torch.from_numpy(np.column_stack([sparse(random) for _ in range(3)])).float()
    turn, found = independent((values @ lines)[None])
    torch.testing.assert_close((values @ lines) @ turn[0].mT @ found[0], values @ lines, rtol=0, atol=1e-4)
    assert (found[0] @ lines.mT).abs().amax(1).min() > 0.99


def test_the_halves_of_a_circle_come_together_and_lines_get_blocks_of_their_own() -> None:
    codes, decoder = halves(np.random.default_rng(0)), torch.eye(6)
    made = arrange(codes, decoder, 2)
    places = made.directions(decoder).view(3, 2, 6).square().sum(1)  # what each new block holds of each coordinate
    circle = int(places[:, 0].argmax())
    assert places[circle, [0, 2]].min() > 0.99
    assert places[circle, [1, 3]].max() < 0.01
    assert (places[:, 1] > 0.9).nonzero().tolist() != (places[:, 3] > 0.9).nonzero().tolist()
    assert int(made.empty.sum()) == 2
    assert made.codes(decoder)[made.empty].count_nonzero() == 0
    assert abs(made.active - 0.2) < 0.02


def test_blocks_of_nearly_one_direction_come_together_though_never_active_on_one_token() -> None:
    """TopK tiles a manifold with several blocks, of which it keeps one."""
    random = np.random.default_rng(0)
    on, first = random.random(TOKENS) < 0.2, random.random(TOKENS) < 0.5
    columns = [on * first, 0 * on, on * ~first, 0 * on, sparse(random), 0 * on]
    codes = torch.from_numpy(np.column_stack(columns)).float()
    decoder = torch.eye(6)
    decoder[2] = torch.tensor([0.6, 0.8, 0.0, 0.0, 0.0, 0.0])
    block = [set(pair) for pair in arrange(codes, decoder, 2).order.view(3, 2).tolist()]
    assert {0, 2} in block


def test_more_lines_than_blocks_share_them() -> None:
    random = np.random.default_rng(0)
    codes = torch.from_numpy(np.column_stack([sparse(random) for _ in range(6)])).float()
    made = arrange(codes, torch.eye(6), 2)
    assert sorted(made.order.tolist()) == list(range(6))
    assert not made.empty.any()


def test_k_follows_what_tokens_use_where_it_is_open() -> None:
    config = TrainSaeConfig(kind="block", latents=32, block=2, k=8, train_tokens=500 * 64, batch=64, rate=0.01)
    random = np.random.default_rng(0)
    directions = np.random.default_rng(77).standard_normal((16, 24))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    given, follows = (Trainer(config, torch.zeros(24), 1.0, follows=open_) for open_ in (False, True))
    for _ in range(500):
        codes = random.uniform(0.5, 1.5, (64, 16)) * (random.random((64, 16)) < 0.08)
        states = torch.from_numpy((codes @ directions).astype(np.float32))
        given.step(states)
        follows.step(states)
    assert (given.k, given.autoencoder().k) == (8, 8)
    assert 1 <= follows.k <= 5  # 1.28 lines are active on a token
    assert follows.autoencoder().k == follows.k
