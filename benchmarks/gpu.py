"""Does a GPU compute the same, and how much faster?

    python benchmarks/gpu.py [--task 73251a56] [--steps 20] [--json PATH]

The torch engine of `arc` and LODO as it comes, on the CPU (one thread) and on CUDA, from equal starts. The table has
the milliseconds of a step, least of all steps after the first five, and the largest relative difference of the losses
over the first five steps; later ones part by rounding in any case. Prints "no GPU here" where torch finds none.
Dictionaries are trained on the CPU only.
"""

import time
from collections.abc import Callable

import torch
from harness import arguments, save, table_head, table_row

from novacula.arc import SolveConfig, load_task, preprocess
from novacula.arc.network.engine_choice import make_engine
from novacula.optim import LODO

FIRST, TOLERANCE = 5, 1e-3
"""Steps whose losses are compared, and the largest relative difference that counts as equal in float32."""
Step = Callable[[], float]


def arc(device: str, task: str) -> Step:
    """A step of training on a puzzle; returns its loss."""
    engine = make_engine(preprocess(load_task(task)), SolveConfig(engine="torch", device=device))
    return lambda: engine.step().loss


def lodo(device: str, _: str) -> Step:
    """A step of LODO on a network of 67,000 parameters, on a fixed batch."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(512, 256, generator=generator).to(device)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(256, 256), torch.nn.Tanh(), torch.nn.Linear(256, 1)).to(device)
    optimizer = LODO(net.parameters())

    def step() -> float:
        loss = (net(x)[:, 0] - x[:, 0].abs()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def timed(step: Step, steps: int, device: str) -> tuple[list[float], float]:
    """The losses of all steps, and the milliseconds of the fastest after the first ones."""
    losses, least = [], float("inf")
    for number in range(FIRST + steps):
        begun = time.perf_counter()
        losses.append(step())
        if device != "cpu":
            torch.cuda.synchronize()
        if number >= FIRST:
            least = min(least, 1e3 * (time.perf_counter() - begun))
    return losses, least


def main() -> None:
    """Print the table."""
    options = arguments(__doc__, task="73251a56", steps=20)
    torch.set_num_threads(1)
    if not torch.cuda.is_available():
        print("no GPU here")
        return
    print(torch.cuda.get_device_name(), "\n")
    rows = []
    table_head("what", "CPU, ms", "GPU, ms", "times as fast", "largest difference", "equal")
    for name, make in (("arc, torch engine", arc), ("LODO as it comes", lodo)):
        (ours, slow), (theirs, fast) = (
            timed(make(where, options.task), options.steps, where) for where in ("cpu", "cuda")
        )
        apart = max(abs(a - b) / max(abs(a), 1e-12) for a, b in zip(ours[:FIRST], theirs[:FIRST], strict=True))
        rows.append({"what": name, "cpu_ms": slow, "gpu_ms": fast, "difference": apart})
        table_row(
            name,
            f"{slow:.3g}",
            f"{fast:.3g}",
            f"{slow / fast:.1f}",
            f"{apart:.1e}",
            "yes" if apart <= TOLERANCE else "NO",
        )
    save(options.json, device=torch.cuda.get_device_name(), rows=rows)


if __name__ == "__main__":
    main()
