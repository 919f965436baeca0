import numpy as np
import pytest

from novacula.hypernet.formula import size_laws


@pytest.mark.parametrize(
    ("law", "said"),
    [
        (lambda n: 2.0 + 0 * n, "2"),
        (lambda n: 3 / n, "3/n"),
        (lambda n: 0.5 / np.sqrt(n), "0.5/sqrt(n)"),
        (lambda n: -1.5 * np.log(n), "-1.5*log(n)"),
        (lambda n: 1 + 0.25 * n, "1 + 0.25*n"),
    ],
)
def test_an_exact_law_is_found(law: object, said: str) -> None:
    values = [(n, {"weight": float(law(np.float64(n)))}) for n in (4, 8, 16, 32)]  # pyright: ignore
    (found,) = size_laws(values)
    assert found.law == said and found.scatter < 1e-9 and found.sizes == (4, 8, 16, 32)


def test_noise_alone_earns_no_law() -> None:
    generator = np.random.default_rng(0)
    values = [(n, {"slope": 1 + 0.02 * generator.normal()}) for n in (4, 8, 16, 32) for _ in range(8)]
    (found,) = size_laws(values)
    assert float(found.law) == pytest.approx(1, abs=0.02) and 0.005 < found.scatter < 0.04


def test_two_sizes_say_nothing() -> None:
    assert size_laws([(4, {"a": 1.0}), (8, {"a": 1.0})]) == ()
