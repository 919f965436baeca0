"""A sparse autoencoder as it is used: from states to sparse codes and back."""

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.errors import InputError, refuse
from novacula.features.config import SaeKind
from novacula.features.sae.codes import Codes, above, top, top_blocks

BLOCK = 1024  #: tokens that are encoded together; their pre-activations take most of the memory


@dataclass(frozen=True)
class SparseAutoencoder:
    """A sparse autoencoder.

    Raises:
        InputError: numbers are not finite, or k or the size of a block does not fit.
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
            f"{field.name} holds numbers that are not finite"
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor) and not bool(torch.isfinite(value).all())
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

        Args:
            width: of the states.
            what: their name in messages.

        Raises:
            InputError: they have another width.
        """
        if width != self.width:
            raise InputError(self.name, f"is for states of width {self.width}; {what} has width {width}")

    def encode(self, states: Float[Tensor, "tokens width"]) -> Codes:
        """Returns the sparse codes of states."""
        bias = self.encoder_bias - self.encoder @ self.decoder_bias if self.centers else self.encoder_bias
        scaled = states / self.norms(states) if self.rescales else states
        parts = [self._select(torch.addmm(bias, part, self.encoder.t())) for part in scaled.split(BLOCK)]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            empty = torch.zeros(0, dtype=torch.int64)
            return Codes(empty, empty, torch.zeros(0), self.n_latents)
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

    def _select(self, pre: Float[Tensor, "tokens latents"]) -> Codes:
        if self.kind == "block":
            return top_blocks(pre, self.k, self.block)
        return top(pre, self.k) if self.kind == "topk" else above(pre, self.threshold.clamp_min(0))

    def norms(self, states: Float[Tensor, "tokens width"]) -> Float[Tensor, "tokens 1"]:
        """Returns by what inputs are divided, and reconstructions multiplied, where inputs are rescaled."""
        return (states.norm(dim=1, keepdim=True) / self.width**0.5).clamp_min(1e-12)
