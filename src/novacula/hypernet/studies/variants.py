"""What a comparison finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from novacula.hypernet.studies.study import Failure


@dataclass(frozen=True)
class CompareRow:
    """What one training gives: medians over its networks, of which direct training gives one.

    Attributes:
        variant: what was trained.
        index: number of the seed.
        seconds: processor time.
        steps: training steps.
        labels: of the networks.
        r2: 1 - MSE / variance.
        mse: mean squared error.
        nats: what the networks cost their generator; null for networks that were trained directly.
    """

    variant: str
    index: int
    seconds: float
    steps: int
    labels: tuple[str, ...]
    r2: float | None
    mse: float | None
    nats: float | None


@dataclass(frozen=True)
class VariantSummary:
    """A row of the table: medians over seeds.

    Attributes:
        variant: what was trained.
        seeds: how often.
        labels: the share of networks that have each label.
        r2, mse, nats, seconds, steps: as in `CompareRow`; null where nothing is known.
    """

    variant: str
    seeds: int
    labels: Mapping[str, float]
    r2: float | None
    mse: float | None
    nats: float | None
    seconds: float | None
    steps: float | None


@dataclass(frozen=True)
class CompareFindings:
    """Variants of the hypernetwork, and direct training.

    Attributes:
        task: what the networks should compute.
        rows: a training each.
        variants: a summary each.
        failed: jobs that failed, and why.
    """

    task: str
    rows: tuple[CompareRow, ...]
    variants: tuple[VariantSummary, ...]
    failed: tuple[Failure, ...] = ()


def summarize_variant(variant: str, rows: Sequence[CompareRow]) -> VariantSummary:
    """Returns the summary of a variant from the rows of all."""
    own = [row for row in rows if row.variant == variant]
    labels = [label for row in own for label in row.labels]
    return VariantSummary(
        variant=variant,
        seeds=len(own),
        labels={label: labels.count(label) / len(labels) for label in sorted({*labels})},
        r2=middle([row.r2 for row in own]),
        mse=middle([row.mse for row in own]),
        nats=middle([row.nats for row in own]),
        seconds=middle([row.seconds for row in own]),
        steps=middle([row.steps for row in own]),
    )


def middle(values: Sequence[float | None]) -> float | None:
    """Returns the median of the known values; None where there are none."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
