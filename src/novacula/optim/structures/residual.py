"""The Residuals ablation: layers that add to what they are given (arXiv 2210.06171).

    T(φ) = Eᵀ Uᵀ diag(d) U E,   U = layers 1 … N,   layer: u ↦ u + w_i ⊙ u[π_i]

of width 2n. It starts at about (1 + 1/N)^N I plus noise, and d may make it indefinite. With A_i = u[π_i] and B_i, what
enters layer i on the way back from d ⊙ U E v, and C_i and D_i the same for `left`,

    ∂⟨left, T v⟩/∂w_i = C_i ⊙ B_i + A_i ⊙ D_i,   ∂/∂d = (U E left) ⊙ (U E v).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad
from typing_extensions import override

from novacula.optim.structures.structure import Structure, Trace


class ResidualLayers(Structure):
    """Residual layers on n scalars; the last row of φ is d.

    Args:
        n: scalars.
        permutations: one row for each layer.
    """

    def __init__(self, n: int, permutations: Int[Tensor, "depth width"]) -> None:
        self.n = n
        self.depth, self.width = permutations.shape
        self.shape = (self.depth + 1, self.width)
        self.forward = permutations
        self.backward = permutations.argsort(1).to(torch.int32)

    @override
    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "rows width"]:
        # w_i ~ N(0, 1/N), d = 1.
        w = torch.randn(self.depth, self.width, generator=generator, dtype=torch.float64)
        w *= max(1, self.depth) ** -0.5
        return torch.cat([w, torch.ones(1, self.width, dtype=torch.float64)]).to(dtype)

    @override
    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        u, gathered, back = pad(v, (0, self.width - self.n)), [], []
        for w, permutation in zip(phi, self.forward, strict=False):
            gathered.append(u.index_select(0, permutation))
            u = u + w * gathered[-1]
        middle, y = u, phi[-1] * u
        for i in reversed(range(self.depth)):
            back.append(y)
            y = y + (phi[i] * y).index_select(0, self.backward[i])
        return y[: self.n], (torch.stack([*gathered, middle]), torch.stack([*back[::-1], middle]))

    @override
    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return self.apply(phi, v)[0]

    @override
    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        (a, b), (c, d) = trace, self.apply(phi, left)[1]
        gradient = c * b
        gradient[:-1] += a[:-1] * d[:-1]
        return gradient
