"""Are networks that a user trains with torch opened to the right program?

    python benchmarks/studies/distill_torch.py --json benchmarks/results/distill_torch.json [--part K/N] [--seconds 500]

Of each of 20 tasks three networks are trained with plain loops: Adam, float32, cross entropy of every step, batches of
128 sequences of length 10, until 2,000 held-out sequences are all right; their shapes and seeds stand in `PLAN`, which
was written before any was trained. Each is opened by `novacula.distill`. A program is right if it equals the task's
definition on 2,000 sequences of length 10 and as many of length 50. *Opened* counts programs from hidden states alone,
*any road* the program that the run shows; where the network itself errs, the program that is wrong on the fewest of its
sequences. A network that does not reach 100 % in three tries of 4,000 steps is not counted, and listed. Networks in the
JSON are not trained again; each adds itself to it, and a run ends after --seconds.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

import numpy as np
import torch
from harness import arguments, machine_line, share, table_head, table_row
from torch import nn

from novacula.distill import RunConfig, from_torch
from novacula.distill.choose import JudgedProgram
from novacula.distill.distillation import Distillation
from novacula.distill.source import network_source
from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.files import read_json, write_json

Step = Callable[[int, int], tuple[int, ...]]
TASKS: dict[str, tuple[int, int, Step]] = {
    "parity": (2, 0, lambda s, x: (s ^ x, s ^ x)),
    "latch: 1 sets, 2 clears": (3, 0, lambda s, x: ((1, 0)[x - 1] if x else s,) * 2),
    "previous symbol": (3, 0, lambda s, x: (x, s)),
    "ones mod 3": (2, 0, lambda s, x: ((s + x) % 3,) * 2),
    "sum mod 3": (3, 0, lambda s, x: ((s + x) % 3,) * 2),
    "sum mod 4": (4, 0, lambda s, x: ((s + x) % 4,) * 2),
    "largest so far": (4, 0, lambda s, x: (max(s, x),) * 2),
    "smallest so far": (4, 3, lambda s, x: (min(s, x),) * 2),
    "three ones in a row": (2, 0, lambda s, x: (min(s + 1, 3) if x else 0, int(x and s >= 2))),
    "binary addition": (4, 0, lambda s, x: ((x // 2 + x % 2 + s) // 2, (x // 2 + x % 2 + s) % 2)),
    "saturating counter": (3, 0, lambda s, x: (min(max(s + x - 1, 0), 3),) * 2),
    "remainder by 3": (2, 0, lambda s, x: ((2 * s + x) % 3,) * 2),
    "remainder by 5": (2, 0, lambda s, x: ((2 * s + x) % 5,) * 2),
    "01 was seen": (2, 0, lambda s, x: (2 if s == 2 or (s == 1 and x) else 1 - x, int(s == 2 or (s == 1 and x)))),
    "equals the last": (3, 3, lambda s, x: (x, int(s == x))),
    "turnstile: coin 1, push 2": (3, 0, lambda s, x: (int(x == 1 or (s and x != 2)), int(x == 2 and s))),
    "debounce": (2, 0, lambda s, x: (3 * x if s % 2 == x else s // 2 * 2 + x, x if s % 2 == x else s // 2)),
    "depth up to 2": (2, 0, lambda s, x: (3 if s == 3 or s + 1 - 2 * x not in (0, 1, 2) else s + 1 - 2 * x,) * 2),
    "two equal, then other": (
        2,
        0,
        lambda s, x: (1 + x if s in (0, 2 - x) else 3 + x if s in (1 + x, 3 + x) else 1 + x, int(s == 4 - x)),
    ),
    "vending: 5 or 10 until 15": (3, 0, lambda s, x: ((s + x) % 3 if s + x < 3 else 0, int(s + x >= 3))),
}
"""For each task the number of inputs, the first state, and a step from state and input to next state and output."""
CORES = ("GRU", "LSTM", "RNN")
WIDTHS = (4, 8, 16, 32, 64, 12, 24)
PLAN = [
    (n * 3 + k, task, CORES[k], max(WIDTHS[(n * 3 + k) % 7], 8 if CORES[k] == "RNN" else 4), 1 + (n + k) % 3 // 2,
     ("one-hot", "embedding")[(n + k) % 2], ("linear", "MLP")[(n + 2 * k) % 3 // 2])
    for k in range(3) for n, task in enumerate(TASKS)
]  # fmt: skip
"""Seed, task, core, width, layers, input and read-out of every network. The seed of try t is 1000 t more."""
LENGTH, HELD_OUT, TRIES, STEPS = 10, 2_000, 3, 4_000
SAMPLES = 20_000  #: sequences of the network on which its programs are judged, a seventh of the usual number


def answers(task: str, x: np.ndarray) -> np.ndarray:
    """The right outputs, by the definition."""
    _, start, step = TASKS[task]
    y = np.zeros_like(x)
    for row in range(len(x)):
        state = start
        for time_ in range(x.shape[1]):
            state, y[row, time_] = step(state, int(x[row, time_]))
    return y


class Net(nn.Module):
    """Symbols, a core, and a read-out of every step."""

    def __init__(
        self, core: str, width: int, layers: int, given: str, readout: str, symbols: int, outputs: int
    ) -> None:
        super().__init__()
        self.symbols = symbols
        self.embedding = nn.Embedding(symbols, 8) if given == "embedding" else None
        make = {"GRU": nn.GRU, "LSTM": nn.LSTM, "RNN": nn.RNN}[core]
        self.core = make(8 if self.embedding else symbols, width, layers, batch_first=True)
        deep = [nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, outputs)]
        self.readout = nn.Sequential(*deep) if readout == "MLP" else nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of every step."""
        one_hot = nn.functional.one_hot(x, self.symbols)
        values = self.embedding(x) if self.embedding else one_hot.to(next(self.parameters()).dtype)
        return self.readout(self.core(values)[0])


