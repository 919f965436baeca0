"""Scoring all clusters and as many of chance, as a resumable program."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from novacula.features.config import DiscoverConfig
from novacula.features.discovery.grouping import living
from novacula.features.discovery.pictures import cluster_pictures, frequent_tokens
from novacula.features.discovery.ranking import null_clusters, score_cluster
from novacula.features.discovery.slices import CodeMatrix
from novacula.features.store import Store
from novacula.files import JSON, write_json
from novacula.runs import Step

SCHEMA_VERSION = 1


class Ranked:
    """A cluster a step, then the clusters of chance, then pictures of the best (`novacula.runs.Program`).

    Args:
        codes: of all tokens.
        decoder: the dictionary.
        grouping: the result of `Grouping`.
        store: for the context of tokens.
        config: how many clusters, tokens and pictures.
        out: the file that gets the pictures.
    """

    def __init__(
        self,
        codes: CodeMatrix,
        decoder: Float[np.ndarray, "latents width"],
        grouping: dict[str, Any],
        store: Store,
        config: DiscoverConfig,
        out: Path,
    ) -> None:
        self._codes, self._decoder, self._store, self._config, self._out = codes, decoder, store, config, out
        clusters = [np.array(members) for members in grouping["clusters"]]
        uses = codes.uses
        order = sorted(range(len(clusters)), key=lambda number: -int(uses[clusters[number]].sum()))
        self._numbers = sorted(order[: config.clusters])
        self._clusters, self._stable = clusters, grouping["stability"]
        sizes = [len(clusters[number]) for number in self._numbers]
        self._nulls = null_clusters(sizes, uses, living(codes), config.nulls, config.seed)
        self._rows: list[dict[str, JSON]] = []
        self._null_scores: list[float] = []
        self._drawn = False

    @property
    def position(self) -> int:
        """Clusters scored, and 1 for the pictures."""
        return len(self._rows) + len(self._null_scores) + self._drawn

    @property
    def length(self) -> int:
        """All clusters, those of chance, and the pictures."""
        return len(self._numbers) + len(self._nulls) + 1

    def step(self) -> Step:
        """Score the next cluster, or draw."""
        if len(self._rows) < len(self._numbers):
            number = self._numbers[len(self._rows)]
            scored = score_cluster(self._codes, self._decoder, self._clusters[number], self._config)
            examples = frequent_tokens(self._store, self._codes.rows(scored.members))
            facts: dict[str, JSON] = {"cluster": number, "stability": self._stable[number], "examples": [*examples]}
            self._rows.append(facts | scored.as_json())
            return Step({"cluster": number, "score": round(scored.score, 4)})
        if len(self._null_scores) < len(self._nulls):
            members = self._nulls[len(self._null_scores)]
            score = score_cluster(self._codes, self._decoder, members, self._config).score
            self._null_scores.append(score)
            return Step({"cluster": "chance", "score": round(score, 4)})
        best = ranking(self._rows)[: self._config.shown]
        pictures = [
            {"cluster": row["cluster"], **cluster_pictures(self._codes, self._decoder, row, self._store, self._config)}
            for row in best
        ]
        write_json(self._out, {"schema_version": SCHEMA_VERSION, "clusters": pictures})
        self._drawn = True
        return Step({"cluster": "pictures", "score": 0.0})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """The scores so far."""
        return {}, {"rows": [*self._rows], "nulls": [*self._null_scores], "drawn": self._drawn}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._rows, self._null_scores, self._drawn = list(data["rows"]), list(data["nulls"]), bool(data["drawn"])

    def result(self) -> dict[str, JSON]:
        """The ranking, best first, and the scores of chance."""
        return {"ranking": [*ranking(self._rows)], "null": sorted(self._null_scores, reverse=True)}


def ranking(rows: list[dict[str, JSON]]) -> list[dict[str, Any]]:
    """Clusters from the most irreducible down, each with its rank here and by the published value."""
    published = sorted(rows, key=lambda row: (-_number(row["published"]), _number(row["cluster"])))
    place = {_number(row["cluster"]): rank for rank, row in enumerate(published, 1)}
    best = sorted(rows, key=lambda row: (-_number(row["score"]), _number(row["cluster"])))
    return [{"rank": rank, "published_rank": place[_number(row["cluster"])], **row} for rank, row in enumerate(best, 1)]


def _number(value: JSON) -> float:
    assert isinstance(value, int | float)
    return value
