"""Short programs for affine machines: a basis of the state is chosen, and shared parts are named. Source: ours."""

from collections.abc import Iterator

import numpy as np

from novacula.distill.expression import Expression, Name
from novacula.distill.program import Program
from novacula.distill.synth.linear import affine, affine_nodes
from novacula.distill.synth.realize import Affine

_KICKS = 4
_KICK_STEPS = 3

Shared = dict[int, tuple[int, int]]
"""For a value that is a base value plus, or minus, a rest: which value is the base, and its sign."""


def affine_program(machine: Affine, seed: int = 0) -> Program:
    """Returns the shortest program found, by descent over bases of the state that is begun again after random steps.

    Args:
        machine: what the program computes.
        seed: of the random steps.
    """
    size = len(machine.a)
    generator = np.random.default_rng(seed)
    best, cost = _descend(np.block([[machine.a, machine.b], [machine.c, machine.d]]), size)
    for _ in range(_KICKS if size > 1 else 0):
        kicked = best
        for _ in range(_KICK_STEPS):
            row, added = (int(at) for at in generator.choice(size, 2, replace=False))
            kicked = _changed(kicked, size, row, added, int(generator.choice((-1, 1))))
        kicked, kicked_cost = _descend(kicked, size)
        if kicked_cost < cost:
            best, cost = kicked, kicked_cost
    return _program(best, size)


def _descend(rows: np.ndarray, size: int) -> tuple[np.ndarray, tuple[int, int, int]]:
    cost = _cost(rows, size)
    while True:
        options = [(_cost(changed, size), index, changed) for index, changed in enumerate(_neighbors(rows, size))]
        if not options or min(options, key=lambda option: option[:2])[0] >= cost:
            return rows, cost
        cost, _, rows = min(options, key=lambda option: option[:2])


def _neighbors(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The same machine after one elementary change of its state's basis."""
    for row in range(size):
        yield _changed(rows, size, row, row, -2)
        for added in range(size):
            if row != added:
                yield _changed(rows, size, row, added, 1)
                yield _changed(rows, size, row, added, -1)


def _changed(rows: np.ndarray, size: int, row: int, added: int, factor: int) -> np.ndarray:
    """The machine with `factor` times one variable added to another; with -2 times itself added, one is reflected."""
    result = rows.copy()
    result[row] += factor * result[added]
    result[:, added] -= (factor if row != added else 2) * result[:, row]
    return result


def _cost(rows: np.ndarray, size: int) -> tuple[int, int, int]:
    """Nodes of the program, then how many signs are negative, then how large the coefficients are."""
    return _shared(rows)[0], int((rows < 0).sum()), int(np.abs(rows).sum())


def _shared(rows: np.ndarray) -> tuple[int, Shared]:
    """The nodes of all values, and which of them are written by means of which others, chosen greedily."""
    plain = affine_nodes(rows)
    rests = np.stack([rows[:, None] - rows[None], rows[:, None] + rows[None]])
    by_base = np.where(rests.any(-1), affine_nodes(rests) + 2, 1)
    gains = plain[None, :, None] - by_base
    gains[:, :, plain < 2] = 0
    gains[1, ~rests[1].any(-1)] = 0
    gains[:, np.arange(len(rows)), np.arange(len(rows))] = 0
    candidates = np.argwhere(gains > 0)
    order = np.argsort(-gains[tuple(candidates.T)], kind="stable")
    total, shared, bases = int(plain.sum()), {}, set()
    for sign, value, base in candidates[order].tolist():
        gain = int(gains[sign, value, base]) - (base not in bases)
        if value not in shared and gain > 0 and not _leads_to(shared, base, value):
            shared[value] = base, 1 - 2 * sign
            bases.add(base)
            total -= gain
    return total, shared


def _leads_to(shared: Shared, value: int, goal: int) -> bool:
    while value in shared and value != goal:
        value = shared[value][0]
    return value == goal


def _program(rows: np.ndarray, size: int) -> Program:
    shared = _shared(rows)[1]
    inputs = tuple(f"x{stream}" for stream in range(rows.shape[1] - size - 1))
    state = tuple(f"z{at}" for at in range(size))
    body: dict[str, Expression] = {}

    def expression(row: np.ndarray) -> Expression:
        *factors, constant = row.tolist()
        return affine(dict(zip((*state, *inputs), factors, strict=True)), constant)

    def value(at: int) -> Expression:
        if at not in shared:
            return expression(rows[at])
        base, sign = shared[at]
        rest, name = rows[at] - sign * rows[base], named(base)
        if not rest.any():
            return name
        return expression(rest) - name if sign < 0 else name + expression(rest)

    def named(at: int) -> Expression:
        if f"shared{at}" not in body:
            body[f"shared{at}"] = value(at)
        return Name(f"shared{at}")

    bases = {base for base, _ in shared.values()}
    values = [named(at) if at in bases else value(at) for at in range(len(rows))]
    return Program(inputs, state, (0,) * size, tuple(body.items()), tuple(values[:size]), tuple(values[size:]))
