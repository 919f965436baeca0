"""Every number that a hypernetwork learns, in one flat vector per member or per written network.

Several hypernetworks, the *members*, are trained as one program, and each writes several networks. The weights of a map
have one leading axis, ``sources``: the members where all networks of a member are written with the same weights, or
members × networks where the weights are a function of the complexity price (`novacula.hypernet.model.price`).
"""

from math import prod, sqrt

import torch
from jaxtyping import Float
from torch import Tensor

Weights = list[Tensor]
"""Views of the flat vectors, each ``(sources, *shape)``, in the order in which they were added."""


class Layout:
    """Where each parameter lies in the flat vector, and how it begins."""

    def __init__(self) -> None:
        self._shapes: list[tuple[int, ...]] = []
        self._spreads: list[float] = []
        self._centers: list[float] = []

    def add(self, *shape: int, spread: float = 0.0, center: float = 0.0) -> int:
        """Make room for a parameter that begins as normal numbers of this spread and center; its index."""
        self._shapes.append(shape)
        self._spreads.append(spread)
        self._centers.append(center)
        return len(self._shapes) - 1

    @property
    def size(self) -> int:
        """Numbers in all."""
        return sum(map(prod, self._shapes))

    def initial(self, generator: torch.Generator) -> Float[Tensor, " size"]:
        """Numbers to begin with."""
        drawn = torch.randn(self.size, generator=generator).split(self._lengths)
        places = zip(drawn, self._spreads, self._centers, strict=True)
        return torch.cat([center + spread * values for values, spread, center in places])

    def views(self, flat: Float[Tensor, "sources size"]) -> Weights:
        """The parameters as views of the flat vectors."""
        parts = flat.split(self._lengths, dim=-1)
        return [part.view(len(flat), *shape) for part, shape in zip(parts, self._shapes, strict=True)]

    @property
    def _lengths(self) -> list[int]:
        return [prod(shape) for shape in self._shapes]


class Linear:
    """An affine map of the last axis, whose weights are passed in at each call.

    Args:
        layout: where its parameters are kept.
        inputs, outputs: lengths of the last axis.
        gain: initial spread of the outputs for normal inputs.
        bias: whether a constant is added.
    """

    def __init__(self, layout: Layout, inputs: int, outputs: int, gain: float = 1.0, *, bias: bool = True) -> None:
        self._weight = layout.add(inputs, outputs, spread=gain / sqrt(inputs))
        self._bias = layout.add(1, outputs) if bias else None

    def __call__(
        self, weights: Weights, x: Float[Tensor, "members networks *rows inputs"]
    ) -> Float[Tensor, "members networks *rows outputs"]:
        """The image of every row."""
        weight = weights[self._weight]
        rows = x.reshape(weight.shape[0], -1, weight.shape[1])
        image = torch.bmm(rows, weight) if self._bias is None else torch.baddbmm(weights[self._bias], rows, weight)
        return image.view(*x.shape[:-1], weight.shape[2])

    def onto(
        self,
        weights: Weights,
        base: Float[Tensor, "members networks *rows outputs"],
        x: Float[Tensor, "members networks *rows inputs"],
    ) -> Float[Tensor, "members networks *rows outputs"]:
        """`base` plus the image of every row, in one pass; for a map without a bias."""
        weight = weights[self._weight]
        rows, start = (
            x.reshape(weight.shape[0], -1, weight.shape[1]),
            base.reshape(weight.shape[0], -1, weight.shape[2]),
        )
        return torch.baddbmm(start, rows, weight).view(base.shape)


def normalized(x: Float[Tensor, "*rows channels"]) -> Float[Tensor, "*rows channels"]:
    """Layer normalization without parameters: the map that follows has them."""
    return torch.nn.functional.layer_norm(x, x.shape[-1:])
