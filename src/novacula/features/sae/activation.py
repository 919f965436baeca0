"""From pre-activations to sparse codes: ReLU, TopK, BatchTopK and JumpReLU.

Sources: TopK arXiv 2406.04093, BatchTopK arXiv 2412.06410, JumpReLU arXiv 2407.14435.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.features.sae.codes import Codes

Pre = Float[Tensor, "tokens latents"]


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
