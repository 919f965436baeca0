"""The simplest structures: one factor per scalar, or one for all (arXiv 2210.06171, the Diagonal and Global ablations).

Neither constrains the sign of its factors; both start at 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from novacula.optim.structures.structure import Structure, Trace


class Diagonal(Structure):
    """T = diag(w) on n scalars."""

    def __init__(self, n: int) -> None:
        self.shape = (n,)

    @override
    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, " n"]:
        return torch.ones(self.shape, dtype=dtype)

    @override
    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        return phi * v, (v,)

    @override
    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return phi * v

    @override
    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        return left * trace[0]


class Scalar(Diagonal):
    """T = w I."""

    def __init__(self, n: int) -> None:
        self.shape = (1,)

    @override
    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        return left.dot(trace[0]).view(1)


class Dense(Structure):
    """Any symmetric n × n matrix, from I: the setting of the theory, for small n."""

    def __init__(self, n: int) -> None:
        self.shape = (n, n)

    @override
    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "n n"]:
        return torch.eye(self.shape[0], dtype=dtype)

    @override
    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        return phi @ v, (v,)

    @override
    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return phi @ v

    @override
    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        outer = torch.outer(left, trace[0])
        return (outer + outer.t()) / 2  # the symmetric part, so that φ stays symmetric
