"""Do foreign networks on large alphabets end at S4? Forty of them, planned and committed before any was trained.

    python benchmarks/studies/distill_foreign.py --json PATH [--first-seed 4000] [--part K/N] [--seconds 3000]

Of 20 tasks with affine or piecewise state, on 8 to 202 inputs, two networks each are trained, with seeds from
--first-seed on: on 8,192 rows of length 10, until all 4,096 held-out rows are right, at most 90 processor seconds. Each
is turned into a random basis of condition number at most 10, rounded to float32, written as a file, and given to `run`
without its data, with 180 seconds of wall time. *S4* is the tier that the run says: the program is proved to compute
what the network does, for all inputs up to length 10. A program is *true* if it equals the task's definition on 2,000
sequences of length 10 and as many of length 50. A seed that gives no network is listed, and its place is taken by the
seed 100 more, once. Networks in the JSON are not trained again; each adds itself, and a run ends after --seconds.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness
sys.path.insert(1, str(Path(__file__).parents[2]))  # the disguise of networks stands with the tests

import numpy as np
import torch
from harness import arguments, machine_line, share, table_head, table_row

from novacula.distill import RunConfig, run
from novacula.distill.networks.network import Network, save_network
from novacula.distill.sources.sequences import Sequences
from novacula.distill.train import Trainer
from novacula.files import read_json, write_json
from tests.distill.planted import disguise

Step = Callable[[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, ...], int]]
_LATER = 100
_ROWS, _HELD_OUT, _LENGTH = 8192, 4096, 10
_TRAINING, _OPENING = 90.0, 180.0


def _sum(step: Callable[[int, int], int]) -> Step:
    """A state of one integer, which is put out."""
    return lambda s, x: ((step(s[0], x[0]),), step(s[0], x[0]))


TASKS: dict[str, tuple[str, int, int, int, tuple[int, ...], Step]] = {
    "running sum": ("affine", -50, 50, 1, (0,), _sum(lambda s, x: s + x)),
    "sum before, and twice the input": ("affine", -50, 50, 1, (0,), lambda s, x: ((s[0] + x[0],), s[0] + 2 * x[0])),
    "3 x - 2 previous": ("affine", -100, 99, 1, (0,), lambda s, x: (x, 3 * x[0] - 2 * s[0])),
    "second difference": ("affine", -50, 50, 1, (0, 0), lambda s, x: ((s[1], x[0]), x[0] - 2 * s[1] + s[0])),
    "alternating sum": ("affine", 0, 99, 1, (0,), _sum(lambda s, x: x - s)),
    "balance of two streams": ("affine", 0, 50, 2, (0,), lambda s, x: ((s[0] + x[0] - x[1],), s[0] + x[0] - x[1])),
    "input and that three before": ("affine", -99, 99, 1, (0, 0, 0), lambda s, x: ((*s[1:], x[0]), x[0] + s[0])),
    "sum of sums": ("affine", -9, 9, 1, (0, 0), lambda s, x: ((s[0] + x[0], s[1] + s[0] + x[0]), s[1] + s[0] + x[0])),
    "Fibonacci with input": ("affine", -3, 3, 1, (0, 0), lambda s, x: ((s[1], s[0] + s[1] + x[0]), s[0] + s[1] + x[0])),
    "largest so far, from 0": ("piecewise", -50, 50, 1, (0,), _sum(lambda s, x: max(s, x))),
    "smallest so far, from 99": ("piecewise", -100, 99, 1, (99,), _sum(lambda s, x: min(s, x))),
    "size of the sum": ("piecewise", -9, 9, 1, (0,), lambda s, x: ((s[0] + x[0],), abs(s[0] + x[0]))),
    "larger of the last two": ("piecewise", 0, 99, 1, (0,), lambda s, x: (x, max(x[0], s[0]))),
    "smaller of the last two": ("piecewise", -101, 100, 1, (0,), lambda s, x: (x, min(x[0], s[0]))),
    "sum of gains": ("piecewise", -20, 20, 1, (0,), _sum(lambda s, x: s + max(x, 0))),
    "rise": ("piecewise", -50, 50, 1, (0,), lambda s, x: (x, max(x[0] - s[0], 0))),
    "stock that is never below 0": ("piecewise", -20, 20, 1, (0,), _sum(lambda s, x: max(s + x, 0))),
    "level from 0 to 30": ("piecewise", -9, 9, 1, (0,), _sum(lambda s, x: min(max(s + x, 0), 30))),
    "addition in base 8": (
        "piecewise", 0, 7, 2, (0,), lambda s, x: (((s[0] + sum(x)) // 8,), (s[0] + sum(x)) % 8)
    ),
    "sum mod 9": ("piecewise", 0, 8, 1, (0,), _sum(lambda s, x: (s + x) % 9)),
}  # fmt: skip
"""For each task the kind of its state, the least and largest input, streams, first state, and a step."""
PLAN = [(2 * number + k, task) for number, task in enumerate(TASKS) for k in range(2)]
"""For each network what its seed is beyond the first, and its task."""


def answers(task: str, x: np.ndarray) -> np.ndarray:
    """The right outputs, by the definition."""
    _, _, _, _, start, step = TASKS[task]
    y = np.zeros((*x.shape[:2], 1), np.int64)
    for row, sequence in enumerate(x.tolist()):
        state = start
        for time_, item in enumerate(sequence):
            state, y[row, time_, 0] = step(state, tuple(item))
    return y


def data(task: str, rows: int, length: int, generator: np.random.Generator) -> Sequences:
    """Random inputs with the right outputs."""
    _, low, high, streams, _, _ = TASKS[task]
    x = generator.integers(low, high, (rows, length, streams), endpoint=True)
    return Sequences(x, answers(task, x), np.full(rows, length), task)


def trained(task: str, seed: int) -> Network | None:
    """A network that is right on all held-out rows, in a random basis and float32; None where there was none."""
    generator, begun = np.random.default_rng(seed), time.process_time()
    rows, held_out = (data(task, count, _LENGTH, generator) for count in (_ROWS, _HELD_OUT))
    trainer = Trainer(rows, held_out, seed, 1)
    while not trainer.done and time.process_time() - begun < _TRAINING:
        trainer.step()
    found = trainer.networks()
    return disguise(found[0].network, generator, 0.0) if found else None


def opened(task: str, network: Network) -> dict[str, object]:
    """What a run says of a network that is given as a file."""
    begun = time.process_time()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save_network(path, network, np.float32)
        result = run(str(path), RunConfig(), time_limit=_OPENING, on_step=None)
    findings = result.findings
    space: dict = {}
    exec(str(result.program), space)  # noqa: S102
    generator, true = np.random.default_rng(7), bool(findings.program)
    for length in (_LENGTH, 5 * _LENGTH) if true else ():
        rows = data(task, 2_000, length, generator)
        for x, y in zip(rows.x.tolist(), rows.y[:, :, 0].tolist(), strict=True):
            true = true and space["run"](x if len(x[0]) > 1 else [item[0] for item in x]) == y
    return {
        "size": network.size, "layers": [len(layer.bias) for layer in network.f],
        "tier": findings.tier, "outcome": findings.outcome, "true": true, "nodes": findings.nodes,
        "states": findings.states, "reason": findings.reason, "program": findings.program,
        "checks": [check.method for check in findings.certificate.checks] if findings.certificate else [],
        "seconds": round(time.process_time() - begun, 1),
    }  # fmt: skip


def show(rows: list[dict]) -> None:
    """Prints a row for each network, and the sums."""
    table_head("seed", "task", "state", "size", "tier", "true", "nodes", "s")
    for row in rows:
        cells = (row.get(name) for name in ("size", "tier", "true", "nodes", "seconds"))
        table_row(row["seed"], row["task"], row["kind"], *cells)
    made = [row for row in rows if row["trained"]]
    for kind in ("affine", "piecewise"):
        own = [row for row in made if row["kind"] == kind]
        proved = sum(row["tier"] == "S4" for row in own)
        print(f"{kind}: S4 {proved} of {len(own)}, true {sum(row['true'] for row in own)}")
    print(f"{len(made)} networks, {len(rows) - len(made)} seeds without one")


def main() -> None:
    """Trains and opens what is not recorded yet."""
    options = arguments(__doc__, first_seed=4000, part="1/1", seconds=3000.0)
    torch.set_num_threads(1)
    end = time.monotonic() + options.seconds
    rows: list[dict] = read_json(options.json)["rows"] if options.json.exists() else []  # pyright: ignore
    for number, task in share(PLAN, options.part):
        first = options.first_seed + number
        for seed in (first, first + _LATER):
            own = [row for row in rows if row["task"] == task and row["seed"] in (first, first + _LATER)]
            if time.monotonic() > end or any(row["trained"] or row["seed"] == seed for row in own):
                continue
            network = trained(task, seed)
            row = {"seed": seed, "task": task, "kind": TASKS[task][0], "trained": network is not None}
            rows.append(row | (opened(task, network) if network else {}))
            print({name: value for name, value in rows[-1].items() if name != "program"}, flush=True)
            write_json(options.json, {"schema_version": 1, "machine": machine_line(), "rows": rows})
    show(rows)


if __name__ == "__main__":
    main()
