from pathlib import Path

import numpy as np
import pytest
import torch

from novacula.errors import InputError
from novacula.features.config import SaeKind, TrainSaeConfig
from novacula.features.discovery.source import store_states
from novacula.features.sae import SparseAutoencoder, Trainer, read_sae
from novacula.features.sae.blocks import orthonormal
from novacula.features.sae.quality import quality_on
from novacula.features.sae.trainer import SaeTraining

KINDS: tuple[SaeKind, ...] = ("relu", "topk", "batchtopk", "jumprelu", "block")


def lines(tokens: int, seed: int = 0) -> torch.Tensor:
    """Sparse sums of 16 directions in 12 dimensions."""
    random = np.random.default_rng(seed)
    directions = np.random.default_rng(77).standard_normal((16, 12))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    codes = random.uniform(0.5, 1.5, (tokens, 16)) * (random.random((tokens, 16)) < 0.1)
    return torch.from_numpy((codes @ directions).astype(np.float32))


def config(kind: SaeKind, steps: int = 150) -> TrainSaeConfig:
    sparsity = 0.15 if kind == "relu" else 0.02
    return TrainSaeConfig(
        kind=kind,
        latents=32,
        block=2,
        k=2 if kind == "block" else 3,
        sparsity=sparsity,
        train_tokens=steps * 256,
        batch=256,
        rate=0.02,
        dead_after=3000,
    )


def trained(kind: SaeKind, steps: int = 150, scale: float = 1.0) -> Trainer:
    trainer = Trainer(config(kind, steps), torch.zeros(12), scale)
    for step in range(steps):
        trainer.step(lines(256, step))
    return trainer


@pytest.mark.parametrize("kind", KINDS)
def test_learns_to_say_states_sparsely(kind: SaeKind) -> None:
    quality = quality_on(trained(kind).autoencoder(), [lines(2000, 999)])
    assert quality.explained > 0.85
    assert quality.l0 < 6
    assert quality.dead < 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_goes_on_bit_for_bit(kind: SaeKind) -> None:
    whole, first = (Trainer(config(kind, 30), torch.zeros(12), 1.0) for _ in range(2))
    for step in range(30):
        whole.step(lines(256, step))
    for step in range(17):
        first.step(lines(256, step))
    second = Trainer(config(kind, 30), torch.zeros(12), 1.0)
    second.load(*first.state())
    for step in range(17, 30):
        second.step(lines(256, step))
    ours, theirs = whole.state(), second.state()
    assert ours[1] == theirs[1]
    for name, array in ours[0].items():
        np.testing.assert_array_equal(array, theirs[0][name])


@pytest.mark.parametrize("kind", KINDS)
def test_the_scale_of_inputs_is_folded_into_the_weights(kind: SaeKind) -> None:
    """Trained on states times 8 with the factor 1/8, it is the same function of them: weights agree exactly."""
    plain, scaled = Trainer(config(kind, 10), torch.zeros(12), 1.0), Trainer(config(kind, 10), torch.zeros(12), 0.125)
    for step in range(10):
        plain.step(lines(256, step))
        scaled.step(8 * lines(256, step))
    states = lines(50, 5)
    ours, theirs = plain.autoencoder(), scaled.autoencoder()
    torch.testing.assert_close(theirs.reconstruct(8 * states), 8 * ours.reconstruct(states))
    assert torch.equal(ours.decoder, theirs.decoder)


def test_decoder_rows_have_norm_one_after_every_step() -> None:
    trainer = Trainer(config("topk", 20), torch.zeros(12), 1.0)
    for step in range(5):
        trainer.step(lines(256, step))
        torch.testing.assert_close(trainer.weights["decoder"].norm(dim=1), torch.ones(32))


def test_blocks_are_orthonormal_at_the_end_and_nearly_so_before() -> None:
    trainer = Trainer(config("block", 10), torch.zeros(12), 1.0)
    for step in range(10):
        trainer.step(lines(256, step))
        blocks = trainer.weights["decoder"].view(16, 2, 12)
        torch.testing.assert_close(blocks @ blocks.mT, torch.eye(2).expand(16, 2, 2), rtol=0, atol=0.2)
    blocks = trainer.autoencoder().decoder.view(16, 2, 12)
    torch.testing.assert_close(blocks @ blocks.mT, torch.eye(2).expand(16, 2, 2), rtol=0, atol=1e-5)


