"""Random machines for the tests of the distill part."""

import numpy as np

from novacula.distill.program.machine import Machine
from novacula.distill.sources.behavior import words


def random_machine(
    generator: np.random.Generator, states: int, symbols: int, outputs: int = 2, streams: int = 1
) -> Machine:
    """Uniform transitions and outputs; neither reachable nor minimal in general."""
    return Machine(
        words(0, symbols - 1, streams, 1)[:, 0],
        generator.integers(0, states, (states, symbols**streams)),
        generator.integers(0, outputs, (states, symbols**streams, 1)),
    )
