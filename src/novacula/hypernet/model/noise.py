"""The random numbers of generated networks: what they are for, and how they are drawn. Source: ours."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.hypernet.model.codes import frames


@dataclass(frozen=True)
class Noise:
    """The random numbers of networks of one size, with leading axes ``members`` and ``networks``.

    Attributes:
        codes: for each group that hidden units may belong to, a code of length √channels for every unit.
        owners: for each hidden group, standard normal numbers for its owner latents, ``(…, units, channels)``.
        roles: for each block and hidden group, standard normal numbers for its role latents, ``(…, units, role)``.
        redraws: draws of codes that were thrown away because two codes collided.
    """

    codes: tuple[Tensor, ...]
    owners: tuple[Tensor, ...]
    roles: tuple[tuple[Tensor, ...], ...]
    redraws: int = 0


@dataclass(frozen=True)
class NoiseShape:
    """The number of random numbers that a network needs.

    Attributes:
        channels: of codes and owner latents.
        role: numbers of a role latent.
        blocks: of the generator; each has role latents.
    """

    channels: int
    role: int
    blocks: int

    def draw(
        self, sizes: Sequence[int], networks: int, generators: Sequence[torch.Generator], repeats: int = 1
    ) -> Noise:
        """Draws noise for some networks of each member, without a check for collisions of codes.

        Args:
            sizes: units of each group.
            networks: number of networks of each member.
            generators: one for every `repeats` members, which get the same noise.
            repeats: members that share their noise.
        """
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
