"""The codes of all tokens: a program that writes them, and a matrix by latent, in which a cluster's tokens are near.

Source: ours, for section 4 of arXiv 2405.14860, whose program reads all codes again for every cluster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Bool, Float, Int
from typing_extensions import override

from novacula.errors import InputError
from novacula.features.discovery.findings import EncodeFindings
from novacula.features.sae import SparseAutoencoder
from novacula.features.store import Store
from novacula.files import StrPath, from_json, read_safetensors, write_safetensors
from novacula.runs import Computation, Step
from novacula.runs.notebook import Brief

_LARGEST, _LEVELS = 0.999, 6  #: quantile from which on sizes count as equal, and how often the weak ones are set apart
_AT_ONCE = 10_000_000  #: codes of which norms are found at once
_THIN = 0.1  #: dimensions of a cluster's latents thinner than this part of the first one are not its space
_MAX_SHARD = 4_000_000_000
_SAME = 1e-6  #: standard deviations up to which points are the same


Members = Sequence[int] | Int[np.ndarray, " members"]


@dataclass(frozen=True)
class Slice(Brief):
    """The part of the codes that belongs to a cluster of latents, on tokens on which any of them is active."""

    rows: Int[np.ndarray, " tokens"]  #: these tokens, ascending
    points: Float[np.ndarray, "tokens width"]
    """Σ z_k d_k over the cluster's latents, without the decoder's bias; one row a token."""
    codes: scipy.sparse.csr_array  #: the activations, tokens × members, sparse
    total: int  #: tokens on which any latent is active; more than `rows` where only some were asked for
    weakest: float = 0.0  #: tokens whose point is nearer to the origin were left out

    def head(self, count: int) -> "Slice":
        """Returns at most `count` tokens, spread evenly."""
        return self.only(slice(None, None, max(1, -(-len(self.rows) // count))))

    def distinct(self) -> "Slice":
        """Returns one token for each point.

        Copies of a state, as of a text that is read twice, tell nothing new, and states of chance have none. Points
        are compared by two random directions.
        """
        flat = self.points @ np.random.default_rng(0).standard_normal((self.points.shape[1], 2))
        places = np.round(flat / (_SAME * flat.std() or 1.0)) if len(flat) else flat
        return self.only(np.sort(np.unique(places, axis=0, return_index=True)[1]))

    def only(self, kept: slice | np.ndarray) -> "Slice":
        """Returns some of the tokens."""
        return replace(self, rows=self.rows[kept], points=self.points[kept], codes=self.codes[kept])


@dataclass(frozen=True)
class Active(Brief):
    """The tokens on which a cluster is active."""

    rows: Int[np.ndarray, " tokens"]  #: those on which any of its latents is, ascending
    strong: Int[np.ndarray, " some"]  #: those of them on which what it reconstructs is not just weak


class CodeMatrix:
    """Sparse codes as a matrix, tokens × latents, compressed by columns.

    Attributes:
        matrix: the codes.
        n_tokens: its rows.
        n_latents: its columns.
        unexplained: what the dictionary leaves of some tokens' states, in the units of the codes; None where nothing is
            known of it.
    """

    def __init__(self, matrix: scipy.sparse.csc_array, unexplained: "Unexplained | None" = None) -> None:
        self.matrix, self.unexplained = matrix, unexplained
        self.n_tokens, self.n_latents = matrix.shape or (0, 0)

    @property
    def uses(self) -> Int[np.ndarray, " latents"]:
        """Tokens on which each latent is active."""
        return np.diff(self.matrix.indptr)

    def on(self, tokens: Bool[np.ndarray, " tokens"]) -> "CodeMatrix":
        """Returns the codes on these tokens alone; on others no latent is active."""
        kept = tokens[self.matrix.indices]
        starts = np.concatenate([[0], np.cumsum(kept)])[self.matrix.indptr]
        parts = self.matrix.data[kept], self.matrix.indices[kept], starts
        return CodeMatrix(scipy.sparse.csc_array(parts, shape=self.matrix.shape), self.unexplained)

    def rows(self, members: Members) -> Int[np.ndarray, " tokens"]:
        """Returns the tokens on which any of these latents is active, ascending."""
        # A mark for every token costs a megabyte for a million of them, and no sorting.
        marked = np.zeros(self.n_tokens, bool)
        for member in members:
            marked[self._entries(int(member))[0]] = True
        return np.flatnonzero(marked)

    def slice(
        self, members: Members, decoder: Float[np.ndarray, "latents width"], *, limit: int | None = None, seed: int = 0
    ) -> Slice:
        """Returns the part of the codes that belongs to a cluster, and what it reconstructs.

        Args:
            members: latents of the cluster, at least one.
            decoder: the dictionary's rows.
            limit: most tokens; if there are more, this number of them is drawn.
            seed: seed of the draw.
        """
        found = self.rows(members)
        rows = draw_rows(found, limit, seed)
        codes = self._codes(members, rows)
        return Slice(rows, codes @ decoder[np.asarray(members)], codes, len(found))

    def strong(
        self,
        members: Members,
        decoder: Float[np.ndarray, "latents width"],
        radius: float,
        *,
        limit: int | None = None,
        seed: int = 0,
        active: Active | None = None,
    ) -> Slice:
        """Returns the tokens on which a cluster is not just weakly active, with all that they have in its space.

        A latent answers a little to every direction that is not quite orthogonal to its own, and TopK fills up a
        token's k latents where fewer features are active. Many such tokens lie about the origin, and would make a
        mixture of everything. They are left out first, so that a draw is one of tokens that count.

        A point in between two latents is often coded by one alone. What the dictionary leaves unexplained in the
        cluster's space puts it back into its place: the point is then the state, without what latents of other
        clusters explain of it.

        Args:
            members: latents of the cluster, at least one.
            decoder: the dictionary's rows.
            radius: tokens whose point is nearer to the origin than this part of the usual norm are left out.
            limit: most tokens; if there are more, this number of them is drawn.
            seed: seed of the draw.
            active: the cluster's tokens, where `active` has found them already.
        """
        own, active = decoder[np.asarray(members)], active or self.active(members, decoder, radius)
        rows = draw_rows(active.strong, limit, seed)
        codes = self._codes(members, rows)
        points = codes @ own
        if self.unexplained is not None:
            axes = in_space(own)
            points = points + self.unexplained(rows) @ axes.T @ axes
        norms = np.linalg.norm(points, axis=1)
        weakest = weak_below(norms, radius)
        return Slice(rows, points, codes, len(active.rows), weakest).only(norms >= weakest)

    def active(self, members: Members, decoder: Float[np.ndarray, "latents width"], radius: float) -> Active:
        """Returns the tokens on which a cluster is active, and on which it is not just weakly active."""
        rows = self.rows(members)
        norms = _norms(self._codes(members, rows), decoder[np.asarray(members)])
        return Active(rows, rows[norms >= weak_below(norms, radius)])

    def _codes(self, members: Members, rows: Int[np.ndarray, " rows"]) -> scipy.sparse.csr_array:
        """Returns the activations of these latents on these tokens."""
        place = np.full(self.n_tokens, -1, np.int32)
        place[rows] = np.arange(len(rows))
        columns = []
        for member in members:
            tokens, values = self._entries(int(member))
            where = place[tokens]
            columns.append((where[where >= 0], values[where >= 0]))
        starts = np.cumsum([0, *(len(values) for _, values in columns)])
        tokens, values = (np.concatenate(part) for part in zip(*columns, strict=True))
        return scipy.sparse.csc_array((values, tokens, starts), shape=(len(rows), len(members))).tocsr()

    def _entries(self, latent: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the tokens on which a latent is active, and its activations."""
        start, stop = self.matrix.indptr[latent : latent + 2]
        return self.matrix.indices[start:stop], self.matrix.data[start:stop]


