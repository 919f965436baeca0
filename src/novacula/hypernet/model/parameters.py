"""The numbers that hypernetworks learn: one flat vector for each.

Several hypernetworks, the *members*, are trained as one program, and each writes several networks. The parameters of a
map have one leading axis, ``members``.
"""

from math import prod, sqrt

import torch
from jaxtyping import Float
from torch import Tensor

Parameters = list[Tensor]  #: views of the flat vectors, ``(members, *shape)``, in the order in which they were added


class Layout:
    """The place of each parameter in the flat vector, and how it begins."""

    def __init__(self) -> None:
        self._shapes: list[tuple[int, ...]] = []
        self._spreads: list[float] = []
        self._centers: list[float] = []

    def add(self, *shape: int, spread: float = 0.0, center: float = 0.0) -> int:
        """Makes room for a parameter that begins as normal numbers of this spread and center. Returns its index."""
        self._shapes.append(shape)
        self._spreads.append(spread)
        self._centers.append(center)
        return len(self._shapes) - 1

    @property
    def size(self) -> int:
        """The length of the flat vector."""
        return sum(map(prod, self._shapes))

    def initial(self, generator: torch.Generator) -> Float[Tensor, " size"]:
        """Returns numbers to begin with."""
        drawn = torch.randn(self.size, generator=generator).split(self._lengths)
        places = zip(drawn, self._spreads, self._centers, strict=True)
        return torch.cat([center + spread * values for values, spread, center in places])

    def views(self, flat: Float[Tensor, "members size"]) -> Parameters:
        """Returns the parameters as views of the flat vectors."""
        parts = flat.split(self._lengths, dim=-1)
        return [part.view(len(flat), *shape) for part, shape in zip(parts, self._shapes, strict=True)]

    @property
    def _lengths(self) -> list[int]:
        return [prod(shape) for shape in self._shapes]


class Linear:
    """An affine map of the last axis. Its parameters are arguments of each call.

    `gain` is the initial spread of the outputs for normal inputs.
    """

    def __init__(self, layout: Layout, inputs: int, outputs: int, gain: float = 1.0, *, bias: bool = True) -> None:
        self._weight = layout.add(inputs, outputs, spread=gain / sqrt(inputs))
        self._bias = layout.add(1, outputs) if bias else None

    def __call__(
        self, weights: Parameters, x: Float[Tensor, "members networks *rows inputs"]
    ) -> Float[Tensor, "members networks *rows outputs"]:
        """Returns the image of every row."""
        weight = weights[self._weight]
        rows = x.reshape(weight.shape[0], -1, weight.shape[1])
        image = torch.bmm(rows, weight) if self._bias is None else torch.baddbmm(weights[self._bias], rows, weight)
        return image.view(*x.shape[:-1], weight.shape[2])

    def onto(
        self,
        weights: Parameters,
        base: Float[Tensor, "members networks *rows outputs"],
        x: Float[Tensor, "members networks *rows inputs"],
    ) -> Float[Tensor, "members networks *rows outputs"]:
        """Returns `base` plus the image of every row, in one pass; for a map without a bias."""
        weight = weights[self._weight]
        rows, start = (
            x.reshape(weight.shape[0], -1, weight.shape[1]),
            base.reshape(weight.shape[0], -1, weight.shape[2]),
        )
        return torch.baddbmm(start, rows, weight).view(base.shape)


def normalized(x: Float[Tensor, "*rows channels"]) -> Float[Tensor, "*rows channels"]:
    """Returns rows of mean 0 and variance 1. The map that follows has the parameters of this normalization."""
    return torch.nn.functional.layer_norm(x, x.shape[-1:])
