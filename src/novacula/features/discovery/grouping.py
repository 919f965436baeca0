"""From codes to clusters of latents and how stable they are, as a program of one step."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.clustering import Clustering, affinity_graph, cluster, stability
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.slices import CodeMatrix
from novacula.files import JSON
from novacula.runs import Step

LEAST_USES = 20
"""Tokens on which a latent must be active to take part."""


class Grouping:
    """The clusters of a dictionary (`novacula.runs.Program`).

    Args:
        codes: of all tokens.
        decoder: the dictionary.
        config: affinity, method and seed.

    Raises:
        InputError: fewer than two latents are alive.
    """

    def __init__(self, codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], config: DiscoverConfig) -> None:
        self._codes, self._decoder, self._config = codes, decoder, config
        self._alive = living(codes)
        if len(self._alive) < 2:
            raise InputError(
                "SAE",
                f"of {codes.n_latents} latents {len(self._alive)} are active on {LEAST_USES} tokens or more; "
                "at least 2 are needed to make clusters",
            )
        self._result: dict[str, JSON] = {}

    length = 1

    @property
    def position(self) -> int:
        """1 when it is done."""
        return int(bool(self._result))

    def step(self) -> Step:
        """Make the clusters, and make them again with other seeds and settings."""
        base = self._clusters(self._config)
        others = {name: self._clusters(config) for name, config in _variants(self._config).items()}
        compared = stability(base, others, self._codes.n_latents)
        self._result = {
            "alive": len(self._alive),
            "latents": self._codes.n_latents,
            "clusters": [members.tolist() for members in base.clusters],
            "split": base.split,
            "stability": [round(float(value), 4) for value in compared.each],
            "variants": [
                {"variant": name, "clusters": count, "rand": round(rand, 4), "jaccard": round(jaccard, 4)}
                for name, count, rand, jaccard in zip(
                    compared.names, compared.clusters, compared.rand, compared.jaccard, strict=True
                )
            ],
        }
        return Step({"clusters": len(base.clusters)})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """The result."""
        return {}, {"result": self._result}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._result = data["result"]

    def result(self) -> dict[str, JSON]:
        """Clusters, how stable each is, and how well each variant agrees."""
        return self._result

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
    """Latents that are active often enough to take part."""
    return np.flatnonzero(codes.uses >= LEAST_USES)


def _variants(config: DiscoverConfig) -> dict[str, DiscoverConfig]:
    """The same with another seed, and with other settings."""
    found = {
        "another seed": replace(config, seed=(config.seed + 1) % 2**32),
        "half the neighbors": replace(config, neighbors=max(1, config.neighbors // 2)),
        "twice the neighbors": replace(config, neighbors=min(1000, 2 * config.neighbors)),
    }
    other = "components" if config.method != "components" else "communities"
    return found | {other: replace(config, method=other)}
