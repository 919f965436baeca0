"""State diagrams as text, in Graphviz DOT and Mermaid, and as SVG.

An SVG has states on a circle, arrows as arcs, and labels beside them, where they cover no other if there is room.
Neighbors on the circle are chosen so that arrows are short. The drawing has the color of the text around it, for white
and for black pages. Source: ours.
"""

import itertools
import math
import re
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from novacula.distill.program.machine import UNKNOWN, Machine
from novacula.distill.sources.sequences import INTEGERS, Alphabet, Meanings, word

MOST_STATES = 40  #: machines with more states are not drawn
_MOST_LINES = 4
_MERMAID = re.compile(r"[#;<>&:\"\\{}\[\]%]")
"""Signs that a label of Mermaid shows by their number."""
_MOST_ITEMS = 4


@dataclass(frozen=True)
class Edge:
    """All transitions from one state to another."""

    source: int  #: a state
    target: int  #: the next
    lines: tuple[str, ...]  #: for each output, the inputs that give it, such as ``0–4, 7 / 1``


def edges(machine: Machine, alphabet: Alphabet = INTEGERS) -> list[Edge]:
    """Returns the arrows of a machine's diagram, by state and next state, with words in place of integers."""
    groups: dict[tuple[int, int], dict[tuple[int, ...], list[tuple[int, ...]]]] = {}
    for state in range(machine.states):
        for index, symbol in enumerate(machine.symbols.tolist()):
            after = int(machine.next[state, index])
            if after != UNKNOWN:
                outputs = groups.setdefault((state, after), {})
                outputs.setdefault(tuple(machine.output[state, index].tolist()), []).append(tuple(symbol))
    return [Edge(*pair, _lines(outputs, alphabet)) for pair, outputs in sorted(groups.items())]


def machine_dot(machine: Machine, alphabet: Alphabet = INTEGERS) -> str:
    """Returns a machine in Graphviz's language."""
    lines = ["digraph machine {", "  rankdir=LR;", '  node [shape=circle, fontname="sans-serif"];']
    lines += ['  edge [fontname="sans-serif", fontsize=10];', '  start [shape=point, label=""];', "  start -> 0;"]
    for edge in edges(machine, alphabet):
        label = r"\n".join(line.replace("\\", r"\\").replace('"', r"\"") for line in edge.lines)
        lines.append(f'  {edge.source} -> {edge.target} [label="{label}"];')
    return "\n".join([*lines, "}"]) + "\n"


def machine_mermaid(machine: Machine, alphabet: Alphabet = INTEGERS) -> str:
    """Returns a machine in Mermaid's language for state diagrams."""
    lines = ["stateDiagram-v2", "  direction LR", "  [*] --> s0"]
    lines += [f'  state "{state}" as s{state}' for state in range(machine.states)]
    for edge in edges(machine, alphabet):
        label = "<br/>".join(_MERMAID.sub(lambda sign: f"#{ord(sign[0])};", line) for line in edge.lines)
        lines.append(f"  s{edge.source} --> s{edge.target} : {label}")
    return "\n".join(lines) + "\n"


def _lines(outputs: dict[tuple[int, ...], list[tuple[int, ...]]], alphabet: Alphabet) -> tuple[str, ...]:
    lines = [
        f"{_inputs(symbols, alphabet)} / {_plain(output, alphabet.outputs)}" for output, symbols in outputs.items()
    ]
    if len(lines) <= _MOST_LINES:
        return tuple(lines)
    return (*lines[: _MOST_LINES - 1], f"… {len(lines) - _MOST_LINES + 1} more")


def _inputs(symbols: list[tuple[int, ...]], alphabet: Alphabet) -> str:
    """Inputs, integers of one stream in ranges."""
    if len(symbols[0]) == 1 and alphabet.inputs in ((), (None,)):
        items = _ranges([symbol[0] for symbol in symbols])
    else:
        items = [_plain(symbol, alphabet.inputs) for symbol in symbols]
    return ", ".join(items[:_MOST_ITEMS] + (["…"] if len(items) > _MOST_ITEMS else []))


def _ranges(values: list[int]) -> list[str]:
    runs = np.split(values, 1 + np.flatnonzero(np.diff(values) != 1))
    return [part for run in runs for part in ([f"{run[0]}–{run[-1]}"] if len(run) > 2 else map(str, run))]


def _plain(values: tuple[int, ...], streams: Meanings) -> str:
    """What the values of one step stand for."""
    items = [str(word(value, place, streams)) for place, value in enumerate(values)]
    return items[0] if len(items) == 1 else f"({', '.join(items)})"


_Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
_ALONG = (0.4, 0.5, 0.32, 0.58, 0.26, 0.66, 0.2, 0.74)
"""Where along an arrow its label may stand: best nearer to where it begins, as the middles of many arrows meet."""
_NODE = 19.0
_LETTER = 6.3
_LINE = 13.0
_ARROW = Markup(
    '<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".55" stroke-width="1.3" '
    'marker-end="url(#machine-arrow)"/>'
)
_LABEL = Markup(
    '<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" paint-order="stroke" stroke="var(--paper, #fff)" '
    'stroke-width="4" stroke-linejoin="round" fill="currentColor" font-size="11.5">{text}</text>'
)
_STATE = Markup(
    '<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="var(--tint, #eef1f4)" stroke="var(--accent, #2c68b0)" '
    'stroke-width="{width}"/><text x="{x:.1f}" y="{y:.1f}" dy=".36em" text-anchor="middle" fill="currentColor" '
    'font-size="13" font-weight="600">{text}</text>'
)
_PICTURE = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" class="machine" role="img" aria-label="{description}" '
    'viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
    'font-family="system-ui, sans-serif"><defs><marker id="machine-arrow" viewBox="0 0 8 8" refX="7" refY="4" '
    'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.6 8 4 0 7.4z" fill="currentColor" '
    'fill-opacity=".7"/></marker></defs>{body}</svg>'
)


def machine_svg(machine: Machine, alphabet: Alphabet = INTEGERS) -> Markup:
    """Returns a machine's state diagram as one SVG element; an arrow from nowhere leads to state 0, where it starts.

    Args:
        machine: of at most 40 states.
        alphabet: words that stand at the arrows in place of integers.

    Raises:
        ValueError: the machine has too many states to be drawn.
    """
    if machine.states > MOST_STATES:
        raise ValueError(f"{machine.states} states are too many for a picture; at most {MOST_STATES} are drawn")
    arrows = edges(machine, alphabet)
    places = _places(machine.states, arrows)
    canvas = _Canvas()
    canvas.start(places[0])
    for state, place in enumerate(places):
        canvas.state(state, place)
    for edge in arrows:
        if edge.source == edge.target:
            canvas.loop(edge, places[edge.source])
        else:
            both = any((back.source, back.target) == (edge.target, edge.source) for back in arrows)
            canvas.arc(edge, places[edge.source], places[edge.target], both)
    return canvas.picture(f"State diagram of {machine.states} states")


def _places(states: int, arrows: list[Edge]) -> np.ndarray:
    """Where each state stands: on a circle that leaves room for the labels, the start on its left."""
    if states == 1:
        return np.zeros((1, 2))
    order = _order(states, {(edge.source, edge.target) for edge in arrows if edge.source != edge.target})
    letters = max(len(line) for edge in arrows for line in edge.lines)
    apart = max(120.0 if states == 2 else 150.0, 76.0 + _LETTER * min(letters, 40 if states == 2 else 12))
    area = sum(_LINE * len(edge.lines) * _LETTER * max(map(len, edge.lines)) for edge in arrows)
    radius = max(apart / (2 * math.sin(math.pi / states)), math.sqrt(area) if states > 2 else 0)
    places = np.zeros((states, 2))
    for position, state in enumerate(order):
        angle = math.pi + 2 * math.pi * position / states
        places[state] = radius * math.cos(angle), radius * math.sin(angle)
    return places


def _order(states: int, pairs: set[tuple[int, int]]) -> list[int]:
    """An order around the circle, from state 0, that keeps arrows short, by exchanging two states while that helps."""

    def length(order: list[int]) -> float:
        position = {state: place for place, state in enumerate(order)}
        steps = (abs(position[a] - position[b]) for a, b in pairs)
        return sum(math.sin(math.pi * step / states) for step in steps)

    order, best = list(range(states)), length(list(range(states)))
    improved = True
    while improved:
        improved = False
        for i, j in itertools.combinations(range(1, states), 2):
            trial = order.copy()
            trial[i], trial[j] = trial[j], trial[i]
            if (cost := length(trial)) < best - 1e-9:
                order, best, improved = trial, cost, True
    return order


