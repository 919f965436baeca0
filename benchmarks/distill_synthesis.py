"""Which of the 62 tasks does the synthesizer get, from what, in how many syntax nodes and CPU seconds?

    python benchmarks/distill_synthesis.py [--tasks NAME,…] [--sources machine,rows,behavior] [--json PATH]

No network takes part: every task is given exactly, as its minimal machine (where it has at most 300 states and 250
symbols), as rows that 3000 random sequences visit (the state written in a random unimodular basis, shifted and
reflected), and as a black box with its symbols. A program counts as right if it does the task on 1000 fresh words each
of lengths T, 2T and 5T. The three Div_k_delayed are apart from the 62.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import arguments, save, table_head, table_row

sys.path.insert(0, str(Path(__file__).parents[1]))  # the plain tasks stand with the tests

from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import random_words
from novacula.distill.synth import Candidate, synthesize
from tests.distill.synth.plain_tasks import DELAYED, TASKS, PlainTask
from tests.distill.synth.sources import PlainBehavior, exact_machine, transitions, unread

SOURCES = ("machine", "rows", "behavior")


@dataclass(frozen=True)
class Row:
    """One task from one source: nodes and method of the shortest program (None: none found), whether it is right."""

    task: str
    source: str
    nodes: int | None
    method: str | None
    right: bool
    seconds: float


def candidates(task: PlainTask, source: str) -> Sequence[Candidate] | None:
    """What is found; None where the task has no such source."""
    if source == "machine":
        machine = exact_machine(task)
        return None if machine is None else synthesize([], [machine], None, task.length)
    if source == "rows":
        return synthesize([transitions(task)], [], None, task.length)
    return synthesize([], [unread(task)], PlainBehavior(task), task.length)


def is_right(task: PlainTask, program: Program) -> bool:
    """Whether a program does the task on fresh words."""
    generator = np.random.default_rng(2026)
    for factor in (1, 2, 5):
        x = random_words(task.low, task.high, task.streams, factor * task.length, 1000, generator)
        if (program.run(x) != PlainBehavior(task).run(x)).any():
            return False
    return True


def measure(name: str, source: str) -> Row | None:
    """Synthesize one task from one source; CPU seconds of the synthesis and of building the source."""
    task = {**TASKS, **DELAYED}[name]
    start = time.process_time()
    found = candidates(task, source)
    seconds = time.process_time() - start
    if found is None:
        return None
    best = found[0] if found else None
    right = best is not None and is_right(task, best.program)
    return Row(name, source, best and best.nodes, best and best.method, right, round(seconds, 2))


def main() -> None:
    """Measure and print the table."""
    options = arguments(__doc__, tasks=",".join([*TASKS, *DELAYED]), sources=",".join(SOURCES))
    rows: list[Row] = []
    table_head("task", *options.sources.split(","))
    for name in options.tasks.split(","):
        cells = []
        for source in options.sources.split(","):
            row = measure(name, source)
            if row is not None:
                rows.append(row)
            cells.append(_cell(row))
        table_row(name, *cells)
    print(_summary(rows))
    save(options.json, "1 process", rows=rows)


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    if row.nodes is None:
        return f"none, {row.seconds} s"
    return f"{row.nodes} {row.method}{'' if row.right else ' WRONG'}, {row.seconds} s"


def _summary(rows: Sequence[Row]) -> str:
    lines = []
    for source in dict.fromkeys(row.source for row in rows):
        some = [row for row in rows if row.source == source]
        right = {row.task for row in some if row.right} & set(TASKS)
        times = [row.seconds for row in some]
        lines.append(
            f"{source}: right {len(right)} of 62 ({len([row for row in some if row.task in TASKS])} tried); "
            f"CPU seconds median {statistics.median(times):.2f}, most {max(times):.2f}"
        )
    solved = {row.task for row in rows if row.right} & set(TASKS)
    return "\n".join([*lines, f"from any source: right {len(solved)} of 62"])


if __name__ == "__main__":
    main()
