"""Chance: how states would be encoded, had they only lines that have nothing to do with each other.

A line is a feature of one number. Lines without any relation lie in general position, so b dimensions hold at most b of
them whole. A cluster of latents, or a block, without a manifold is thus b numbers, turned and sheared, each active
without regard to the others. Independent component analysis of what the cluster reconstructs on all tokens, zeros
included, finds such numbers; a latent in no cluster is a line of its own. Then the activations of every line go to
other tokens: how often and how strongly it is active stays, what lines have to do with each other goes. A token keeps
what the dictionary leaves unexplained. The same dictionary encodes the sums, so latents compete for tokens as they do
for real states: of k + 1 active lines one is dropped, and weak answers to other lines come again. The same method makes
clusters of them.

Such states have no manifold that one cluster could hold. A cluster exceeds them if its lines are active together, or
never together, more often than chance makes them, or if it holds more than b lines, as a circle of seven days does.
What several clusters hold only together, they do not show. Source: ours.
"""

import warnings
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Bool, Float, Int
from typing_extensions import override

from novacula.features.config import DiscoverConfig
from novacula.features.discovery.findings import EncodeFindings
from novacula.features.discovery.slices import CodeMatrix, Encoding, codes_path, read_codes, weak_below
from novacula.features.sae import SparseAutoencoder
from novacula.features.store import Store

LEAST_MEMBERS = 3
"""Members of the smallest cluster that is scored: two latents are mostly one direction that the dictionary split."""
_LEAST = 20  #: tokens on which a cluster must be active for its lines to be looked for
_MOST, _ZEROS = 2000, 10  #: most active tokens in which lines are looked for, and most inactive ones beside each
_THIN = 0.1  #: dimensions of a cluster thinner than this part of its first one are no lines, and stay with their tokens
_LOOKED_AT = 20_000  #: most active tokens that say whether lines are related
_SMALL, _RELATED, _SURELY = 0.1, 0.4, 3.0
"""Lines are noise whose sum of squares, and their mean where active, are less than this part of their block's largest.
Two others are related if, beyond chance, one is active on this part of the rarer one's tokens: 0.72 for the two that
make up a circle. It must be this number of standard deviations beyond chance, too: of a line that is nearly always
active, few tokens say anything."""
_HALFWAY, _SPARSER = np.array([[1, 1], [1, -1]]) / np.sqrt(2), 1.1
"""A turn by 45°, and by how much the sum of fourth powers of two coordinates must grow by it."""
_TURNED = 12  #: dimensions of a cluster that are turned to be independent; its further principal components are not


def cluster_lines(
    codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], clusters: Sequence[Sequence[int]], seed: int
) -> tuple[scipy.sparse.csr_array, Float[np.ndarray, "lines width"]]:
    """Returns the matrix, latents × lines, that turns codes into activations of lines, and the lines' directions."""
    alone = np.setdiff1d(np.arange(len(decoder)), [latent for members in clusters for latent in members])
    found = [_lines(codes, decoder, np.array(members), seed) for members in clusters]
    order = np.concatenate([alone, *(np.array(members) for members in clusters)]).astype(int)
    turns = scipy.sparse.block_diag([scipy.sparse.eye_array(len(alone)), *(turn for turn, _ in found)])
    return scipy.sparse.csr_array(turns)[np.argsort(order)], np.vstack([decoder[alone], *(rows for _, rows in found)])


def _lines(
    codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], members: Int[np.ndarray, " members"], seed: int
) -> tuple[Float[np.ndarray, "members lines"], Float[np.ndarray, "lines width"]]:
    """Returns the matrix that turns the codes of a cluster's members into lines, and their directions."""
    part = codes.slice(members, decoder, limit=_MOST, seed=seed)
    if len(part.rows) < max(_LEAST, len(members)):
        return np.eye(len(members)), decoder[members]
    _, sizes, axes = np.linalg.svd(part.points, full_matrices=False)
    axes = axes[sizes > _THIN * sizes[0]]
    silent = int(len(part.rows) * min(_ZEROS, codes.n_tokens / part.total - 1))
    inside = np.r_[part.points @ axes.T, np.zeros((silent, len(axes)))].astype(np.float64)
    turn = np.eye(len(axes))
    turn[:_TURNED, :_TURNED] = _independent(inside[:, :_TURNED], seed)
    return decoder[members] @ axes.T @ turn.T, np.linalg.inv(turn).T @ axes


