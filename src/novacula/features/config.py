"""Options of the features verbs. This module imports neither torch nor scikit-learn, so that ``--help`` stays fast."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from novacula.options import (
    ADVANCED,
    CampaignOptions,
    Integers,
    Words,
    refuse,
    unless_between,
    unless_seed,
    unless_within,
)

SaeKind = Literal["relu", "topk", "batchtopk", "jumprelu", "block"]
ClusterMethod = Literal["communities", "components", "threshold", "agglomerative", "hdbscan", "spectral"]
AffinityName = Literal["cosine", "angular", "activity", "mixed"]
NUISANCES = ("punctuation", "position")


@dataclass(frozen=True)
class ScoreConfig:
    """How the irreducibility of a cloud is measured.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    bins: Annotated[int, ADVANCED] = 40
    """Cells on each side of the finest grid on which information is counted, over six standard deviations."""
    angles: Annotated[int, ADVANCED] = 90
    """Rotations of a quarter turn that are tried; the best one is refined."""
    epsilon: Annotated[float, ADVANCED] = 0.1
    """Half width of the band of the mixture index, in root-mean-square distances from its middle line."""
    neighbors: Annotated[int, ADVANCED] = 4
    """Neighbors of the estimate without bins."""
    shuffles: Annotated[int, ADVANCED] = 100
    """Shuffled clouds that make the permutation null."""
    bootstraps: Annotated[int, ADVANCED] = 200
    """Resampled clouds that make the interval."""
    dimensions: int = 5
    """Most dimensions that are scored. Where there are more columns, the leading principal components are taken."""
    thinnest: Annotated[float, ADVANCED] = 0.2
    """Least standard deviation of the third and later principal components, as a share of the first one's; thinner ones
    are left out. Thin noise around a feature, stretched to its size, would make every feature a product with noise."""

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> list[str]:
        bounds = {
            "bins": (4, 200),
            "angles": (8, 10_000),
            "neighbors": (1, 100),
            "shuffles": (10, 100_000),
            "bootstraps": (20, 100_000),
            "dimensions": (2, 8),
        }
        problems = _outside(self, bounds)
        if self.bins % 4:
            problems.append(f"--bins is {self.bins}; it must be a multiple of 4, as coarser grids are made of it")
        problems += unless_within("--thinnest", self.thinnest, 0, 1)
        return problems + unless_between("--epsilon", self.epsilon, 0, 1)


