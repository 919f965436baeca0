"""Random codes that tell units apart without an index: drawn from the prior, so they cost nothing. Source: ours.

A code is a vector of length √channels. Up to `channels` codes are made exactly orthogonal; more are pushed apart,
and a draw in which two of them come too close is thrown away and drawn again.
"""

import torch
from jaxtyping import Float
from torch import Tensor

COLLISION = 0.5
"""The cosine from which two codes count as one: half of what a unit's owner has with it."""
_TRIES = 20
_SPREADING = 16


def frames(normal: Float[Tensor, "*batch units channels"]) -> Float[Tensor, "*batch units channels"]:
    """Codes made of normal numbers: orthogonal where there are at most as many as channels.

    The law is that of the normal numbers turned at random: no direction and no unit is distinguished.
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
    """The largest cosine of two codes; 0 for a single one."""
    cosines = codes @ codes.mT / codes.shape[-1]
    return (cosines - 2 * torch.eye(codes.shape[-2], dtype=codes.dtype)).amax((-2, -1)).clamp_min(0)


def checked_frame(
    normal: Float[Tensor, "units channels"], generator: torch.Generator
) -> tuple[Float[Tensor, "units channels"], int]:
    """Codes no two of which collide, and how many draws were thrown away before.

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