def related(
    codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], block: Int[np.ndarray, " _"], config: DiscoverConfig
) -> bool:
    """Returns whether a line of a block is active on more of another's tokens than by chance.

    The part is that of the rarer line's tokens. A line beside a circle may tilt one of the circle's two lines, which is
    then only weakly active on most of the other's tokens.
    """
    turn, rows = _lines(codes, decoder, block, config.seed)
    part = codes.slice(block, decoder, limit=_LOOKED_AT, seed=config.seed)
    tokens = codes.n_tokens * len(part.rows) / max(1, part.total)
    sizes = np.abs(part.codes @ turn) * np.linalg.norm(rows, axis=1)
    sizes *= sizes >= [weak_below(column, config.radius) for column in sizes.T]
    sums = np.square(sizes).sum(0)
    means = sums / np.maximum(np.count_nonzero(sizes, axis=0), 1)
    sound = (sums >= _SMALL * sums.max(initial=0)) | (means >= _SMALL * means.max(initial=0))
    strong = (sizes > 0)[:, sound].astype(float)
    both, uses = strong.T @ strong, strong.sum(0)
    rarer, chance = np.minimum(uses[:, None], uses), uses[:, None] * uses / tokens
    idle = np.maximum(1 - uses / tokens, 0)
    spread = np.sqrt(chance * idle[:, None] * idle)  # of the tokens that two lines share by chance
    beyond = both - chance > np.maximum(_RELATED * (rarer - chance), _SURELY * spread)
    return bool(np.triu(beyond, 1)[rarer >= _LEAST].any())


def _independent(points: Float[np.ndarray, "n d"], seed: int) -> Float[np.ndarray, "d d"]:
    """Returns the matrix whose product with points has coordinates as independent as possible.

    The analysis can stop halfway between two lines that are equally common, where the sum of fourth powers is least
    and not greatest. Such a pair is turned by 45°.

    Source: A. Hyvärinen, "Fast and robust fixed-point algorithms for independent component analysis" (1999).
    """
    from sklearn.decomposition import FastICA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a Gaussian has no best rotation, and any will do
        found = FastICA(whiten="unit-variance", random_state=seed, max_iter=400).fit(points).components_
    if not np.isfinite(found).all() or np.linalg.cond(found) >= 1e6:
        return np.eye(points.shape[1])
    for pair in combinations(range(len(found)), 2):
        halfway = _HALFWAY @ found[[*pair]]
        before, after = (np.power(points @ rows.T, 4).sum() for rows in (found[[*pair]], halfway))
        if after > _SPARSER * before:
            found[[*pair]] = halfway
    return found


