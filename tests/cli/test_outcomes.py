"""The line that each verb's findings give for lists."""

from types import SimpleNamespace as Some
from typing import Any

import pytest

from novacula.arc.findings import SolveFindings
from novacula.distill.findings import DistillFindings
from novacula.features.circles.findings import ProbeFindings, SteerFindings
from novacula.features.clouds.cloud_score import ScoreFindings
from novacula.features.discovery.findings import DiscoverFindings, RankFindings
from novacula.hypernet.studies import CensusFindings
from novacula.hypernet.training.program import TrainFindings
from novacula.optim.comparison import BenchFindings


def verdict(*correct: bool) -> Some:
    return Some(correct=correct, solved=any(correct))


@pytest.mark.parametrize(
    ("kind", "found", "outcome"),
    [
        (SolveFindings, Some(verdict=verdict(True, False)), "solved (attempt 1)"),
        (SolveFindings, Some(verdict=verdict(False, True)), "solved (attempt 2)"),
        (SolveFindings, Some(verdict=verdict(False, False)), "not solved"),
        (SolveFindings, Some(verdict=None, probabilities=(0.534, 0.1)), "right with probability 63%; not scored"),
        (SolveFindings, Some(verdict=None, probabilities=()), "not scored"),
        (DistillFindings, Some(program="def …", verdict="S4", nodes=9), "S4, 9 nodes"),
        (DistillFindings, Some(program="def …", verdict="right", nodes=None), "right"),
        (DistillFindings, Some(program=None), "no program"),
        (ScoreFindings, Some(irreducible=True, score=0.861), "irreducible, 0.86 bits"),
        (ScoreFindings, Some(irreducible=False, score=0.0), "reducible, 0.00 bits"),
        (ProbeFindings, Some(circle_layers=(3, 4), lone_layers=(), layers=(1, 2, 3, 4)), "a circle at 2 of 4 layers"),
        (ProbeFindings, Some(circle_layers=(1, 3, 4), lone_layers=(1,), layers=(1, 2, 3, 4)),
         "a circle at 2 of 4 layers, and at 1 alone"),
        (SteerFindings, Some(interventions=()), ""),
        (SteerFindings, Some(interventions=(Some(name="circle", target_wins=40, runs=42),)),
         "circle: 40 of 42 answers steered"),
        (DiscoverFindings, Some(rank=RankFindings((), (0.1,)), has_blocks=False),
         "0 clusters above chance, best 0.00 bits"),
        (DiscoverFindings, Some(rank=RankFindings((), ()), has_blocks=True), "blocks without chance, best 0.00 bits"),
        (CensusFindings, Some(ends={"lowest": {"double-sided": 0.9, "mixed": 0.1}},
                              last=(Some(shown="double-sided", r2=0.996),)), "double-sided, R² 0.996"),
        (CensusFindings, Some(ends={}, rows=()), "0 networks"),
        (TrainFindings, Some(curve=Some(mse=((0.5, 0.004),)), variance=1.0), "R² 0.996"),
        (BenchFindings, Some(comparison=(Some(lodo_steps=330, steps=500, held=True),)), "LODO 330 of 500 steps"),
        (BenchFindings, Some(comparison=(Some(lodo_steps=None, steps=500, held=False),)), "LODO holds 0 of 1 tasks"),
        (BenchFindings, Some(comparison=()), ""),
    ],
)  # fmt: skip
def test_outcomes(kind: Any, found: Some, outcome: str) -> None:
    line = getattr(kind, "summary", None) or kind.outcome
    assert line.fget(found) == outcome


@pytest.mark.parametrize(
    ("tier", "outcome", "where", "verdict"),
    [
        ("S4", "right", None, "S4"),
        (None, "right", None, "right"),
        (None, "right", "x is 0 to 9", "right as far as the rows go"),
        (None, "right", "", "right"),
    ],
)
def test_the_verdict_on_a_program(tier: str | None, outcome: str, where: str | None, verdict: str) -> None:
    determination = None if where is None else Some(where=where)
    found = Some(tier=tier, outcome=outcome, determination=determination)
    line: Any = DistillFindings.verdict
    assert line.fget(found) == verdict
