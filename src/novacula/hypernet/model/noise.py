"""The random numbers of generated networks: codes, which distinguish units without an index, and latents. Source: ours.

A code is a vector of length √channels that comes from the prior and costs nothing. Up to `channels` codes are made
exactly orthogonal. More codes are pushed apart; a draw in which two of them come too close is replaced by another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

COLLISION = 0.5  #: the cosine from which two codes count as one: half the cosine of a unit with its owner
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


@dataclass(frozen=True)
class Noise:
    """The random numbers of networks of one size, with leading axes ``members`` and ``networks``."""

    codes: tuple[Tensor, ...]
    """For each group that hidden units may belong to, a code of length √channels for every unit."""
    owners: tuple[Tensor, ...]
    """For each hidden group, standard normal numbers for its owner latents, ``(…, units, channels)``."""
    roles: tuple[tuple[Tensor, ...], ...]
    """For each block and hidden group, standard normal numbers for its role latents, ``(…, units, role)``."""
    redraws: int = 0  #: draws of codes that were thrown away because two codes collided

    def changed(self, change: Callable[[Tensor], Tensor]) -> "Noise":
        """Returns the noise with every tensor changed."""
        roles = tuple(tuple(map(change, level)) for level in self.roles)
        return Noise(tuple(map(change, self.codes)), tuple(map(change, self.owners)), roles, self.redraws)


@dataclass(frozen=True)
class NoiseShape:
    """The number of random numbers that a network needs."""

    channels: int  #: of codes and owner latents
    role: int  #: numbers of a role latent
    blocks: int  #: of the generator; each has role latents

    def draw(
        self, sizes: Sequence[int], networks: int, generators: Sequence[torch.Generator], repeats: int = 1
    ) -> Noise:
        """Draws noise for some networks of each member; `repeats` members in a row share a generator and its noise."""
        shape = (networks, sum(self._counts(sizes)))
        flat = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
        return self._cut(flat.repeat_interleave(repeats, 0), sizes)

    def _counts(self, sizes: Sequence[int]) -> list[int]:
        owned = [units * self.channels for units in sizes[:-2]]
        hidden = [units * self.channels for units in sizes[1:-1]]
        return [*owned, *hidden, *[units * self.role for units in sizes[1:-1]] * self.blocks]

    def _cut(self, flat: Float[Tensor, "members networks numbers"], sizes: Sequence[int]) -> Noise:
        parts = iter(flat.split(self._counts(sizes), dim=-1))
        codes = tuple(frames(next(parts).unflatten(-1, (units, self.channels))) for units in sizes[:-2])
        owners = tuple(next(parts).unflatten(-1, (units, self.channels)) for units in sizes[1:-1])
        roles = tuple(
            tuple(next(parts).unflatten(-1, (units, self.role)) for units in sizes[1:-1]) for _ in range(self.blocks)
        )
        return Noise(codes, owners, roles)
