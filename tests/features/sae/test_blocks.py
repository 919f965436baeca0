"""Lines that belong together come into one block."""

import numpy as np
import torch
from torch.nn.functional import normalize

from novacula.features.config import TrainSaeConfig
from novacula.features.sae import Trainer
from novacula.features.sae.blocks import arrange, independent, orthonormal
from novacula.features.sae.trainer import encoder_of

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
    places = made.decoder.view(3, 2, 6).square().sum(1)  # what each new block holds of each coordinate
    circle = int(places[:, 0].argmax())
    assert places[circle, [0, 2]].min() > 0.99
    assert places[circle, [1, 3]].max() < 0.01
    assert (places[:, 1] > 0.9).nonzero().tolist() != (places[:, 3] > 0.9).nonzero().tolist()
    assert int(made.empty.sum()) == 2
    assert abs(made.active - 0.2) < 0.02


def test_blocks_of_nearly_one_direction_come_together_though_never_active_on_one_token() -> None:
    """TopK tiles a manifold with several blocks, of which it keeps one."""
    random = np.random.default_rng(0)
    on, first = random.random(TOKENS) < 0.2, random.random(TOKENS) < 0.5
    columns = [on * first, 0 * on, on * ~first, 0 * on, sparse(random), 0 * on]
    codes = torch.from_numpy(np.column_stack(columns)).float()
    decoder = torch.eye(6, 100)
    decoder[2, :2] = torch.tensor([0.6, 0.8])
    block = [set(pair) for pair in arrange(codes, decoder, 2).order.view(3, 2).tolist()]
    assert {0, 2} in block


def test_a_circle_that_a_block_holds_stays_whole_and_who_repeats_a_part_of_it_loses_its_place() -> None:
    """A line that another block has in the circle's plane was joined with half of the circle before."""
    random = np.random.default_rng(0)
    turn, on, first = random.uniform(0, 2 * np.pi, TOKENS), random.random(TOKENS) < 0.2, random.random(TOKENS) < 0.8
    circle = np.column_stack([np.cos(turn), np.sin(turn)]) * (on & first)[:, None]
    columns = [*circle.T, (on & ~first) * np.cos(turn), sparse(random), sparse(random), np.zeros(TOKENS)]
    decoder = torch.eye(6, 100)
    decoder[2, :3] = torch.tensor([0.7, 0.7, 0.1])
    made = arrange(torch.from_numpy(np.column_stack(columns)).float(), normalize(decoder), 2)
    planes = made.decoder.view(3, 2, 100)[..., :2].square().sum((1, 2))
    assert planes.max() > 1.99
    assert planes.sum() - planes.max() < 0.1
    assert int(made.empty.sum()) == 2


def test_nearness_is_measured_by_what_chance_gives_in_so_many_dimensions() -> None:
    random = np.random.default_rng(0)
    codes = torch.from_numpy(np.column_stack([sparse(random) for _ in range(4)])).float()
    few, many = torch.eye(4, 16), torch.eye(4, 400)
    few[3, 0] = many[3, 0] = 1.0  # a cosine of 0.71

    def together(decoder: torch.Tensor) -> float:
        blocks = arrange(codes, normalize(decoder), 2).decoder.view(2, 2, -1)
        return float(blocks[..., [0, 3]].square().sum((1, 2)).max())

    assert together(few) < 1.6
    assert together(many) > 1.99


def test_rows_of_the_encoder_read_a_block_and_as_little_as_can_be_of_what_else_there_is() -> None:
    random = np.random.default_rng(0)
    lines = normalize(torch.from_numpy(random.standard_normal((6, 8))).float())
    decoder = orthonormal(lines, 2)
    codes = torch.from_numpy(np.column_stack([sparse(random) for _ in range(6)])).float()
    states = codes @ decoder
    encoder = encoder_of(decoder, states, 2)
    own = (encoder.view(3, 2, 8) @ decoder.view(3, 2, 8).mT).contiguous()
    torch.testing.assert_close(own, torch.eye(2).expand(3, 2, 2), rtol=0, atol=1e-4)
    assert (states @ encoder.T - codes).square().mean() < 0.1 * (states @ decoder.T - codes).square().mean()


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
