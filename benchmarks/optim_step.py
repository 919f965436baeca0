"""What does a step of LODO cost, beside AdamW, the stream rate and the rate of matrix products of this machine?

    python benchmarks/optim_step.py [--rounds 40] [--json PATH]

CPU milliseconds of one thread (equal to wall time on an idle core), the least of some rounds; in a round everything is
timed once, one after the other, so that what else the machine does meets all alike. All rates are of the same rounds:

- stream: `torch.add(a, b, out=c)` on 80 MB each, as STREAM counts it, 12 bytes for each number of c;
- product: a matrix product of side 512.

The bound of the published structure is 4.6 kB for each parameter over the stream rate: φ is read four times, with the
update fused into the last, and its moments are read and written once. That of the Kronecker structure is its twelve
products, for one matrix of side 512, over the product rate. The network is 784-512-512-512-256-10, 1.06 million
parameters; a step that learns only every so many-th time is timed over a whole period, per step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from harness import arguments, least, machine_line, save, table_head, table_row
from torch.nn import Parameter

from novacula.optim import LODO

BYTES, PRODUCTS, SIDE, STREAM = 4600, 12, 512, 20_000_000
WIDTHS = (784, 512, 512, 512, 256, 10)
SIZES = {1_000: 12, 10_000: 1, 94_696: 1}
"""Scalars of one tensor, and steps timed together: a short step is timed with its like."""
GOALS = {"published, n = 1000": 12.0, "automatic, n = 1000": 5.0}


@dataclass(frozen=True)
class Row:
    """CPU milliseconds of one step, and what it may cost: `goal` times `reference`, `ratio` being what it does cost."""

    what: str
    ms: float
    reference: str
    ratio: float
    goal: float | None


def vector(n: int) -> list[Parameter]:
    """One tensor with a gradient."""
    return with_gradients([torch.randn(n)])


def network() -> list[Parameter]:
    """Weights and biases with gradients."""
    pairs = [(torch.randn(b, a), torch.randn(b)) for a, b in pairwise(WIDTHS)]
    return with_gradients([tensor for pair in pairs for tensor in pair])


def with_gradients(tensors: list[torch.Tensor]) -> list[Parameter]:
    """Parameters with random gradients."""
    parameters = [Parameter(tensor) for tensor in tensors]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    return parameters


def jobs() -> dict[str, tuple[Callable[[], object], int]]:
    """What is timed, and how often in a round."""
    a, b, c = torch.randn(3, STREAM)
    square = torch.randn(2, SIDE, SIDE)
    timed: dict[str, tuple[Callable[[], object], int]] = {
        "stream": (lambda: torch.add(a, b, out=c), 1),
        "product": (lambda: square[0] @ square[1], 4),
    }
    for n, count in SIZES.items():
        timed[f"published, n = {n}"] = LODO(vector(n), lr=0.1).step, count
        timed[f"automatic, n = {n}"] = LODO(vector(n)).step, count
        timed[f"butterfly, n = {n}"] = LODO(vector(n), structure="butterfly").step, count
        timed[f"AdamW, n = {n}"] = torch.optim.AdamW(vector(n), fused=True).step, count
    square_parameter = with_gradients([torch.randn(SIDE, SIDE)])
    timed["Kronecker, 512 × 512"] = LODO(square_parameter, lr=0.1, structure="kronecker").step, 1
    timed["AdamW, network"] = torch.optim.AdamW(network(), fused=True).step, 4
    for name, block_size, period in (
        ("Kronecker, network", None, 1),
        ("Kronecker, network, blocks of 32", 32, 1),
        ("Kronecker, network, blocks of 32, every 10th", 32, 10),
        ("Kronecker, network, blocks of 16, every 20th", 16, 20),
    ):
        optimizer = LODO(network(), lr=0.1, structure="kronecker", block_size=block_size, meta_every=period)
        timed[name] = optimizer.step, period
    timed["diagonal, network"] = LODO(network(), lr=0.1, structure="diagonal").step, 1
    return timed


def repeated(step: Callable[[], object], count: int) -> None:
    """Some steps."""
    for _ in range(count):
        step()


def rows(ms: dict[str, float]) -> list[Row]:
    """The ratios that the goals are about, and those beside them."""
    rate, found = 12 * STREAM / ms["stream"], []
    for n in SIZES:
        for name in ("published", "automatic", "butterfly"):
            key = f"{name}, n = {n}"
            found.append(Row(key, ms[key], "AdamW(fused)", ms[key] / ms[f"AdamW, n = {n}"], GOALS.get(key)))
    key = "published, n = 94696"
    found.append(Row(key, ms[key], "byte bound", ms[key] / (BYTES * 94_696 / rate), 2))
    key = "Kronecker, 512 × 512"
    found.append(Row(key, ms[key], "arithmetic bound", ms[key] / (PRODUCTS * ms["product"]), 2))
    for key in ms:
        if "network" in key and "AdamW" not in key:
            goal = 10 if "every" in key else None
            found.append(Row(key, ms[key], "AdamW(fused)", ms[key] / ms["AdamW, network"], goal))
    return found


def main() -> None:
    """Measure and print the table."""
    options = arguments(__doc__, rounds=40)
    torch.set_num_threads(1)
    timed = jobs()
    seconds = least({name: partial(repeated, *job) for name, job in timed.items()}, options.rounds, warm_up=2)
    ms = {name: 1e3 * seconds[name] / count for name, (_, count) in timed.items()}
    rates = {
        "stream_gb_per_s": 12e-6 * STREAM / ms["stream"],
        "product_gflop_per_s": 2e-6 * SIDE**3 / ms["product"],
        "adamw_ms": {name: value for name, value in ms.items() if "AdamW" in name},
    }
    print(machine_line())
    print(f"stream {rates['stream_gb_per_s']:.1f} GB/s, product {rates['product_gflop_per_s']:.0f} GFLOP/s")
    print("".join(f"{name}: {value:.4f} ms\n" for name, value in rates["adamw_ms"].items()))
    table_head("step of", "ms", "times", "ratio", "at most")
    found = rows(ms)
    for row in found:
        table_row(row.what, f"{row.ms:.3f}", row.reference, f"{row.ratio:.2f}", row.goal)
    save(options.json, **rates, rows=found)


if __name__ == "__main__":
    main()
