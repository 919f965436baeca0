"""Which algorithm a network for another function than the L1 norm carries out. Source: ours; the algorithms are known.

Every task has a list of algorithms, each with the patterns that its units must show. A function without a list is named
by its dominating pattern. The function alone says what it depends on: inputs on their own, pairs, their sum.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.orders import OrderParameters
from novacula.hypernet.analyst.patterns import Patterns
from novacula.hypernet.analyst.structure import Structure
from novacula.hypernet.network import TargetNetwork

MOST = 0.8
"""Share that makes a pattern the network's."""
_SOME, _PART = 0.5, 0.25
_ALONE, _NEARLY = 0.99, 0.9
_FITS = 0.3
_ROUND, _CONVEX, _SMOOTH = 1.4, 0.05, 0.7
GENERIC = ("separable", "pairwise", "ridge", "bowls")
"""Labels of functions without known algorithms: Σ g(x_i); sums over pairs; of Σ x_i alone; units in any direction."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a network.

    Attributes:
        network: the network.
        orders: of its first layer.
        patterns: of its first layer.
        fit: R² after the best scale and offset, which tells whether the function is anything like the task's.
    """

    network: TargetNetwork
    orders: OrderParameters
    patterns: Patterns
    fit: float

    @property
    def fits(self) -> bool:
        """Whether the function is like the task's; patterns that many functions share count only then."""
        return self.fit > _FITS

    @property
    def deep(self) -> bool:
        """Whether there is more than one hidden layer."""
        return len(self.network.architecture.hidden) > 1

    @property
    def is_tree(self) -> bool:
        """Differences of pairs that have no input in common, below layers enough to join all of them."""
        depth = math.ceil(math.log2(max(self.network.architecture.inputs, 2)))
        tied = self.patterns.difference > MOST and self.patterns.tied > MOST
        return tied and len(self.network.architecture.hidden) >= depth

    @property
    def is_comparator(self) -> bool:
        """Differences of neighbors, or of anything in a deep network."""
        return self.patterns.difference > MOST and (self.deep or self.network.architecture.inputs == 2)

    @property
    def is_bowl(self) -> bool:
        """Units in all directions whose sum is convex and round."""
        round_one = 0 < self.orders.anisotropy < _ROUND and self.orders.concavity < _CONVEX
        return round_one and self.fits and self.orders.sign_purity > 0.9 and self.orders.evenness > 0.6

    @property
    def is_polarized(self) -> bool:
        """(x + y)² less (x - y)²: sums of pairs and differences, with opposite signs."""
        patterns = self.patterns
        return patterns.pairs > MOST and patterns.sum_sign > MOST and patterns.difference_sign < -MOST

    @property
    def is_completed(self) -> bool:
        """(x + y)² less x² and y², or these less (x - y)²: pairs and entries in like shares, with opposite signs."""
        p = self.patterns
        for share, sign, sense in ((p.sum, p.sum_sign, 1), (p.difference, p.difference_sign, -1)):
            both = min(share, p.entry) > _PART and share + p.entry > MOST
            if both and sense * sign > MOST and sense * p.entry_sign < -MOST:
                return True
        return False

    @property
    def is_staircase(self) -> bool:
        """Kinks on the sum of all inputs, more than one where there are more than two bits."""
        least = min(2, self.network.architecture.inputs - 1)
        return self.patterns.total > MOST and self.patterns.stairs >= least

    @property
    def is_smooth(self) -> bool:
        """Whether the function has no kinks at 0."""
        return self.orders.kink_sharpness < _SMOOTH

    @property
    def is_waves(self) -> bool:
        """Rows that are one wave on each half of the inputs, of the same frequency."""
        rows = self.network.weights[0]
        half = rows.shape[1] // 2
        power = np.abs(np.fft.rfft(rows.reshape(len(rows), 2, half), axis=2)[:, :, 1:]) ** 2
        if not power.size or half < 4:  # below, every row is one wave
            return False
        together = power.sum(1)
        share = together.max(1) / np.maximum(together.sum(1), 1e-300)
        return float(np.average(share, weights=np.maximum(together.sum(1), 1e-300))) > MOST


Test = Callable[[Evidence], bool]


def _differences(e: Evidence) -> bool:
    return e.patterns.difference > MOST


def _entries(e: Evidence) -> bool:
    return e.patterns.entry > MOST and e.fits


def _total(e: Evidence) -> bool:
    return e.patterns.total > MOST


def _pairs(e: Evidence) -> bool:
    return e.patterns.pairs > MOST


def _others(e: Evidence) -> bool:
    return e.patterns.background + e.patterns.total > MOST


def _extreme(name: str) -> list[tuple[str, Test]]:
    return [
        (f"{name}-log-sum-exp", lambda e: e.is_tree and e.network.architecture.activation == "softplus"),
        (f"{name}-tree", lambda e: e.is_tree),
        (f"{name}-pairwise", lambda e: _differences(e) and e.fits),
        (f"{name}-thresholds", _entries),
        (f"{name}-bowls", lambda e: e.is_bowl),
    ]


