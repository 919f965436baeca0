"""Layers with permutations between them: the published structure, and the Residuals ablation (arXiv 2210.06171)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad
from typing_extensions import override

from novacula.optim.structures.structure import Structure, Trace

LANES = 16  #: number of blocks in a group


def published_width(n: int, block_size: int, expand: int = 2) -> int:
    """Returns the padded width of section 3.1, which has one block too many where blocks fit exactly."""
    return expand * n + block_size - (expand * n) % block_size


def random_permutations(depth: int, width: int, generator: torch.Generator) -> Int[Tensor, "depth width"]:
    """Returns independent uniformly random permutations, int32."""
    rows = [torch.randperm(width, generator=generator, dtype=torch.int32) for _ in range(depth)]
    return torch.stack(rows) if rows else torch.empty(0, width, dtype=torch.int32)


def perfect_shuffle(width: int, block_size: int) -> Int[Tensor, "1 width"]:
    """Returns the permutation of every layer of a butterfly (ours).

    Block b reads scalars b, b + width/k, b + 2 width/k, …. After log_k(width) layers every output depends on every
    input, as in the constant-geometry form of the FFT (Pease 1968), and nothing must be stored.
    """
    return torch.arange(width, dtype=torch.int32).view(block_size, -1).t().reshape(1, -1)


def mixing_depth(width: int, block_size: int) -> int:
    """Returns the number of layers after which every output depends on every input, plus one."""
    if block_size == 1:
        return 1
    depth = 1
    while block_size**depth < width:
        depth += 1
    return depth + 1


class BlockLayers(Structure):
    """Products of permutations and learned block-diagonal matrices, the published structure (arXiv 2210.06171, 3).

        T(φ) = (H E)ᵀ (H E),   H = layers 1 … N,   layer: u ↦ u[π_i] · blockdiag(W_i)        (row vectors)

    E pads n scalars with zeros to a width that blocks of side k divide. With A_i and B_i, the vectors that layer i
    meets on the way forward and back when v is multiplied, and C_i and D_i, the same for `left`,

        ∂⟨left, T v⟩/∂W_i = C_iᵀ B_i + A_iᵀ D_i        for each block,

    because ⟨H left, H v⟩ is symmetric and the adjoint of one factor is the other one.

    Vectors and blocks lie in groups of 16 blocks, scalar j of block b of a group at [group, j, b] and its weight (i, j)
    at [layer, group, i, j, b], so that one vector instruction serves as many blocks. The permutations, which are
    arbitrary, are rewritten for it once. Blocks that fill up the last group are 0.

    Args:
        n: scalars.
        block_size: side k of the blocks; it divides the width.
        depth: layers of one half; without any, T is the identity.
        permutations: one row for each layer, or one row for all; its length is the width, at least n.
    """

    def __init__(self, n: int, block_size: int, depth: int, permutations: Int[Tensor, "rows width"]) -> None:
        self.n, self.block_size, self.depth = n, block_size, depth
        self.blocks = permutations.shape[1] // block_size
        self.groups = -(-self.blocks // LANES)
        self.shape = (depth, self.groups, block_size, block_size, LANES)
        self.forward, self.backward = self._tables(permutations)

    def _tables(self, permutations: Tensor) -> tuple[Int[Tensor, "rows places"], Int[Tensor, "rows places"]]:
        """Where each place of the layout is gathered from, forward and back."""
        places, device = self.groups * self.block_size * LANES, permutations.device
        scalar = torch.arange(permutations.shape[1], device=device)
        block, j = scalar // self.block_size, scalar % self.block_size
        place = ((block // LANES) * self.block_size + j) * LANES + block % LANES
        own = torch.arange(places, dtype=torch.int32, device=device)
        forward = own.repeat(len(permutations), 1)
        forward[:, place] = place.to(torch.int32)[permutations.long()]
        backward = torch.empty_like(forward).scatter_(1, forward.long(), own.expand_as(forward))
        return forward, backward

    @override
    def initial(self, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "depth groups k k lanes"]:
        # Independent Haar-distributed orthogonal blocks, so that T = I: Gram-Schmidt on normals, done twice.
        k = self.block_size
        rows = torch.randn(k, self.depth, self.blocks, k, generator=generator, dtype=torch.float64)
        for i in range(k):
            for earlier in (*rows[:i], *rows[:i]):
                rows[i] -= (rows[i] * earlier).sum(-1, keepdim=True) * earlier
            rows[i] /= rows[i].norm(dim=-1, keepdim=True)
        blocks = rows.permute(1, 2, 0, 3)
        return self.pack(blocks.to(dtype))

    def pack(self, blocks: Float[Tensor, "depth blocks k k"]) -> Float[Tensor, "depth groups k k lanes"]:
        """Returns blocks in the layout of φ."""
        k, spare = self.block_size, self.groups * LANES - self.blocks
        filled = pad(blocks, (0, 0, 0, 0, 0, spare)).view(self.depth, self.groups, LANES, k, k)
        return filled.permute(0, 1, 3, 4, 2).contiguous()

    def unpack(self, phi: Float[Tensor, "depth groups k k lanes"]) -> Float[Tensor, "depth blocks k k"]:
        """Returns the blocks of φ without those that fill up the last group."""
        k = self.block_size
        return phi.permute(0, 1, 4, 2, 3).reshape(self.depth, self.groups * LANES, k, k)[:, : self.blocks]

    @override
    def apply(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Trace]:
        u, met_forward, met_back = self._enter(v), [], []
        for i in range(self.depth):
            p = u.index_select(0, self._row(self.forward, i)).view(self.groups, self.block_size, LANES)
            met_forward.append(p)
            u = (p.unsqueeze(2) * phi[i]).sum(1).view(-1)
        for i in reversed(range(self.depth)):
            y = u.view(self.groups, self.block_size, LANES)
            met_back.append(y)
            u = (y.unsqueeze(1) * phi[i]).sum(2).view(-1).index_select(0, self._row(self.backward, i))
        trace = (torch.stack(met_forward), torch.stack(met_back[::-1])) if self.depth else ()
        return self._leave(u), trace

    @override
    def matvec(self, phi: Float[Tensor, "..."], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return self.apply(phi, v)[0]

    @override
    def gradient(self, phi: Float[Tensor, "..."], left: Float[Tensor, " n"], trace: Trace) -> Float[Tensor, "..."]:
        if not self.depth:
            return torch.zeros_like(phi)
        (a, b), (c, d) = trace, self.apply(phi, left)[1]
        return c.unsqueeze(3) * b.unsqueeze(2) + a.unsqueeze(3) * d.unsqueeze(2)

    def _row(self, table: Tensor, layer: int) -> Tensor:
        return table[layer if len(table) > 1 else 0]

    def _enter(self, v: Tensor) -> Tensor:
        filled = pad(v, (0, self.groups * LANES * self.block_size - self.n))
        return filled.view(self.groups, LANES, self.block_size).transpose(1, 2).reshape(-1)

    def _leave(self, u: Tensor) -> Tensor:
        return u.view(self.groups, self.block_size, LANES).transpose(1, 2).reshape(-1)[: self.n]


class ResidualLayers(Structure):
    """The Residuals ablation: layers that add to what they are given (arXiv 2210.06171).

        T(φ) = Eᵀ Uᵀ diag(d) U E,   U = layers 1 … N,   layer: u ↦ u + w_i ⊙ u[π_i]

    of width 2n. It starts at about (1 + 1/N)^N I plus noise, and d may make it indefinite. With A_i = u[π_i] and B_i,
    what enters layer i on the way back from d ⊙ U E v, and C_i and D_i the same for `left`,

        ∂⟨left, T v⟩/∂w_i = C_i ⊙ B_i + A_i ⊙ D_i,   ∂/∂d = (U E left) ⊙ (U E v). The last row of φ is d.
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
