"""Codes: orthogonal or apart, of one law for all units, and drawn again where two collide."""

from typing import Any

import pytest
import torch
from scipy import stats

from novacula.hypernet.model.latents import COLLISION, checked_frame, coherence, frames


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("units", [1, 5, 8])
def test_few_codes_are_orthogonal_and_of_length_root_channels(units: int) -> None:
    codes = frames(normal(3, units, 8))
    assert torch.allclose(codes @ codes.mT, 8 * torch.eye(units).expand(3, -1, -1), atol=1e-4)


@pytest.mark.parametrize(("units", "channels"), [(24, 16), (128, 64), (1024, 64)])
def test_many_codes_are_pushed_apart(units: int, channels: int) -> None:
    drawn = normal(units, channels)
    codes = frames(drawn)
    chance = coherence(torch.nn.functional.normalize(drawn, dim=-1) * channels**0.5)
    assert coherence(codes) < min(COLLISION, 0.8 * float(chance))
    assert torch.allclose(codes.square().sum(-1), torch.tensor(float(channels)), rtol=1e-4)


def test_coherence_is_the_largest_cosine() -> None:
    codes = normal(6, 4).double()
    codes = codes / codes.norm(dim=-1, keepdim=True) * 2
    pairs = [float(codes[i] @ codes[j]) / 4 for i in range(6) for j in range(i)]
    assert float(coherence(codes)) == pytest.approx(max(0.0, *pairs))
    assert float(coherence(codes[:1])) == 0


def test_every_unit_has_the_same_law() -> None:
    codes = frames(normal(4000, 5, 8))
    for unit in (1, 4):
        found: Any = stats.ks_2samp(codes[:, 0, 0].numpy(), codes[:, unit, 3].numpy())
        assert found.pvalue > 1e-4
    assert abs(float((codes[:, 0, 0] * codes[:, 1, 0]).mean())) < 0.1


def test_a_collision_is_drawn_again() -> None:
    bad = normal(12, 8)
    bad[7] = bad[2]
    assert coherence(frames(bad)) > COLLISION
    codes, redraws = checked_frame(bad, torch.Generator().manual_seed(1))
    assert redraws >= 1
    assert coherence(codes) < COLLISION
    good = normal(12, 16, seed=3)
    kept, none = checked_frame(good, torch.Generator())
    assert none == 0
    assert torch.equal(kept, frames(good))


def test_where_no_draw_is_good_the_best_is_kept() -> None:
    first = normal(40, 2)
    codes, redraws = checked_frame(first, torch.Generator().manual_seed(1))
    assert redraws == 20
    assert COLLISION < coherence(codes) <= coherence(frames(first))