def test_the_polar_factor_is_the_nearest_orthonormal_block() -> None:
    rows = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(rows.view(2, 3, 5), full_matrices=False)
    torch.testing.assert_close(orthonormal(rows, 3), (left @ right).view(6, 5))


def test_dead_blocks_learn_from_the_residual() -> None:
    trainer = Trainer(config("block", 140), torch.zeros(12), 1.0)
    trainer.weights["encoder"][:28] *= 1e-3
    dead, explained = [], []
    for step in range(140):
        explained.append(trainer.step(lines(256, step)).explained)
        dead.append(len(trainer.dead))
    assert max(dead) == 28
    assert min(dead[dead.index(28) :]) == 0
    assert explained[dead.index(28)] < 0.5 < 0.8 < explained[-1]


def test_dead_latents_come_back() -> None:
    trainer = Trainer(config("relu", 140), torch.zeros(12), 1.0)
    trainer.weights["encoder_bias"].fill_(0.0)
    for step in range(3):
        trainer.step(lines(256, step))
    trainer.weights["encoder_bias"][:8] = -100.0
    for step in range(3, 100):
        trainer.step(lines(256, step))
    assert int((trainer.silent[:8] < 2000).sum()) >= 6
    assert float(trainer.weights["encoder_bias"][:8].min()) > -1


def test_a_batchtopk_is_a_threshold_afterwards() -> None:
    trainer = trained("batchtopk", 60)
    sae = trainer.autoencoder()
    assert isinstance(sae, SparseAutoencoder)
    assert trainer.least > 0
    assert torch.allclose(sae.threshold, torch.full((32,), trainer.least))
    single, together = sae.encode(lines(1, 3)).dense(), sae.encode(lines(40, 3)).dense()
    assert single.shape == (1, 32)
    assert torch.equal(together[together > 0] > trainer.least, torch.ones(int((together > 0).sum()), dtype=torch.bool))


def test_a_coordinate_that_holds_most_of_the_variance_takes_no_part_in_the_fit(tmp_path: Path) -> None:
    """On one state in a hundred, as in language models: the lines are learned all the same, and codes are of states."""
    states, random = lines(4000).numpy(), np.random.default_rng(3)
    states = np.column_stack([states, np.zeros(4000)]).astype(np.float32)
    on = random.random(4000) < 0.01
    states[on, 12] = random.uniform(300, 400, on.sum())
    store = store_states(tmp_path / "store", states, source="lines")
    training = SaeTraining(store, config("topk", 400), tmp_path / "sae")
    while training.position < training.length:
        training.step()
    quality = training.result()
    assert quality and quality.explained > 0.9 and quality.dead < 0.2
    sae = read_sae(tmp_path / "sae")
    ordinary = torch.from_numpy(states[~on])
    error = (sae.reconstruct(ordinary) - ordinary).square().sum() / (ordinary - ordinary.mean(0)).square().sum()
    assert float(error) < 0.2


def test_the_unit_of_states_does_not_matter(tmp_path: Path) -> None:
    found, states = [], lines(2000).numpy()
    for unit in (1.0, 2.0**-60, 2.0**40):
        store = store_states(tmp_path / f"{unit}", states * np.float32(unit))
        training = SaeTraining(store, config("topk", 40), tmp_path / "sae")
        while training.position < training.length:
            training.step()
        found.append(training.result())
    assert found[0] and found[0].explained > 0.3 and found == 3 * found[:1]
    for name, refused, said in (("equal", np.ones((50, 3)), "only equal states"), ("large", states * 1e20, "larger")):
        store = store_states(tmp_path / name, refused.astype(np.float32))
        with pytest.raises(InputError, match=said):
            SaeTraining(store, config("topk"), tmp_path / "sae")
