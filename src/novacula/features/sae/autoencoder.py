"""A sparse autoencoder, and its codes with the four products that training needs of them, none of which becomes dense.

A code holds k of m numbers for a token. Decoding sums the k decoder rows. The gradients of decoder and encoder are the
same sum taken the other way round, with the entries sorted by latent. The gradient of the code is one scalar product
for each entry. All four run in torch's kernels for bags of embeddings, which were made for such sums. Source: ours.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from novacula.errors import InputError, refuse
from novacula.features.config import SaeKind
from novacula.runs.notebook import Brief

BLOCK = 1024  #: tokens that are encoded together; their pre-activations take most of the memory
LARGEST = 1e15  #: largest number of a dictionary: sums of products of larger ones leave the range of 32-bit numbers
TOO_LARGE = f"holds numbers that are not finite, or larger than {LARGEST:.0e}"
Pre = Float[Tensor, "tokens latents"]


@dataclass(frozen=True)
class Codes:
    """Sparse codes of a batch of tokens, token by token."""

    starts: Int[Tensor, " tokens"]  #: where the entries of each token begin
    latents: Int[Tensor, " entries"]  #: the latent of each entry
    values: Float[Tensor, " entries"]  #: the activation of each entry
    n_latents: int  #: m, the number of latents

    @property
    def tokens(self) -> Int[Tensor, " entries"]:
        """The token of each entry."""
        return torch.repeat_interleave(torch.arange(len(self.starts)), self.counts)

    @property
    def counts(self) -> Int[Tensor, " tokens"]:
        """Number of entries of each token."""
        ends = torch.cat([self.starts[1:], torch.tensor([len(self.latents)])])
        return ends - self.starts

    def dense(self) -> Float[Tensor, "tokens latents"]:
        """Returns the codes as a matrix."""
        matrix = torch.zeros(len(self.starts), self.n_latents)
        return matrix.index_put_((self.tokens, self.latents), self.values, accumulate=True)

    def decode(self, rows: Float[Tensor, "latents width"]) -> Float[Tensor, "tokens width"]:
        """Returns for each token the sum of its latents' rows, each times its activation."""
        return embedding_bag(self.latents, rows, self.starts, mode="sum", per_sample_weights=self.values)

    def slopes(
        self, gradient: Float[Tensor, "tokens width"], rows: Float[Tensor, "latents width"]
    ) -> Float[Tensor, " entries"]:
        """Returns the derivative of a loss by every activation, from its derivative by the decoded tokens."""
        return torch.ops.aten._embedding_bag_per_sample_weights_backward(
            gradient, rows, self.latents, self.starts, self.tokens, 0, -1
        )


@dataclass(frozen=True)
class ByLatent:
    """The entries of some codes, sorted by latent."""

    order: Int[Tensor, " entries"]  #: the order of the entries
    tokens: Int[Tensor, " entries"]  #: the token of each entry in this order
    starts: Int[Tensor, " latents"]  #: where the entries of each latent begin

    @classmethod
    def of(cls, codes: Codes) -> "ByLatent":
        """Returns the entries of some codes, sorted."""
        ordered, order = codes.latents.sort(stable=True)
        starts = torch.searchsorted(ordered, torch.arange(codes.n_latents))
        return cls(order, codes.tokens[order], starts)

    def gather(
        self, weights: Float[Tensor, " entries"], rows: Float[Tensor, "tokens width"]
    ) -> Float[Tensor, "latents width"]:
        """Returns for each latent the sum of its tokens' rows, each times the entry's weight, in the codes' order."""
        return embedding_bag(self.tokens, rows, self.starts, mode="sum", per_sample_weights=weights[self.order])

    def totals(self, weights: Float[Tensor, " entries"]) -> Float[Tensor, " latents"]:
        """Returns for each latent the sum of the weights of its entries."""
        sums = torch.cat([torch.zeros(1, dtype=torch.float64), weights[self.order].double().cumsum(0)])
        ends = torch.cat([self.starts[1:], torch.tensor([len(self.order)])])
        return (sums[ends] - sums[self.starts]).float()


def above(pre: Pre, threshold: float | Float[Tensor, " latents"]) -> Codes:
    """Returns the codes of all entries above a threshold: JumpReLU, and with the threshold 0 ReLU."""
    return _chosen(pre, np.flatnonzero((pre > threshold).numpy()))


