import numpy as np
import pytest

from novacula.hypernet.analyst.function import Kinks, measure_kinks
from novacula.hypernet.build import build


def kinks(kind: str, inputs: int, **options) -> Kinks:
    x = np.random.default_rng(0).standard_normal((2048, inputs))
    return measure_kinks(build(kind, inputs, **options), x / x.std())


def test_a_swish_of_slope_k_has_the_kink_tanh() -> None:
    found = kinks("double-sided", 5, slope=2.0)

    np.testing.assert_allclose(found.near, np.tanh(1.0), rtol=1e-9)
    np.testing.assert_allclose(found.wide, np.tanh(2.0), rtol=1e-9)


@pytest.mark.parametrize(("kind", "t"), [("double-sided", 0), ("pudding+", 1), ("pudding-", -1)])
def test_far_out_the_linear_part_breaks_and_shows_the_side(kind: str, t: int) -> None:
    np.testing.assert_allclose(kinks(kind, 6).odd, t, atol=0.01)


def test_a_square_is_smooth() -> None:
    found = kinks("squares-curvature", 6)

    np.testing.assert_allclose(found.near / found.wide, 0.5, atol=0.02)


def test_bowls_are_round_and_convex_and_spikes_are_not_round() -> None:
    bowls, spikes, saddle = kinks("convexity", 16), kinks("double-sided", 16), kinks("product-squares", 16)

    assert bowls.anisotropy == pytest.approx(1, abs=0.15)
    assert spikes.anisotropy > 3
    assert bowls.concavity < 0.02
    assert 0.4 < saddle.concavity < 0.6


def test_a_linear_function_has_no_kinks_at_all() -> None:
    found = kinks("linear", 4)

    assert not found.near.any()
    assert not found.wide.any()