@dataclass(frozen=True)
class CollectConfig:
    """Which states of a model are stored.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    layer: int | None = None
    """Layer of the residual stream: 0 is the embedding output, L the state after the last block. By default L / 2."""
    tokens: int = 1_000_000
    """Most states that are stored. Passages are taken from all texts in random order."""
    context: Annotated[int, ADVANCED] = 256
    """Tokens that the model sees at once."""
    skip: Annotated[int, ADVANCED] = 1
    """First tokens of each context that are not stored, since the states there are of another kind."""
    precision: Annotated[Literal["float16", "float32"], ADVANCED] = "float16"
    """Precision of the stored states; float32 takes twice the room."""
    seed: int = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> list[str]:
        bounds = {
            **({} if self.layer is None else {"layer": (0, 10_000)}),
            "tokens": (1, 10**10),
            "context": (2, 10**6),
            "skip": (0, self.context - 1),
        }
        return _outside(self, bounds) + unless_seed(self.seed)


@dataclass(frozen=True)
class TrainSaeConfig:
    """How a sparse autoencoder is trained.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    kind: SaeKind = "topk"
    """The rule that picks the active latents. With block an atom is a small subspace, which can hold a circle whole."""
    latents: int = 4608
    """Rows of the dictionary."""
    block: int = 3
    """Latents of a block, for block; their directions are orthonormal."""
    k: int = 32
    """Active latents of a token, for topk and batchtopk; active blocks, for block."""
    sparsity: Annotated[float, ADVANCED] = 0.01
    """Weight of the penalty, for relu and jumprelu."""
    train_tokens: int = 4_000_000
    """States that it learns from. Where fewer are stored, they come again."""
    batch: Annotated[int, ADVANCED] = 2048
    """States in a step."""
    rate: Annotated[float, ADVANCED] = 1e-3
    """Highest learning rate of Adam."""
    dead_after: Annotated[int, ADVANCED] = 200_000
    """States after which a silent latent counts as dead."""
    seed: int = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        refuse(self._problems())

    @property
    def steps(self) -> int:
        """Steps in all."""
        return -(-self.train_tokens // self.batch)

    def _problems(self) -> list[str]:
        bounds = {
            "latents": (2, 10**7),
            "block": (2, 64),
            "k": (1, self.latents // max(1, self.block if self.kind == "block" else 1)),
            "train_tokens": (1, 10**12),
            "batch": (1, 10**6),
            "dead_after": (1, 10**12),
        }
        problems = _outside(self, bounds) + unless_seed(self.seed)
        if self.kind == "block" and self.latents % max(1, self.block):
            problems.append(f"--latents is {self.latents}; it must be a multiple of --block, which is {self.block}")
        problems += unless_between("--sparsity", self.sparsity, 0, 1000)
        return problems + unless_between("--rate", self.rate, 0, 1000)


@dataclass(frozen=True)
class DiscoverConfig(CollectConfig, TrainSaeConfig):
    """How features are looked for: what is collected, how the dictionary is trained, grouped and ranked.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    method: ClusterMethod = "communities"
    """How the graph of similar latents is cut into clusters."""
    affinity: Annotated[AffinityName, ADVANCED] = "mixed"
    """What makes two latents alike: their directions, being active on the same tokens, or the stronger of both."""
    neighbors: Annotated[int, ADVANCED] = 8
    """Edges that each latent begins with, to the most similar others."""
    cutoff: Annotated[float | None, ADVANCED] = None
    """Least likeness of an edge; by default, what chance hardly reaches."""
    largest: Annotated[int, ADVANCED] = 200
    """Members of the largest cluster; larger ones are split again."""
    clusters: int = 1000
    """Most clusters that are ranked; those that are active most often come first."""
    points: Annotated[int, ADVANCED] = 2000
    """Most tokens of a cluster on which its score is measured."""
    radius: Annotated[float, ADVANCED] = 0.35
    """Tokens on which a cluster is weakly active are left out, as they are mostly noise: those whose point is nearer to
    the origin than this part of the 95th percentile."""
    without: Words = ()
    """Tokens that take no part in clusters and ranking, with commas between: punctuation (no letter or digit), position
    (the first four places of a context)."""
    nulls: Annotated[int, ADVANCED] = 20
    """Clusters of chance that are scored beside the real ones."""
    shown: int = 24
    """Clusters that the report shows one by one."""

    def _problems(self) -> list[str]:
        bounds = {
            "neighbors": (1, 1000),
            "largest": (2, 10_000),
            "clusters": (1, 10**6),
            "points": (50, 20_000),
            "nulls": (0, 10_000),
            "shown": (1, 1000),
        }
        problems = [*CollectConfig._problems(self), *TrainSaeConfig._problems(self), *_outside(self, bounds)]
        if not 0 <= self.radius < 1:
            problems.append(f"--radius is {self.radius:g}; it must lie in 0 … 1, 1 excluded")
        if unknown := {*self.without} - {*NUISANCES}:
            problems.append(f"--without is {', '.join(sorted(unknown))}; it may be {', '.join(NUISANCES)}")
        if self.cutoff is not None:
            problems += unless_between("--cutoff", self.cutoff, -1, 1)
        return problems


@dataclass(frozen=True)
class OpenConfig:
    """How a discovered feature is moved to see what it does.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    prompts: int = 16
    """Tokens whose states are moved along the feature, the most active ones; 0 to load no model."""
    angles: int = 8
    """Angles of its plane to which they are moved."""

    def __post_init__(self) -> None:
        refuse(_outside(self, {"prompts": (0, 1000), "angles": (2, 360)}))


@dataclass(frozen=True)
class SurveyConfig(DiscoverConfig, CampaignOptions):
    """At which layers discovery is done, how, and where it is computed.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    layers: Integers = ()
    """Layers of the residual stream, with commas between them; by default all. 0 is the embedding output."""

    def _problems(self) -> list[str]:
        problems = [problem for layer in self.layers for problem in unless_within("--layers", layer, 0, 10_000)]
        problems += [] if len({*self.layers}) == len(self.layers) else ["--layers names a layer twice"]
        problems += [] if self.layer is None else ["--layer belongs to one run; a survey takes --layers"]
        return super()._problems() + problems + self.campaign_problems()

    def at_layer(self, layer: int) -> DiscoverConfig:
        """Returns the options of discover at a layer."""
        options = {field.name: getattr(self, field.name) for field in fields(DiscoverConfig)}
        options["layer"] = layer
        return DiscoverConfig(**options)


@dataclass(frozen=True)
class ProbeConfig:
    """How a concept's circle is looked for.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    layers: Integers = ()
    """Layers of the residual stream, with commas between them; by default all. 0 is the embedding output."""
    components: int = 5
    """Principal components in which a probe is fitted."""
    permutations: int = 9999
    """Permutations that are drawn for the null from 8 labels on; up to 7 labels all permutations are taken."""
    seed: int = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        bounds = {"components": (2, 1000), "permutations": (99, 10**6)}
        refuse(_outside(self, bounds) + unless_seed(self.seed))


@dataclass(frozen=True)
class SteerConfig:
    """How states are changed, and where.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    layer: int = 7
    """Layer of the residual stream that is changed, at the token of the label."""
    template: int | None = None
    """Number of the only template, from 1, among those with an answer; by default, all that the model answers rightly
    for at least half of the labels, or the one that it answers best."""
    targets: int = 2
    """Labels towards which each prompt is steered, spread evenly; 0 for every other label, which takes longer."""
    components: int = 5
    """Principal components in which the circle is fitted."""
    radii: int = 6
    """Radii of the grid of points that are written, from 0 to twice the circle; 0 for no grid."""
    angles: int = 24
    """Angles of that grid."""
    seed: int = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        bounds = {"layer": (0, 10_000), "components": (2, 1000), "radii": (0, 100), "angles": (3, 1000)}
        problems = _outside(self, bounds | {"targets": (0, 10_000)}) + unless_seed(self.seed)
        if self.template is not None and self.template < 1:
            problems.append(f"--template is {self.template}; templates are counted from 1")
        refuse(problems)


@dataclass(frozen=True)
class ExplainConfig:
    """Which functions of the prompt are tried on states, and how many.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    layers: Integers = ()
    """Layers of the residual stream, with commas between them; by default about eight."""
    components: int = 20
    """Principal components of the states that are explained."""
    functions: int = 6
    """Most functions that are taken; each is the one that explains most of what is left."""
    pairs: int = 0
    """Pairs of prompts for activation patching, which tells where label, offset and answer live; 0 for none."""
    seed: int = 0
    """Seed of everything that is drawn, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        bounds = {"components": (2, 10_000), "functions": (1, 50), "pairs": (0, 1000)}
        refuse(_outside(self, bounds) + unless_seed(self.seed))


def _outside(config: object, bounds: Mapping[str, tuple[int, int]]) -> list[str]:
    """Returns what is wrong with whole numbers that must lie between two others."""
    return [
        problem
        for name, (low, high) in bounds.items()
        for problem in unless_within(f"--{name.replace('_', '-')}", getattr(config, name), low, high)
    ]