def top(pre: Pre, k: int) -> Codes:
    """Returns the codes of the k largest entries of every token, as far as they are positive."""
    values, latents = pre.topk(min(k, pre.shape[1]), dim=1)
    kept = values > 0
    if bool(kept.all()):
        starts = torch.arange(0, values.numel(), values.shape[1])
        return Codes(starts, latents.flatten(), values.flatten(), pre.shape[1])
    counts = kept.sum(1)
    return Codes(counts.cumsum(0) - counts, latents[kept], values[kept], pre.shape[1])


def top_blocks(pre: Pre, k: int, block: int) -> Codes:
    """Returns the codes of the k blocks of largest norm of every token; `block` neighboring latents are a block."""
    blocks = pre.view(len(pre), -1, block)
    first, *others = blocks.unbind(2)
    squares = first.square()
    for other in others:
        squares.addcmul_(other, other)
    chosen = squares.topk(min(k, squares.shape[1]), dim=1, sorted=False).indices
    latents = (chosen[..., None] * block + torch.arange(block)).flatten(1)
    starts = torch.arange(0, latents.numel(), latents.shape[1])
    return Codes(starts, latents.flatten(), pre.gather(1, latents).flatten(), pre.shape[1])


def top_of_batch(pre: Pre, k: int) -> tuple[Codes, float]:
    """Returns the codes of the k · tokens largest positive entries of the batch, and the smallest of these entries."""
    wanted = min(k * len(pre), pre.numel())
    flat = pre.numpy().reshape(-1)
    # The mean 2k-th largest entry of some tokens lies a little below the bound that is sought.
    some = pre[:: max(1, len(pre) // 64)]
    floor = max(0.0, float(some.topk(min(2 * k, pre.shape[1]), dim=1).values[:, -1].mean()))
    where = np.flatnonzero(flat > floor)
    if len(where) < wanted:
        where = np.flatnonzero(flat > 0)
    if len(where) > wanted:
        bound = np.partition(flat[where], len(where) - wanted)[len(where) - wanted]
        where = where[flat[where] >= bound]
    return _chosen(pre, where), float(flat[where].min(initial=np.inf)) if len(where) else 0.0


def _chosen(pre: Pre, where: np.ndarray) -> Codes:
    """Returns the codes of the entries at these places of the flattened matrix, in order."""
    flat = torch.from_numpy(where)
    latents = pre.shape[1]
    starts = torch.searchsorted(flat, torch.arange(len(pre)) * latents)
    return Codes(starts, flat % latents, pre.view(-1)[flat], latents)


@dataclass(frozen=True)
class SparseAutoencoder(Brief):
    """A sparse autoencoder.

    Raises:
        InputError: numbers are not finite, or larger than `LARGEST`; or k or the size of a block does not fit.
    """

    kind: SaeKind
    """The rule that picks the active latents; ``batchtopk`` uses its threshold, as the batch must not matter."""
    encoder: Float[Tensor, "latents width"]  #: one row for each latent
    encoder_bias: Float[Tensor, " latents"]  #: added to every pre-activation
    decoder: Float[Tensor, "latents width"]  #: one row for each latent: its direction
    decoder_bias: Float[Tensor, " width"]  #: added to every reconstruction
    threshold: Float[Tensor, " latents"]
    """Pre-activations up to it count as 0, for ``jumprelu`` and ``batchtopk``; otherwise it is 0. Negative
    pre-activations count as 0 in any case."""
    k: int = 0  #: active latents of a token, for ``topk``; active blocks, for ``block``
    centers: bool = True  #: whether the decoder's bias is subtracted from inputs
    rescales: bool = False  #: whether each input is brought to norm √width first, and its reconstruction back
    name: str = "SAE"  #: its name in messages
    block: int = 1
    """Latents of a block, for ``block``; otherwise 1. Such neighbors in the order of rows are active together."""

    def __post_init__(self) -> None:
        problems = [
            f"{field.name} {TOO_LARGE}"
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor) and not within(value.detach().numpy())
        ]
        most, of = self.n_latents // max(1, self.block), "blocks" if self.kind == "block" else "latents"
        if self.kind in ("topk", "block") and not 1 <= self.k <= most:
            problems.append(f"k is {self.k}; of {most} {of} 1 … {most} can be active")
        if self.block < 1 or self.n_latents % self.block or (self.block > 1) != (self.kind == "block"):
            problems.append(f"block is {self.block}, which does not fit {self.n_latents} latents of kind {self.kind}")
        refuse(problems, self.name)

    @property
    def width(self) -> int:
        """Numbers in a state."""
        return self.decoder.shape[1]

    @property
    def n_latents(self) -> int:
        """Rows of the dictionary."""
        return self.decoder.shape[0]

    def check_width(self, width: int, what: str) -> None:
        """Makes sure that states fit.

        Raises:
            InputError: they have another width.
        """
        if width != self.width:
            raise InputError(self.name, f"is for states of width {self.width}; {what} has width {width}")

    def encode(self, states: Float[Tensor, "tokens width"]) -> Codes:
        """Returns the sparse codes of states.

        Raises:
            InputError: states have another width, are not finite, or so large that squares of pre-activations are not.
        """
        self.check_width(states.shape[1], "a state")
        states = states.to(self.encoder.dtype)
        bias = self.encoder_bias - self.encoder @ self.decoder_bias if self.centers else self.encoder_bias
        scaled = states / self.norms(states) if self.rescales else states
        parts = [self._select(torch.addmm(bias, part, self.encoder.t())) for part in scaled.split(BLOCK)]
        if len(parts) == 1:
            return parts[0]
        before = torch.tensor([0, *(len(part.latents) for part in parts[:-1])]).cumsum(0)
        return Codes(
            torch.cat([part.starts + count for part, count in zip(parts, before, strict=True)]),
            torch.cat([part.latents for part in parts]),
            torch.cat([part.values for part in parts]),
            self.n_latents,
        )

    def reconstruct(self, states: Float[Tensor, "tokens width"]) -> Float[Tensor, "tokens width"]:
        """Returns the reconstructions of states."""
        return self.decode(self.encode(states), states)

    def decode(self, codes: Codes, states: Float[Tensor, "tokens width"]) -> Float[Tensor, "tokens width"]:
        """Returns the reconstructions from codes; where inputs are rescaled it needs the norms of the states."""
        decoded = codes.decode(self.decoder) + self.decoder_bias
        return decoded * self.norms(states) if self.rescales else decoded

    def with_inputs_times(self, factor: float) -> "SparseAutoencoder":
        """Returns the same function for inputs that are `factor` times as large; codes grow by the factor, too.

        ReLU, TopK and thresholds commute with positive factors, so only biases and thresholds change.
        """
        if not factor > 0:
            raise ValueError(f"the factor is {factor}; it must be positive")
        return replace(
            self,
            encoder_bias=self.encoder_bias * factor,
            decoder_bias=self.decoder_bias * factor,
            threshold=self.threshold * factor,
        )

    def stretched(self, sizes: Float[Tensor, " width"]) -> "SparseAutoencoder":
        """Returns the autoencoder with the same codes for inputs whose coordinates are multiplied by these sizes."""
        return replace(
            self, encoder=self.encoder / sizes, decoder=self.decoder * sizes, decoder_bias=self.decoder_bias * sizes
        )

    def _select(self, pre: Float[Tensor, "tokens latents"]) -> Codes:
        _check_finite(self.name, pre)
        if self.kind == "block":
            return top_blocks(pre, self.k, self.block)
        return top(pre, self.k) if self.kind == "topk" else above(pre, self.threshold.clamp_min(0))

    def norms(self, states: Float[Tensor, "tokens width"]) -> Float[Tensor, "tokens 1"]:
        """Returns by what inputs are divided, and reconstructions multiplied, where inputs are rescaled."""
        norms = states.to(self.encoder.dtype).norm(dim=1, keepdim=True)
        _check_finite(self.name, norms)
        return (norms / self.width**0.5).clamp_min(1e-12)


def within(numbers: np.ndarray) -> bool:
    """Returns whether all numbers are finite, and none is larger than `LARGEST`."""
    return bool(numbers.min(initial=0) >= -LARGEST and numbers.max(initial=0) <= LARGEST)


def _check_finite(name: str, numbers: Tensor) -> None:
    """Makes sure that the numbers and their squares are finite, at the price of one pass over them."""
    if not bool(torch.isfinite(torch.linalg.vector_norm(numbers))):
        raise InputError(name, "states are not finite, or too large: their squares leave the range of 32-bit numbers")
