"""Chance for blocks: how states would be encoded, had blocks only lines that have nothing to do with each other.

A line is a feature of one number. Lines without any relation lie in general position, so b dimensions hold at most b of
them whole. A block without a manifold is thus b numbers, turned and sheared, each active without regard to the others.
Independent component analysis of the block's codes on all tokens, zeros included, finds such numbers. Then the
activations of every line go to other tokens: how often and how strongly it is active stays, what lines have to do with
each other goes. A token keeps what the dictionary leaves unexplained. The same dictionary encodes the sums, so blocks
compete for tokens as they do for real states: of k + 1 active lines one is dropped, and weak answers to lines of other
blocks come again.

Such states have no manifold that one block could hold. A block exceeds them if its lines are active together, or never
together, more often than chance makes them, or if it holds more than b lines, as a circle of seven days does. What
several blocks hold only together, they do not show. Source: ours.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from typing_extensions import override

from novacula.features.discovery.slices import CodeMatrix, Encoding, codes_path, read_shard
from novacula.features.sae import SparseAutoencoder
from novacula.features.sae.codes import Codes
from novacula.features.store import Store

_LEAST = 20  #: tokens on which a block must be active for its lines to be looked for
_MOST, _ZEROS = 2000, 10  #: most active tokens in which lines are looked for, and most inactive ones beside each


def block_lines(
    codes: CodeMatrix, sae: SparseAutoencoder, seed: int
) -> tuple[Float[np.ndarray, "blocks block block"], SparseAutoencoder]:
    """Returns the matrices that turn blocks into lines, and the dictionary with its lines as decoder rows.

    Args:
        codes: of all states.
        sae: a dictionary of blocks.
        seed: of everything that is drawn.

    Source: A. Hyvärinen, "Fast and robust fixed-point algorithms for independent component analysis" (1999).
    """
    size, decoder = sae.block, sae.decoder.numpy()
    turns = np.tile(np.eye(size), (sae.n_latents // size, 1, 1))
    rows = decoder.copy()
    for number in range(len(turns)):
        members = np.arange(number * size, (number + 1) * size)
        part = codes.slice(members, decoder, limit=_MOST, seed=seed)
        if len(part.rows) < _LEAST:
            continue
        silent = len(part.rows) * min(_ZEROS, codes.n_tokens / part.total - 1)
        turn = _independent(np.r_[part.codes.toarray(), np.zeros((int(silent), size))].astype(np.float64), seed)
        turns[number], rows[members] = turn, np.linalg.inv(turn).T @ decoder[members]
    return turns, replace(sae, decoder=torch.from_numpy(rows))


def _independent(points: Float[np.ndarray, "n d"], seed: int) -> Float[np.ndarray, "d d"]:
    """Returns the matrix whose product with points has coordinates as independent as possible."""
    from sklearn.decomposition import FastICA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a Gaussian has no best rotation, and any will do
        found = FastICA(whiten="unit-variance", random_state=seed, max_iter=400).fit(points).components_
    sound = np.isfinite(found).all() and np.linalg.cond(found) < 1e6
    return found if sound else np.eye(points.shape[1])


class ChanceEncoding(Encoding):
    """Encodes the states of chance, a shard a step, in one round or more.

    Args:
        store: the real states.
        sae: a dictionary of blocks.
        codes: folder of the real codes.
        matrix: the same as a matrix.
        folder: where the codes of chance go; a round has as many files as there are shards.
        rounds: how many times the states are made anew.
        seed: of everything that is drawn.
        kept: the tokens that take part; all by default.
    """

    def __init__(
        self,
        store: Store,
        sae: SparseAutoencoder,
        codes: Path,
        matrix: CodeMatrix,
        folder: Path,
        rounds: int,
        seed: int,
        kept: Bool[np.ndarray, " tokens"] | None = None,
    ) -> None:
        super().__init__(store, sae, folder, rounds)
        self._real, self._seed = codes, seed
        self._kept = np.ones(len(store), bool) if kept is None else kept
        self._turns, self._lines = block_lines(matrix, sae, seed)

    @override
    def _states(self, number: int) -> Float[np.ndarray, "rows width"]:
        shards = self._store.shard_rows
        shard = number % len(shards)
        start = sum(shards[:shard])
        kept = torch.from_numpy(self._kept[start : start + shards[shard]])
        states = torch.from_numpy(self._store.states(shard).astype(np.float32))[kept]
        real = _of(read_shard(codes_path(self._real, shard), self._sae.n_latents), kept)
        moved = self._moved(real, np.random.default_rng([self._seed, 31, number]))
        return (states + self._lines.decode(moved, states) - self._sae.decode(real, states)).numpy()

    def _moved(self, codes: Codes, random: np.random.Generator) -> Codes:
        """Returns the activations of the lines, those of each on other tokens.

        The tokens are brought into a random order, in which each line moves on by a number of places of its own.
        """
        size, tokens = self._sae.block, len(codes.starts)
        if not tokens:
            return codes
        first = codes.latents.numpy()[::size]
        values = np.einsum("nij,nj->ni", self._turns[first // size], codes.values.numpy().reshape(-1, size))
        places = random.permutation(tokens)[codes.tokens.numpy()[::size]]
        lines = first[:, None] + np.arange(size)
        rows = ((places[:, None] + random.integers(tokens, size=codes.n_latents)[lines]) % tokens).ravel()
        order = np.argsort(rows, kind="stable")
        starts = torch.from_numpy(np.searchsorted(rows[order], np.arange(tokens)))
        moved = values.ravel()[order].astype(np.float32)
        return Codes(starts, torch.from_numpy(lines.ravel()[order]), torch.from_numpy(moved), codes.n_latents)


def _of(codes: Codes, kept: Bool[Tensor, " tokens"]) -> Codes:
    """Returns the codes of these tokens; each token has as many."""
    latents, values = (part.view(len(kept), -1)[kept] for part in (codes.latents, codes.values))
    starts = torch.arange(len(latents)) * latents.shape[1]
    return Codes(starts, latents.flatten(), values.flatten(), codes.n_latents)


def null_blocks(
    blocks: Sequence[Int[np.ndarray, " _"]], count: int, seed: int
) -> list[tuple[int, Int[np.ndarray, " _"]]]:
    """Draws blocks to be scored in states of chance, each with its round; a round has every block once."""
    random = np.random.default_rng([seed, 17])
    rounds = [random.permutation(len(blocks)) for _ in range(-(-count // len(blocks)))]
    return [(number, blocks[block]) for number, order in enumerate(rounds) for block in order][:count]
