"""How irreducible the clusters are, and how irreducible chance would make them.

The value of a cluster is the amount by which the score of its best plane exceeds that of a Gaussian cloud. That cloud
went through the same steps, so weak points are left out and norms divided away, and it has the same mean and covariance
afterwards. Without it every plane through the origin would hold a circle of directions. Sources: the mean over planes
as they are, arXiv 2405.14860, section 4; the best of planes with and without intensity, the Gaussian cloud and the
clusters of chance are ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from novacula.errors import InputError
from novacula.features.clouds.cloud import Plane, planes
from novacula.features.clouds.cloud_score import CloudScore, score_plane, with_parts, without_rays
from novacula.features.clouds.geometry import Shape, shape_of
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.clusters import clustered
from novacula.features.discovery.collection import nuisance_tokens
from novacula.features.discovery.findings import LEAST_EXCESS, ClusterRow, GroupFindings, RankFindings
from novacula.features.discovery.lines import LEAST_MEMBERS, null_blocks, null_clusters, related
from novacula.features.discovery.pictures import draw_cluster, frequent_tokens, write_pictures
from novacula.features.discovery.slices import Active, CodeMatrix, Slice, draw_rows
from novacula.features.store import Store
from novacula.files import from_json
from novacula.runs import Computation, Step

LEAST_POINTS = 100  #: different states that a cluster needs to be scored
MARGIN = 1.25  #: how many times the score of the Gaussian cloud is subtracted; more than 1, since it is an estimate
_MOST = 0.5  #: share of a cluster's tokens from which on it is called by the name of a nuisance
_COPIES = 3  #: how many times more tokens are drawn than are used, since copies are left out afterwards
_AHEAD = 250_000_000  #: bytes of states of chance that are kept, so that one pass over the shards does for all clusters
_SHAPE_NULLS = 3  #: the number of Gaussian clouds with which the shape of a cluster is compared
_DRAWN, _ROUNDS = 8, 6
"""How many times more Gaussian points are drawn than are used, and the rounds that correct mean and covariance."""


@dataclass(frozen=True)
class PlaneScore:
    """The score of a plane of a cluster."""

    plane: Plane  #: the points
    measured: CloudScore  #: their score
    gaussian: float  #: score of the Gaussian cloud in its plane of the same name

    @property
    def excess(self) -> float:
        """Bits beyond the Gaussian cloud, with its `MARGIN`; not below 0."""
        return max(0.0, self.measured.score - MARGIN * self.gaussian)

    @property
    def in_parts(self) -> bool:
        """Whether the plane was cut, and a few parts explain it; rays, which may be labels on a ring, do not count."""
        return self.measured.parts_bits is not None and not (self.measured.irreducible or self.measured.rays)


@dataclass(frozen=True)
class ClusterScore:
    """The score of a cluster."""

    members: Int[np.ndarray, " members"]  #: its latents
    tokens: int  #: tokens on which any of them is active
    together: float  #: mean number of members that are active on a token, weakly active tokens left out
    planes: list[PlaneScore]  #: its planes
    reason: str = ""  #: why it was not scored; empty otherwise
    shape: Shape | None = None  #: its shape; None where it was not scored, or the extra ``[topology]`` is not installed

    @cached_property
    def best(self) -> PlaneScore | None:
        """The plane with the largest excess."""
        return max(self.planes, key=lambda plane: plane.excess, default=None)

    @property
    def score(self) -> float:
        """Excess of the best plane, in bits; 0 where there is none, or a few parts explain it."""
        return self.best.excess if self.best and not self.best.in_parts else 0.0

    @property
    def published(self) -> float:
        """Mean of (1 - mixture) · separability over the planes as they are."""
        clouds = [scored.measured for scored in self.planes if scored.plane.form == "points"]
        return float(np.mean([(1 - cloud.mixture) * cloud.separability_bits for cloud in clouds])) if clouds else 0.0

    def row(self, cluster: int, stability: float, examples: Sequence[str]) -> ClusterRow:
        """Returns the row of the ranking, its ranks being left open."""
        best = self.best
        cloud = best.measured if best else None
        return ClusterRow(
            rank=0,
            published_rank=0,
            cluster=cluster,
            stability=stability,
            examples=tuple(examples),
            members=tuple(self.members.tolist()),
            tokens=self.tokens,
            together=round(self.together, 4),
            score=self.score,
            published=self.published,
            irreducible=bool(best and best.measured.irreducible and best.excess > LEAST_EXCESS),
            plane=best.plane.name if best else None,
            plane_share=best.plane.share if best else None,
            plane_score=cloud.score if cloud else None,
            gaussian_score=best.gaussian if best else None,
            separability_bits=cloud.separability_bits if cloud else None,
            separability_null_z=cloud.separability_null_z if cloud else None,
            mixture=cloud.mixture if cloud else None,
            parts_bits=cloud.parts_bits if cloud else None,
            rays=bool(cloud and cloud.rays),
            reason=self.reason,
            shape=self.shape.kind if self.shape else "",
            ring=round(self.shape.ring, 4) if self.shape else None,
            dimension=round(self.shape.dimension, 4) if self.shape else None,
        )


def score_cluster(
    codes: CodeMatrix,
    decoder: Float[np.ndarray, "latents width"],
    members: Int[np.ndarray, " members"],
    config: DiscoverConfig,
    least: int = LEAST_MEMBERS,
    *,
    shaped: bool = True,
    active: Active | None = None,
) -> ClusterScore:
    """Scores a cluster, if it has enough members, and finds its shape, if asked to; `active` may name its tokens."""
    active = active or codes.active(members, decoder, config.radius)
    if len(members) < least:
        reason = f"has fewer than {least} members"
        return ClusterScore(members, len(active.rows), 0.0, [], reason)
    limit, seed = _COPIES * config.points, config.seed
    part = codes.strong(members, decoder, config.radius, limit=limit, seed=seed, active=active)
    part = part.distinct().head(config.points)
    together = part.codes.nnz / max(1, len(part.rows))
    if len(part.rows) < LEAST_POINTS:
        reason = f"is active on fewer than {LEAST_POINTS} different states"
        return ClusterScore(members, part.total, together, [], reason)
    found = planes(part.points, len(members))
    drawn = planes(gaussian_like(part.points, config.seed, part.weakest), len(members)) if found else []
    null = {plane.name: plane for plane in drawn}
    scored = []
    for plane in found:
        measured, beside = _score(plane, config.seed), _score(null.get(plane.name), config.seed)
        if measured is not None:
            scored.append(PlaneScore(plane, measured, beside.score if beside else 0.0))
    place = max(range(len(scored)), key=lambda number: scored[number].excess, default=-1)
    if scored and (best := scored[place]).excess > LEAST_EXCESS:  # the others' verdicts are not shown
        generator = np.random.default_rng([config.seed, 23])
        cut = with_parts(best.measured, generator)
        if best.plane.form == "directions":  # of rays they are labels on a ring
            cut = without_rays(cut, generator, part.points @ best.plane.directions(part.points).T)
        scored[place] = replace(best, measured=cut)
    shape = cluster_shape(part, decoder[members], config.seed) if shaped else None
    return ClusterScore(members, part.total, together, scored, "" if scored else "its points lie on a line", shape)


def cluster_shape(part: Slice, rows: Float[np.ndarray, "members width"], seed: int) -> Shape | None:
    """Returns the shape of a cluster beside Gaussian clouds with the same hole; None without ``[topology]``."""
    if find_spec("ripser") is None:
        return None
    inside = part.points @ np.linalg.qr(rows.T)[0]
    if inside.shape[1] < 2:
        return None
    nulls = [gaussian_like(inside, seed + number, part.weakest) for number in range(_SHAPE_NULLS)]
    try:
        return shape_of(inside, seed, nulls)
    except InputError:
        return None


def gaussian_like(
    points: Float[np.ndarray, "points width"], seed: int, hole: float
) -> Float[np.ndarray, "drawn width"]:
    """Draws Gaussian points with the mean and covariance of `points`, and a hole of this radius in the middle.

    The hole changes mean and covariance, so both are corrected in a few rounds.
    """
    _, sizes, rows = np.linalg.svd(points.astype(np.float64), full_matrices=False)
    basis = rows[sizes > 1e-6 * sizes[0]]
    own = points @ basis.T
    mean = own.mean(0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(own.T)))
    variances = np.maximum(variances, 1e-12 * variances[-1])
    normal = np.random.default_rng([seed, 19]).standard_normal((_DRAWN * len(own), len(basis)))
    center, squares, kept = mean, variances, own
    for _ in range(_ROUNDS):
        drawn = center + normal * np.sqrt(squares) @ axes.T
        inside = drawn[np.linalg.norm(drawn, axis=1) >= hole]
        if len(inside) < LEAST_POINTS:
            break
        kept = inside
        center = center + mean - kept.mean(0)
        squares = squares * np.clip(variances / ((kept - kept.mean(0)) @ axes).var(0), 0.25, 4)
    return (kept[: len(points)] @ basis).astype(np.float32)


def _score(plane: Plane | None, seed: int) -> CloudScore | None:
    """Returns the score of a plane; None where it has too few points, or all in one place."""
    if plane is None or len(plane.coordinates) < LEAST_POINTS // 2:
        return None
    try:
        return score_plane(plane.coordinates, seed=seed, parts=False)
    except InputError:
        return None


def with_ranks(rows: Sequence[ClusterRow]) -> tuple[ClusterRow, ...]:
    """Returns the clusters from the most irreducible down, each with its rank here and by the published value."""
    published = sorted(rows, key=lambda row: (-row.published, row.cluster))
    place = {row.cluster: rank for rank, row in enumerate(published, 1)}
    best = sorted(rows, key=lambda row: (-row.score, row.cluster))
    return tuple(replace(row, rank=rank, published_rank=place[row.cluster]) for rank, row in enumerate(best, 1))


@dataclass(frozen=True)
class _State:
    """What a ranking has done so far."""

    rows: tuple[ClusterRow, ...] = ()
    null: tuple[float, ...] = ()
    drawn: bool = False


class Ranking(Computation):
    """Scores a cluster a step, then the clusters of chance, and draws pictures of the best in a last step."""

    def __init__(
        self,
        codes: CodeMatrix,
        decoder: Float[np.ndarray, "latents width"],
        grouping: GroupFindings,
        store: Store,
        config: DiscoverConfig,
        out: Path,
        chance: Callable[[int], CodeMatrix],
        rounds: int,
    ) -> None:
        self._codes, self._decoder, self._store, self._config, self._out = codes, decoder, store, config, out
        clusters, uses = [np.array(members) for members in grouping.clusters], codes.uses
        order = sorted(range(len(clusters)), key=lambda number: -int(uses[clusters[number]].sum()))
        self._numbers = sorted(order[: config.clusters])
        self._clusters, self._stability = clusters, grouping.stability
        ranked = [clusters[number] for number in self._numbers]
        self._least = min(LEAST_MEMBERS, grouping.block) if grouping.block > 1 else LEAST_MEMBERS
        self._blocks = grouping.block > 1
        self._chance = lru_cache(1)(chance)
        if not rounds:
            self._nulls = []
        elif grouping.block > 1:
            self._nulls = null_blocks(ranked, config.nulls, config.seed)
        else:
            made = (clustered(self._chance(number), decoder, config).clusters for number in range(rounds))
            self._nulls = null_clusters(made, config.nulls, config.seed)
        self._nuisances = nuisance_tokens(store)
        self._ahead: dict[int, Active] = {}
        self._done = _State()

    @override
    def progress(self) -> tuple[int, int]:
        return len(self._done.rows) + len(self._done.null) + self._done.drawn, len(self._numbers) + len(self._nulls) + 1

    @override
    def step(self) -> Step:
        done = self._done
        if len(done.rows) < len(self._numbers):
            row = self._row(self._numbers[len(done.rows)])
            self._done = replace(done, rows=(*done.rows, row))
            return Step({"cluster": row.cluster, "score": round(row.score, 4)})
        if len(done.null) < len(self._nulls):
            score = self._null_score(len(done.null))
            self._done = replace(done, null=(*done.null, score))
            return Step({"cluster": "chance", "score": round(score, 4)})
        best = with_ranks(done.rows)[: self._config.shown]
        write_pictures(
            self._out, [draw_cluster(self._codes, self._decoder, row, self._store, self._config) for row in best]
        )
        self._done = replace(done, drawn=True)
        return Step({"cluster": "pictures", "score": 0.0})

    def _row(self, number: int) -> ClusterRow:
        """Returns the row of a cluster."""
        config, codes, members = self._config, self._codes, self._clusters[number]
        active = codes.active(members, self._decoder, config.radius)
        scored = self._scored(codes, members, active)
        strong = codes.strong(
            members, self._decoder, config.radius, limit=config.points, seed=config.seed, active=active
        )
        tokens = active.rows
        named = ((float(each[tokens].mean()), name) for name, each in self._nuisances.items() if len(tokens))
        share, name = max(named, default=(0.0, ""))
        return replace(
            scored.row(number, self._stability[number], frequent_tokens(self._store, strong.rows)),
            covered=round(len(tokens) / max(1, codes.n_tokens), 6),
            nuisance=name if share > _MOST else "",
        )

    def _null_score(self, place: int) -> float:
        """Returns the score of a cluster of chance."""
        number, members = self._nulls[place]
        codes = self._chance(number)
        if place not in self._ahead:
            self._look_ahead(codes, place)
        found = self._ahead[place]
        return self._scored(codes, members, found, shaped=False).score

    def _scored(
        self, codes: CodeMatrix, members: Int[np.ndarray, " members"], active: Active, *, shaped: bool = True
    ) -> ClusterScore:
        """Returns the score of a cluster; a block whose lines have nothing to do with each other is not scored."""
        if self._blocks and not related(codes, self._decoder, members, self._config):
            return ClusterScore(members, len(active.rows), 0.0, [], "its lines are active independently")
        config, least = self._config, self._least
        return score_cluster(codes, self._decoder, members, config, least, shaped=shaped, active=active)

    def _look_ahead(self, codes: CodeMatrix, first: int) -> None:
        """Finds the tokens of this cluster of chance and of the next ones of its round, and reads their states.

        One pass over the shards makes them, for as many clusters as `_AHEAD` bytes hold.
        """
        rows, round_ = np.zeros(0, int), self._nulls[first][0]
        self._ahead = {}
        for place, (number, members) in enumerate(self._nulls[first:], first):
            if number == round_ and 4 * len(rows) * self._store.width < _AHEAD:
                self._ahead[place] = found = codes.active(members, self._decoder, self._config.radius)
                rows = np.union1d(rows, draw_rows(found.strong, _COPIES * self._config.points, self._config.seed))
        if codes.unexplained is not None and len(rows):
            codes.unexplained.read_ahead(rows)

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        return {}, self._done

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        self._done = from_json(_State, data, "the checkpoint of the ranking")

    @override
    def result(self) -> RankFindings:
        null = sorted(self._done.null, reverse=True)
        if len(null) == len(self._nulls):
            null += [0.0] * (self._config.nulls - len(null))  # of clusters that chance did not make
        return RankFindings(with_ranks(self._done.rows), tuple(null))
