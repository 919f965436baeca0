"""Random networks of all kinds, for attacks on bounds: built ones with noise, units with backgrounds, squares, deep."""

from itertools import pairwise

import numpy as np

from novacula.hypernet import Architecture, TargetNetwork, build
from novacula.hypernet.config import Activation

KINDS = ("built", "directed", "squares", "large", "few-inputs", "deep")
_BUILT = (
    *(
        "double-sided",
        "pudding+",
        "pudding-",
        "mixed",
        "linear",
        "neighbor-differences",
        "max-tree",
        "sort-comparators",
    ),
    *("product-squares", "product-curvature", "product-completion", "squares-curvature", "parity-staircase"),
    *("parity-tree", "count-threshold", "angle-addition-squares", "range-tree"),
)
_ACTIVATIONS: tuple[Activation, ...] = ("swish", "relu", "gelu", "softplus", "tanh", "square", "abs", "sin")


def random_network(seed: int) -> tuple[str, TargetNetwork, str]:
    """Returns the kind of a network, the network, and a task whose law its inputs may have."""
    kind, generator = KINDS[seed % len(KINDS)], np.random.default_rng([seed, 20])
    if kind == "built":
        name = str(generator.choice(_BUILT))
        inputs = 2 if name == "product-squares" else 4
        noise, slope = float(generator.choice([0, 0.01, 0.05, 0.2])), float(generator.choice([1.0, 5.0, 20.0, 100.0]))
        network = build(name, inputs, noise=noise, slope=slope, shuffle=True, seed=seed)
        return f"{kind}: {name}", network, network.task or "l1-norm"
    if kind == "deep":
        return kind, _deep(generator), str(generator.choice(["l1-norm", "max"]))
    activation = "square" if kind == "squares" else str(generator.choice(_ACTIVATIONS))
    inputs = int(generator.integers(1, 4)) if kind == "few-inputs" else int(generator.integers(2, 7))
    rows = np.array([_row(kind, inputs, generator) for _ in range(int(generator.integers(1, 2 * inputs + 1)))])
    biases = generator.normal(size=len(rows)) * generator.choice([0, 1], len(rows))
    outs = generator.normal(size=(1, len(rows))) * (1234.56789 if kind == "large" else 1.0)
    bypass = generator.normal(size=(1, inputs)) if generator.random() < 0.3 else None
    architecture = Architecture((inputs, len(rows), 1), activation, bypass=bypass is not None)  # pyright: ignore[reportArgumentType]
    network = TargetNetwork(architecture, (rows, outs), (biases, generator.normal(size=1)), bypass)
    return f"{kind}: {activation}", network, str(generator.choice(["l1-norm", "sum", "parity", "clip"]))


def _row(kind: str, inputs: int, generator: np.random.Generator) -> np.ndarray:
    """One of one, two or all inputs, with a background and noise; of few inputs, anything."""
    row = np.zeros(inputs)
    if kind == "few-inputs":
        return generator.normal(size=inputs) * generator.choice([0.3, 3.0])
    first, *others = generator.permutation(inputs)
    scale = float(generator.choice([0.2, 1.0, 1.0, 7.0]))
    match generator.integers(4):
        case 0 if others:
            row[[first, others[0]]] = scale * np.array([1.0, generator.choice([-1.0, 1.0])])
        case 1:
            row[:] = scale
        case _:
            row[first] = scale
    row = row * generator.choice([-1.0, 1.0]) + generator.choice([0.0, 0.05]) * scale
    return row * (1 + generator.choice([0.0, 0.02]) * generator.normal(size=inputs))


def _deep(generator: np.random.Generator) -> TargetNetwork:
    """Two to four hidden layers of simple weights, with noise."""
    inputs, hidden = int(generator.integers(1, 4)), int(generator.integers(2, 4))
    sizes = (inputs, *generator.integers(1, 4, hidden).tolist(), 1)
    noise = float(generator.choice([0.0, 0.01]))
    weights = tuple(
        generator.choice([-1.0, -0.5, 0.0, 0.25, 1.0, 1.0], (above, below)) * (1 + noise * generator.normal())
        for below, above in pairwise(sizes)
    )
    biases = tuple(generator.choice([0.0, 0.0, 0.5], size) for size in sizes[1:])
    return TargetNetwork(Architecture(sizes, str(generator.choice(["relu", "swish", "softplus"]))), weights, biases)  # pyright: ignore[reportArgumentType]
