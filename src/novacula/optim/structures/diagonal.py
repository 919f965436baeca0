"""The simplest structures: one factor per scalar, or one for all (arXiv 2210.06171, the Diagonal and Global ablations).

Neither constrains the sign of its factors; both start at 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.optim.structures.structure import Trace


class Diagonal:
    """T = diag(w) on n scalars (see `novacula.optim.structures.structure.Structure`)."""

    def __init__(self, n: int) -> None:
        self.shape: tuple[int, ...] = (n,)

    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, " n"]:
        """Ones."""
        return torch.ones(self.shape, dtype=dtype)

    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        """w ⊙ v."""
        return phi * v, (v,)

    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """w ⊙ v."""
        return phi * v

    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        """left ⊙ v."""
        return left * trace[0]


class Scalar(Diagonal):
    """T = w I (see `novacula.optim.structures.structure.Structure`)."""

    def __init__(self, n: int) -> None:
        self.shape: tuple[int, ...] = (1,)

    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        """⟨left, v⟩."""
        return left.dot(trace[0]).view(1)


class Dense:
    """Any symmetric n × n matrix, from I: the setting of the theory (see `Structure`), for small n."""

    def __init__(self, n: int) -> None:
        self.shape: tuple[int, ...] = (n, n)

    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "n n"]:
        """I."""
        return torch.eye(self.shape[0], dtype=dtype)

    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        """φ v."""
        return phi @ v, (v,)

    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """φ v."""
        return phi @ v

    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        """The symmetric half of left vᵀ, which keeps φ symmetric."""
        outer = torch.outer(left, trace[0])
        return (outer + outer.t()) / 2
