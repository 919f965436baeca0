"""What every family of preconditioners offers: a linear map of its own meta-parameters, and its derivative."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Trace = tuple[Tensor, ...]
"""What a product leaves behind for the meta-gradient; each structure has its own."""


@runtime_checkable
class Structure(Protocol):
    """A family of symmetric matrices T(φ) on n scalars; G(φ) = α0 T(φ) is the preconditioner.

    Attributes:
        shape: of φ, as stored; numbers that only fill up a layout never change.
    """

    shape: tuple[int, ...]

    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "..."]:
        """φ of the start, on the CPU."""
        ...

    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        """T(φ) v, and what `gradient` needs of it."""
        ...

    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """T(φ) v alone."""
        ...

    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        """∂⟨left, T(φ) v⟩/∂φ, where `trace` is that of v under the same φ."""
        ...
