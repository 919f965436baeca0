"""What every family of matrices offers: a linear map that depends on meta-parameters φ, and its derivative in φ.

The simple ones are here: one factor per scalar, or one for all (arXiv 2210.06171, the Diagonal and Global ablations),
which do not constrain the sign of their factors, any symmetric matrix, and a Kronecker product.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad
from typing_extensions import override

Trace = tuple[Tensor, ...]  #: the tensors of a product that the meta-gradient needs; each structure has its own


@runtime_checkable
class Structure(Protocol):
    """A family of symmetric matrices T(φ) on n scalars; G(φ) = α0 T(φ) is the preconditioner."""

    shape: tuple[int, ...]  #: the shape of φ, as stored; numbers that only fill up a layout never change

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


class Kronecker(Structure):
    """A Kronecker product for one matrix of parameters (ours, by the published meta-gradient).

        T(φ): M ↦ Lᵀ (L M R) Rᵀ        L on the rows, R on the columns, both learned, from I

    L and R are block-diagonal; by default one block each. With X = left, of the same shape,

        ⟨X, T M⟩ = ⟨L X R, L M R⟩
        ∂/∂L = (L X R)(M R)ᵀ + (L M R)(X R)ᵀ,   ∂/∂R = (L X)ᵀ(L M R) + (L M)ᵀ(L X R)        of each block.

    Where no meta-gradient is taken afterwards, (LᵀL) M (R Rᵀ) costs two products instead of four. φ holds the blocks of
    L, then those of R, flat. Sides that blocks do not divide are filled up with zeros.

    Args:
        rows, columns: of the matrix.
        block_size: largest side of a block; None for one block each.
    """

    def __init__(self, rows: int, columns: int, block_size: int | None = None) -> None:
        self.rows, self.columns = rows, columns
        self.row_blocks, self.row_side = _split(rows, block_size)
        self.column_blocks, self.column_side = _split(columns, block_size)
        self._rows_size = self.row_blocks * self.row_side**2
        self.shape = (self._rows_size + self.column_blocks * self.column_side**2,)

    @override
    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, " size"]:
        sides = ((self.row_blocks, self.row_side), (self.column_blocks, self.column_side))
        return torch.cat([torch.eye(side, dtype=dtype).repeat(blocks, 1, 1).view(-1) for blocks, side in sides])

    def factors(self, phi: Float[Tensor, " size"]) -> tuple[Float[Tensor, "r p p"], Float[Tensor, "c q q"]]:
        """Returns the blocks of L and those of R."""
        left, right = phi[: self._rows_size], phi[self._rows_size :]
        return (
            left.view(self.row_blocks, self.row_side, self.row_side),
            right.view(self.column_blocks, self.column_side, self.column_side),
        )

    @override
    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        left, right = self.factors(phi)
        halves = self._halves(left, right, v)
        product = self._from_right(self._from_left(left.mT, halves[2]), right.mT)
        return self._leave(product), halves

    @override
    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        left, right = self.factors(phi)
        matrix = self._from_left(left.mT @ left, self._enter(v))
        return self._leave(self._from_right(matrix, right @ right.mT))

    @override
    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        (lm, mr, lmr), (lx, xr, lxr) = trace, self._halves(*self.factors(phi), left)
        rows, columns = self._rows_of, self._columns_of
        by_left = torch.baddbmm(rows(lxr) @ rows(mr).mT, rows(lmr), rows(xr).mT)
        by_right = torch.baddbmm(columns(lx).mT @ columns(lmr), columns(lm).mT, columns(lxr))
        return torch.cat([by_left.view(-1), by_right.view(-1)])

    def _halves(self, left: Tensor, right: Tensor, v: Tensor) -> Trace:
        matrix = self._enter(v)
        from_left = self._from_left(left, matrix)
        return from_left, self._from_right(matrix, right), self._from_right(from_left, right)

    def _enter(self, v: Tensor) -> Float[Tensor, "rows columns"]:
        spare_rows = self.row_blocks * self.row_side - self.rows
        spare_columns = self.column_blocks * self.column_side - self.columns
        matrix = v.view(self.rows, self.columns)
        return pad(matrix, (0, spare_columns, 0, spare_rows)) if spare_rows or spare_columns else matrix

    def _leave(self, matrix: Tensor) -> Tensor:
        return matrix[: self.rows, : self.columns].reshape(-1)

    def _rows_of(self, matrix: Tensor) -> Float[Tensor, "r p columns"]:
        return matrix.view(self.row_blocks, self.row_side, -1)

    def _columns_of(self, matrix: Tensor) -> Float[Tensor, "c rows q"]:
        return matrix.view(-1, self.column_blocks, self.column_side).transpose(0, 1)

    def _from_left(self, blocks: Tensor, matrix: Tensor) -> Tensor:
        return (blocks @ self._rows_of(matrix)).view(matrix.shape)

    def _from_right(self, matrix: Tensor, blocks: Tensor) -> Tensor:
        return (self._columns_of(matrix) @ blocks).transpose(0, 1).reshape(matrix.shape)


def _split(side: int, block_size: int | None) -> tuple[int, int]:
    """How many blocks of which side, as equal as can be."""
    blocks = 1 if block_size is None else -(-side // block_size)
    return blocks, -(-side // blocks)
