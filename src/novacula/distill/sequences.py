"""Data: input sequences beside output sequences, whose lengths may differ. Source: ours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from novacula.errors import InputError

LISTED = 10
"""The most problems of one source that an error lists."""


@dataclass(frozen=True)
class Sequences:
    """Rows of a data set, padded to one length with zeros.

    Attributes:
        x: inputs.
        y: outputs.
        lengths: number of positions of each row that are data.
        source: what an error names as being at fault.
    """

    x: Int[np.ndarray, "rows time streams"]
    y: Int[np.ndarray, "rows time outputs"]
    lengths: Int[np.ndarray, " rows"]
    source: str

    @property
    def low(self) -> int:
        """The least input of any stream."""
        return int(self.x[self.inside].min())

    @property
    def high(self) -> int:
        """The largest input of any stream."""
        return int(self.x[self.inside].max())

    @property
    def inside(self) -> np.ndarray:
        """Which positions are data: booleans, rows by time."""
        return np.arange(self.x.shape[1]) < self.lengths[:, None]

    def rows(self, chosen: slice | np.ndarray) -> "Sequences":
        """Returns some of the rows."""
        return Sequences(self.x[chosen], self.y[chosen], self.lengths[chosen], self.source)


def padded(rows: Sequence[tuple[np.ndarray, np.ndarray]], source: str) -> Sequences:
    """Returns rows of different lengths as one data set.

    Args:
        rows: inputs, time by streams, and outputs, time by outputs, of each sequence.
        source: what an error names as being at fault.
    """
    lengths = np.array([len(x) for x, _ in rows])
    x, y = (
        np.zeros((len(rows), lengths.max(), rows[0][part].shape[1]), np.int64)
        for part in (0, 1)
    )  # fmt: skip
    for index, (inputs, outputs) in enumerate(rows):
        x[index, : len(inputs)], y[index, : len(outputs)] = inputs, outputs
    return Sequences(x, y, lengths, source)


def joined(first: Sequences, second: Sequences) -> Sequences:
    """Returns the rows of both, which are padded to the same length."""
    x, y, lengths = (
        np.concatenate([getattr(first, name), getattr(second, name)]) for name in ("x", "y", "lengths")
    )  # fmt: skip
    return Sequences(x, y, lengths, first.source)


def fresh_steps(rows: Sequences, known: Sequences | None) -> Bool[np.ndarray, "rows time"]:
    """Returns the steps of rows whose inputs, from the beginning on, no known row begins with."""
    if known is None:
        return rows.inside
    both = joined(known, rows)
    beginning = np.zeros(len(both.x), np.int64)
    fresh = np.zeros(rows.x.shape[:2], bool)
    for step in range(rows.x.shape[1]):
        alive = np.flatnonzero(both.lengths > step)
        keys = np.concatenate([beginning[alive, None], both.x[alive, step]], axis=1)
        beginning[alive] = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
        old, new = alive[alive < len(known.x)], alive[alive >= len(known.x)]
        fresh[new - len(known.x), step] = ~np.isin(beginning[new], beginning[old])
    return fresh


@dataclass(frozen=True)
class Conflict:
    """Two rows with the same inputs up to a step, at which their outputs differ.

    Attributes:
        first: the earlier row.
        second: the later row.
        step: the step.
        same: whether all their inputs are the same, so that no function has these outputs. Where later inputs differ,
            the outputs may depend on the future.
    """

    first: int
    second: int
    step: int
    same: bool


def conflicts(data: Sequences) -> Iterator[Conflict]:
    """Yields the rows that contradict an earlier one, each at its first such step; a causal function has none."""
    beginning = np.zeros(len(data.x), np.int64)
    unblamed = np.ones(len(data.x), bool)
    for step in range(data.x.shape[1]):
        rows = np.flatnonzero((data.lengths > step) & unblamed)
        if not len(rows):
            return
        key = np.concatenate([beginning[rows, None], data.x[rows, step]], axis=1)
        _, first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
        beginning[rows] = group.reshape(-1)
        witness = rows[first][group.reshape(-1)]
        for row in np.flatnonzero((data.y[rows, step] != data.y[witness, step]).any(axis=1)):
            a, b = int(witness[row]), int(rows[row])
            unblamed[b] = False
            same = bool(data.lengths[a] == data.lengths[b] and (data.x[a] == data.x[b]).all())
            yield Conflict(a, b, step, same)


def check_function(data: Sequences, places: Sequence[str]) -> None:
    """Makes sure that the outputs are a causal function of the inputs.

    Args:
        data: what is checked.
        places: how an error names each row, such as ``line 3``.

    Raises:
        InputError: equal beginnings of inputs have different outputs; the first `LISTED` cases are listed.
    """
    problems = []
    for conflict in conflicts(data):
        first, second, step = places[conflict.first], places[conflict.second], conflict.step
        outputs = " and ".join(str(data.y[row, step].tolist()) for row in (conflict.first, conflict.second))
        if conflict.same:
            problem = (
                f"{first} and {second} contradict each other: the same inputs, but outputs {outputs} at step {step}"
            )
        else:
            problem = (
                f"{first} and {second} have the same inputs up to step {step}, but outputs {outputs} there; an output "
                "may depend only on the inputs so far"
            )
        problems.append(problem)
        if len(problems) > LISTED:
            break
    refuse(data.source, problems)


def refuse(source: str, problems: list[str]) -> None:
    """Raises an InputError if there are problems; it lists the first `LISTED`."""
    if len(problems) > LISTED:
        problems = [*problems[:LISTED], "and more"]
    if problems:
        raise InputError(source, *problems)
