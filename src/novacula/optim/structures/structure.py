"""What every family of matrices offers: a linear map that depends on meta-parameters φ, and its derivative in φ."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Trace = tuple[Tensor, ...]
"""The tensors of a product that the meta-gradient needs; each structure has its own."""


@runtime_checkable
class Structure(Protocol):
    """A family of symmetric matrices T(φ) on n scalars; G(φ) = α0 T(φ) is the preconditioner.

    Attributes:
        shape: of φ, as stored; numbers that only fill up a layout never change.
    """

    shape: tuple[int, ...]

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
