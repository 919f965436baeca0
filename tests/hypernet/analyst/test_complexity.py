import numpy as np

from novacula.hypernet.analyst.label import bits, measure_complexity
from novacula.hypernet.build import build


def test_complexity_is_that_of_the_motif_not_of_the_order() -> None:
    tidy = measure_complexity(build("double-sided", 8))
    shuffled = measure_complexity(build("double-sided", 8, shuffle=True, seed=2))
    noisy = measure_complexity(build("double-sided", 8, noise=0.3))
    assert shuffled == tidy
    assert (tidy.edges, tidy.different_weights, tidy.kl_bits) == (16 + 16, 3 + 2, None)
    assert noisy.compressed_bytes > tidy.compressed_bytes


def test_bits_are_never_negative() -> None:
    assert [f"{bits(nats):.0f}" for nats in (-1e-9, -0.0, None, 2 * np.log(2))] == ["0", "0", "0", "2"]
