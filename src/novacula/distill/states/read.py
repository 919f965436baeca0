"""All that is found out about a network's states: integer codes and machines. Source: ours."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Float, Int

from novacula.distill.networks.network import Network
from novacula.distill.program.machine import UNKNOWN, Machine
from novacula.distill.sources.behavior import Behavior, RecurrentNetwork, words
from novacula.distill.sources.sequences import Sequences
from novacula.distill.states.counts import counts_reading
from novacula.distill.states.explore import Exploration, ExplorationLimits, explore
from novacula.distill.states.lattice import lattice_of_states
from novacula.distill.states.queried import BoxMachine, query
from novacula.distill.states.reading import Code, Kind, Moves, Reading, moves_of, narrow_words, output_codes, tabulate
from novacula.distill.states.walks import HiddenWalk
from novacula.runs.notebook import Brief

_CLEAR = 4.0  #: distances between clusters are at least this many times those within
_POINTS = 1500


@dataclass(frozen=True)
class Clusters:
    """Groups of points."""

    labels: Int[np.ndarray, " some"]
    """The group of each of the first 1500 points, numbered in the order of their first points."""
    centers: Float[np.ndarray, "groups size"]  #: the mean of each group
    noise: float  #: root mean square distance of the points from their centers, per coordinate


def find_clusters(points: Float[np.ndarray, "points size"]) -> Clusters | None:
    """Returns the groups that the widest gap between lengths of shortest links separates; None without a clear gap.

    The first 1500 points are used.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    first = points[:_POINTS]
    if len(first) < 2:
        return None
    links = linkage(first, "single")
    lengths = links[:, 2]
    least = 1e-9 * max(lengths[-1], 1e-300)
    ratios = np.maximum(lengths[1:], least) / np.maximum(lengths[:-1], least)
    if lengths[-1] <= 1e-12:
        labels = np.ones(len(first), int)
    elif not len(ratios) or ratios.max() < _CLEAR:
        return None
    else:
        labels = fcluster(links, np.sqrt(lengths[ratios.argmax()] * lengths[ratios.argmax() + 1]), "distance")
    order = np.argsort(np.unique(labels, return_index=True)[1])
    labels = np.argsort(order)[np.unique(labels, return_inverse=True)[1]]
    centers = np.array([first[labels == label].mean(0) for label in range(labels.max() + 1)])
    return Clusters(labels, centers, float(np.sqrt(((first - centers[labels]) ** 2).mean())))


MOST_SYMBOLS = 500  #: the largest alphabet over which machines are looked for
_MOVES = 4000
_PICTURED = 2000
_HUGE = 1e9  #: times the largest input, from where on states count as exploded
_WHOLE = 1e15  #: from where on float64 does not tell whole numbers apart
_LATTICE_SIZE = 16
_SHORT = (2, 3, 4, 5, 6, 8)


@dataclass(frozen=True)
class Picture:
    """States to draw."""

    points: Float[np.ndarray, "points size"]  #: hidden vectors
    labels: Int[np.ndarray, " points"]  #: the number of the explored state, or -1
    clusters: int | None  #: the number of points up to noise; None where no gap separates noise from distance
    noise: float | None  #: root mean square distance from their centers, per coordinate; None likewise


@dataclass(frozen=True)
class States(Brief):
    """What was found out about the states of a network."""

    readings: tuple[Reading, ...]  #: integer codes; those without collisions first, then those of fewer coordinates
    opened: Machine | None  #: the least machine of the hidden states, complete; None if there is none within the limits
    queried: Machine | None  #: the same from inputs and outputs alone
    unasked: str  #: why there is no queried machine; empty if there is one
    explored: Exploration | None  #: the last exploration of the hidden states; None where there are too many symbols
    accuracy: float  #: the share of the outputs of the data that the network gets right; only 1 is perfect
    picture: Picture  #: for the report


