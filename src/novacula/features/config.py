"""Options of the features verbs. This module imports neither torch nor scikit-learn, so that ``--help`` stays fast."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from novacula.options import (
    ADVANCED,
    CampaignOptions,
    Configuration,
    Integers,
    Seed,
    Words,
    at_least,
    between,
    in_range,
    unless_within,
)

SaeKind = Literal["relu", "topk", "batchtopk", "jumprelu", "block"]
ClusterMethod = Literal["communities", "components", "threshold", "agglomerative", "hdbscan", "spectral"]
AffinityName = Literal["cosine", "angular", "activity", "mixed"]
_MOST = 4608  #: rows of a dictionary where nothing else is asked for; up to then --rate is right
NUISANCES = ("punctuation", "position")


@dataclass(frozen=True)
class ScoreConfig(Configuration):
    """How the irreducibility of a cloud is measured."""

    bins: Annotated[int, in_range(4, 200), ADVANCED] = 40
    """The number of cells on each side of the finest grid of counts. A side is six standard deviations long."""
    angles: Annotated[int, in_range(8, 10_000), ADVANCED] = 90
    """The number of rotations within a quarter turn that are tried. The best one is refined."""
    epsilon: Annotated[float, between(0, 1), ADVANCED] = 0.1
    """Half the width of the band of the mixture index, in root-mean-square distances from its middle line."""
    neighbors: Annotated[int, in_range(1, 100), ADVANCED] = 4
    """The number of neighbors in the estimate without bins."""
    shuffles: Annotated[int, in_range(10, 100_000), ADVANCED] = 100
    """The number of shuffled clouds that make the permutation null."""
    bootstraps: Annotated[int, in_range(20, 100_000), ADVANCED] = 200
    """The number of resampled clouds that make the interval."""
    dimensions: Annotated[int, in_range(2, 8)] = 5
    """The largest number of dimensions that are scored. If there are more columns, the leading principal components are
    taken."""
    thinnest: Annotated[float, in_range(0, 1), ADVANCED] = 0.2
    """Least standard deviation of the third and later principal components, as a share of the first one's; thinner ones
    are left out. Thin noise around a feature, stretched to its size, would make every feature a product with noise."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.bins % 4:
            problems.append(f"--bins is {self.bins}; it must be a multiple of 4, as coarser grids are made of it")
        return problems


@dataclass(frozen=True)
class CollectConfig(Configuration):
    """Which states of a model are stored."""

    layer: Annotated[int | None, in_range(0, 10_000)] = None
    """Layer of the residual stream: 0 is the embedding output, L the state after the last block. By default L / 2."""
    tokens: Annotated[int, in_range(1, 10**10)] = 1_000_000
    """The largest number of states that are stored. Passages are taken from all texts in random order."""
    context: Annotated[int, in_range(2, 10**6), ADVANCED] = 256
    """The number of tokens that the model sees at once."""
    skip: Annotated[int, ADVANCED] = 1
    """The number of first tokens of each context that are not stored, since their states are of another kind."""
    precision: Annotated[Literal["auto", "float16", "float32"], ADVANCED] = "auto"
    """Precision of the stored states. auto is float16 until a state comes that it cannot hold, then float32, which
    takes twice the room."""
    seed: Seed = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""

    def _problems(self) -> list[str]:
        return super()._problems() + unless_within("--skip", self.skip, 0, self.context - 1)


