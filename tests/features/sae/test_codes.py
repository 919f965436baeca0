import numpy as np
import pytest
import torch

from novacula.features.sae.autoencoder import ByLatent, above, top, top_blocks, top_of_batch


def drawn(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def test_top_is_the_dense_definition() -> None:
    pre = drawn(7, 40)
    values, latents = pre.topk(5, dim=1)
    expected = torch.zeros_like(pre).scatter(1, latents, values.clamp_min(0))
    assert torch.equal(top(pre, 5).dense(), expected)


def test_top_leaves_out_what_is_not_positive() -> None:
    pre = torch.tensor([[-1.0, -2.0, -3.0], [1.0, -1.0, 2.0], [-1.0, -1.0, -1.0]])
    codes = top(pre, 2)
    assert codes.counts.tolist() == [0, 2, 0]
    assert codes.dense().tolist() == [[0, 0, 0], [1, 0, 2], [0, 0, 0]]


def test_top_blocks_keeps_the_blocks_of_largest_norm_with_their_signs() -> None:
    pre = drawn(7, 42)
    blocks = pre.view(7, 14, 3)
    chosen = blocks.norm(dim=2).topk(4, dim=1).indices
    kept = torch.zeros(7, 14).scatter(1, chosen, 1.0)
    codes = top_blocks(pre, 4, 3)
    assert torch.equal(codes.dense(), (blocks * kept[..., None]).view(7, 42))
    assert codes.counts.tolist() == [12] * 7


@pytest.mark.parametrize("shift", [0.0, -3.0, 3.0])
def test_top_of_batch_keeps_the_largest_of_all(shift: float) -> None:
    pre = drawn(9, 30) + shift
    codes, least = top_of_batch(pre, 4)
    flat = np.sort(pre.numpy().ravel())[::-1]
    expected = flat[: 4 * 9]
    expected = expected[expected > 0]
    assert sorted(codes.values.tolist(), reverse=True) == expected.tolist()
    assert least == (expected[-1] if len(expected) else 0)


def test_above_is_a_threshold_for_each_latent() -> None:
    pre, threshold = drawn(6, 8), torch.linspace(-1, 1, 8)
    assert torch.equal(above(pre, threshold).dense(), pre * (pre > threshold))


def test_products_agree_with_dense_ones() -> None:
    codes = top(drawn(11, 20), 3)
    rows, by_output, states = drawn(20, 5, 1), drawn(11, 5, 2), drawn(11, 5, 3)
    dense = codes.dense()
    torch.testing.assert_close(codes.decode(rows), dense @ rows)
    slopes = codes.slopes(by_output, rows)
    torch.testing.assert_close(slopes, (by_output @ rows.t())[codes.tokens, codes.latents])
    by_latent = ByLatent.of(codes)
    torch.testing.assert_close(by_latent.gather(codes.values, states), dense.t() @ states)
    torch.testing.assert_close(by_latent.totals(codes.values), dense.sum(0))


def test_a_batch_without_any_active_latent_decodes_to_nothing() -> None:
    codes = above(-torch.ones(3, 4), 0.0)
    assert codes.decode(torch.ones(4, 2)).tolist() == [[0, 0]] * 3
    assert ByLatent.of(codes).gather(codes.values, torch.ones(3, 2)).abs().sum() == 0