class ChanceEncoding(Encoding):
    """Encodes the states of chance, a shard a step, in one round or more."""

    def __init__(
        self,
        store: Store,
        sae: SparseAutoencoder,
        codes: Path,
        matrix: CodeMatrix,
        clusters: Sequence[Sequence[int]],
        folder: Path,
        rounds: int,
        seed: int,
        kept: Bool[np.ndarray, " tokens"] | None = None,
    ) -> None:
        super().__init__(store, sae, folder, rounds)
        self._real, self._seed = codes, seed
        self._kept = np.ones(len(store), bool) if kept is None else kept
        self._turns, lines = cluster_lines(matrix, sae.decoder.numpy() / store.sizes, clusters, seed)
        self._lines = lines * store.sizes

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        return {}, super().result()

    @override
    def result(self) -> EncodeFindings:
        shards = len(self._store.shard_rows)
        return EncodeFindings(sum(len(self._rows_of(number % shards)) for number in range(self._shard)))

    @override
    def _states(self, number: int) -> Float[np.ndarray, "rows width"]:
        shard = number % len(self._store.shard_rows)
        return self._changed(self._store.states(shard)[self._rows_of(shard)], self._change(number))

    def gather(self, number: int, rows: Int[np.ndarray, " some"]) -> Float[np.ndarray, "some width"]:
        """Returns the states of chance of some tokens, which ascend, in a round; they are made again."""
        shards = self._store.shard_rows
        found, begun, before = [np.zeros((0, self._store.width), np.float32)], 0, 0
        for shard, count in enumerate(shards):
            own = self._rows_of(shard)
            here = rows[(rows >= begun) & (rows < begun + len(own))] - begun
            if len(here):
                change = self._change(number * len(shards) + shard)[here]
                found.append(self._changed(self._store.gather(before + own[here]), change))
            begun, before = begun + len(own), before + count
        return np.concatenate(found)

    def _rows_of(self, shard: int) -> Int[np.ndarray, " rows"]:
        """Returns the rows of a shard that take part."""
        start = sum(self._store.shard_rows[:shard])
        return np.flatnonzero(self._kept[start : start + self._store.shard_rows[shard]])

    def _change(self, number: int) -> scipy.sparse.csr_array:
        """Returns by how much the activations of lines change in a step, tokens × lines."""
        shard = number % len(self._store.shard_rows)
        codes = read_codes([codes_path(self._real, shard)], self._sae.n_latents).matrix.tocsr()
        real = codes[self._rows_of(shard)] @ self._turns
        return moved(real, np.random.default_rng([self._seed, 31, number])) - real

    def _changed(
        self, states: Float[np.ndarray, "rows width"], change: scipy.sparse.csr_array
    ) -> Float[np.ndarray, "rows width"]:
        states = states.astype(np.float32)
        scale = self._sae.norms(torch.from_numpy(states)).numpy() if self._sae.rescales else 1
        return states + scale * (change @ self._lines).astype(np.float32)


def moved(lines: scipy.sparse.csr_array, random: np.random.Generator) -> scipy.sparse.csr_array:
    """Returns the activations of lines, tokens × lines, those of each line on other tokens.

    The tokens are brought into a random order, in which each line moves on by a number of places of its own.
    """
    by_line = lines.tocsc()
    tokens, count = by_line.shape or (0, 0)
    places, steps = random.permutation(tokens), random.integers(max(1, tokens), size=count)
    rows = (places[by_line.indices] + np.repeat(steps, np.diff(by_line.indptr))) % max(1, tokens)
    return scipy.sparse.csc_array((by_line.data, rows, by_line.indptr), shape=by_line.shape).tocsr()


def null_blocks(
    blocks: Sequence[Int[np.ndarray, " _"]], count: int, seed: int
) -> list[tuple[int, Int[np.ndarray, " _"]]]:
    """Draws blocks to be scored in states of chance, each with its round; a round has every block once."""
    random = np.random.default_rng([seed, 17])
    rounds = [random.permutation(len(blocks)) for _ in range(-(-count // len(blocks)))]
    return [(number, blocks[block]) for number, order in enumerate(rounds) for block in order][:count]


def null_clusters(
    rounds: Iterable[Sequence[Int[np.ndarray, " _"]]], count: int, seed: int
) -> list[tuple[int, Int[np.ndarray, " _"]]]:
    """Draws clusters that were made of states of chance, each with its round; those too small to be scored are not."""
    made = [(number, each) for number, found in enumerate(rounds) for each in found if len(each) >= LEAST_MEMBERS]
    chosen = np.random.default_rng([seed, 17]).permutation(len(made))[:count]
    return [made[place] for place in np.sort(chosen)]
