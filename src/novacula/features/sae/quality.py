"""How good a dictionary is: what it explains, how sparse it is, what is dead, what the model loses with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.errors import InputError
from novacula.features.sae.autoencoder import BLOCK, SparseAutoencoder
from novacula.features.store.store import Store
from novacula.options import percent

if TYPE_CHECKING:
    from novacula.features.models.language_model import LanguageModel

_LITTLE = 0.75  #: share of the variance below which a dictionary misses too much to be trusted
_SAMPLE = 100_000  #: states on which a dictionary is measured
_DENSE = 0.1  #: share of the tokens from which on a latent counts as dense

Histogram = tuple[tuple[float, ...], tuple[int, ...]]  #: edges and counts


@dataclass(frozen=True)
class Quality:
    """The quality of a dictionary on stored states."""

    tokens: int  #: number of states
    explained: float  #: 1 - Σ‖x - x̂‖² / Σ‖x - mean‖²
    l0: float  #: mean number of active latents of a token
    dead: float  #: share of latents that are never active
    dense: float  #: share of latents that are active on more than a tenth of the tokens
    density: Histogram
    """Histogram of log10 of the share of tokens on which a latent is active; dead latents are left out."""
    cosines: Histogram  #: histogram of the cosine of each latent's direction with the nearest other one

    @property
    def advice(self) -> str:
        """A sentence that tells what to do where the dictionary explains little; otherwise empty."""
        if self.explained >= _LITTLE:
            return ""
        little = f"The dictionary explains only {percent(max(0.0, self.explained))} of the variance"
        return f"{little}: train longer (--train-tokens), or raise --k or --latents, before you trust what follows."


def quality_on(sae: SparseAutoencoder, batches: Iterable[Float[Tensor, "tokens width"]]) -> Quality:
    """Returns the quality of an autoencoder on states that come batch by batch."""
    tokens = active = 0
    error = square = 0.0
    total, uses = np.zeros(sae.width), np.zeros(sae.n_latents, np.int64)
    for part in (part for states in batches for part in states.split(BLOCK)):
        codes = sae.encode(part)
        error += float((sae.decode(codes, part) - part).double().square().sum())
        square += float(part.double().square().sum())
        total += part.double().sum(0).numpy()
        tokens += len(part)
        active += len(codes.latents)
        uses += np.bincount(codes.latents.numpy(), minlength=sae.n_latents)
    variance, shares = square - float(total @ total) / max(1, tokens), uses / max(1, tokens)
    counts, edges = np.histogram(np.log10(shares[shares > 0]), bins=30, range=(-6.0, 0.0))
    return Quality(
        tokens=tokens,
        explained=1 - error / max(variance, 1e-300),
        l0=active / max(1, tokens),
        dead=float((uses == 0).mean()),
        dense=float((shares > _DENSE).mean()),
        density=(tuple(edges.tolist()), tuple(counts.tolist())),
        cosines=_nearest(sae.decoder),
    )


def measure_quality(sae: SparseAutoencoder, store: Store, seed: int = 0) -> Quality:
    """Measures an autoencoder on at most `_SAMPLE` stored states, drawn at random and divided by `Store.sizes`."""
    store.check_filled()
    sae.check_width(store.width, str(store.path))
    rows = np.sort(np.random.default_rng([seed, 5]).permutation(len(store))[:_SAMPLE])
    sizes, parts = torch.from_numpy(store.sizes), np.array_split(rows, -(-len(rows) // 20_000))
    return quality_on(sae.stretched(1 / sizes), (torch.from_numpy(store.gather(part)) / sizes for part in parts))


@dataclass(frozen=True)
class Recovery:
    """A model's next-token loss with its states replaced, in nats."""

    plain: float  #: the loss of the model as it is
    reconstructed: float  #: with the states replaced by their reconstructions
    mean: float  #: with all states replaced by the decoder's bias
    recovered: float  #: (mean - reconstructed) / (mean - plain)


def loss_recovered(
    model: "LanguageModel", sae: SparseAutoencoder, texts: Sequence[str], layer: int, context: int = 256
) -> Recovery:
    """Measures how much of what a layer does for the loss survives the dictionary.

    The first token of each context keeps its state, since dictionaries are not trained on it.

    Source: arXiv 2406.04093, section 4.
    """
    from novacula.features.models.hooks import Edit, Point

    sae.check_width(model.d_model, f"the model {model.name}")

    def by(change: str) -> Sequence[Edit]:
        def edit(states: Tensor) -> Tensor:
            rest = states[:, 1:].reshape(-1, states.shape[2]).float()
            new = sae.reconstruct(rest) if change == "sae" else sae.decoder_bias.expand_as(rest)
            return torch.cat([states[:, :1], new.reshape(states[:, 1:].shape).to(states)], dim=1)

        return [] if change == "none" else [Edit(Point(layer), edit)]

    sums, count = dict.fromkeys(("none", "sae", "mean"), 0.0), 0
    for text in texts:
        for piece in model.pieces(text, context):
            if len(piece) < 2:
                continue
            tokens = torch.tensor([piece])
            count += len(piece) - 1
            for change in sums:
                logits = model.run(tokens, by(change))[0, :-1].float()
                sums[change] += float(torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="sum"))
    if not count:
        raise InputError("texts", "have no context of two tokens; the loss recovered needs some")
    plain, reconstructed, mean = (sums[change] / count for change in ("none", "sae", "mean"))
    return Recovery(plain, reconstructed, mean, (mean - reconstructed) / (mean - plain) if mean != plain else 0.0)


def _nearest(rows: Float[Tensor, "latents width"]) -> Histogram:
    units = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    best = []
    for start in range(0, len(units), BLOCK):
        cosines = units[start : start + BLOCK] @ units.t()
        index = torch.arange(len(cosines))
        cosines[index, index + start] = -1
        best.append(cosines.amax(1))
    counts, edges = np.histogram(torch.cat(best).numpy(), bins=40, range=(-1.0, 1.0))
    return tuple(edges.tolist()), tuple(counts.tolist())
