"""Many states of a program, a machine or a network, advanced side by side. Source: ours."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from novacula.distill.machine import Machine
from novacula.distill.network import Network
from novacula.distill.program import EXACT_LIMIT, Program

Advance = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""States (rows by codes) and inputs (rows by streams) to next states and outputs."""


class LargeNumbersError(ArithmeticError):
    """States have left the range in which 64 bits are exact."""


@dataclass(frozen=True)
class Stepper:
    """A transducer whose states are rows of numbers.

    Attributes:
        start: the first state.
        advance: one step of many states.
    """

    start: np.ndarray
    advance: Advance


def stepper(source: Program | Machine | Network) -> Stepper:
    """Returns the steps of a program, of a complete machine, or of a network.

    The advance of a program raises `LargeNumbersError` where 64 bits might not hold what it computes.
    """
    if isinstance(source, Program):
        return Stepper(np.array(source.start, np.int64), lambda state, x: advance(source, state, x))
    if isinstance(source, Machine):
        return Stepper(np.zeros(1, np.int64), lambda state, x: _advance_machine(source, state, x))
    return Stepper(np.zeros(source.size), lambda state, x: _advance_network(source, state, x))


def advance(program: Program, state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the next states and the outputs of a program (`Program.advance`).

    Raises:
        LargeNumbersError: 64 bits might not hold what it computes.
    """
    if state.dtype != object and np.abs(state).max(initial=0) > EXACT_LIMIT:
        raise LargeNumbersError
    return program.advance(state, x)


def _advance_machine(machine: Machine, state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    index = machine.indices(x)
    return machine.next[state[:, 0], index][:, None], machine.output[state[:, 0], index]


def _advance_network(network: Network, state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    after = network.step(state, x)
    return after, np.rint(network.read(after)).astype(np.int64)
