"""Compares compiled steps with plain ones: python -m tests.optim.compiling. Prints how far apart they end."""

from copy import deepcopy

import torch
from torch.nn import Parameter

from novacula.optim import LODO
from novacula.optim.config import EngineName
from tests.optim.problems import generator


def path(lr: torch.Tensor | None, compiled: bool, engine: EngineName = "torch") -> torch.Tensor:
    """Where some steps at a falling rate end, those in the middle compiled: by then the state is there."""
    x = Parameter(torch.randn(5, generator=generator(0), dtype=torch.float64))
    optimizer = LODO([x], lr=lr, depth=1, engine=engine)
    step = optimizer.step
    for index in range(6):
        x.grad = torch.randn(5, generator=generator(index), dtype=torch.float64)
        if compiled and index == 2:
            step = torch.compile(optimizer.step, backend="aot_eager", fullgraph=engine == "torch")
        if index == 3:
            torch.compiler.set_stance("fail_on_recompile" if compiled else "default")
        (optimizer.step if index == 5 else step)()
        if lr is not None:
            lr *= 0.5
    torch.compiler.set_stance("default")
    return x.detach()


if __name__ == "__main__":
    torch.set_num_threads(1)
    ends = [(None, "torch"), (torch.tensor(0.1), "torch"), (None, "auto")]
    apart = [path(deepcopy(lr), True, engine) - path(deepcopy(lr), False, engine) for lr, engine in ends]
    print(float(torch.stack(apart).abs().max()))
