"""What every family of matrices offers: a linear map that depends on meta-parameters φ, and its derivative in φ.

The simplest ones are here: one factor per scalar, or one for all (arXiv 2210.06171, the Diagonal and Global
ablations), which do not constrain the sign of their factors, and any symmetric matrix.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

Trace = tuple[Tensor, ...]  #: the tensors of a product that the meta-gradient needs; each structure has its own


@runtime_checkable
class Structure(Protocol):
    """A family of symmetric matrices T(φ) on n scalars; G(φ) = α0 T(φ) is the preconditioner."""

    shape: tuple[int, ...]  #: of φ, as stored; numbers that only fill up a layout never change

    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "..."]:
        """Returns the first φ, on the CPU."""
        ...

    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        """Returns T(φ) v, and what `gradient` needs of the product."""
        ...

    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Returns T(φ) v alone."""
        ...

    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        """Returns ∂⟨left, T(φ) v⟩/∂φ, where `trace` is that of v with the same φ."""
        ...


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
