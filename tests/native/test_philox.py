"""The native noise against a slow Philox4x32-10 and a float64 Box-Muller transform written from their definitions."""

import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.network.noise import normal

WORD = 2**32 - 1
Words = tuple[int, int, int, int]


def philox4x32(counter: Words, key: tuple[int, int]) -> Words:
    """Ten rounds, as in Salmon et al. 2011, section 3.3 and table 2."""
    for _ in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = (right >> 32 ^ counter[1] ^ key[0], right & WORD, left >> 32 ^ counter[3] ^ key[1], left & WORD)
        key = ((key[0] + 0x9E3779B9) & WORD, (key[1] + 0xBB67AE85) & WORD)
    return counter


def slow_normal(seed: int, stream: int, step: int, index: int) -> float:
    words = philox4x32((index // 4, stream, step, 0), (seed & WORD, seed >> 32))
    radius_word, angle_word = words[:2] if index % 4 < 2 else words[2:]
    radius = math.sqrt(-2 * math.log(((radius_word >> 9) + 0.5) / 2**23))
    angle = 2 * math.pi * (angle_word >> 9) / 2**23
    return radius * (math.sin(angle) if index % 2 else math.cos(angle))


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((WORD,) * 4, (WORD,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_slow_philox_gives_the_published_answers(counter: Words, key: tuple[int, int], expected: Words) -> None:
    assert philox4x32(counter, key) == expected


@given(
    seed=st.integers(0, 2**64 - 1), stream=st.integers(0, WORD), step=st.integers(0, WORD), count=st.integers(0, 300)
)
def test_agrees_with_the_definition(native: ModuleType, seed: int, stream: int, step: int, count: int) -> None:
    values = native.philox_normal(seed, stream, step, count)
    expected = [slow_normal(seed, stream, step, index) for index in range(count)]
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, np.array(expected), rtol=2e-6, atol=1e-6)


def test_far_blocks_agree_with_the_definition(native: ModuleType) -> None:
    count = 2_000_000
    values = native.philox_normal(99, 3, 14, count)
    for index in [*range(0, count, 9_973), *range(count - 9, count)]:
        assert values[index] == pytest.approx(slow_normal(99, 3, 14, index), rel=2e-6, abs=1e-6)


def test_agrees_with_the_torch_engine(native: ModuleType) -> None:
    np.testing.assert_allclose(
        native.philox_normal(2**40 + 1, 17, 399, 50_001), normal(2**40 + 1, 17, 399, 50_001), atol=1e-5
    )


def test_extreme_uniforms_stay_accurate(native: ModuleType) -> None:
    """The smallest and largest of many radii: the logarithm near 1 and near 0 are where a series fails first."""
    values = native.philox_normal(7, 0, 0, 4_000_000).astype(np.float64).reshape(-1, 2)
    radius = np.hypot(values[:, 0], values[:, 1])
    for pair in (radius.argmin(), radius.argmax()):
        expected = [slow_normal(7, 0, 0, 2 * int(pair) + j) for j in range(2)]
        np.testing.assert_allclose(values[pair], expected, rtol=1e-5, atol=1e-9)
    assert radius.min() < 2e-3
    assert radius.max() > 5.3


def test_a_longer_draw_begins_with_the_shorter(native: ModuleType) -> None:
    long = native.philox_normal(1, 2, 3, 1000)
    for count in (1, 2, 3, 4, 5, 63, 64, 65, 127, 999):
        np.testing.assert_array_equal(native.philox_normal(1, 2, 3, count), long[:count])


@pytest.mark.parametrize(
    "arguments", [(-1, 0, 0, 1), (2**64, 0, 0, 1), (0, 2**32, 0, 1), (0, 0, 2**32, 1), (0, 0, 0, -1)]
)
def test_arguments_out_of_range_are_refused(native: ModuleType, arguments: tuple[int, int, int, int]) -> None:
    with pytest.raises(TypeError):
        native.philox_normal(*arguments)


def test_more_than_one_stream_holds_is_refused(native: ModuleType) -> None:
    with pytest.raises(ValueError, match="2\\^34"):
        native.philox_normal(0, 0, 0, 2**34 + 1)