class Unexplained:
    """What a dictionary leaves of states, in the units of the codes.

    Args:
        states: the states of some tokens, by their rows, which ascend.
        sae: the dictionary.
        matrix: the codes of all tokens.
        sizes: by what coordinates are divided.
    """

    def __init__(
        self,
        states: Callable[[np.ndarray], np.ndarray],
        sae: SparseAutoencoder,
        matrix: scipy.sparse.csc_array,
        sizes: Float[np.ndarray, " width"],
    ) -> None:
        self._states, self._sae, self._matrix, self._sizes = states, sae, matrix, sizes
        self._ahead = np.full(1, -1), np.zeros((1, len(sizes)), np.float32)

    def read_ahead(self, rows: Int[np.ndarray, " rows"]) -> None:
        """Reads the states of these rows, which ascend, and keeps them until others are read ahead."""
        self._ahead = rows, self._states(rows)

    def __call__(self, rows: Int[np.ndarray, " rows"]) -> Float[np.ndarray, "rows width"]:
        """Returns it for the tokens of these rows, which ascend."""
        known, kept = self._ahead
        places = np.minimum(np.searchsorted(known, rows), len(known) - 1)
        states = torch.from_numpy(kept[places] if np.array_equal(known[places], rows) else self._states(rows))
        scaled = states / self._sae.norms(states) if self._sae.rescales else states
        explained = self._by_token[rows] @ self._sae.decoder.numpy() + self._sae.decoder_bias.numpy()
        return (scaled.numpy() - explained) / self._sizes

    @cached_property
    def _by_token(self) -> scipy.sparse.csr_array:
        return self._matrix.tocsr()


def in_space(own: Float[np.ndarray, "members width"]) -> Float[np.ndarray, "dims width"]:
    """Returns orthonormal directions of the space in which a cluster's latents lie."""
    _, sizes, axes = np.linalg.svd(own, full_matrices=False)
    return axes[sizes > _THIN * sizes[0]]


