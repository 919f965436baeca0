"""What the verbs collect, train-sae, discover and survey find, as result.json says it."""

from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from novacula.features.sae.quality import Quality, Recovery
from novacula.options import percent
from novacula.runs.notebook import Brief, brief


@dataclass(frozen=True)
class CollectFindings:
    """What was collected."""

    tokens: int  #: states that are stored, one for each token
    passages: int  #: passages of text that the model has read
    store: str  #: the folder of states


@dataclass(frozen=True)
class EncodeFindings:
    """How many tokens are encoded."""

    tokens: int


@dataclass(frozen=True)
class Variant:
    """The clusters that another seed or another setting gives, beside the clusters of the run."""

    variant: str  #: what differs
    clusters: int  #: number of clusters
    rand: float  #: adjusted Rand index with the run's clusters
    jaccard: float  #: mean over the run's clusters of the best Jaccard index


@dataclass(frozen=True)
class GroupFindings(Brief):
    """The clusters of a dictionary."""

    alive: int  #: latents that are active often enough to take part
    latents: int  #: latents of the dictionary
    clusters: tuple[tuple[int, ...], ...]  #: the members of each cluster
    split: int  #: how many giant clusters were split again
    stability: tuple[float, ...]  #: the stability of each cluster: 1 if all variants find the same
    variants: tuple[Variant, ...]
    """The same with other settings; none where the clusters are the blocks of the dictionary."""
    block: int = 1  #: latents of a block; 1 where the dictionary has no blocks


@dataclass(frozen=True)
class ClusterRow(Brief):
    """A cluster in the ranking. What belongs to its best plane is None where it was not scored."""

    rank: int  #: place in the ranking, from 1; 0 before all clusters are scored
    published_rank: int  #: place by the published value
    cluster: int  #: number of the cluster
    stability: float  #: how well it comes again with other settings; 1 is the same
    examples: tuple[str, ...]  #: the tokens on which it is most often more than weakly active
    members: tuple[int, ...]  #: its latents
    tokens: int  #: tokens on which any of them is active
    together: float  #: mean number of members that are active on one token
    score: float  #: bits by which its best plane exceeds a Gaussian cloud
    published: float  #: the published value: mean over planes of (1 - mixture) · separability
    irreducible: bool  #: the verdict
    plane: str | None  #: its best plane, such as ``directions 1-2``
    plane_share: float | None  #: part of the variance in that plane
    plane_score: float | None  #: score of that plane, in bits
    gaussian_score: float | None  #: score of the Gaussian cloud in the plane of the same name
    separability_bits: float | None  #: separability of that plane
    separability_null_z: float | None  #: the same in standard deviations of shuffled clouds
    mixture: float | None  #: mixture index of that plane
    reason: str  #: why it was not scored; empty otherwise
    shape: str = ""
    """Its shape without labels; empty where it was not scored, or the extra ``[topology]`` is not installed."""
    ring: float | None = None  #: by how much its longest loop outlasts all others, in units of chance's longest loop
    dimension: float | None = None  #: its intrinsic dimension
    covered: float = 0.0  #: share of all tokens on which any of its latents is active
    nuisance: str = ""  #: the nuisance to which most of its tokens belong; empty if there is none
    parts_bits: float | None = None
    """Bits of that plane that are left within two or three parts of its points; None where it is reducible anyway."""
    rays: bool = False  #: whether the points lie on rays: lines of which one is active at a time, or labels on a ring

    @property
    def where(self) -> str:
        """Its best plane, with a remark where a few parts of the points explain it; or why it was not scored."""
        in_parts = self.parts_bits is not None and not self.irreducible
        remark = "; rays, or labels on a ring" if self.rays else "; a few noisy parts" if in_parts else ""
        return f"{self.plane}{remark}" if self.plane else self.reason


LEAST_EXCESS = 0.05
"""Bits by which a cluster must exceed its Gaussian cloud to be called irreducible, and to exceed chance."""
_FEW_NULLS = 10
_INDEPENDENT = (
    " Chance is the same method on states whose lines were made independent. Lines that are active together, or never "
    "together, exceed it too; chance alone does once in {} rows."
)


