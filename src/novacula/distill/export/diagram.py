"""State diagrams as text: Graphviz DOT and Mermaid. Source: ours."""

from dataclasses import dataclass

from novacula.distill.machine import UNKNOWN, Machine

MOST_STATES = 40
"""Machines with more states are not drawn."""
_MOST_LINES = 4
_MOST_ITEMS = 4


@dataclass(frozen=True)
class Edge:
    """All transitions from one state to another.

    Attributes:
        source: a state.
        target: the next.
        lines: for each output, the inputs that give it, such as ``0–4, 7 / 1``.
    """

    source: int
    target: int
    lines: tuple[str, ...]


def edges(machine: Machine) -> list[Edge]:
    """Returns the arrows of a machine's diagram, by state and next state."""
    groups: dict[tuple[int, int], dict[tuple[int, ...], list[tuple[int, ...]]]] = {}
    for state in range(machine.states):
        for index, symbol in enumerate(machine.symbols.tolist()):
            after = int(machine.next[state, index])
            if after != UNKNOWN:
                outputs = groups.setdefault((state, after), {})
                outputs.setdefault(tuple(machine.output[state, index].tolist()), []).append(tuple(symbol))
    return [Edge(*pair, _lines(outputs)) for pair, outputs in sorted(groups.items())]


def machine_dot(machine: Machine) -> str:
    """Returns a machine in Graphviz's language."""
    lines = ["digraph machine {", "  rankdir=LR;", '  node [shape=circle, fontname="sans-serif"];']
    lines += ['  edge [fontname="sans-serif", fontsize=10];', '  start [shape=point, label=""];', "  start -> 0;"]
    for edge in edges(machine):
        label = r"\n".join(edge.lines)
        lines.append(f'  {edge.source} -> {edge.target} [label="{label}"];')
    return "\n".join([*lines, "}"]) + "\n"


def machine_mermaid(machine: Machine) -> str:
    """Returns a machine in Mermaid's language for state diagrams."""
    lines = ["stateDiagram-v2", "  direction LR", "  [*] --> s0"]
    lines += [f'  state "{state}" as s{state}' for state in range(machine.states)]
    lines += [f"  s{edge.source} --> s{edge.target} : {'<br/>'.join(edge.lines)}" for edge in edges(machine)]
    return "\n".join(lines) + "\n"


def _lines(outputs: dict[tuple[int, ...], list[tuple[int, ...]]]) -> tuple[str, ...]:
    lines = [f"{_inputs(symbols)} / {_word(output)}" for output, symbols in outputs.items()]
    if len(lines) <= _MOST_LINES:
        return tuple(lines)
    return (*lines[: _MOST_LINES - 1], f"… {len(lines) - _MOST_LINES + 1} more")


def _inputs(symbols: list[tuple[int, ...]]) -> str:
    """Inputs, those of one stream in ranges."""
    if len(symbols[0]) == 1:
        items = _ranges([symbol[0] for symbol in symbols])
    else:
        items = [_word(symbol) for symbol in symbols]
    return ", ".join(items[:_MOST_ITEMS] + (["…"] if len(items) > _MOST_ITEMS else []))


def _ranges(values: list[int]) -> list[str]:
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return [part for run in runs for part in ([f"{run[0]}–{run[-1]}"] if len(run) > 2 else map(str, run))]


def _word(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(values) == 1 else f"({', '.join(map(str, values))})"
