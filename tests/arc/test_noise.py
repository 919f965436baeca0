"""Counter-based normal noise."""

import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import stats

from novacula.arc.network.noise import _words, normal, normal_rows


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((7, 5, 3), (11, 13), None),
        ((0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), None),
    ],
)
def test_words_are_those_of_philox(
    counter: tuple[int, int, int], key: tuple[int, int], expected: tuple[int, ...] | None
) -> None:
    block, stream, step = counter
    words = _words(key[0] | key[1] << 32, torch.tensor([block]), torch.tensor([stream]), step)
    found = tuple(int(word) for word in words)
    assert found == (expected or philox(*counter, 0, *key))


def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Philox4x32-10 in Python's own integers, as Salmon et al. 2011 define it."""
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c3 ^ k1, p0 & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def test_the_reference_knows_the_published_answer() -> None:
    words = philox(0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)
    assert words == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)


def test_normals_are_box_muller_of_the_words() -> None:
    found = normal(seed=2**33 + 5, stream=3, step=9, count=4, dtype=torch.float64)
    words = [word >> 9 for word in philox(0, 3, 9, 0, 5, 2)]
    for pair in (0, 2):
        radius = math.sqrt(-2 * math.log((words[pair] + 0.5) * 2.0**-23))
        angle = 2 * math.pi * words[pair + 1] * 2.0**-23
        assert found[pair].item() == pytest.approx(radius * math.cos(angle), abs=1e-12)
        assert found[pair + 1].item() == pytest.approx(radius * math.sin(angle), abs=1e-12)


def test_values_do_not_depend_on_what_else_is_drawn() -> None:
    whole = normal(1, 2, 3, 100_000)
    assert torch.equal(whole[:10], normal(1, 2, 3, 10))
    rows = normal_rows(1, 3, torch.tensor([7, 0, 7]), torch.tensor([2, 2, 4]))
    assert torch.equal(rows[:2].flatten(), torch.cat([whole[28:32], whole[:4]]))
    assert not torch.equal(rows[0], rows[2])


def test_values_are_standard_normal_and_uncorrelated() -> None:
    draws = np.stack([normal(0, stream, step, 50_000).numpy() for stream, step in ((0, 0), (0, 1), (1, 0))])
    for sample in draws:
        assert stats.kstest(sample, "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 5 / math.sqrt(50_000)
    assert abs(np.corrcoef(draws[0][:-1], draws[0][1:])[0, 1]) < 5 / math.sqrt(50_000)


def test_another_processor_draws_the_same_noise() -> None:
    """torch's logarithm is MKL's, which computes by the processor's model; here MKL takes an older one for it."""
    program = "import hashlib; from novacula.arc.network.noise import normal; " + (
        "print(hashlib.sha256(normal(0, 1 << 16, 0, 100_000).numpy().tobytes()).hexdigest())"
    )
    older = os.environ | {"MKL_ENABLE_INSTRUCTIONS": "AVX2"}
    printed = subprocess.run([sys.executable, "-c", program], env=older, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == hashlib.sha256(normal(0, 1 << 16, 0, 100_000).numpy().tobytes()).hexdigest()