@dataclass(frozen=True)
class RankFindings(Brief):
    """The ranking."""

    ranking: tuple[ClusterRow, ...]  #: the clusters, best first
    null: tuple[float, ...]  #: scores of the clusters of chance, largest first; 0 for each that chance did not make

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
        """Clusters that score more than chance; 0 where no chance was scored."""
        return sum(row.score > self.bar for row in self.ranking) if self.null else 0

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
    """What the stages that are done have found; a stage that is not done has no key in result.json."""

    collect: CollectFindings | None = None  #: the stored states
    train_sae: Quality | None = None  #: quality of the trained dictionary
    recover: Recovery | None = None  #: what the model's loss keeps with it
    encode: EncodeFindings | None = None  #: the tokens that are encoded
    cluster: GroupFindings | None = None  #: the clusters of latents
    chance: EncodeFindings | None = None
    """The tokens whose states were made anew (`discovery.lines`)."""
    rank: RankFindings | None = None  #: the ranking of the clusters

    __repr__ = brief

    @property
    def has_blocks(self) -> bool:
        """Whether the clusters are the blocks of a dictionary."""
        return self.cluster is not None and self.cluster.block > 1

    @property
    def against_chance(self) -> str:
        """A sentence that tells how many clusters exceed chance, and what that is worth; empty without a ranking."""
        if not self.rank:
            return ""
        return self.rank.against_chance + (_INDEPENDENT.format(len(self.rank.null) + 1) if self.rank.null else "")

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        if self.rank:
            best = max((row.score for row in self.rank.ranking), default=0.0)
            what = "blocks" if self.has_blocks else "clusters"
            above = f"{self.rank.above_chance} {what} above chance" if self.rank.null else f"{what} without chance"
            return f"{above}, best {best:.2f} bits"
        if self.cluster:
            return f"{len(self.cluster.clusters)} clusters"
        if self.train_sae:
            return f"{percent(self.train_sae.explained, 1)} explained by {self.train_sae.l0:.1f} latents a token"
        return f"{self.collect.tokens:,} states" if self.collect else ""


@dataclass(frozen=True)
class Move:
    """What a model says next where a feature's states are turned to an angle of its plane."""

    degrees: float  #: the angle
    tokens: tuple[str, ...]  #: next tokens whose log-probability rises most
    rises: tuple[float, ...]  #: by how much it exceeds its mean over all angles, in nats
    changed: float  #: share of the prompts whose most likely next token is another than without turning
    intervals: tuple[tuple[float, float], ...] = ()
    """96 % bootstrap intervals of the rises: tokens that are turned are drawn, and contexts of each."""


@dataclass(frozen=True)
class FeatureFindings(Brief):
    """What ``features open`` shows of a feature."""

    rank: int  #: its rank
    cluster: int  #: its cluster
    score: float  #: its score, in bits
    bar: float  #: what a score must exceed
    shape: str  #: its shape
    moves: tuple[Move, ...]  #: what moving along it does, by angle; none without a model
    page: str  #: its page
    run: str  #: the run's name

    def _repr_html_(self) -> str:
        from novacula.runs.notebook import answer_html

        return answer_html(Path(self.page))


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
    """What discovery has found at a layer."""

    layer: int  #: layer of the residual stream
    explained: float  #: share of the variance that the dictionary explains
    l0: float  #: mean number of active latents of a token
    clusters: int  #: clusters that are ranked
    best: float  #: the largest score, in bits
    chance: float  #: the largest score of the clusters of chance
    above_chance: int  #: clusters that score more than that
    top: tuple[TopCluster, ...]  #: the first clusters of the ranking


@dataclass(frozen=True)
class SurveyFindings(Brief):
    """What ``features survey`` finds."""

    layers: tuple[LayerRow, ...]  #: the layers that are done
    failed: tuple[tuple[str, str], ...]  #: name and error of each that failed

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        best = max(self.layers, key=lambda row: row.best, default=None)
        return f"best {best.best:.2f} bits, at layer {best.layer}" if best else ""
