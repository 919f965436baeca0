"""A program: integer variables, how one step changes them, and what it puts out. Source: ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from novacula.distill.expression import ON_ARRAYS, ON_INTEGERS, Expression, fold, names, nodes

EXACT_LIMIT = 2**30
"""Beyond this magnitude `Program.run` goes on in Python's integers, since products might leave 64 bits."""


@dataclass(frozen=True)
class Program:
    """A transducer of integer sequences for any length.

    A step binds the inputs, computes `body` from top to bottom, then all of `update` and `outputs`; these read the old
    state, the inputs and the values of the body. The state starts at `start`.

    Attributes:
        inputs: a name for every input stream.
        state: a name for every variable.
        start: their first values.
        body: named values that a step computes on its way, in order.
        update: the variables' next values, one for each of `state`.
        outputs: one for every output stream.

    Raises:
        ValueError: names that repeat or are not defined where they are read, or lengths that differ.
    """

    inputs: tuple[str, ...]
    state: tuple[str, ...]
    start: tuple[int, ...]
    body: tuple[tuple[str, Expression], ...]
    update: tuple[Expression, ...]
    outputs: tuple[Expression, ...]

    def __post_init__(self) -> None:
        if not len(self.state) == len(self.start) == len(self.update):
            raise ValueError(f"{len(self.state)} variables, {len(self.start)} starts, {len(self.update)} updates")
        known = list(self.inputs) + list(self.state)
        for name, value in self.body:
            _require(names(value), known, name)
            known.append(name)
        for value in (*self.update, *self.outputs):
            _require(names(value), known, "update or output")
        if len(set(known)) != len(known) or not all(name.isidentifier() for name in known):
            raise ValueError(f"names must be identifiers and differ: {', '.join(known)}")

    @property
    def nodes(self) -> int:
        """Syntax nodes: names, numbers and operators on the right-hand sides of the step."""
        return sum(nodes(value) for value in self._values())

    def step(self, state: Sequence[int], x: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The next state and the outputs, exactly, for one input of every stream."""
        values = dict(zip(self.inputs + self.state, (*x, *state), strict=True))
        for name, value in self.body:
            values[name] = fold(value, values, ON_INTEGERS)
        update, outputs = (
            tuple(fold(value, values, ON_INTEGERS) for value in some) for some in (self.update, self.outputs)
        )
        return update, outputs

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """The outputs for many input sequences at once.

        Raises:
            OverflowError: an output does not fit 64 bits.
        """
        state: list[np.ndarray] = [np.full(len(x), value, np.int64) for value in self.start]
        result = np.empty((*x.shape[:2], len(self.outputs)), np.int64)
        for time in range(x.shape[1]):
            if any(np.abs(value).max(initial=0) > EXACT_LIMIT for value in state):
                state = [value.astype(object) for value in state]
            values = dict(zip(self.inputs + self.state, [*x[:, time].T, *state], strict=True))
            for name, value in self.body:
                values[name] = fold(value, values, ON_ARRAYS)
            state = [self._full(value, values, len(x)) for value in self.update]
            for stream, value in enumerate(self.outputs):
                result[:, time, stream] = self._full(value, values, len(x))
        return result

    def _values(self) -> list[Expression]:
        return [*(value for _, value in self.body), *self.update, *self.outputs]

    @staticmethod
    def _full(value: Expression, values: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
        return np.broadcast_to(fold(value, values, ON_ARRAYS), (rows,))


def _require(read: set[str], known: list[str], where: str) -> None:
    missing = sorted(read - set(known))
    if missing:
        raise ValueError(f"{where} reads {', '.join(missing)} before it is defined")
