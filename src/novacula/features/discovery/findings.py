"""What the verbs collect, train-sae, discover and survey find, as result.json says it."""

from dataclasses import dataclass

from msgspec import Struct

from novacula.features.sae.quality import Quality, Recovery


@dataclass(frozen=True)
class CollectFindings:
    """What was collected.

    Attributes:
        tokens: states that are stored, one for each token.
        passages: passages of text that the model has read.
        store: the folder of states.
    """

    tokens: int
    passages: int
    store: str


@dataclass(frozen=True)
class EncodeFindings:
    """How many tokens are encoded."""

    tokens: int


@dataclass(frozen=True)
class Variant:
    """The clusters that another seed or another setting gives, beside the clusters of the run.

    Attributes:
        variant: what differs.
        clusters: number of clusters.
        rand: adjusted Rand index with the run's clusters.
        jaccard: mean over the run's clusters of the best Jaccard index.
    """

    variant: str
    clusters: int
    rand: float
    jaccard: float


@dataclass(frozen=True)
class GroupFindings:
    """The clusters of a dictionary.

    Attributes:
        alive: latents that are active often enough to take part.
        latents: latents of the dictionary.
        clusters: the members of each cluster.
        split: how many giant clusters were split again.
        stability: of each cluster: 1 if it comes again the same in all variants.
        variants: the same with other settings; none where the clusters are the blocks of the dictionary.
        block: latents of a block; 1 where the dictionary has no blocks.
    """

    alive: int
    latents: int
    clusters: tuple[tuple[int, ...], ...]
    split: int
    stability: tuple[float, ...]
    variants: tuple[Variant, ...]
    block: int = 1


@dataclass(frozen=True)
class ClusterRow:
    """A cluster in the ranking. What belongs to its best plane is None where it was not scored.

    Attributes:
        rank: place in the ranking, from 1; 0 before all clusters are scored.
        published_rank: place by the published value.
        cluster: number of the cluster.
        stability: how well it comes again with other settings; 1 is the same.
        examples: the tokens on which it is active most often.
        members: its latents.
        tokens: tokens on which any of them is active.
        together: mean number of members that are active on one token.
        score: bits by which its best plane exceeds a Gaussian cloud.
        published: the published value: mean over planes of (1 - mixture) · separability.
        irreducible: the verdict.
        plane: its best plane, such as ``directions 1-2``.
        plane_share: part of the variance in that plane.
        plane_score: score of that plane, in bits.
        gaussian_score: score of the Gaussian cloud in the plane of the same name.
        separability_bits: separability of that plane.
        separability_null_z: the same in standard deviations of shuffled clouds.
        mixture: mixture index of that plane.
        reason: why it was not scored; empty otherwise.
        shape: its shape without labels; empty where it was not scored, or the extra ``[topology]`` is not installed.
        ring: by how much its longest loop outlasts all others, in units of chance's longest loop.
        dimension: its intrinsic dimension.
        covered: share of all tokens on which any of its latents is active.
        nuisance: the nuisance to which most of its tokens belong; empty if there is none.
        parts_bits: bits of that plane that are left within two parts of its points; None where it is reducible anyway.
    """

    rank: int
    published_rank: int
    cluster: int
    stability: float
    examples: tuple[str, ...]
    members: tuple[int, ...]
    tokens: int
    together: float
    score: float
    published: float
    irreducible: bool
    plane: str | None
    plane_share: float | None
    plane_score: float | None
    gaussian_score: float | None
    separability_bits: float | None
    separability_null_z: float | None
    mixture: float | None
    reason: str
    shape: str = ""
    ring: float | None = None
    dimension: float | None = None
    covered: float = 0.0
    nuisance: str = ""
    parts_bits: float | None = None

    @property
    def where(self) -> str:
        """Its best plane, with a remark where two parts of the points explain it; or why it was not scored."""
        remark = "; two noisy parts" if self.parts_bits is not None and not self.irreducible else ""
        return f"{self.plane}{remark}" if self.plane else self.reason


LEAST_EXCESS = 0.05
"""Bits by which a cluster must exceed its Gaussian cloud to be called irreducible, and to exceed chance."""
_FEW_NULLS = 10
_OF_BLOCKS = (
    " Chance is the same blocks on states whose lines were made independent. Lines that are active together, or never "
    "together, exceed it too; chance alone does once in {} rows."
)


