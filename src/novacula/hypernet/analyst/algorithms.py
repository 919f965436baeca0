"""Which algorithm a network for another function than the L1 norm carries out. Source: ours; the algorithms are known.

Every task has a list of algorithms, each with a test of the evidence. A function without a list is named by its
dominating pattern. The function alone says what it depends on: inputs on their own, pairs, their sum.
"""

import math
from collections.abc import Callable

import numpy as np

from novacula.hypernet.analyst.evidence import Evidence, Verdict
from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.options import percent

GENERIC = ("separable", "pairwise", "ridge", "bowls")
"""Labels of functions without known algorithms: Σ g(x_i); sums over pairs; of Σ x_i alone; units in any direction."""
_MOST = THRESHOLDS.most

Test = Callable[[Evidence], bool]  #: whether evidence is that of an algorithm


def task_verdict(evidence: Evidence) -> Verdict:
    """The labels of a network for any task but the L1 norm."""
    patterns = evidence.patterns
    label, why = _by_weights(evidence)
    function = _by_function(evidence)
    best = max(patterns.entry, patterns.total, patterns.pairs, patterns.background)
    margin = float(np.clip((best - _MOST) / (1 - _MOST), 0, 1))
    return Verdict(label, label, function, _agrees(label, function, evidence), margin, why)


def _fits(e: Evidence) -> bool:
    """The function is like the task's; patterns that many functions share count only then."""
    return e.fit > THRESHOLDS.like_task


def _mostly(*patterns: str) -> Test:
    """Most of the first layer's bend is of these patterns."""
    return lambda e: sum(getattr(e.patterns, name) for name in patterns) > _MOST


_differences, _entries, _total, _pairs = (_mostly(name) for name in ("difference", "entry", "total", "pairs"))


def _fitting_entries(e: Evidence) -> bool:
    return _entries(e) and _fits(e)


def _others(e: Evidence) -> bool:
    """Each unit weighs one input against the sum of the others."""
    return e.patterns.background + e.patterns.total > _MOST and _fits(e)


def _tree(e: Evidence) -> bool:
    """Differences of pairs that have no input in common, below layers enough to join all of them."""
    depth = math.ceil(math.log2(max(e.network.architecture.inputs, 2)))
    return _differences(e) and e.patterns.tied > _MOST and len(e.network.architecture.hidden) >= depth


def _comparator(e: Evidence) -> bool:
    """Differences of neighbors, or of anything in a deep network."""
    return _differences(e) and (len(e.network.architecture.hidden) > 1 or e.network.architecture.inputs == 2)


def _bowl(e: Evidence) -> bool:
    """Units in all directions whose sum is convex and round."""
    alike = e.orders.sign_purity > THRESHOLDS.pure and e.orders.evenness > THRESHOLDS.even
    return e.orders.is_bowl and _fits(e) and alike


def _polarized(e: Evidence) -> bool:
    """(x + y)² less (x - y)²: sums of pairs and differences, with opposite signs."""
    return _pairs(e) and e.patterns.sum_sign > _MOST and e.patterns.difference_sign < -_MOST


def _completed(e: Evidence) -> bool:
    """(x + y)² less x² and y², or these less (x - y)²: pairs and entries in like shares, with opposite signs."""
    p = e.patterns
    for share, sign, sense in ((p.sum, p.sum_sign, 1), (p.difference, p.difference_sign, -1)):
        both = min(share, p.entry) > THRESHOLDS.part and share + p.entry > _MOST
        if both and sense * sign > _MOST and sense * p.entry_sign < -_MOST:
            return True
    return False


def _staircase(e: Evidence) -> bool:
    """Kinks on the sum of all inputs, more than one where there are more than two bits."""
    return _total(e) and e.patterns.stairs >= min(2, e.network.architecture.inputs - 1)


def _smooth(e: Evidence) -> bool:
    """The function has no kinks at 0."""
    return e.orders.kink_sharpness < THRESHOLDS.kinked


def _waves(e: Evidence) -> bool:
    """Rows that are one wave on each half of the inputs, of the same frequency."""
    rows = e.network.weights[0]
    half = rows.shape[1] // 2
    power = np.abs(np.fft.rfft(rows.reshape(len(rows), 2, half), axis=2)[:, :, 1:]) ** 2
    if not power.size or half < 4:  # below, every row is one wave
        return False
    together = power.sum(1)
    share = together.max(1) / np.maximum(together.sum(1), 1e-300)
    return float(np.average(share, weights=np.maximum(together.sum(1), 1e-300))) > _MOST


