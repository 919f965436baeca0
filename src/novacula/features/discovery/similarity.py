"""Which latents are alike: a sparse graph of nearest neighbors, made block by block, never all pairs at once.

Directions alone are not enough: two pairs of opposite latents often hold a circle, and their cosines are -1 and 0. What
shows it then is that neighbors are active together, and that opposites share a line. Sources: cosine and angle,
arXiv 2405.14860, section 4 and appendix; co-activity after the remark there, and arXiv 2604.28119; the levels of chance
are ours.
"""

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from novacula.features.config import AffinityName
from novacula.features.discovery.slices import CodeMatrix, weak_below
from novacula.features.sae.blocks import coactivity

BLOCK = 1024  #: latents that are compared with all others at once
WEAK = 0.08
"""Least co-activity of an edge by default. Below it, latents are active together mostly by the interference of their
directions."""
STRAIGHT = 0.65
"""Least absolute cosine of an edge by default, beside co-activity: a direction halfway between two others has 0.71."""
STRONG = 0.4
"""Least activation that counts for co-activity, in parts of a latent's usual one, which is Σ z³ / Σ z². TopK fills up a
token's k latents where fewer features are active, and these weak activations say nothing."""
_TOKENS = 200_000
_NULL = 4096

Alive = Int[np.ndarray, " alive"]
Blocks = Iterator[tuple[int, Float[np.ndarray, "block alive"]]]


def affinity_graph(
    rows: Float[np.ndarray, "latents width"],
    codes: CodeMatrix | None,
    alive: Alive,
    affinity: AffinityName,
    *,
    neighbors: int = 8,
    cutoff: float | None = None,
    seed: int = 0,
) -> scipy.sparse.csr_array:
    """Returns the symmetric graph of latents that are alike.

    Args:
        rows: the dictionary.
        codes: the codes of tokens; ``activity`` and ``mixed`` need them.
        alive: latents that take part.
        affinity: ``cosine`` of directions; ``angular``, 1 - angle / π; ``activity``, `co_activity`; ``mixed``, the
            larger of the absolute cosine and the co-activity, each as its share of the way from the cutoff to 1.
        neighbors: edges that each latent begins with, of either kind.
        cutoff: least cosine and co-activity of an edge; None for what the nearest neighbor of a random latent reaches
            once in a hundred times, but at least `WEAK` for co-activity, and beside it `STRAIGHT` for directions.
        seed: of what is drawn for that.

    Returns:
        likeness of each edge, latents × latents; 0 where there is none.
    """
    graphs = []
    if affinity != "activity":
        floor = chance_cosine(rows, alive, seed) if cutoff is None else cutoff
        floor = max(floor, STRAIGHT) if cutoff is None and affinity == "mixed" else floor
        blocks = _cosines(rows[alive], absolute=affinity == "mixed")
        rescale = {"mixed": _share_above(floor), "angular": _angular}.get(affinity, lambda values: values)
        graphs.append(_nearest(blocks, alive, neighbors, len(rows), floor, rescale))
    if affinity in ("activity", "mixed"):
        if codes is None:
            raise ValueError(f"the affinity {affinity} needs codes")
        sample = _sample(codes, alive, seed)
        floor = max(WEAK, chance_activity(sample)) if cutoff is None else cutoff
        rescale = _share_above(floor) if affinity == "mixed" else lambda values: values
        graphs.append(_nearest(co_activity(sample, sample), alive, neighbors, len(rows), floor, rescale))
    graph = graphs[0] if len(graphs) == 1 else graphs[0].maximum(graphs[1])
    graph = graph.maximum(graph.T).tocsr()
    graph.sort_indices()
    return graph


def co_activity(these: scipy.sparse.csc_array, those: scipy.sparse.csc_array) -> Blocks:
    """Yields how far the Jaccard index of two latents' tokens is beyond chance, in blocks of the first latents.

    Both are tokens × latents, ones. The value is 1 where both are always active together, 0 where they are independent.
    """
    (tokens, latents), by_token = these.shape or (0, 0), those.tocsr()
    uses, others = (np.diff(matrix.indptr).astype(np.float32) for matrix in (these, those))
    for start in range(0, latents, BLOCK):
        block = slice(start, start + BLOCK)
        both = (these[:, block].T @ by_token).toarray()
        chance = uses[block, None] * (others / max(1, tokens))
        yield start, coactivity(both, uses[block, None], others, chance)


