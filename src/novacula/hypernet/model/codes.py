"""Random codes, which distinguish units without an index. They come from the prior and cost nothing. Source: ours.

A code is a vector of length √channels. Up to `channels` codes are made exactly orthogonal. More codes are pushed apart,
and a draw in which two of them come too close is replaced by another.
"""

import torch
from jaxtyping import Float
from torch import Tensor

COLLISION = 0.5
"""The cosine from which two codes count as one: half the cosine of a unit with its owner."""
_TRIES = 20
_SPREADING = 16


def frames(normal: Float[Tensor, "*batch units channels"]) -> Float[Tensor, "*batch units channels"]:
    """Makes codes of normal numbers: orthogonal where there are at most as many as channels.

    Their law is invariant under rotations and under permutations of units.
    """
    units, channels = normal.shape[-2:]
    if units <= channels:
        basis, triangle = torch.linalg.qr(normal.mT)
        signs = torch.where(triangle.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(normal.dtype)
        return (basis * signs[..., None, :]).mT * channels**0.5
    codes = torch.nn.functional.normalize(normal, dim=-1)
    for _ in range(_SPREADING):  # small steps away from what is close; 16 bring 1,024 codes of 64 channels below 0.35
        cosines = codes @ codes.mT
        cosines.diagonal(dim1=-2, dim2=-1).zero_()
        codes = torch.nn.functional.normalize(codes - 0.5 * cosines.pow(3) @ codes, dim=-1)
    return codes * channels**0.5


def coherence(codes: Float[Tensor, "*batch units channels"]) -> Float[Tensor, "*batch"]:
    """Returns the largest cosine of two codes; 0 for a single one."""
    cosines = codes @ codes.mT / codes.shape[-1]
    return (cosines - 2 * torch.eye(codes.shape[-2], dtype=codes.dtype)).amax((-2, -1)).clamp_min(0)


def checked_frame(
    normal: Float[Tensor, "units channels"], generator: torch.Generator
) -> tuple[Float[Tensor, "units channels"], int]:
    """Returns codes no two of which collide, and the number of draws that were thrown away.

    Args:
        normal: the first draw.
        generator: draws the others.

    Returns:
        The first good draw; after 20 bad ones, the best of them.
    """
    best, least = frames(normal), torch.inf
    for tried in range(_TRIES):
        codes = frames(normal)
        worst = float(coherence(codes))
        if worst < COLLISION:
            return codes, tried
        if worst < least:
            best, least = codes, worst
        normal = torch.randn(normal.shape, generator=generator)
    return best, _TRIES
