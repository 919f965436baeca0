"""From codes to clusters of latents, and how stable they are, as a program of one step."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from novacula.errors import InputError
from novacula.features.clustering import Clustering, affinity_graph, cluster, stability
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.findings import GroupFindings, Variant
from novacula.features.discovery.slices import CodeMatrix
from novacula.features.one_step import OneStep
from novacula.files import JSON

LEAST_USES = 20
"""Tokens on which a latent must be active to take part."""


class Grouping(OneStep[GroupFindings]):
    """Makes the clusters of a dictionary, and again with other seeds and settings, in one step.

    Args:
        codes: the codes of all tokens.
        decoder: the dictionary.
        config: affinity, method and seed.

    Raises:
        InputError: fewer than two latents are alive.
    """

    def __init__(self, codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], config: DiscoverConfig) -> None:
        super().__init__(GroupFindings)
        self._codes, self._decoder, self._config = codes, decoder, config
        self._alive = living(codes)
        if len(self._alive) < 2:
            raise InputError(
                "SAE",
                f"of {codes.n_latents} latents {len(self._alive)} are active on {LEAST_USES} tokens or more; "
                "at least 2 are needed to make clusters",
            )

    @override
    def measure(self) -> tuple[GroupFindings, str, JSON]:
        base = self._clusters(self._config)
        others = {name: self._clusters(config) for name, config in _variants(self._config).items()}
        compared = stability(base, others, self._codes.n_latents)
        found = GroupFindings(
            alive=len(self._alive),
            latents=self._codes.n_latents,
            clusters=tuple(tuple(members.tolist()) for members in base.clusters),
            split=base.split,
            stability=tuple(round(float(value), 4) for value in compared.by_cluster),
            variants=tuple(
                Variant(agreement.name, agreement.clusters, round(agreement.rand, 4), round(agreement.jaccard, 4))
                for agreement in compared.agreements
            ),
        )
        return found, "clusters", len(base.clusters)

    def _clusters(self, config: DiscoverConfig) -> Clustering:
        neighbors = 100 if config.method == "threshold" else config.neighbors
        graph = affinity_graph(
            self._decoder,
            self._codes,
            self._alive,
            config.affinity,
            neighbors=neighbors,
            cutoff=config.cutoff,
            seed=config.seed,
        )
        return cluster(graph, config.method, largest=config.largest, seed=config.seed)


def living(codes: CodeMatrix) -> Int[np.ndarray, " alive"]:
    """Returns the latents that are active often enough to take part."""
    return np.flatnonzero(codes.uses >= LEAST_USES)


def _variants(config: DiscoverConfig) -> dict[str, DiscoverConfig]:
    """Returns the configuration with another seed, and with other settings."""
    found = {
        "another seed": replace(config, seed=(config.seed + 1) % 2**32),
        "half the neighbors": replace(config, neighbors=max(1, config.neighbors // 2)),
        "twice the neighbors": replace(config, neighbors=min(1000, 2 * config.neighbors)),
    }
    other = "components" if config.method != "components" else "communities"
    return found | {other: replace(config, method=other)}
