"""Does every form of LODO's step compile to one graph, without recompiling, to the same step?

    python benchmarks/studies/lodo_compile.py [--backends aot_eager,inductor] [--json PATH]

Structure × scope × rate (published or automatic) × meta-optimizer, on two parameters of 3 × 4 and 5 scalars in float64,
with the torch engine. Three plain steps make the state; then one step is compiled with `fullgraph=True` (a graph break
is an error) and three more must not compile again. Printed is the largest difference from plain steps, or the first
line of the error. The structures that a scope does not allow are left out.
"""

import itertools
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn import Parameter

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, save, table_head, table_row

from novacula.optim import LODO

STRUCTURES = ("blockperm", "butterfly", "residual", "kronecker", "diagonal", "scalar", "dense")
SCOPES = ("global", "group", "param")
PLAIN, COMPILED = 3, 4


def cases() -> Iterator[dict[str, Any]]:
    """The matrix."""
    for structure, scope, lr, meta in itertools.product(STRUCTURES, SCOPES, (0.1, None), ("adam", "sgd")):
        if structure != "kronecker" or scope == "param":
            yield {"structure": structure, "scope": scope, "lr": lr, "meta_optimizer": meta}


def path(options: dict[str, Any], backend: str | None) -> torch.Tensor:
    """Where the steps end, the later ones compiled with a backend."""
    generator = torch.Generator().manual_seed(0)
    parameters = [Parameter(torch.randn(s, generator=generator, dtype=torch.float64)) for s in ((3, 4), (5,))]
    depth = 2 if options["structure"] in ("blockperm", "butterfly", "residual") else None
    optimizer = LODO(parameters, engine="torch", depth=depth, **options)
    step = optimizer.step
    try:
        for index in range(PLAIN + COMPILED):
            for parameter in parameters:
                parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            if backend and index == PLAIN:
                torch.compiler.reset()
                step = torch.compile(optimizer.step, backend=backend, fullgraph=True)
            if backend and index == PLAIN + 1:
                torch.compiler.set_stance("fail_on_recompile")
            step()
    finally:
        torch.compiler.set_stance("default")
    return torch.cat([parameter.detach().flatten() for parameter in parameters])


def outcome(options: dict[str, Any], backend: str) -> dict[str, Any]:
    """One case, as a row."""
    row = options | {"lr": options["lr"] or "automatic", "backend": backend, "difference": None, "error": ""}
    try:
        row["difference"] = float((path(options, backend) - path(options, None)).abs().max())
    except Exception as error:  # whatever the compiler refuses is the finding
        row["error"] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160]}"
    return row


def main() -> None:
    """Compile everything and print the table."""
    options = arguments(__doc__, backends="aot_eager,inductor")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    table_head("structure", "scope", "rate", "meta-optimizer", "backend", "difference", "error")
    rows = []
    for backend in options.backends.split(","):
        for case in cases():
            row = outcome(case, backend)
            rows.append(row)
            shown = "" if row["difference"] is None else f"{row['difference']:.1e}"
            names = (row[key] for key in ("structure", "scope", "lr", "meta_optimizer", "backend"))
            table_row(*names, shown, row["error"])
    good = sum(row["difference"] is not None and row["difference"] < 1e-10 for row in rows)
    print(f"\n{good} of {len(rows)} compile once, to the same step (difference below 1e-10).")
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
