"""What may have been read of a task's network, built from the plain task: its machine, its rows, its behavior."""

import numpy as np

from novacula.distill.program.machine import UNKNOWN, Machine, Transitions
from novacula.distill.sources.behavior import random_words, words
from tests.distill.synth.plain_tasks import PlainTask, State

MAX_STATES = 300
MAX_SYMBOLS = 250


class PlainBehavior:
    """A task as a black box."""

    def __init__(self, task: PlainTask) -> None:
        self.task = task

    def run(self, x: np.ndarray) -> np.ndarray:
        outputs = [[self._outputs(word) for word in x.tolist()]]
        return np.array(outputs[0], np.int64).reshape(*x.shape[:2], -1)

    def _outputs(self, word: list[list[int]]) -> list[State]:
        state, outputs = self.task.start, []
        for x in word:
            state, y = self.task.step(state, tuple(x))
            outputs.append(y)
        return outputs


def symbols(task: PlainTask) -> np.ndarray:
    """Every input symbol, in lexicographic order."""
    return words(task.low, task.high, task.streams, 1)[:, 0]


def unread(task: PlainTask) -> Machine:
    """A machine of which nothing is known but its symbols."""
    alphabet = symbols(task)
    nothing = np.full((1, len(alphabet)), UNKNOWN)
    return Machine(
        alphabet, nothing, np.zeros((*nothing.shape, len(task.step(task.start, tuple(alphabet[0]))[1])), int)
    )


def exact_machine(task: PlainTask, limit: int = MAX_STATES) -> Machine | None:
    """The minimal machine; None with more than `limit` states before merging, or too many symbols."""
    alphabet = [tuple(symbol) for symbol in symbols(task).tolist()]
    if len(alphabet) > MAX_SYMBOLS:
        return None
    number, table, queue = {task.start: 0}, [], [task.start]
    for state in queue:
        row = [task.step(state, x) for x in alphabet]
        for after, _ in row:
            if after not in number:
                number[after] = len(queue)
                queue.append(after)
        if len(queue) > limit:
            return None
        table.append(row)
    after = np.array([[number[state] for state, _ in row] for row in table])
    output = np.array([[y for _, y in row] for row in table])
    return _minimal(Machine(symbols(task), after, output))


def cut_machine(task: PlainTask, depth: int) -> Machine:
    """The machine of an infinite task as far as `depth` inputs lead; what lies beyond is unknown."""
    alphabet = [tuple(symbol) for symbol in symbols(task).tolist()]
    number, queue, depths, rows = {task.start: 0}, [task.start], [0], []
    for index, state in enumerate(queue):
        if depths[index] == depth:
            break
        rows.append([task.step(state, x) for x in alphabet])
        for after, _ in rows[-1]:
            if after not in number:
                number[after] = len(queue)
                queue.append(after)
                depths.append(depths[index] + 1)
    after = np.full((len(queue), len(alphabet)), UNKNOWN)
    output = np.zeros((len(queue), len(alphabet), len(rows[0][0][1])), int)
    after[: len(rows)] = [[number[state] for state, _ in row] for row in rows]
    output[: len(rows)] = [[y for _, y in row] for row in rows]
    return Machine(symbols(task), after, output)


def _minimal(machine: Machine) -> Machine:
    """Merge equivalent states by partition refinement; the start keeps number 0."""
    block = np.zeros(machine.states, int)
    while True:
        signature = np.concatenate([machine.output.reshape(machine.states, -1), block[machine.next]], axis=1)
        _, first, refined = np.unique(signature, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))
        refined = order[refined.ravel()]
        if refined.max() == block.max():
            break
        block = refined
    keep = np.sort(first)
    return Machine(machine.symbols, refined[machine.next[keep]], machine.output[keep])


def transitions(task: PlainTask, sequences: int = 3000, seed: int = 0) -> Transitions:
    """Rows that random sequences visit; the state's code in a random unimodular basis, shifted and reflected."""
    rng = np.random.default_rng(seed)
    x = random_words(task.low, task.high, task.streams, task.length, sequences, rng)
    rows = set()
    for word in x.tolist():
        state = task.start
        for symbol in word:
            after, y = task.step(state, tuple(symbol))
            rows.add((state, tuple(symbol), after, y))
            state = after
    change, offset = _disguise(len(task.start), rng)
    left, read, reached, put = (np.array([row[part] for row in sorted(rows)], int) for part in range(4))
    return Transitions(
        np.array(task.start, int) @ change + offset, left @ change + offset, read, reached @ change + offset, put
    )


def _disguise(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    change = np.diag(rng.choice([-1, 1], size)).reshape(size, size)
    for _ in range(2 * size if size > 1 else 0):
        row, added = rng.choice(size, 2, replace=False)
        change[row] += rng.choice([-1, 1]) * change[added]
    return change, rng.integers(-20, 20, size)
