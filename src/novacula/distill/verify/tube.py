"""Proof that a network computes a program on all inputs within its trained length, where these are too many to try.

For an affine network, the difference of both outputs is an affine function of all inputs so far. Its largest value over
the inputs' range is a sum, which must stay below one half.

For other networks, pairs of a program's state and a place in the network's state space are explored. Around each place
lies a box. Interval arithmetic maps every box, for every input, to a region near another place, whose box is made large
enough to hold it. After as many rounds as steps the boxes hold every state that the network can reach, and on each of
them the output must round to the program's.
Source: ours; interval bound propagation as in Gowal et al. (arXiv 1810.12715).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from novacula.distill.networks.network import Activation, Layer, Network, activate
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.verify.affine import ROUNDING, UNIT, NotAffineError, affine_error, affine_form
from novacula.distill.verify.certificate import Check
from novacula.distill.verify.target import LargeNumbersError, Target, numbered, stepper
from novacula.runs import check_time

_GRIDS = ((0.02, 400_000), (1e-5, 1_000_000))
"""Cells in which places count as one, as a part of the largest state, and the most pairs of a place and an input.

The fine ones are for programs of many states, which the coarse ones join, and for networks that keep more than their
program does, such as their last output, and have it cancel.
"""
_WORDS = 2000  #: random words that show what a state of the program leaves open in the network's
_FEW = 4  #: steps up to which boxes only grow
_BLOCK = 20_000


def prove_network(program: Program | Machine, target: Target) -> Check | None:
    """Tries to show that a network's rounded outputs are those of a program, up to the horizon.

    Returns:
        A passed check, or None where nothing was shown, or where the target is no network.
    """
    network, length = target.behavior, target.horizon
    if not isinstance(network, Network) or length is None:
        return None
    if len(network.f) == len(network.g) == 1 and isinstance(program, Program):
        return _prove_affine(network, program, target, length)
    if (symbols := target.symbols) is None:
        return None
    bound = box_error(network, program, symbols, length)
    if bound is None or not bound.error < 0.5:
        return None
    detail = (
        f"Proved for all inputs up to length {length}: boxes around {bound.places:,} states of the network, whose "
        f"outputs stay within {bound.error:.2g} of the program's."
    )
    return Check("interval bounds", length, bound.transitions, True, detail)


def _prove_affine(network: Network, program: Program, target: Target, length: int) -> Check | None:
    try:
        form = affine_form(program)
    except NotAffineError:
        return None
    error = affine_error(network, form, target.low, target.high, length)
    if not error < 0.5:
        return None
    detail = (
        f"Proved for all inputs up to length {length}: the outputs of the affine network stay within {error:.2g} of "
        "the program's."
    )
    return Check("affine bounds", length, length, True, detail)


@dataclass(frozen=True)
class BoxError:
    """How far the outputs of a network can be from those of a program."""

    error: float  #: the largest distance; where it would be one half or more, only a part of it
    places: int  #: number of boxes
    transitions: int  #: number of pairs of a box and an input


def box_error(
    network: Network, program: Program | Machine, symbols: Int[np.ndarray, "symbols streams"], length: int
) -> BoxError | None:
    """Bounds the distance of a network's outputs from a program's by boxes around the network's states.

    Returns:
        The bound; None where there are too many states.
    """
    found = None
    for fine, (grid, most) in enumerate(_GRIDS):
        try:
            reduced = _ReducedNetwork(network, _turn(network, program, symbols, length) if fine else None)
            graph = _explore(reduced, program, symbols, length, grid, most)
        except LargeNumbersError:
            return None
        if graph is not None:
            error = _largest_error(reduced, graph, symbols, length)
            found = BoxError(error, len(graph.places), len(graph.source))
            if error < 0.5:
                break
    return found


def _turn(
    network: Network, program: Program | Machine, symbols: np.ndarray, length: int
) -> Float[np.ndarray, "size size"]:
    """Directions of the network's states, from those that a state of the program settles to those that it leaves open.

    Boxes with such sides do not mix the two. They are the principal directions of what random words show.
    """
    x = symbols[np.random.default_rng(0).integers(0, len(symbols), (_WORDS, length))]
    right, known = stepper(program), []
    state = np.repeat(right.start[None], _WORDS, axis=0)
    for time in range(length):
        state, _ = right.advance(state, x[:, time])
        known.append(state)
    _, group = np.unique(np.stack(known, axis=1).reshape(_WORDS * length, -1), axis=0, return_inverse=True)
    group = group.ravel()
    places = network.states(x)[:, 1:].reshape(_WORDS * length, -1) @ _ReducedNetwork(network).basis.T
    sums = np.zeros((group.max() + 1, places.shape[1]))
    np.add.at(sums, group, places)
    rest = places - (sums / np.bincount(group)[:, None])[group]
    return np.linalg.eigh(rest.T @ rest)[1].T


@dataclass(frozen=True)
class _Graph:
    """Places, and for every place and input where it leads: the place in whose box it ends, and the output due."""

    places: np.ndarray
    source: np.ndarray
    symbol: np.ndarray
    target: np.ndarray
    y: np.ndarray


class _ReducedNetwork:
    """A network whose state is written in the directions that f reads: what only g reads is no state."""

    def __init__(self, network: Network, turn: np.ndarray | None = None) -> None:
        read = network.f[0].weight[:, : network.size]
        _, strengths, directions = np.linalg.svd(read, full_matrices=False)
        basis = directions[strengths > 1e-12 * max(1.0, strengths.max(initial=0.0))]
        self.basis = basis if turn is None else turn @ basis
        self._network = network
        first, *rest = network.f
        hidden = first.weight[:, : network.size] @ self.basis.T
        *below, last = Layer(np.concatenate([hidden, first.weight[:, network.size :]], axis=1), first.bias), *rest
        # The last layer of f goes together with what reads it: a box between them would forget what cancels.
        parts = Layer(self.basis, np.zeros(self.size)), network.g[0]
        joined = [Layer(part.weight @ last.weight, part.weight @ last.bias + part.bias) for part in parts]
        both = Layer(*(np.concatenate(each) for each in zip(*((one.weight, one.bias) for one in joined), strict=True)))
        self._after, self._read = (*below, both), (*below, joined[1], *network.g[1:])

    @property
    def size(self) -> int:
        """Directions."""
        return len(self.basis)

    def rounding(self, reach: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
        """What rounding may change in one step: the directions of the state, and the outputs.

        Args:
            reach: the largest magnitude of each direction.
            largest: the largest magnitude of an input.
        """
        network, (first, *_), size = self._network, self._network.f, self._network.size
        read, ends = first.weight[:, :size], np.full(network.streams, largest)
        sizes = np.abs(read @ self.basis.T) @ reach + np.abs(first.weight[:, size:]) @ ends + np.abs(first.bias)
        state, _ = self._carried(network.f, sizes, np.zeros_like(sizes))
        # The state itself may be large in directions that count as not read, or in which what is read cancels.
        whole = np.concatenate([2 * state + 1, ends])
        error = np.abs(read - read @ self.basis.T @ self.basis) @ whole[:size] + _of_sum(first, whole)
        _, error = self._carried(network.f, sizes, error)
        begin = network.g[0]
        of_outputs = np.abs(begin.weight) @ error + _of_sum(begin, whole[:size])
        _, of_outputs = self._carried(network.g, np.abs(begin.weight) @ state + np.abs(begin.bias), of_outputs)
        held = np.where((error <= state + 1).all(), 1.0, np.inf)  # else twice the state does not hold it
        return np.abs(self.basis) @ error * held, of_outputs * held

    def _carried(
        self, layers: tuple[Layer, ...], sizes: np.ndarray, error: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Magnitudes and errors behind layers, of those behind the first of them."""
        for layer in layers[1:]:
            sizes = sizes if self._network.activation == "relu" else np.minimum(sizes, 1.0)
            error = np.abs(layer.weight) @ error + _of_sum(layer, sizes)
            sizes = np.abs(layer.weight) @ sizes + np.abs(layer.bias)
        return sizes, error

    def boxes(
        self, center: np.ndarray, radius: np.ndarray, x: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Boxes around the next states and around the outputs, of boxes of states."""
        network, size = self._network, self.size
        values = np.concatenate([center, x], axis=1)
        spread = np.concatenate([radius, np.zeros(x.shape)], axis=1)
        middle, reach = _interval(self._after, network, values, spread)
        y, error = middle[:, size:], reach[:, size:]
        if len(network.g) > 1:
            y, error = _interval(self._read, network, values, spread)
        return middle[:, :size], reach[:, :size], y, error


def _of_sum(layer: Layer, sizes: np.ndarray) -> np.ndarray:
    """What rounding may change behind a layer, for numbers of some magnitudes before it."""
    return UNIT * (len(sizes) + 8) * (np.abs(layer.weight) @ sizes + np.abs(layer.bias) + 1)


def _explore(
    reduced: _ReducedNetwork, program: Program | Machine, symbols: np.ndarray, length: int, grid: float, most: int
) -> _Graph | None:
    """All pairs of program state and place within the length; None where they are too many."""
    right = stepper(program)
    places, states = np.zeros((1, reduced.size)), right.start[None]
    reach = reduced.boxes(np.zeros((len(symbols), reduced.size)), np.zeros((len(symbols), reduced.size)), symbols)[0]
    cell = grid * max(1.0, float(np.abs(reach).max(initial=0.0)))
    index: dict[tuple[bytes, bytes], int] = dict.fromkeys(_keys(places, states, cell), 0)
    edges: list[tuple[np.ndarray, ...]] = []
    first = 0
    for _ in range(length):
        frontier, first, found = np.arange(first, len(places)), len(places), [(places, states)]
        if len(places) * len(symbols) > most:
            return None
        for source, symbol in _blocks(
            np.repeat(frontier, len(symbols)), np.tile(np.arange(len(symbols)), len(frontier))
        ):
            check_time()
            after = reduced.boxes(places[source], np.zeros_like(places[source]), symbols[symbol])[0]
            state, y = right.advance(states[source], symbols[symbol])
            chosen, goal = numbered(_keys(after, state, cell), index)
            found.append((after[chosen], state[chosen]))
            edges.append((source, symbol, np.array(goal), y))
        places, states = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if first == len(places):
            break
    return _Graph(places, *(np.concatenate(parts) for parts in zip(*edges, strict=True)))


def _blocks(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Parts of arrays of equal length, so that what is made of them fits into memory."""
    for begin in range(0, len(arrays[0]), _BLOCK):
        yield tuple(array[begin : begin + _BLOCK] for array in arrays)


def _keys(places: np.ndarray, states: np.ndarray, cell: float) -> list[tuple[bytes, bytes]]:
    cells = np.rint(places / cell).astype(np.int64)
    return [(place.tobytes(), state.tobytes()) for place, state in zip(cells, states, strict=True)]


def _largest_error(reduced: _ReducedNetwork, graph: _Graph, symbols: np.ndarray, length: int) -> float:
    """How far an output can be from the one that is due, in boxes that hold all states.

    These have grown for as many rounds as there are steps; or they are twice as large as after two, and every step maps
    them into themselves.
    """
    radius, worst = np.zeros_like(graph.places), np.inf
    for number in range(length):
        worst, grown = _grown(reduced, graph, symbols, radius)
        if not worst < 0.5 or (grown == radius).all():
            break
        radius = grown
        if number == 1 and length > _FEW:
            error, again = _grown(reduced, graph, symbols, 2 * radius)
            if error < 0.5 and (again <= 2 * radius).all():
                return error
    return worst


def _grown(
    reduced: _ReducedNetwork, graph: _Graph, symbols: np.ndarray, radius: np.ndarray
) -> tuple[float, np.ndarray]:
    """The largest distance of an output that is due from boxes; and boxes that hold what a step makes of these too."""
    worst, grown = 0.0, radius.copy()
    slack = ROUNDING * max(1.0, float(np.abs(graph.places).max(initial=0.0)))
    places = (np.abs(graph.places) + radius).max(axis=0)
    of_state, of_outputs = reduced.rounding(places, float(np.abs(symbols).max()))
    for source, symbol, target, due in _blocks(graph.source, graph.symbol, graph.target, graph.y):
        check_time()
        after, reach, y, error = reduced.boxes(graph.places[source], radius[source], symbols[symbol])
        largest = float((np.abs(y - due) + error + of_outputs).max()) + slack
        worst = worst if largest <= worst else largest  # also what is no number
        if not worst < 0.5:
            break
        np.maximum.at(grown, target, np.abs(after - graph.places[target]) + reach + of_state + slack)
    return worst, grown


def _interval(
    layers: tuple[Layer, ...], network: Network, center: np.ndarray, radius: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The boxes around the images of boxes.

    Every value is held twice: in an interval, and between two parallel planes over the box that goes in. Of what both
    allow the smaller is taken. Planes know that parts cancel: 4 relu(s - 3) takes back what s adds.
    """
    wide = np.flatnonzero(radius.any(axis=0))
    planes, spread = np.eye(radius.shape[1])[:, wide] * radius[:, None, wide], np.zeros_like(radius)
    middle = center
    for number, layer in enumerate(layers):
        center, radius = layer(center), radius @ np.abs(layer.weight).T
        middle, planes, spread = layer(middle), layer.weight @ planes, spread @ np.abs(layer.weight).T
        reach = np.abs(planes).sum(axis=2) + spread
        low, high = np.maximum(center - radius, middle - reach), np.minimum(center + radius, middle + reach)
        if number < len(layers) - 1:
            slope, middle, width = _between(low, high, middle, network.activation)
            planes, spread = slope[:, :, None] * planes, slope * spread + width
            low, high = activate(low, network.activation), activate(high, network.activation)
        center, radius = (low + high) / 2, np.maximum((high - low) / 2, 0)
    return center, radius


def _between(
    low: np.ndarray, high: np.ndarray, middle: np.ndarray, activation: Activation
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parallel lines with an activation between them from low to high: their slope, the middle's image, half the gap.

    The slope of relu is that of its chord, and else the least of the ends, below which no slope of a sigmoid falls.
    """
    ends = activate(low, activation), activate(high, activation)
    if activation == "relu":
        slope = (ends[1] - ends[0]) / np.where(high > low, high - low, 1.0)
        slope = np.where(high > low, slope, low > 0)
        gap = np.where((low < 0) & (high > 0), -slope * low, 0.0)  # the chord leaves relu farthest at 0
        return slope, slope * middle + gap / 2, gap / 2
    slopes = [1 - end**2 if activation == "tanh" else end * (1 - end) for end in ends]
    slope = np.minimum(*slopes)
    rest = [end - slope * at for end, at in zip(ends, (low, high), strict=True)]
    return slope, slope * middle + (rest[0] + rest[1]) / 2, (rest[1] - rest[0]) / 2
