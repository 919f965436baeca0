"""The table of what was found, from simple to complex, and the rule that takes one of it. Source: ours, as in PySR."""

from collections.abc import Sequence
from typing import Any

from novacula.distill.candidate import ROUTES, Found, Route
from novacula.distill.machine import Machine
from novacula.distill.verify import TIERS

RULE = (
    "Of the programs with the highest tier, the one with the fewest syntax nodes; of equally short ones, first those "
    "opened from hidden states, then those queried, then those from data alone. A formula comes before a table."
)
"""How one is chosen, for people."""


def rank(found: Found) -> tuple[int, int, int]:
    """What the rule sorts by: the smallest is taken."""
    return (-_strength(found), _size(found), ROUTES.index(found.route))


def choose(found: Sequence[Found], route: Route | None = None) -> Found | None:
    """The candidate that the rule takes, of one route or of all; None where none is right.

    Args:
        found: candidates with their verdicts.
        route: only these.
    """
    right = [one for one in found if one.certificate and one.certificate.right and route in (None, one.route)]
    return min(right, key=rank, default=None)


def nearest(found: Sequence[Found]) -> Found | None:
    """Where none is right, the one that is wrong on the fewest sequences: what was found so far."""
    judged = [one for one in found if one.certificate]
    return min(judged, key=lambda one: (one.certificate.error if one.certificate else 1.0, rank(one)), default=None)


def program_table(found: Sequence[Found]) -> list[dict[str, Any]]:
    """A row for every candidate, the simplest first; `chosen` marks the one that the rule takes."""
    chosen = choose(found)
    return [
        {
            "nodes": one.nodes,
            "states": one.program.states if isinstance(one.program, Machine) else None,
            "route": one.route,
            "method": one.method,
            "network": one.network,
            "tier": _verdict(one),
            "chosen": one is chosen,
        }
        for one in sorted(found, key=lambda one: (_size(one), -_strength(one), ROUTES.index(one.route)))
    ]


def _strength(found: Found) -> int:
    if found.certificate is None or not found.certificate.right:
        return -1
    return 0 if found.certificate.tier is None else TIERS.index(found.certificate.tier)


def _size(found: Found) -> int:
    """Nodes of a formula; a table counts as longer than any formula."""
    nodes = found.nodes
    return 10**6 + found.program.states if isinstance(found.program, Machine) else nodes or 0


def _verdict(found: Found) -> str:
    if found.certificate is None:
        return "not checked"
    if found.certificate.tier is None:
        return "right" if found.certificate.right else "wrong"
    return found.certificate.tier if found.certificate.right else "wrong"
