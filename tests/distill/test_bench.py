"""Twelve tasks from data to proofs, as jobs; what a bench leaves, and that nothing is done twice."""

from dataclasses import replace
from pathlib import Path

import pytest

from novacula.distill.bench import BENCH, bench, chosen_tasks, summarize, task_row
from novacula.distill.bench_open import agrees, open_job, open_job_of
from novacula.distill.bench_report import BenchFindings
from novacula.distill.config import BenchConfig
from novacula.distill.findings import Determination, Range
from novacula.distill.program.expression import Name, operation
from novacula.distill.program.program import Program
from novacula.distill.run import RUN
from novacula.distill.sources.sequences import INTEGERS
from novacula.distill.tasks.open_suite import OPEN_SUITE
from novacula.errors import InputError
from novacula.jobs import Outcome
from novacula.runs import RunFolder, RunResult

LINEAR = ("Sum_Last3", "Prev1", "Newton_Gravity")
BOOLEAN = ("Bitwise_Xor", "Parity_All", "Parity_Last2")
MODULAR = ("Add_Mod_3", "Div_3", "Bit_Dot_Prod_Mod2")
OTHERS = ("Abs_Diff", "Max_Seen", "Binary_Addition")
TWELVE = LINEAR + BOOLEAN + MODULAR + OTHERS


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult[BenchFindings], list[str]]:
    """The twelve, distilled, and the order in which they ended."""
    seen: list[str] = []
    result = bench(
        BenchConfig(tasks=TWELVE, workers=2),
        out=tmp_path_factory.mktemp("bench") / "run",
        on_step=lambda work, step: seen.append(str(step.metrics["task"])),
    )
    return result, seen


def test_twelve_tasks_are_proved_from_data_alone(finished: tuple[RunResult[BenchFindings], list[str]]) -> None:
    result, seen = finished
    assert sorted(seen) == sorted(TWELVE)
    rows = {row.task: row for row in result.findings.per_task}
    assert {name: row.tier for name, row in rows.items()} == dict.fromkeys(rows, "S4")
    assert {row.route for row in rows.values()} == {"opened"}
    assert all(row.nodes is not None and row.nodes <= 24 for row in rows.values())
    machines = {name: row.states for name, row in rows.items() if row.mealy}
    assert machines == {name: rows[name].mealy for name in machines}
    assert (result.findings.solved, result.findings.failed, result.findings.cut_off) == (12, 0, 0)


def test_its_report_and_those_of_its_tasks_can_be_read(finished: tuple[RunResult[BenchFindings], list[str]]) -> None:
    page = finished[0].report.read_text()
    assert "How many are solved" in page and all(name in page for name in TWELVE)
    task = RunFolder.open(finished[0].report.parent / "tasks" / "Div_3")
    assert "Div_3, as a program" in RUN.write_page(task).read_text()


def test_what_has_a_result_is_not_done_again(finished: tuple[RunResult[BenchFindings], list[str]]) -> None:
    folder = finished[0].report.parent
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "jobs").iterdir()}
    again = BENCH.resume(RunFolder.open(folder))
    assert again.findings.at_least == finished[0].findings.at_least
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "jobs").iterdir()} == before


def test_tasks_that_failed_or_were_cut_off_count() -> None:
    failed = Outcome("Div_3", "failed", None, "its worker died", 1.5, 0.0, 3)
    rows = [task_row("Div_3", failed), task_row("Sum_All", None)]
    findings = summarize(rows, BenchConfig(), wall_seconds=1.0, run="run")
    assert (findings.tasks, findings.solved, findings.failed, findings.cut_off) == (2, 0, 1, 1)
    assert (findings.paper, findings.gpt4) == (1, 2)
    assert findings.at_least == dict.fromkeys(("S0", "S1", "S2", "S3", "S4"), 0)
    assert findings.per_task[0].reason == "its worker died"
    assert "1 task had no result yet" in findings.sentence


def test_unknown_tasks_are_all_named() -> None:
    with pytest.raises(InputError) as raised:
        chosen_tasks(BenchConfig(tasks=("Div_3,Div_3", "Foo,Bar")))
    assert len(raised.value.problems) == 3
    assert chosen_tasks(BenchConfig(tasks=("Div_3, Bitwise_Or",))) == ["Bitwise_Or", "Div_3"]
    assert len(chosen_tasks(BenchConfig())) == 62


def test_the_open_suite_is_given_as_functions_and_as_rows_and_judged_by_its_definitions(tmp_path: Path) -> None:
    config = BenchConfig(suite="open", tasks=("gray_encoder",))
    assert chosen_tasks(config) == ["gray_encoder.function", "gray_encoder.data"]
    findings = bench(config, out=tmp_path / "run").findings
    assert [(row.outcome, row.correct, row.tier) for row in findings.per_task] == [
        ("right", True, "S3"),
        ("right", True, "none"),
    ]
    assert (findings.right, findings.called_right_but_wrong, findings.is_open) == (2, 0, True)
    assert "called right and are not" in findings.sentence and findings.heads[:2] == ("outcome", "correct")
    assert len(chosen_tasks(BenchConfig(suite="open", half="sealed", forms=("data",)))) == 50
    with pytest.raises(InputError, match="tennis"):  # it is in the sealed half
        chosen_tasks(BenchConfig(suite="open", tasks=("tennis",)))


def test_a_program_that_errs_once_in_a_while_does_not_agree() -> None:
    task, x, s = OPEN_SUITE["crc_3"], Name("x"), Name("s")
    shifted = operation("^", (2 * s) % 8, 3 * operation("!=", x, operation("<", 3, s)))
    program = Program(("x",), ("s",), (0,), (("t", shifted),), (Name("t"),), (Name("t"),))
    assert agrees(task, program, INTEGERS)
    rarely = operation("if", operation("==", Name("t"), 6), 5, Name("t"))
    assert not agrees(task, replace(program, outputs=(rarely,)), INTEGERS)
    total = Program(("x",), ("s",), (0,), (), (s + x * x,), (s + x * x,))
    assert agrees(OPEN_SUITE["square_sum"], total, INTEGERS)
    assert not agrees(OPEN_SUITE["square_sum"], replace(total, outputs=(operation("min", s + x * x, 900),)), INTEGERS)


def test_a_program_from_rows_is_held_to_what_they_show() -> None:
    """A clock starts anew after 48 quarters: the plain sum is right for one turn."""
    task, total, x = OPEN_SUITE["clock"], Name("total"), Name("x")
    new = Name("new_total")
    hour = operation("or", new // 4, 12)
    program = Program(("x",), ("total",), (0,), (("new_total", total + x),), (new,), (hour,))
    assert not agrees(task, program, INTEGERS)
    assert agrees(task, program, INTEGERS, Determination(True, "", steps=60, ranges=(Range("total", 0, 47),)))
    assert not agrees(task, program, INTEGERS, Determination(True, "", steps=60, ranges=(Range("total", 0, 55),)))
    assert not agrees(task, program, INTEGERS, Determination(True, ""))


def test_a_job_of_the_open_suite_goes_on_where_its_worker_left_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "crc_3.function").mkdir()
    assert open_job(open_job_of("crc_3.function", 0, 20, tmp_path)).correct