class _Canvas:
    """What is drawn so far, and its extent."""

    def __init__(self) -> None:
        self._arrows: list[Markup] = []
        self._states: list[Markup] = []
        self._labels: list[Markup] = []
        self._corners: list[tuple[float, float]] = []
        self._boxes: list[_Box] = []

    def state(self, number: int, place: np.ndarray) -> None:
        """A circle with its number."""
        x, y = place
        width = 2.4 if number == 0 else 1.4
        self._states.append(_STATE.format(x=x, y=y, radius=_NODE, width=width, text=number))
        self._corners += [(x - _NODE, y - _NODE), (x + _NODE, y + _NODE)]
        self._boxes.append((x - _NODE, y - _NODE, x + _NODE, y + _NODE))

    def start(self, place: np.ndarray) -> None:
        """The arrow from nowhere: from above, or of the only state, from the left."""
        away = np.array([0.0, -1.0] if place.any() else [-1.0, 0.0])
        (x, y), (end_x, end_y) = place + away * (_NODE + 28), place + away * (_NODE + 3)
        self._arrows.append(_ARROW.format(path=f"M{x:.1f} {y:.1f}L{end_x:.1f} {end_y:.1f}"))
        self._corners.append((x, y))

    def arc(self, edge: Edge, begin: np.ndarray, end: np.ndarray, both: bool) -> None:
        """An arrow between two states, bent to its left; more where one comes back."""
        across = end - begin
        distance = float(np.hypot(*across))
        normal = np.array([across[1], -across[0]]) / distance
        control = (begin + end) / 2 + normal * (0.34 * distance if both else 0.12 * distance)
        one = begin + _toward(begin, control) * _NODE
        two = end + _toward(end, control) * (_NODE + 2.5)
        path = f"M{one[0]:.1f} {one[1]:.1f}Q{control[0]:.1f} {control[1]:.1f} {two[0]:.1f} {two[1]:.1f}"
        self._arrows.append(_ARROW.format(path=path))
        points = [(1 - t) ** 2 * one + 2 * t * (1 - t) * control + t**2 * two for t in _ALONG]
        self._label(edge, [(point, side) for point in points for side in (normal, -normal)])

    def loop(self, edge: Edge, place: np.ndarray) -> None:
        """An arrow from a state to itself, on the outside of the circle."""
        far = float(np.hypot(*place))
        outward = place / far if far else np.array([0.0, -1.0])
        side = np.array([-outward[1], outward[0]])
        one, two = (place + _NODE * (0.86 * outward + sign * 0.5 * side) for sign in (-1, 1))
        tip = two + 2.5 * (two - place) / _NODE
        first, second = (place + outward * (_NODE + 40) + sign * 26 * side for sign in (-1, 1))
        path = (
            f"M{one[0]:.1f} {one[1]:.1f}C{first[0]:.1f} {first[1]:.1f} {second[0]:.1f} {second[1]:.1f} "
            f"{tip[0]:.1f} {tip[1]:.1f}"
        )
        self._arrows.append(_ARROW.format(path=path))
        self._label(edge, [(place + outward * (_NODE + 31 + far), outward) for far in (0, 13, 26, 39, 52)])

    def _label(self, edge: Edge, spots: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """Lines of text beside one of some points, on the side to which a vector leads: where they cover least."""
        x, top, anchor, box = min(
            (_spot(edge, *spot) for spot in spots),
            key=lambda spot: sum(_common(spot[3], other) for other in self._boxes),
        )
        for number, line in enumerate(edge.lines):
            self._labels.append(_LABEL.format(x=x, y=top + number * _LINE, anchor=anchor, text=line))
        self._boxes.append(box)
        self._corners += [box[:2], box[2:]]

    def picture(self, description: str) -> Markup:
        """Everything, arrows below labels below states."""
        low, high = np.min(self._corners, axis=0) - 8, np.max(self._corners, axis=0) + 8
        return _PICTURE.format(
            description=description,
            left=low[0],
            top=low[1],
            width=high[0] - low[0],
            height=high[1] - low[1],
            body=Markup("").join(self._arrows + self._labels + self._states),
        )


def _toward(origin: np.ndarray, goal: np.ndarray) -> np.ndarray:
    return (goal - origin) / np.hypot(*(goal - origin))


def _spot(edge: Edge, place: np.ndarray, away: np.ndarray) -> tuple[float, float, str, _Box]:
    """Where a label is written, how it is aligned, and the box that it takes."""
    anchor = "middle" if abs(away[0]) < 0.5 else "start" if away[0] > 0 else "end"
    height = _LINE * len(edge.lines)
    x, y = place + away * 5
    top = y - height / 2 * (1 - away[1]) + _LINE * 0.78
    width = _LETTER * max(map(len, edge.lines))
    left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    return x, top, anchor, (left, top - _LINE, left + width, top - _LINE + height)


def _common(one: _Box, other: _Box) -> float:
    """The area that two boxes share."""
    across, down = (min(one[at + 2], other[at + 2]) - max(one[at], other[at]) for at in (0, 1))
    return across * down if across > 0 and down > 0 else 0.0
