"""Compares compiled steps with plain ones: python -m tests.optim.compiling. Prints how far apart they end."""

import torch
from torch.nn import Parameter

from novacula.optim import LODO
from novacula.optim.config import EngineName
from tests.optim.problems import generator


def path(lr: float | None, compiled: bool, engine: EngineName = "torch") -> torch.Tensor:
    """Where some steps end, the later ones compiled: by then the state is there, and every step is alike."""
    x = Parameter(torch.randn(5, generator=generator(0), dtype=torch.float64))
    optimizer = LODO([x], lr=lr, depth=1, engine=engine)
    step = optimizer.step
    for index in range(6):
        x.grad = torch.randn(5, generator=generator(index), dtype=torch.float64)
        if compiled and index == 2:
            step = torch.compile(optimizer.step, backend="aot_eager", fullgraph=engine == "torch")
        if index == 3:
            torch.compiler.set_stance("fail_on_recompile" if compiled else "default")
        step()
    torch.compiler.set_stance("default")
    return x.detach()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch_only = path(0.1, True) - path(0.1, False)
    native = path(None, True, "auto") - path(None, False, "auto")
    print(float(torch_only.abs().max() + native.abs().max()))
