"""What a report shows of a cluster: its planes, each point with its token and context, and its directions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from novacula.features.clouds.cloud import planes
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.findings import ClusterRow
from novacula.features.discovery.slices import CodeMatrix, Slice
from novacula.features.store import Store
from novacula.files import check_schema, from_json, read_json, to_json, write_json

PICTURES = "pictures.json"  #: the artifact that holds them
SCHEMA_VERSION = 1
POINTS = 500  #: most points of a picture
_MEMBERS = 60  #: most members whose tokens and cosines are shown
_MAX_BYTES = 1_000_000_000


@dataclass(frozen=True)
class PlanePicture:
    """A plane of principal components."""

    plane: str  #: its name, such as ``directions 1-2``
    share: float  #: part of the variance in it
    points: tuple[tuple[float, float], ...]  #: two coordinates of each point


@dataclass(frozen=True)
class MemberTokens:
    """A latent of a cluster, and the tokens on which it is active most often."""

    latent: int
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class ClusterPicture:
    """What is shown of a cluster."""

    cluster: int  #: its number
    planes: tuple[PlanePicture, ...]  #: its planes
    tokens: tuple[str, ...]  #: the token of each point
    next: tuple[str, ...]  #: the token after it; empty at the end of a context
    contexts: tuple[str, ...]  #: the text around each token
    members: tuple[MemberTokens, ...]  #: its latents, with their tokens
    cosines: tuple[tuple[float, ...], ...]  #: cosines of the directions of these latents
    singular_values: tuple[float, ...]  #: singular values of the centered directions


@dataclass(frozen=True)
class _Pictures:
    clusters: tuple[ClusterPicture, ...]


def draw_cluster(
    codes: CodeMatrix,
    decoder: Float[np.ndarray, "latents width"],
    row: ClusterRow,
    store: Store,
    config: DiscoverConfig,
) -> ClusterPicture:
    """Returns what is shown of a cluster."""
    members = np.array(row.members)

    def strong(latents: np.ndarray) -> Slice:
        return codes.strong(latents, decoder, config.radius, limit=4 * POINTS, seed=config.seed)

    part = strong(members).head(POINTS)
    texts = [store.context(int(token)) for token in part.rows]
    directions = decoder[members]
    units = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    few = units[:_MEMBERS]
    return ClusterPicture(
        cluster=row.cluster,
        planes=tuple(
            PlanePicture(plane.name, round(plane.share, 4), tuple((x, y) for x, y in _rounded(plane.coordinates, 4)))
            for plane in planes(part.points, len(members))
        ),
        tokens=tuple(token for _, token, _ in texts),
        next=tuple(_next_token(store, int(token)) for token in part.rows),
        contexts=tuple(f"{before}[{token}]{after}" for before, token, after in texts),
        members=tuple(
            MemberTokens(latent, tuple(frequent_tokens(store, strong(np.array([latent])).rows, 4)))
            for latent in row.members[:_MEMBERS]
        ),
        cosines=tuple(map(tuple, _rounded(few @ few.T, 3))),
        singular_values=tuple(np.round(np.linalg.svd(directions - directions.mean(0), compute_uv=False), 4).tolist()),
    )


def frequent_tokens(store: Store, rows: np.ndarray, count: int = 6) -> list[str]:
    """Returns the most frequent tokens of some rows, the most frequent first."""
    ids = Counter(store.labels.tokens[rows].tolist())
    return [store.token_text(token) for token, _ in ids.most_common(count)]


def write_pictures(path: Path, pictures: Sequence[ClusterPicture]) -> None:
    """Writes the pictures of the first clusters to a file."""
    write_json(path, {"schema_version": SCHEMA_VERSION, "clusters": to_json(pictures)})


def read_pictures(path: Path) -> dict[int, ClusterPicture]:
    """Reads the pictures, by cluster."""
    document = check_schema(read_json(path, max_bytes=_MAX_BYTES, max_memory=None), str(path), SCHEMA_VERSION)
    return {picture.cluster: picture for picture in from_json(_Pictures, document, str(path)).clusters}


def _rounded(matrix: Float[np.ndarray, "rows columns"], digits: int) -> list[list[float]]:
    return np.round(matrix, digits).tolist()


def _next_token(store: Store, row: int) -> str:
    """Returns the text of the token after a state's own; empty at the end of its context, as far as it is stored."""
    labels = store.labels
    if row + 1 >= len(store) or labels.documents[row + 1] != labels.documents[row]:
        return ""
    if labels.positions[row + 1] != labels.positions[row] + 1:
        return ""
    return store.token_text(int(labels.tokens[row + 1]))
