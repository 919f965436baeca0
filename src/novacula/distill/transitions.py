"""What was seen of a network whose states are written as integer vectors. Source: ours."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True)
class Transitions:
    """Distinct rows (state, input) -> (next state, output). With no state coordinates, a function of the input.

    Attributes:
        start: the code of the state before the first input.
        state: codes of the states before each step.
        x: the inputs of the step.
        next: codes of the states after it.
        y: its outputs.
    """

    start: Int[np.ndarray, " codes"]
    state: Int[np.ndarray, "rows codes"]
    x: Int[np.ndarray, "rows streams"]
    next: Int[np.ndarray, "rows codes"]
    y: Int[np.ndarray, "rows outputs"]
