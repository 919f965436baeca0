"""What becomes of 100 tasks that nothing was tuned on, and of the same tasks with automata learning alone?

    python benchmarks/distill_open.py [--half open] [--forms function] [--task-seconds 60] [--run DIR] [--json PATH]

Does what `novacula distill bench --suite open` does, or reads such a run with `--run`. Beside each task stands AALpy
alone: KV with 50 random walks from each state for a function, RPNI for the same 300 rows. A program or machine is right
if it equals the task's definition (`novacula.distill.bench_open.agrees`).
"""

import random
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from aalpy.base import SUL
from aalpy.learning_algs import run_KV, run_RPNI
from aalpy.oracles import StatePrefixEqOracle
from harness import arguments, save, table_head, table_row

from novacula.distill import BenchConfig, bench
from novacula.distill.bench import BENCH
from novacula.distill.bench_open import Form, agrees, rows_of, symbols_of
from novacula.distill.bench_report import TaskRow
from novacula.distill.sources.sequences import Alphabet
from novacula.distill.states.queried import machine_of
from novacula.distill.tasks.open_suite import OPEN_SUITE
from novacula.distill.tasks.open_task import OpenTask
from novacula.files import parse_json
from novacula.runs import RunFolder

HEAD = ("task", "outcome", "true", "nodes", "states", "road", "CPU s", "automata alone", "states", "CPU s")
_SECONDS = 5.0  #: processor time of automata learning alone; where a machine does not end, it would go on for ever
FORMS: tuple[Form, ...] = ("function", "data")


def end_it(number: int, frame: FrameType | None) -> None:
    """Ends automata learning that takes too long."""
    raise TimeoutError


class TaskSystem(SUL):
    """A task as AALpy asks it; inputs are places in the alphabet."""

    def __init__(self, task: OpenTask) -> None:
        super().__init__()
        self.task, self.symbols, self.state = task, symbols_of(task), task.start

    def pre(self) -> None:
        """Begins anew."""
        self.state = self.task.start

    def post(self) -> None:
        """Nothing is left to do."""

    def step(self, letter: int) -> tuple:
        """The outputs of one input."""
        self.state, y = self.task.step(self.state, self.symbols[letter])
        return y if isinstance(y, tuple) else (y,)


def learned_alone(name: str, row: TaskRow) -> tuple[str, object, float]:
    """Whether automata learning alone is right, its states and its processor time."""
    task, begun = OPEN_SUITE[name], time.process_time()
    random.seed(0)  # of the walks
    system = TaskSystem(task)
    places = list(range(len(system.symbols)))
    if row.task.endswith(".function"):
        oracle = StatePrefixEqOracle(places, system, walks_per_state=50, walk_len=20)
        learn = partial(run_KV, places, system, oracle, "mealy", print_level=0)
    else:
        lines = rows_of(task, row.seed or 0).splitlines()
        traces = []
        for line in lines:
            document = parse_json(line.encode(), "rows")
            assert isinstance(document, dict)
            x, y = document["x"], document["y"]
            outputs = [tuple(one) if isinstance(one, list) else (one,) for one in y]
            inputs = [system.symbols.index(one) for one in x]
            traces += [(tuple(inputs[: end + 1]), outputs[end]) for end in range(len(inputs))]
        learn = partial(run_RPNI, traces, "mealy", print_info=False)
    found: Any = None
    signal.signal(signal.SIGPROF, end_it)
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    with suppress(TimeoutError):
        found = learn()
    signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - begun
    if found is None:
        return "none", "", seconds
    words = sorted(
        {item for state in found.states for out in state.output_fun.values() for item in out if isinstance(item, str)}
    )
    for state in found.states:
        state.output_fun = {
            place: tuple(words.index(item) if isinstance(item, str) else item for item in out)
            for place, out in state.output_fun.items()
        }
    if task.words:
        codes = [[place] for place in places]
    else:
        codes = [symbol if isinstance(symbol, list) else [symbol] for symbol in system.symbols]
    machine = machine_of(found, np.array(codes))
    alphabet = Alphabet((task.words,) if task.words else (), (tuple(words),) if words else ())
    right = agrees(task, machine, alphabet)
    return "right" if right else "wrong", machine.states, seconds


def main() -> None:
    """Distill what is missing, and print the table."""
    options = arguments(__doc__, half=("open", "sealed", "both"), forms="function,data", task_seconds=0.0, run=Path)
    if options.run and options.run.exists():
        result = BENCH.resume(RunFolder.open(options.run))
    else:
        forms: tuple[Form, ...] = tuple(form for form in FORMS if form in options.forms)
        config = BenchConfig(suite="open", half=options.half, forms=forms, task_seconds=options.task_seconds)
        result = bench(config, out=options.run)
    findings, alone = result.findings, {}
    table_head(*HEAD)
    finished = [row for row in findings.per_task if row.reason != "cut off"]
    for row in finished:
        name = row.task.partition(".")[0]
        alone[row.task] = learned_alone(name, row)
        verdict, states, seconds = alone[row.task]
        true = "" if row.correct is None else "yes" if row.correct else "no"
        cells = (row.outcome, true, row.nodes, row.states, row.route, f"{row.cpu_seconds:.1f}")
        table_row(row.task, *cells, verdict, states, f"{seconds:.1f}")
    print(f"\n{findings.sentence}")
    right = sum(verdict == "right" for verdict, *_ in alone.values())
    print(f"Automata learning alone: {right} of {len(finished)} right.")
    rows = [
        {"task": name, "verdict": verdict, "states": states or None, "cpu_seconds": round(seconds, 2)}
        for name, (verdict, states, seconds) in alone.items()
    ]
    save(options.json, "1 thread for each worker", **result.document, automata_alone=rows)


if __name__ == "__main__":
    main()