@dataclass(frozen=True)
class TrainSaeConfig(Configuration):
    """How a sparse autoencoder is trained."""

    kind: SaeKind = "topk"
    """The rule that picks the active latents. With block an atom is a small subspace, which can hold a circle whole."""
    latents: int = 0
    """The number of latents, which are the rows of the dictionary. 0, the default, stands for as many as can each be
    active on 250 states of the store: at least four for each dimension that the states span, at most eight for each
    that they have, and 4,608."""
    block: Annotated[int, in_range(2, 64)] = 3
    """Latents of a block, for block; their directions are orthonormal."""
    k: int = 0
    """The number of active latents of a token, for topk and batchtopk, or of active blocks, for block. 0, the default,
    stands for a sixth of the dimensions that the states span, 4 at least and 32 of either at most. Of blocks it falls
    in training, to about as many as tokens use."""
    sparsity: Annotated[float, between(0, 1000), ADVANCED] = 0.01
    """Weight of the penalty, for relu and jumprelu."""
    train_tokens: Annotated[int, in_range(0, 10**12)] = 0
    """States that it learns from; where fewer are stored, they come again. 0, the default, for 50 times the store, from
    150,000 to 4,000,000, in smaller batches where the store is small, and at a higher rate where the dictionary is."""
    batch: Annotated[int, in_range(1, 10**6), ADVANCED] = 2048
    """The number of states in a step."""
    rate: Annotated[float, between(0, 1000), ADVANCED] = 1e-3
    """Highest learning rate of Adam."""
    dead_after: Annotated[int, in_range(1, 10**12), ADVANCED] = 200_000
    """The number of states after which a silent latent counts as dead."""
    seed: Seed = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""

    @property
    def together(self) -> int:
        """The number of latents that are active together: those of a block, or else 1."""
        return self.block if self.kind == "block" else 1

    @property
    def steps(self) -> int:
        """Steps in all."""
        return -(-self.train_tokens // self.batch)

    def sized(self, rows: int, width: int, rank: int | None = None) -> "TrainSaeConfig":
        """Returns the options with numbers where they follow from the size of the store.

        A state has `width` numbers, and the states span `rank` dimensions, by default as many.
        """
        block, rank = self.together, rank or width
        k = self.k or min(32, max(-(-4 // block), rank // (6 * block)))
        most = min(_MOST, 8 * width, max(4 * rank, rows * k * block // 250)) // block * block
        latents = self.latents or max(2, k * block, most)
        given = replace(self, latents=latents, k=min(k, latents // block))
        if self.train_tokens:
            return given
        tokens = min(4_000_000, max(150_000, 50 * rows))
        follow = {
            "batch": min(self.batch if block == 1 else self.batch // 2, max(256, rows // 12)),
            "rate": min(0.005, max(self.rate, self.rate * (_MOST / latents) ** 0.5) * (1 if block == 1 else 2)),
            "dead_after": min(self.dead_after, tokens // 20),
        }
        default = {
            name: value for name, value in follow.items() if getattr(self, name) == getattr(TrainSaeConfig, name)
        }
        return replace(given, train_tokens=tokens, **default)

    def _problems(self) -> list[str]:
        block = max(1, self.together)
        problems = super()._problems() + unless_within("--latents", self.latents or 2, 2, 10**7)
        problems += unless_within("--k", self.k, 0, self.latents // block or 10**7)
        if self.latents % block:
            problems.append(f"--latents is {self.latents}; it must be a multiple of --block, which is {self.block}")
        return problems


@dataclass(frozen=True)
class DiscoverConfig(CollectConfig, TrainSaeConfig):
    """How features are looked for: what is collected, how the dictionary is trained, grouped and ranked."""

    method: ClusterMethod = "communities"
    """How the graph of similar latents is cut into clusters."""
    affinity: Annotated[AffinityName, ADVANCED] = "mixed"
    """What makes two latents alike: their directions, being active on the same tokens, or the stronger of both."""
    neighbors: Annotated[int, in_range(1, 1000), ADVANCED] = 8
    """The number of edges that each latent begins with, to the most similar others."""
    cutoff: Annotated[float | None, between(-1, 1), ADVANCED] = None
    """The least similarity of two latents that are joined. By default, one that chance hardly reaches."""
    largest: Annotated[int, in_range(2, 10_000), ADVANCED] = 30
    """The largest number of members of a cluster. Larger clusters are split again."""
    clusters: Annotated[int, in_range(1, 10**6)] = 1000
    """The largest number of clusters that are ranked. Those that are active most often come first."""
    points: Annotated[int, in_range(50, 20_000), ADVANCED] = 2000
    """The largest number of tokens on which a cluster's score is measured."""
    radius: Annotated[float, ADVANCED] = 0.45
    """Tokens on which a cluster is weakly active are left out, as they are mostly noise: those whose point is nearer to
    the origin than this part of the usual norm, Σ r³ / Σ r² over tokens that are not weak."""
    without: Words = ()
    """Tokens that take no part in clusters and ranking, with commas between: punctuation (no letter or digit), position
    (the first four places of a context)."""
    nulls: Annotated[int, in_range(0, 10_000), ADVANCED] = 20
    """The number of clusters of chance that are scored beside the real ones."""
    shown: Annotated[int, in_range(1, 1000)] = 24
    """The number of clusters that the report shows one by one."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if not 0 <= self.radius < 1:
            problems.append(f"--radius is {self.radius:g}; it must lie in 0 … 1, 1 excluded")
        if unknown := {*self.without} - {*NUISANCES}:
            problems.append(f"--without is {', '.join(sorted(unknown))}; it may be {', '.join(NUISANCES)}")
        return problems


@dataclass(frozen=True)
class OpenConfig(Configuration):
    """How a discovered feature is moved to see what it does."""

    prompts: Annotated[int, in_range(0, 1000)] = 16
    """The number of most active tokens whose states are moved along the feature; 0 to load no model."""
    angles: Annotated[int, in_range(2, 360)] = 8
    """The number of angles of its plane to which they are moved."""


@dataclass(frozen=True)
class SurveyConfig(DiscoverConfig, CampaignOptions):
    """At which layers discovery is done, how, and where it is computed."""

    layers: Annotated[Integers, in_range(0, 10_000)] = ()
    """Layers of the residual stream, with commas between them; by default all. 0 is the embedding output."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        problems += [] if len({*self.layers}) == len(self.layers) else ["--layers names a layer twice"]
        return problems + ([] if self.layer is None else ["--layer belongs to one run; a survey takes --layers"])

    def at_layer(self, layer: int) -> DiscoverConfig:
        """Returns the options of discover at a layer."""
        return self.only(DiscoverConfig, layer=layer)


@dataclass(frozen=True)
class ProbeConfig(Configuration):
    """How a concept's circle is looked for."""

    layers: Integers = ()
    """Layers of the residual stream, with commas between them; by default all. 0 is the embedding output."""
    components: Annotated[int, in_range(2, 1000)] = 5
    """The number of principal components in which a probe is fitted."""
    permutations: Annotated[int, in_range(99, 10**6)] = 9999
    """The number of permutations that make the null of 8 labels and more. Fewer labels have all permutations."""
    seed: Seed = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""


@dataclass(frozen=True)
class SteerConfig(Configuration):
    """How states are changed, and where."""

    layer: Annotated[int, in_range(0, 10_000)] = 7
    """Layer of the residual stream that is changed, at the token of the label."""
    template: Annotated[int | None, at_least(1)] = None
    """The number of a single template, counted from 1 among those with an answer. By default, all that the model
    answers correctly for at least half of the labels, or else the best one."""
    targets: Annotated[int, in_range(0, 10_000)] = 2
    """The number of labels towards which each prompt is steered, spread evenly; 0 for every other label, which takes
    longer."""
    components: Annotated[int, in_range(2, 1000)] = 5
    """The number of principal components in which the circle is fitted."""
    radii: Annotated[int, in_range(0, 100)] = 6
    """The number of radii of the grid of points that are written, from 0 to twice the circle; 0 for no grid."""
    angles: Annotated[int, in_range(3, 1000)] = 24
    """The number of angles of that grid."""
    seed: Seed = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""


@dataclass(frozen=True)
class ExplainConfig(Configuration):
    """Which functions of the prompt are tried on states, and how many."""

    layers: Integers = ()
    """Layers of the residual stream, with commas between them; by default about eight."""
    components: Annotated[int, in_range(2, 10_000)] = 20
    """The number of principal components of the states that are explained."""
    functions: Annotated[int, in_range(1, 50)] = 6
    """The largest number of functions that are taken. Each is the one that explains most of what is left."""
    pairs: Annotated[int, in_range(0, 1000)] = 0
    """The number of pairs of prompts for activation patching, which tells where label, offset and
    answer live; 0 for none."""
    seed: Seed = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""