def _norms(codes: scipy.sparse.csr_array, own: Float[np.ndarray, "members width"]) -> Float[np.ndarray, " tokens"]:
    """Returns the norms of points by the products of directions, some at a time, without the points."""
    (tokens, members), gram = codes.shape or (0, 0), own @ own.T
    step = max(1, _AT_ONCE // members)
    pieces = (codes[start : start + step].toarray() for start in range(0, tokens, step))
    squares = [((piece @ gram) * piece).sum(1) for piece in pieces]
    return np.sqrt(np.maximum(np.concatenate([np.zeros(0), *squares]), 0))


def draw_rows(rows: Int[np.ndarray, " rows"], limit: int | None, seed: int) -> Int[np.ndarray, " some"]:
    """Returns at most `limit` of the rows, ascending."""
    if limit is None or len(rows) <= limit:
        return rows
    return np.sort(np.random.default_rng([seed, 7]).choice(rows, limit, replace=False))


def weak_below(sizes: Float[np.ndarray, " n"], part: float) -> float:
    """Returns the size below which activations are weak: a part of Σ s³ / Σ s², summed over those that are not weak.

    Weak ones count little in it, however many they are.
    """
    largest = np.quantile(sizes, _LARGEST, method="inverted_cdf") if len(sizes) else 0
    sizes = np.sort(np.minimum(sizes, largest))
    level = 0.0
    for _ in range(_LEVELS):
        strong = sizes[np.searchsorted(sizes, level) :].astype(np.float64)
        level = part * float(np.power(strong, 3).sum() / max(np.square(strong).sum(), 1e-300))
    return level


def encode_shard(path: StrPath, sae: SparseAutoencoder, states: Float[np.ndarray, "rows width"]) -> None:
    """Writes the codes of a shard's states to a file."""
    codes = sae.encode(torch.from_numpy(states.astype(np.float32)))
    write_safetensors(
        path,
        {
            "counts": codes.counts.numpy().astype(np.int32),
            "latents": codes.latents.numpy().astype(np.int32),
            "values": codes.values.numpy(),
        },
    )


def read_codes(paths: Sequence[StrPath], n_latents: int) -> CodeMatrix:
    """Reads the codes of all shards, in order, into one matrix."""
    parts = [_read(path, n_latents) for path in paths]
    if not parts:
        raise InputError("codes", "there are none, as nothing has been encoded")
    counts = np.concatenate([part["counts"] for part in parts])
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    latents = np.concatenate([part.pop("latents") for part in parts])
    values = np.concatenate([part.pop("values") for part in parts])
    by_token = scipy.sparse.csr_array((values, latents, starts), shape=(len(counts), n_latents))
    return CodeMatrix(by_token.tocsc())


def _read(path: StrPath, n_latents: int) -> dict[str, np.ndarray]:
    part = read_safetensors(path, max_bytes=_MAX_SHARD)
    _check_codes(part, n_latents, str(Path(path)))
    return part


def _check_codes(part: dict[str, np.ndarray], n_latents: int, source: str) -> None:
    """Makes sure that the arrays are codes: SciPy follows their numbers wherever they lead, even out of its memory."""
    kinds = {name: (array.dtype.str, array.ndim) for name, array in part.items()}
    if kinds != {"counts": ("<i4", 1), "latents": ("<i4", 1), "values": ("<f4", 1)} or (
        part["latents"].shape != part["values"].shape
    ):
        raise InputError(source, "must hold counts, and as many latents as values")
    counts, latents = part["counts"], part["latents"]
    if (
        (counts < 0).any()
        or counts.sum(dtype=np.int64) != len(latents)
        or latents.min(initial=0) < 0
        or latents.max(initial=0) >= n_latents
        or not np.isfinite(part["values"]).all()
    ):
        raise InputError(source, f"does not hold codes of {n_latents} latents")


class Encoding(Computation):
    """Encodes a shard a step; in more than one round, each anew."""

    def __init__(self, store: Store, sae: SparseAutoencoder, folder: Path, rounds: int = 1) -> None:
        store.check_filled()
        sae.check_width(store.width, str(store.path))
        self._store, self._sae, self._folder, self._rows = store, sae, folder, rounds * tuple(store.shard_rows)
        folder.mkdir(parents=True, exist_ok=True)
        self._shard = 0

    @override
    def progress(self) -> tuple[int, int]:
        return self._shard, len(self._rows)

    @override
    def step(self) -> Step:
        encode_shard(codes_path(self._folder, self._shard), self._sae, self._states(self._shard))
        self._shard += 1
        return Step({"tokens": self.result().tokens})

    def _states(self, number: int) -> Float[np.ndarray, "rows width"]:
        """Returns the states of a step."""
        return self._store.states(number)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        done = from_json(EncodeFindings, data, "the checkpoint of the codes").tokens
        self._shard = int(np.searchsorted(np.cumsum(self._rows), done, side="right"))

    @override
    def result(self) -> EncodeFindings:
        return EncodeFindings(sum(self._rows[: self._shard]))


def codes_path(folder: Path, shard: int) -> Path:
    """Returns the file that holds the codes of a shard."""
    return folder / f"codes-{shard:05d}.safetensors"