@dataclass(frozen=True)
class RankFindings:
    """The ranking.

    Attributes:
        ranking: the clusters, best first.
        null: scores of the clusters of chance, largest first.
    """

    ranking: tuple[ClusterRow, ...]
    null: tuple[float, ...]

    @property
    def chance(self) -> float:
        """The largest score of chance; 0 without clusters of chance."""
        return max(self.null, default=0.0)

    @property
    def bar(self) -> float:
        """What a score must exceed: the largest score of chance, and `LEAST_EXCESS`."""
        return max(self.chance, LEAST_EXCESS)

    @property
    def above_chance(self) -> int:
        """Clusters that score more than chance."""
        return sum(row.score > self.bar for row in self.ranking)

    @property
    def against_chance(self) -> str:
        """A sentence that tells how many clusters exceed chance."""
        if not self.null:
            return "No clusters of chance were scored, so nothing tells which rows mean something."
        count = f"{self.above_chance} of {len(self.ranking)} rows exceed" if self.above_chance else "No row exceeds"
        of = f"the highest of {len(self.null)} clusters" if len(self.null) > 1 else "the only cluster"
        few = " These are too few to rely on: raise --nulls." if len(self.null) < _FEW_NULLS else ""
        least = f"; less than {LEAST_EXCESS} counts as nothing" if self.chance < LEAST_EXCESS else ""
        return f"{count} chance: {of} of chance scores {self.chance:.3f} bits{least}.{few}"


class DiscoverFindings(Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """What the stages that are done have found; a stage that is not done has no key in result.json.

    Attributes:
        collect: the stored states.
        train_sae: quality of the trained dictionary.
        recover: what the model's loss keeps with it.
        encode: the tokens that are encoded.
        cluster: the clusters of latents.
        chance: the tokens whose states were made anew, for blocks alone (`discovery.lines`).
        rank: the ranking of the clusters.
    """

    collect: CollectFindings | None = None
    train_sae: Quality | None = None
    recover: Recovery | None = None
    encode: EncodeFindings | None = None
    cluster: GroupFindings | None = None
    chance: EncodeFindings | None = None
    rank: RankFindings | None = None

    @property
    def has_blocks(self) -> bool:
        """Whether the clusters are the blocks of a dictionary."""
        return self.cluster is not None and self.cluster.block > 1

    @property
    def against_chance(self) -> str:
        """A sentence that tells how many clusters exceed chance, and what that is worth; empty without a ranking."""
        if not self.rank:
            return ""
        return self.rank.against_chance + (
            _OF_BLOCKS.format(len(self.rank.null) + 1) if self.has_blocks and self.rank.null else ""
        )

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        if self.rank:
            best = max((row.score for row in self.rank.ranking), default=0.0)
            what = "blocks" if self.has_blocks else "clusters"
            return f"{self.rank.above_chance} {what} above chance, best {best:.2f} bits"
        if self.cluster:
            return f"{len(self.cluster.clusters)} clusters"
        if self.train_sae:
            return f"{self.train_sae.explained:.1%} explained by {self.train_sae.l0:.1f} latents a token"
        return f"{self.collect.tokens:,} states" if self.collect else ""


@dataclass(frozen=True)
class Move:
    """What a model says next where a feature's states are turned to an angle of its plane.

    Attributes:
        degrees: the angle.
        tokens: next tokens whose log-probability rises most.
        rises: by how much it exceeds its mean over all angles, in nats.
        changed: share of the prompts whose most likely next token is another than without turning.
        intervals: 96 % bootstrap intervals of the rises: tokens that are turned are drawn, and contexts of each.
    """

    degrees: float
    tokens: tuple[str, ...]
    rises: tuple[float, ...]
    changed: float
    intervals: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class FeatureFindings:
    """What ``features open`` shows of a feature.

    Attributes:
        rank: its rank.
        cluster: its cluster.
        score: its score, in bits.
        bar: what a score must exceed.
        shape: its shape.
        moves: what moving along it does, by angle; none without a model.
        page: its page.
        run: the run's name.
    """

    rank: int
    cluster: int
    score: float
    bar: float
    shape: str
    moves: tuple[Move, ...]
    page: str
    run: str


@dataclass(frozen=True)
class TopCluster:
    """A cluster among the first of its layer; for the attributes see `ClusterRow`."""

    rank: int
    score: float
    plane: str | None
    members: tuple[int, ...]
    tokens: int
    stability: float
    examples: tuple[str, ...]


@dataclass(frozen=True)
class LayerRow:
    """What discovery has found at a layer.

    Attributes:
        layer: layer of the residual stream.
        explained: share of the variance that the dictionary explains.
        l0: mean number of active latents of a token.
        clusters: clusters that are ranked.
        best: the largest score, in bits.
        chance: the largest score of the clusters of chance.
        above_chance: clusters that score more than that.
        top: the first clusters of the ranking.
    """

    layer: int
    explained: float
    l0: float
    clusters: int
    best: float
    chance: float
    above_chance: int
    top: tuple[TopCluster, ...]


@dataclass(frozen=True)
class SurveyFindings:
    """What ``features survey`` finds.

    Attributes:
        layers: the layers that are done.
        failed: name and error of each that failed.
    """

    layers: tuple[LayerRow, ...]
    failed: tuple[tuple[str, str], ...]

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        best = max(self.layers, key=lambda row: row.best, default=None)
        return f"best {best.best:.2f} bits, at layer {best.layer}" if best else ""
