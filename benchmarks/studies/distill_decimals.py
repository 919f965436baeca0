"""Are decimal outputs explained? Eight tasks as functions and as 300 rows of 12 steps, written before any was run.

    python benchmarks/studies/distill_decimals.py [--tasks NAME,…] [--forms function,data] [--seconds 60] [--json PATH]

A program is true if its printed Python file equals the definition on 3,000 fresh sequences of 12 steps and 300 of 60,
within the run's tolerance. Rows are rounded to the decimals that the table of tasks says. A source that is refused is a
row with the reason; any other error ends the study. Nothing was tuned on these.
"""

import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

import numpy as np
from harness import arguments, machine_line, table_head, table_row

from novacula.distill import RunConfig, run
from novacula.errors import NovaculaError
from novacula.files import write_json, write_text

Step = Callable[[tuple, int], tuple[tuple, float]]
TASKS: dict[str, tuple[int, int, int, tuple, Step]] = {
    "half_sum": (-3, 3, 2, (0,), lambda s, x: ((s[0] + x,), 0.5 * (s[0] + x) + 1.25)),
    "heater": (15, 25, 1, (0,), lambda s, x: ((1 if x < 18 else 0 if x > 21 else s[0],), 0.0)),
    "bill": (0, 2, 2, (0,), lambda s, x: ((s[0] + (11, 15, 30)[x],), round(0.09 * (s[0] + (11, 15, 30)[x]), 2))),
    "mean_of_three": (0, 9, 3, (0, 0), lambda s, x: ((s[1], x), (s[0] + s[1] + x) / 3)),
    "taxi": (0, 1, 2, (0,), lambda s, x: ((s[0] + x,), 3.2 + 1.85 * (s[0] + x))),
    "two_weights": (-4, 4, 2, (0,), lambda s, x: ((s[0] + x,), 0.37 * (s[0] + x) + 1.21 * x)),
    "tariff": (0, 3, 2, (0,), lambda s, x: ((s[0] + x,), 0.3 * min(s[0] + x, 10) + 0.22 * max(s[0] + x - 10, 0))),
    "no_grid": (0, 4, 5, (0,), lambda s, x: ((s[0] + x,), math.pi * (s[0] + x) + math.e * x)),
}
"""For each task its range of inputs, the decimals of its rows, the first state, and a step."""


def _answers(name: str, xs: list[int]) -> list[float]:
    _, _, _, state, step = TASKS[name]
    ys = []
    for x in xs:
        state, y = step(state, x)
        ys.append(1.5 if name == "heater" and state[0] else 0.2 if name == "heater" else y)
    return ys


half_sum = partial(_answers, "half_sum")  #: a running sum, halved, and an offset
heater = partial(_answers, "heater")  #: a thermostat with hysteresis: 1.5 kW below 18 degrees until above 21, else 0.2
bill = partial(_answers, "bill")  #: the sum of prices of 0.99, 1.35 and 2.70
mean_of_three = partial(_answers, "mean_of_three")  #: the mean of the last three readings
taxi = partial(_answers, "taxi")  #: 3.20 at the start and 1.85 for every kilometer
two_weights = partial(_answers, "two_weights")  #: a running sum and the present input, each with its weight
tariff = partial(_answers, "tariff")  #: units cost 0.30 up to the tenth, then 0.22
no_grid = partial(_answers, "no_grid")  #: weights pi and e: the outputs are multiples of nothing


def is_true(name: str, program: str, within: float) -> bool:
    """Whether a printed program equals the definition."""
    space: dict = {}
    exec(program, space)  # noqa: S102
    generator = np.random.default_rng(7)
    for count, length in ((3000, 12), (300, 60)):
        for xs in generator.integers(TASKS[name][0], TASKS[name][1], (count, length), endpoint=True).tolist():
            if any(abs(a - b) > within for a, b in zip(space["run"](xs), _answers(name, xs), strict=True)):
                return False
    return True


def _rows(name: str, path: Path) -> None:
    low, high, decimals, _, _ = TASKS[name]
    lines = ["sequence,step,x0,y0"]
    for row, xs in enumerate(np.random.default_rng(1).integers(low, high, (300, 12), endpoint=True).tolist()):
        lines += [
            f"{row},{t},{x},{y:.{decimals}f}" for t, (x, y) in enumerate(zip(xs, _answers(name, xs), strict=True))
        ]
    write_text(path, "\n".join(lines) + "\n")


def main() -> None:
    """Print a line for every task and form."""
    options = arguments(__doc__, tasks=",".join(TASKS), forms="function,data", seconds=60.0)
    table_head("task", "form", "outcome", "true", "nodes", "CPU s", "program")
    kept = []
    for name in options.tasks.split(","):
        for form in options.forms.split(","):
            with TemporaryDirectory() as folder:
                source, begun = f"{Path(__file__).stem}:{name}", time.process_time()
                if form == "data":
                    source = str(Path(folder) / f"{name}.csv")
                    _rows(name, Path(source))
                low, high = TASKS[name][:2]
                config = RunConfig(low=low, high=high) if form == "function" else RunConfig()
                try:
                    found = run(source, config, time_limit=options.seconds, on_step=None).findings
                except NovaculaError as error:
                    kept.append({"task": name, "form": form, "outcome": str(error), "true": False})
                    table_row(name, form, str(error)[:100], False, None, round(time.process_time() - begun, 1), None)
                    continue
            within = max(1e-6, 0.51 * 10.0 ** -TASKS[name][2]) if form == "data" else 1e-6
            true = bool(found.program) and is_true(name, str(found.program), within)
            seconds = round(time.process_time() - begun, 1)
            body = str(found.program).partition("def step")[2].partition("def run")[0].splitlines()[2:]
            shown = "; ".join(line.strip() for line in body if line.strip())
            kept.append(
                {"task": name, "form": form, "outcome": found.outcome, "true": true, "nodes": found.nodes}
                | {"seconds": seconds, "checked": found.checked, "reason": found.reason, "program": found.program}
            )
            table_row(name, form, found.outcome, true, found.nodes, seconds, f"`{shown[:160]}`")
    if options.json:
        write_json(options.json, {"schema_version": 1, "machine": machine_line(), "rows": kept})


if __name__ == "__main__":
    main()