_ALGORITHMS: dict[str, list[tuple[str, Test]]] = {
    "weighted-l1": [("separable-kinks", _entries)],
    "total-variation": [("neighbor-differences", lambda e: _differences(e) and e.patterns.neighbors > MOST)],
    "max": _extreme("max"),
    "min": _extreme("min"),
    "range": _extreme("range"),
    "median": [("median-comparators", lambda e: e.is_comparator), ("median-pairwise", _differences)],
    "sort": [("sort-comparators", lambda e: e.is_comparator), ("sort-pairwise", _differences)],
    "product": [
        ("product-squares", lambda e: e.is_polarized and e.network.architecture.activation == "square"),
        ("product-curvature", lambda e: e.is_polarized),
        ("product-completion", lambda e: e.is_completed),
        ("product-staircase", _total),
    ],
    "squared-l2": [
        ("squares-curvature", lambda e: e.patterns.entry > MOST and e.is_smooth),
        ("squares-frame", lambda e: e.patterns.isotropy > MOST and e.is_smooth),
        ("l2-bowls", lambda e: e.is_bowl),
        ("separable-kinks", _entries),
    ],
    "l2-norm": [("l2-bowls", lambda e: e.is_bowl), ("separable-kinks", _entries)],
    "parity": [
        ("parity-tree", lambda e: e.is_tree),
        ("parity-staircase", lambda e: e.is_staircase),
        ("parity-differences", _pairs),
    ],
    "majority": [("count-threshold", _total), ("count-of-others", lambda e: _others(e) and e.fits)],
    "modular-addition": [
        ("modular-addition-clock", lambda e: e.is_waves),
        ("modular-addition-table", lambda e: e.patterns.sum > MOST),
    ],
    "angle-addition": [("angle-addition-squares", _pairs)],
    "clip": [("separable-kinks", _entries)],
    "piecewise": [("separable-kinks", _entries)],
}
_SAME = {"dot-product": "product", "xor": "parity"}
_SHOWS: dict[str, tuple[str, ...]] = {
    "separable": ("separable-kinks", "squares-curvature", "squares-frame"),
    "ridge": ("parity-staircase", "parity-tree", "count-threshold", "count-of-others", "product-staircase"),
    "pairwise": (
        "neighbor-differences",
        "product-squares",
        "product-curvature",
        "product-completion",
        "angle-addition-squares",
        "modular-addition-table",
        "modular-addition-clock",
        "parity-differences",
        *(f"{name}-pairwise" for name in ("max", "min", "range", "median", "sort")),
    ),
    "bowls": ("l2-bowls", "max-bowls", "min-bowls", "range-bowls"),
}
"""What the functions of these algorithms show; those of others show nothing that the test knows."""


def algorithm(task: str, evidence: Evidence) -> tuple[str, str]:
    """The algorithm of a task by the network's weights, and why."""
    task = "majority" if task.endswith("-of-n") else _SAME.get(task, task)
    for name, test in _ALGORITHMS.get(task, []):
        if test(evidence):
            return name, f"the first layer's units fit {name}"
    patterns = evidence.patterns
    shares = {"separable": patterns.entry, "ridge": patterns.total, "pairwise": patterns.pairs}
    best = max(shares, key=lambda name: shares[name])
    known = task in _ALGORITHMS and evidence.fits
    if shares[best] > MOST and not known:
        return best, f"{shares[best]:.0%} of the first layer's bend fit that pattern"
    if shares[best] > _SOME:
        return "partial", f"{shares[best]:.0%} of the first layer's bend are {best}; no known algorithm of {task}"
    if evidence.is_bowl and not known:
        return "bowls", "units in all directions, whose sum is convex and round"
    return "unstructured", "no pattern in the first layer's weights"


def functional_name(structure: Structure, orders: OrderParameters) -> str:
    """What the function alone shows."""
    if structure.separable > _ALONE:
        return "separable"
    if structure.ridge > _NEARLY:
        return "ridge"
    if structure.pairwise > _NEARLY:
        return "pairwise"
    is_bowl = 0 < orders.anisotropy < _ROUND and orders.concavity < _CONVEX
    return "bowls" if is_bowl else "unstructured"


def agrees(label: str, shown: str, inputs: int) -> bool:
    """Whether what a function shows may be of a network with this label."""
    if label in ("partial", "unstructured"):
        return label == "partial" or shown in ("unstructured", "bowls")
    expected = [name for name, labels in _SHOWS.items() if label in (name, *labels)]
    if not expected or inputs == 2:  # of two inputs everything is pairwise; of a tree or a sorter nothing is shown
        return True
    return shown in expected or (expected == ["pairwise"] and shown in ("separable", "ridge"))


def scale_free(y: Float[np.ndarray, "batch outputs"], f: Float[np.ndarray, "batch outputs"]) -> float:
    """R² after the best common scale and an offset for each output; 0 where one of them is constant."""
    y, f = y - y.mean(0), f - f.mean(0)
    sizes = float(np.linalg.norm(y) * np.linalg.norm(f))
    return float((y / sizes * f).sum()) ** 2 if sizes > 0 and math.isfinite(sizes) else 0.0
