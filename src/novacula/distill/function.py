"""A user's function as a behavior: what it answers is checked before anything is learned from it. Source: ours."""

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from novacula.distill.behavior import Behavior
from novacula.errors import InputError
from novacula.functions import FunctionProcess, shown

_CHECKED = 12
_LARGEST = 2**62


class Function(Behavior):
    """A causal function from a list of inputs to the list of its outputs.

    An input is an integer, or with several streams a list of integers; so is an output.

    Args:
        name: ``module:name``; modules are also looked for in the working folder.
        seconds: longest time that it may take for one sequence.

    Raises:
        InputError: the function cannot be loaded.
    """

    def __init__(self, name: str, seconds: float = 10.0) -> None:
        self.name = name
        self._process = FunctionProcess(name, seconds)

    @override
    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs for many input sequences of one length.

        The first sequences are also asked again, and cut short at every step, to see that the function is deterministic
        and causal.

        Raises:
            InputError: for some sequence the function raises, takes too long or ends its process. Or it does not return
                one output for every input, with the same number of integers at every step, of at most 2^62 in
                magnitude. Or its outputs change when it is asked again, or when later inputs are left out.
        """
        sequences = x.tolist() if x.shape[2] > 1 else x[:, :, 0].tolist()
        answers = list(self._process.call(sequences))
        width = len(answers[0][0]) if answers and answers[0] else 1
        for sequence, outputs in zip(sequences, answers, strict=True):
            self._check_shape(sequence, outputs, width)
        self._check_repeatable(sequences[:_CHECKED], answers)
        return np.array(answers, np.int64).reshape(*x.shape[:2], width)

    def close(self) -> None:
        """Ends the function's process."""
        self._process.close()

    def _check_shape(self, sequence: list, outputs: list[list[int]], width: int) -> None:
        if len(outputs) != len(sequence):
            problem = f"returned {len(outputs)} outputs for the {len(sequence)} inputs {shown(sequence)}"
            raise InputError(self.name, f"{problem}; one for every input is needed")
        for step, item in enumerate(outputs):
            where = f"at step {step} for {shown(sequence)}"
            if len(item) != width or not width:
                raise InputError(self.name, f"returned {len(item)} integers {where}, {width} elsewhere; at least 1")
            if max(map(abs, item)) > _LARGEST:
                raise InputError(self.name, f"returned {max(item, key=abs)} {where}; at most 2^62 in magnitude")

    def _check_repeatable(self, sequences: list[list], answers: list[list[list[int]]]) -> None:
        for sequence, outputs, again in zip(sequences, answers, self._process.call(sequences), strict=False):
            if outputs != again:
                raise InputError(self.name, f"is not deterministic: asked twice for {shown(sequence)}")
        for sequence, outputs in zip(sequences, answers, strict=False):
            beginnings = [sequence[:length] for length in range(1, len(sequence))]
            for beginning, shorter in zip(beginnings, self._process.call(beginnings), strict=True):
                if shorter != outputs[: len(beginning)]:
                    problem = f"is not causal: for {shown(beginning)} its outputs are not the first ones for "
                    raise InputError(self.name, problem + shown(sequence))
