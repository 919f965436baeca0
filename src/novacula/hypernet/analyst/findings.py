"""A label as JSON says it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from novacula.hypernet.analyst.label import Analysis


@dataclass(frozen=True)
class LabelFindings:
    """The label of a network, and what it rests on. A number that is not finite is null.

    Attributes:
        label: the algorithm, or `partial`, `linear`, `constant`, `unstructured`.
        broken: whether the structure stands and the function does not.
        functional_label: what the function alone says.
        agree: whether the two labels go together.
        why: one line on how the label came about.
        confidence: the share of copies with noisy weights that get the same label; without copies, the margin.
        order_parameters: how the weights of the first layer are arranged.
        r2: 1 - MSE / variance of the task's outputs.
        mse: mean squared error.
    """

    label: str
    broken: bool
    functional_label: str
    agree: bool
    why: str
    confidence: float | None
    order_parameters: Mapping[str, float | None]
    r2: float | None
    mse: float | None


def label_findings(analysis: Analysis) -> LabelFindings:
    """Returns what JSON says of an analysis."""
    return LabelFindings(
        label=analysis.label,
        broken=analysis.broken,
        functional_label=analysis.functional_label,
        agree=analysis.agree,
        why=analysis.why,
        confidence=finite(analysis.confidence),
        order_parameters={name: finite(value) for name, value in asdict(analysis.order_parameters).items()},
        r2=finite(analysis.r2),
        mse=finite(analysis.mse),
    )


def finite(value: float | None) -> float | None:
    """Returns the number, or None where JSON cannot say it."""
    return value if value is not None and math.isfinite(value) else None
