"""What a report shows of a cluster: its planes, each point with its token and context, and its directions."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from novacula.features.clouds.planes import planes
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.ranking import strong
from novacula.features.discovery.slices import CodeMatrix
from novacula.features.store import Store
from novacula.files import JSON

POINTS = 500
"""Points of a picture."""
_COSINES = 60


def cluster_pictures(
    codes: CodeMatrix,
    decoder: Float[np.ndarray, "latents width"],
    row: Mapping[str, Any],
    store: Store,
    config: DiscoverConfig,
) -> dict[str, JSON]:
    """Planes with their points, tokens and contexts; the most frequent tokens of each member; cosines.

    Args:
        codes: of all tokens.
        decoder: the dictionary.
        row: of the ranking.
        store: for tokens and contexts.
        config: the radius, and the seed of the choice of points.
    """
    members = np.array(row["members"])
    part = strong(codes.slice(members, decoder, limit=4 * POINTS, seed=config.seed), config.radius).head(POINTS)
    texts = [store.context(int(token)) for token in part.rows]
    following = [_next(store, int(token)) for token in part.rows]
    shown = [
        {"plane": plane.name, "share": round(plane.share, 4), "points": np.round(plane.coordinates, 4).tolist()}
        for plane in planes(part.points, len(members))
    ]
    directions = decoder[members]
    centered = np.linalg.svd(directions - directions.mean(0), compute_uv=False)
    units = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    few = units[:_COSINES]
    return {
        "planes": shown,
        "tokens": [token for _, token, _ in texts],
        "next": following,
        "contexts": [f"{before}[{token}]{after}" for before, token, after in texts],
        "members": [
            {"latent": int(member), "tokens": _frequent(codes, int(member), store)} for member in members[:_COSINES]
        ],
        "cosines": np.round(few @ few.T, 3).tolist(),
        "singular_values": np.round(centered, 4).tolist(),
    }


def frequent_tokens(store: Store, rows: np.ndarray, count: int = 6) -> list[str]:
    """The most frequent tokens of some rows, the most frequent first."""
    ids = Counter(store.labels.tokens[rows].tolist())
    return [store.token_text(token) for token, _ in ids.most_common(count)]


def _frequent(codes: CodeMatrix, member: int, store: Store) -> list[str]:
    return frequent_tokens(store, codes.rows([member]), 4)


def _next(store: Store, row: int) -> str:
    """The text of the token after a state's own; empty at the end of its document."""
    labels = store.labels
    if row + 1 >= len(store) or labels.documents[row + 1] != labels.documents[row]:
        return ""
    return store.token_text(int(labels.tokens[row + 1]))