def _extreme(name: str) -> list[tuple[str, Test]]:
    return [
        (f"{name}-log-sum-exp", lambda e: _tree(e) and e.network.architecture.activation == "softplus"),
        (f"{name}-tree", _tree),
        (f"{name}-pairwise", lambda e: _differences(e) and _fits(e)),
        (f"{name}-thresholds", _fitting_entries),
        (f"{name}-bowls", _bowl),
    ]


_ALGORITHMS: dict[str, list[tuple[str, Test]]] = {
    "weighted-l1": [("separable-kinks", _fitting_entries)],
    "total-variation": [("neighbor-differences", lambda e: _differences(e) and e.patterns.neighbors > _MOST)],
    "max": _extreme("max"),
    "min": _extreme("min"),
    "range": _extreme("range"),
    "median": [("median-comparators", _comparator), ("median-pairwise", _differences)],
    "sort": [("sort-comparators", _comparator), ("sort-pairwise", _differences)],
    "product": [
        ("product-squares", lambda e: _polarized(e) and e.network.architecture.activation == "square"),
        ("product-curvature", _polarized),
        ("product-completion", _completed),
        ("product-staircase", _total),
    ],
    "squared-l2": [
        ("squares-curvature", lambda e: _entries(e) and _smooth(e)),
        ("squares-frame", lambda e: e.patterns.isotropy > _MOST and _smooth(e)),
        ("l2-bowls", _bowl),
        ("separable-kinks", _fitting_entries),
    ],
    "l2-norm": [("l2-bowls", _bowl), ("separable-kinks", _fitting_entries)],
    "parity": [("parity-tree", _tree), ("parity-staircase", _staircase), ("parity-differences", _pairs)],
    "majority": [("count-threshold", _total), ("count-of-others", _others)],
    "modular-addition": [
        ("modular-addition-clock", _waves),
        ("modular-addition-table", lambda e: e.patterns.sum > _MOST),
    ],
    "angle-addition": [("angle-addition-squares", _pairs)],
    "clip": [("separable-kinks", _fitting_entries)],
    "piecewise": [("separable-kinks", _fitting_entries)],
}
"""The algorithms of each task, and what shows each; the first that is shown counts."""
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


def _by_weights(evidence: Evidence) -> tuple[str, str]:
    """The algorithm by the network's weights, and why."""
    task = evidence.task.name
    task = "majority" if task.endswith("-of-n") else _SAME.get(task, task)
    for name, test in _ALGORITHMS.get(task, []):
        if test(evidence):
            return name, f"the first layer's units fit {name}"
    patterns = evidence.patterns
    shares = {"separable": patterns.entry, "ridge": patterns.total, "pairwise": patterns.pairs}
    best = max(shares, key=lambda name: shares[name])
    known = task in _ALGORITHMS and _fits(evidence)
    if shares[best] > _MOST and not known:
        return best, f"{percent(shares[best])} of the first layer's bend fit that pattern"
    if shares[best] > THRESHOLDS.some:
        known_of = f"; no known algorithm of {task}" if task in _ALGORITHMS else ""
        return "partial", f"{percent(shares[best])} of the first layer's bend are {best}{known_of}"
    if _bowl(evidence) and not known:
        return "bowls", "units in all directions, whose sum is convex and round"
    return "unstructured", "no pattern in the first layer's weights"


def _by_function(evidence: Evidence) -> str:
    """What the function alone shows."""
    structure = evidence.structure
    if structure is None:
        return "unstructured"
    if structure.separable > THRESHOLDS.alone:
        return "separable"
    if structure.ridge > THRESHOLDS.nearly:
        return "ridge"
    if structure.pairwise > THRESHOLDS.nearly:
        return "pairwise"
    return "bowls" if evidence.orders.is_bowl else "unstructured"


def _agrees(label: str, shown: str, evidence: Evidence) -> bool:
    """Whether what a function shows may be of a network with this label."""
    if label in ("partial", "unstructured"):
        return label == "partial" or shown in ("unstructured", "bowls")
    expected = [name for name, labels in _SHOWS.items() if label in (name, *labels)]
    # Of two inputs everything is pairwise; of a tree or a sorter nothing is shown.
    if not expected or evidence.network.architecture.inputs == 2:
        return True
    return shown in expected or (expected == ["pairwise"] and shown in ("separable", "ridge"))
