"""Normal noise as a pure function of (seed, stream, step): Philox4x32-10 counters and the Box-Muller transform.

A stream of random numbers would tie the noise to the order of calls; a counter does not. Resumed runs, other engines
and other machines therefore see the same noise. Source: Salmon et al. 2011, "Parallel random numbers: as easy as
1, 2, 3"; Box and Muller 1958.

Element 4b + j of stream s at step t is number j of the block with counter words (b, s, t, 0); the key words are the
low and high half of the seed.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_CHUNK = 1 << 14  # blocks handled together: eight words of 64 bits each stay in the second-level cache


def _words(seed: int, block: Tensor, stream: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns the four 32-bit output words of each counter, in 64-bit integers."""
    c0, c1, c2, c3 = block, stream, torch.full_like(block, step), torch.zeros_like(block)
    key0, key1 = seed & _WORD, seed >> 32
    for _ in range(_ROUNDS):
        # A 32 × 32 bit product fits 64 bits; the shift of a negative int64 copies its sign, hence the mask.
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        high0, high1 = (product0 >> 32) & _WORD, (product1 >> 32) & _WORD
        c0, c1, c2, c3 = high1 ^ c1 ^ key0, product1 & _WORD, high0 ^ c3 ^ key1, product0 & _WORD
        key0, key1 = (key0 + _KEY_STEPS[0]) & _WORD, (key1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def _normals(radius_word: Tensor, angle_word: Tensor) -> tuple[Tensor, Tensor]:
    """Returns two independent normals from two words; the uniforms keep 23 bits, so that they are exact in float32.

    The last bits of torch's logarithm and cosine depend on the processor's model. In float64 these bits vanish when
    the caller rounds to float32.
    """
    radius = ((radius_word >> 9).double() + 0.5).mul_(2.0**-23).log_().mul_(-2).sqrt_()
    angle = (angle_word >> 9).double().mul_(2 * math.pi * 2.0**-23)
    return radius * angle.cos(), radius * angle.sin()


def normal_rows(
    seed: int, step: int, block: Int[Tensor, " rows"], stream: Int[Tensor, " rows"], dtype: torch.dtype = torch.float32
) -> Float[Tensor, "rows 4"]:
    """Returns standard normals, four for every pair of a stream and a block's index in it; seed < 2^64, step < 2^32."""
    out = torch.empty(block.numel(), 4, dtype=dtype, device=block.device)
    for rows, blocks, streams in zip(out.split(_CHUNK), block.split(_CHUNK), stream.split(_CHUNK), strict=True):
        word0, word1, word2, word3 = _words(seed, blocks, streams, step)
        rows[:, 0], rows[:, 1] = _normals(word0, word1)
        rows[:, 2], rows[:, 3] = _normals(word2, word3)
    return out


def normal(
    seed: int, stream: int, step: int, count: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, " count"]:
    """Returns `count` standard normals of one stream."""
    blocks = torch.arange((count + 3) // 4)
    return normal_rows(seed, step, blocks, torch.full_like(blocks, stream), dtype).flatten()[:count]