def read_states(network: RecurrentNetwork, sequences: Sequences, seed: int = 0) -> States:
    """Opens a network: writes its states as integers and finds the machines that they form.

    Args:
        network: what is opened.
        sequences: data that it was trained on, or its own outputs.
        seed: of the words on which it is tried besides the data.

    Source: ours.
    """
    generator = np.random.default_rng(seed)
    walk, visits = HiddenWalk(network), _visits(network, sequences, generator)
    opened, found, learned = None, None, BoxMachine(None, f"more than {MOST_SYMBOLS} symbols")
    symbols = _corners(network)
    if (network.high - network.low + 1) ** network.streams <= MOST_SYMBOLS:
        symbols = words(network.low, network.high, network.streams, 1)[:, 0]
        opened, found = _opened(walk, symbols, visits, sequences, network.length)
        learned = query(network, symbols, visits, ExplorationLimits(network.length))
    every = moves_of(walk, visits)
    huge = min(_HUGE * max(1, abs(network.low), abs(network.high)), _WHOLE)
    bounded = np.abs(np.concatenate([every.before, every.after], axis=1)).max(axis=1) < huge
    moves = Moves(every.before[bounded], every.x[bounded], every.after[bounded], every.y[bounded])
    return States(
        _readings(walk, moves, symbols, found, generator),
        opened,
        learned.machine,
        learned.stopped,
        found,
        _accuracy(network, sequences),
        _picture(moves, visits, bounded, found),
    )


def _visits(network: RecurrentNetwork, sequences: Sequences, generator: np.random.Generator) -> np.ndarray:
    """Words that machines are compared with: the longest rows of the data, and as many narrow ones."""
    length = int(sequences.lengths.max())
    count = _MOVES // (2 * length) + 1
    full = sequences.x[sequences.lengths == length][:count, :length]
    return np.concatenate([full, narrow_words(network.low, network.high, network.streams, length, count, generator)])


def _opened(
    walk: HiddenWalk, symbols: np.ndarray, visits: np.ndarray, sequences: Sequences, longest: int
) -> tuple[Machine | None, Exploration]:
    """The machine of the hidden states, if one is as right on the data as the network, and the last exploration.

    Words of the full length come first. What a network does wrong shows in long words: where it is not perfect, the
    machine of short words may still be right.
    """
    enough = _accuracy(walk.network, sequences)
    full = explore(walk, symbols, visits, ExplorationLimits(longest))
    lengths = [length for length in _SHORT if length < longest and enough < 1]
    for found in (full, *(explore(walk, symbols, visits, ExplorationLimits(length)) for length in lengths)):
        if not found.stopped and _accuracy(machine := found.machine.minimal(), sequences) >= enough:
            return machine, found
    return None, full


def _corners(network: RecurrentNetwork) -> np.ndarray:
    """Zeros and all ends of the range, of an alphabet that is too large."""
    corners = words(0, 1, network.streams, 1)[:, 0] * (network.high - network.low) + network.low
    zero = np.full((1, network.streams), min(max(0, network.low), network.high))
    return np.unique(np.concatenate([zero, corners]), axis=0)


def _readings(
    walk: HiddenWalk, moves: Moves, symbols: np.ndarray, found: Exploration | None, generator: np.random.Generator
) -> tuple[Reading, ...]:
    """All readings: those that decide what happens come first, then those of fewer coordinates."""
    codes: list[tuple[Kind, Code]] = [
        ("outputs", code) for code in islice(output_codes(walk, moves, symbols, walk.network.length // 2), 3)
    ]
    # Torch's cells bound their states: those of a finite machine are a cloud more often than a lattice.
    finite = found is not None and not found.stopped
    hopeless = not isinstance(walk.network, Network) and (finite or walk.network.size > _LATTICE_SIZE)
    states = np.concatenate([walk.start(), moves.before[:_PICTURED]])
    if not hopeless and (lattice := lattice_of_states(walk.network, states, generator)) is not None:
        codes.append(("lattice", lattice))
    readings = [tabulate(kind, code, walk, moves, symbols) for kind, code in codes]
    if found is not None and (counts := counts_reading(walk, found)) is not None:
        readings.append(counts)
    return tuple(sorted(readings, key=lambda reading: (reading.collisions, len(reading.transitions.start))))


def _accuracy(behavior: Behavior, sequences: Sequences) -> float:
    return float((behavior.run(sequences.filled) == sequences.y)[sequences.inside].mean())


def _picture(moves: Moves, visits: np.ndarray, bounded: np.ndarray, found: Exploration | None) -> Picture:
    labels = np.full(len(moves.before), UNKNOWN)
    if found is not None:
        labels = found.machine.path(visits)[:, :-1].reshape(-1)[bounded]
    points = moves.before[:_PICTURED]
    clusters = find_clusters(points)
    count, noise = (None, None) if clusters is None else (len(clusters.centers), clusters.noise)
    return Picture(points, labels[:_PICTURED], count, noise)
