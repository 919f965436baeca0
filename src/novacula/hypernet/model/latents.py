"""The latents of networks: their random numbers, laws and cost, and the tower that sees indices. Source: ours.

A code distinguishes units without an index: a vector of length √channels that comes from the prior and costs nothing.
Up to `channels` codes are made exactly orthogonal. More codes are pushed apart; a draw in which two of them come too
close is replaced by another.

Latents are normal, as in Kingma and Welling, arXiv 1312.6114; the hierarchy is ours. That the price is an input is of
arXiv 2312.03051; the form is ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.hypernet.model.parameters import Layout, Linear, Parameters, normalized

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

    The codes are those of `normal`, else of the first good draw of the generator; after 20 bad ones, of the best of
    them.
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

    channels: int  #: the number of channels of codes and owner latents
    role: int  #: numbers of a role latent
    blocks: int  #: the number of the generator's blocks; each has role latents

    def draw(
        self, sizes: Sequence[int], networks: int, generators: Sequence[torch.Generator], repeats: int = 1
    ) -> Noise:
        """Draws noise for some networks of each member; `repeats` members in a row share a generator and its noise."""
        shapes = [(units, self.channels) for units in (*sizes[:-2], *sizes[1:-1])]
        shapes += [(units, self.role) for units in sizes[1:-1]] * self.blocks
        counts, hidden = list(map(prod, shapes)), len(sizes) - 2
        flat = torch.stack([torch.randn((networks, sum(counts)), generator=generator) for generator in generators])
        parts = flat.repeat_interleave(repeats, 0).split(counts, dim=-1)
        drawn = iter([part.unflatten(-1, shape) for part, shape in zip(parts, shapes, strict=True)])
        codes, owners = tuple(map(frames, islice(drawn, hidden))), tuple(islice(drawn, hidden))
        return Noise(codes, owners, tuple(tuple(islice(drawn, hidden)) for _ in range(self.blocks)))


SMALLEST, LARGEST = -8.0, 2.0  #: bounds of ln σ: beyond them nothing is gained, and squares overflow


@dataclass(frozen=True)
class Normal:
    """Independent normal laws."""

    mean: Float[Tensor, "*places"]  #: the means
    log_sigma: Float[Tensor, "*places"]  #: ln of the standard deviations

    @classmethod
    def of(cls, halves: Float[Tensor, "*rows twice"]) -> "Normal":
        """Returns the law whose means and ln σ lie side by side in the last axis; ln σ is clipped."""
        mean, log_sigma = halves.chunk(2, dim=-1)
        return cls(mean, log_sigma.clamp(SMALLEST, LARGEST))

    def sample(self, noise: Float[Tensor, "*places"]) -> Float[Tensor, "*places"]:
        """Returns the draw that standard normal noise becomes."""
        return self.mean + self.log_sigma.exp() * noise


def divergence(posterior: Normal, prior: Normal) -> Float[Tensor, "members networks"]:
    """Returns KL(posterior ‖ prior) in nats, summed over all but the first two axes."""
    distance = (posterior.mean - prior.mean).square() + (2 * posterior.log_sigma).exp()
    nats = prior.log_sigma - posterior.log_sigma - 0.5 + 0.5 * distance * (-2 * prior.log_sigma).exp()
    return nats.flatten(2).sum(-1)


def divergence_from_standard(
    mean_square: Float[Tensor, "members networks units"], log_sigma: Float[Tensor, "members networks units"], count: int
) -> Float[Tensor, "members networks"]:
    """Returns KL in nats of normal laws from the standard one, where the `count` numbers of a unit share σ.

    `mean_square` is the mean over these numbers of their squared means.
    """
    nats = 0.5 * (mean_square + (2 * log_sigma).exp() - 1) - log_sigma
    return count * nats.sum(-1)


FEATURES = 12


def price_features(beta: Float[Tensor, "members networks"]) -> Float[Tensor, "members networks features"]:
    """Returns features of β: its decimal logarithm, and smooth bumps over −12 … 0."""
    exponent = beta.log10()[..., None]
    centers = torch.linspace(-12.0, 0.0, FEATURES - 1, dtype=beta.dtype)
    bumps = torch.exp(-0.5 * ((exponent - centers) / (12 / (FEATURES - 2))).square())
    return torch.cat([exponent / 6 + 1, bumps], -1)


class Film:
    """An embedding of the price for each block."""

    def __init__(self, layout: Layout, width: int, blocks: int) -> None:
        self._in = Linear(layout, FEATURES, width)
        self._out = Linear(layout, width, blocks * width)
        self._blocks = blocks

    def __call__(
        self, weights: Parameters, price: Float[Tensor, "members networks features"]
    ) -> tuple[Float[Tensor, "members networks width"], ...]:
        """Returns what is added to the whole at each block."""
        inner = torch.nn.functional.silu(self._in(weights, price))
        return self._out(weights, inner).chunk(self._blocks, dim=-1)


_PRECISE = -2.0  #: ln σ at the beginning. A latent that begins precise is kept; one that begins as noise stays noise.

_OPEN = 2.0  #: the gate of a latent begins open, at 0.88


class Posterior:
    """The tower over one group of hidden units, as wide as they are; each block of the generator has a role latent."""

    def __init__(self, layout: Layout, index: int, unit: int, role: int, blocks: int) -> None:
        self._role = role
        self._index = Linear(layout, index, unit)
        self._price = Linear(layout, FEATURES, unit, bias=False)
        self._owner = Linear(layout, unit, 3, gain=0.1)
        self._in = [Linear(layout, 2 * unit, unit) for _ in range(blocks)]
        self._out = [Linear(layout, unit, unit, gain=0.5, bias=False) for _ in range(blocks)]
        self._law = [Linear(layout, unit, 1 + 2 * role) for _ in range(blocks)]

    def begin(
        self,
        weights: Parameters,
        index: Float[Tensor, "units index"],
        price: Float[Tensor, "members networks features"],
    ) -> Float[Tensor, "members networks units width"]:
        """Returns the tower's first features, from the units' index and the price."""
        seen = self._index(weights, index.expand(*price.shape[:2], -1, -1))
        return seen + self._price(weights, price)[:, :, None]

    def owner(
        self, weights: Parameters, tower: Float[Tensor, "members networks units width"]
    ) -> tuple[Float[Tensor, "members networks units"], Float[Tensor, "members networks units"]]:
        """Returns how much of its owner's code a unit gets, as a factor, and ln σ of the noise on it."""
        opening, gain, log_sigma = self._owner(weights, torch.nn.functional.silu(tower)).unbind(-1)
        opened = _opened(opening)
        law = Normal.of(torch.stack([opened * (1 + gain), opened * (log_sigma + _PRECISE)], -1))
        return law.mean[..., 0], law.log_sigma[..., 0]

    def role(
        self, weights: Parameters, block: int, tower: Tensor, units: Tensor, prior: Normal
    ) -> tuple[Tensor, Normal]:
        """Returns the tower after it read the units of a block, and its law of their role latent."""
        inner = self._in[block](weights, normalized(torch.cat([tower, units], -1)))
        tower = self._out[block].onto(weights, tower, torch.nn.functional.silu(inner))
        opening, mean, log_sigma = self._law[block](weights, normalized(tower)).split([1, self._role, self._role], -1)
        opened = _opened(opening)
        changed = [prior.mean + opened * mean, prior.log_sigma + opened * (0.3 * log_sigma + _PRECISE)]
        return tower, Normal.of(torch.cat(changed, -1))


def _opened(opening: Float[Tensor, "*places"]) -> Float[Tensor, "*places"]:
    """A gate. Where it is closed, the posterior is exactly the prior, and nothing is paid."""
    return torch.sigmoid(opening + _OPEN)