def trained(
    seed: int, task: str, core: str, width: int, layers: int, given: str, readout: str
) -> tuple[nn.Module, int] | None:
    """A network that is right on all held-out sequences, and the steps that it took; None after all tries."""
    symbols = TASKS[task][0]
    generator = np.random.default_rng(seed)
    pool = generator.integers(0, symbols, (20_000 + HELD_OUT, LENGTH))
    y = answers(task, pool)
    x, y = torch.from_numpy(pool), torch.from_numpy(y)
    for attempt in range(TRIES):
        torch.manual_seed(seed + 1000 * attempt)
        net = Net(core, width, layers, given, readout, symbols, int(y.max()) + 1)
        optimizer = torch.optim.Adam(net.parameters(), 5e-3)
        for step in range(1, STEPS + 1):
            rows = torch.randint(20_000, (128,))
            loss = nn.functional.cross_entropy(net(x[rows]).flatten(0, 1), y[rows].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 100 == 0:
                with torch.no_grad():
                    if (net(x[20_000:]).argmax(-1) == y[20_000:]).all():
                        return net, step
    return None


def right(judged: JudgedProgram | None, task: str) -> bool:
    """Whether a program equals the definition on fresh sequences of the trained and of five times that length."""
    if judged is None:
        return False
    generator = np.random.default_rng(7)
    for length in (LENGTH, 5 * LENGTH):
        x = generator.integers(0, TASKS[task][0], (2_000, length))
        if (judged.program.run(x[:, :, None])[:, :, 0] != answers(task, x)).any():
            return False
    return True


def opened(network: RecurrentNetwork, task: str) -> dict[str, object]:
    """What comes of opening a network."""
    begun = time.process_time()
    source = network_source(task, network, RunConfig(length=LENGTH))
    assert source.target
    source = replace(source, target=replace(source.target, samples=SAMPLES))
    work = Distillation(source, RunConfig(length=LENGTH), "")
    while work.position < work.length:
        work.step()
    shown, states = work.shown, work.extractions[0].states
    findings = work.result()
    return {
        "opened": right(work.best("opened"), task),
        "queried": right(work.best("queried"), task),
        "any": right(shown, task),
        "outcome": findings.outcome, "tier": findings.tier, "nodes": findings.nodes, "states": findings.states,
        "cloud": findings.networks[0].cloud, "clusters": states.picture.clusters,
        "network_states": states.opened.states if states.opened else None,
        "seconds": round(time.process_time() - begun, 1),
    }  # fmt: skip


def show(rows: list[dict]) -> None:
    """Prints a row for each task, and the sums."""
    table_head("task", "trained", "opened right", "any road right", "clouds")
    for task in TASKS:
        own = [row for row in rows if row["task"] == task]
        counts = [sum(bool(row.get(key)) for row in own) for key in ("steps", "opened", "any", "cloud")]
        table_row(task, *counts)
    done = [row for row in rows if row["steps"]]
    sums = [sum(row[key] for row in done) for key in ("opened", "any", "cloud")]
    print(
        f"{len(done)} trained, {len(rows) - len(done)} not; "
        f"opened right {sums[0]}, any road {sums[1]}, clouds {sums[2]}"
    )


def main() -> None:
    """Trains and opens what is not recorded yet."""
    options = arguments(__doc__, part="1/1", seconds=500.0)
    torch.set_num_threads(1)
    end = time.monotonic() + options.seconds
    path = (
        options.json.with_suffix(f".{options.part.replace('/', '-')}.json") if options.part != "1/1" else options.json
    )
    rows: list[dict] = read_json(path)["rows"] if path.exists() else []  # pyright: ignore
    for entry in share(PLAN, options.part):
        if entry[0] in [row["seed"] for row in rows] or time.monotonic() > end:
            continue
        keys = ("seed", "task", "core", "width", "layers", "input", "readout")
        made = trained(*entry)
        row = {**dict(zip(keys, entry, strict=True)), "steps": made[1] if made else None}
        if made:
            row |= opened(from_torch(made[0], range(TASKS[entry[1]][0]), LENGTH), entry[1])
        rows.append(row)
        print(row, flush=True)
        write_json(path, {"schema_version": 1, "machine": machine_line(), "rows": rows})
    show(rows)


if __name__ == "__main__":
    main()