def chance_activity(sample: scipy.sparse.csc_array) -> float:
    """Returns the co-activity that a latent's best partner reaches once in a hundred times if tokens pair at random.

    Each token is paired with the token half the data further on, so runs of activity stay as they are.
    """
    tokens, _ = sample.shape or (0, 0)
    far = sample.tocsr()[np.roll(np.arange(tokens), tokens // 2)].tocsc()
    largest = [block.max(1) for _, block in _of_others(co_activity(sample, far))]
    return float(np.quantile(np.concatenate(largest), 0.99)) if largest else 0.0


def chance_cosine(rows: Float[np.ndarray, "latents width"], alive: Alive, seed: int = 0) -> float:
    """Returns the cosine that the nearest neighbor of a random direction reaches once in a hundred times.

    The random directions are Gaussian with the covariance of the dictionary's, and as many, but 4,096 at most: the
    level then is that of a smaller dictionary, lower by a few hundredths.
    """
    units = _units(rows[alive])
    count = min(len(units), _NULL)
    if count < 2:
        return 1.0
    drawn = np.random.default_rng([seed, 13]).standard_normal((count, len(units)), np.float32) @ units
    largest = [block.max(1) for _, block in _of_others(_cosines(drawn, absolute=False))]
    return float(min(0.999, np.quantile(np.concatenate(largest), 0.99)))


def _cosines(rows: Float[np.ndarray, "alive width"], *, absolute: bool) -> Blocks:
    """Yields the cosines of all rows with all rows, a block at a time."""
    units = _units(rows)
    for start in range(0, len(units), BLOCK):
        cosines = units[start : start + BLOCK] @ units.T
        yield start, np.abs(cosines, out=cosines) if absolute else cosines


def _of_others(blocks: Blocks) -> Blocks:
    """Yields the same blocks with -1 for each latent with itself."""
    for start, block in blocks:
        own = np.arange(len(block))
        block[own, own + start] = -1
        yield start, block


def _units(rows: Float[np.ndarray, "some width"]) -> Float[np.ndarray, "some width"]:
    rows = rows.astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _sample(codes: CodeMatrix, alive: Alive, seed: int) -> scipy.sparse.csc_array:
    """Returns where the living latents are not just weakly active, as ones, on few enough tokens for quick counting."""
    matrix = codes.matrix[:, alive]
    if codes.n_tokens > _TOKENS:
        chosen = np.sort(np.random.default_rng([seed, 11]).choice(codes.n_tokens, _TOKENS, replace=False))
        matrix = matrix.tocsr()[chosen].tocsc()
    level = [weak_below(sizes, STRONG) for sizes in np.split(np.abs(matrix.data), matrix.indptr[1:-1])]
    strong = np.abs(matrix.data) > np.repeat(level, np.diff(matrix.indptr))
    counted = scipy.sparse.csc_array((strong.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
    counted.eliminate_zeros()
    return counted


def _nearest(
    blocks: Blocks,
    alive: Alive,
    neighbors: int,
    latents: int,
    floor: float,
    rescale: Callable[[np.ndarray], np.ndarray],
) -> scipy.sparse.csr_array:
    """Returns the graph of the largest entries of each row, as far as they pass the floor."""
    sources, targets, weights = [], [], []
    for start, block in _of_others(blocks):
        own = np.arange(len(block))
        count = min(neighbors, block.shape[1] - 1)
        if count < 1:
            continue
        columns = np.argpartition(-block, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(block, columns, axis=1)
        kept = values > max(floor, 0)
        sources.append(alive[np.broadcast_to(own[:, None] + start, kept.shape)[kept]])
        targets.append(alive[columns[kept]])
        weights.append(rescale(values[kept].astype(np.float64)))
    if not sources:
        return scipy.sparse.csr_array((latents, latents))
    places = (np.concatenate(sources), np.concatenate(targets))
    return scipy.sparse.csr_array((np.concatenate(weights), places), shape=(latents, latents))


def _share_above(floor: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: (values - floor) / (1 - floor)


def _angular(values: np.ndarray) -> np.ndarray:
    return 1 - np.arccos(np.clip(values, -1, 1)) / np.pi
