"""Promise 7: a program is called solved only if it was checked; that a file calls it solved is not enough."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from novacula.distill.bench import summarize, task_row
from novacula.distill.choose import JudgedProgram, choose
from novacula.distill.config import BenchConfig
from novacula.distill.program.program import changed
from novacula.distill.tasks import TASKS
from novacula.distill.verify import Certificate, Target, verify
from novacula.files import to_json
from novacula.jobs import Outcome
from tests.distill.findings import findings_of

NAMES = ("Sum_Last2", "Bitwise_Xor", "Add_Mod_3", "Max_Seen")
SOLVED = ("S2", "S3", "S4")


def target_of(name: str) -> Target:
    task = TASKS[name]
    return Target(
        task.program,
        task.low,
        task.high,
        len(task.program.inputs),
        task.length,
        lambda count, length, generator: task.inputs(count, generator, length),
        reference=task.program,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_program_gets_no_tier(name: str) -> None:
    target, right = target_of(name), TASKS[name].program
    x = target.sample(300, target.length, np.random.default_rng(9))
    wrong = [each for each in changed(right) if not np.array_equal(each.run(x), right.run(x))][:3]
    assert wrong and verify(right, target).tier in SOLVED
    for mutant in wrong:
        certificate = verify(mutant, target)
        assert (certificate.tier, certificate.right, certificate.reached) == ("none", False, False)


def test_what_was_not_checked_or_is_wrong_is_not_chosen() -> None:
    program = TASKS[NAMES[0]].program
    unchecked = JudgedProgram(program, "opened", "affine", 0, None)
    wrong = replace(unchecked, certificate=Certificate("none", False, ()))
    assert choose([unchecked, wrong]) is None


def solved(result: Any) -> int:
    outcome = Outcome("Sum_Last2", "finished", json.loads(json.dumps(result)), "", 1.0, 1.0, 1)
    return summarize([task_row("Sum_Last2", outcome)], BenchConfig(), wall_seconds=1.0, run="run").solved


def test_a_result_that_was_tampered_with_is_not_solved() -> None:
    honest = to_json(findings_of("Sum_Last2", verify(TASKS["Sum_Last2"].program, target_of("Sum_Last2"))))
    assert isinstance(honest, dict)
    certificate: Any = honest["certificate"]
    example = {"x": [[1]], "expected": [1], "found": [2]}
    assert solved(honest) == 1
    for change in (
        {"certificate": None},
        {"certificate": {}},
        {"certificate": certificate | {"right": False}},
        {"certificate": certificate | {"tier": "S1"}},
        {"certificate": certificate | {"checks": []}},
        {"certificate": certificate | {"counterexample": example}},
        {"program": None},
        {"tier": "S9"},
        {"tier": None},
        {"tier": ["S4"]},
    ):
        assert solved(honest | change) == 0, change
    assert solved({"tier": "S4"}) == 0
