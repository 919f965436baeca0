"""Whether rows determine the program that fits them: no program nearby may fit them too.

A machine is determined if rows show every pair of a state and an input, and contradict every machine that differs from
it in one transition. A formula is determined if rows contradict every formula that differs from it in one node, but
those that compute the same, and if no other formula of about its length was found to fit. Where the states of a formula
are not listed, this holds as far as the rows go: for as many steps as the longest row has, and for those values of a
variable at which it could not stop, stay or start anew without contradicting a row. Source: ours; the rows that
determine a machine are the characteristic samples of Oncina and García (1992).
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from novacula.distill.export import machine_python, program_python, python_names
from novacula.distill.findings import Determination, OpenPair, Rivals
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program, changed, simpler
from novacula.distill.rows.reach import reach
from novacula.distill.sources.sequences import Alphabet, Sequences
from novacula.distill.states.conformance import access_words
from novacula.distill.verify.certificate import Counterexample
from novacula.distill.verify.exhaustive import search_product
from novacula.distill.verify.samples import earliest
from novacula.distill.verify.target import program_machine, stepper
from novacula.distill.verify.verify import NODE_LIMIT, fits
from novacula.runs import check_time

FEWEST_ROWS = 5  #: Held-out rows that must go beyond all learned ones; fewer prove nothing
_STEPS_A_NODE = 10  #: new steps that a formula must predict for each of its nodes if its states cannot be listed
_SLACK = 5  #: how many nodes longer than a program a rival may be
_MOST_SYMBOLS = 2000
_FEW_PAIRS = 400
_STEPS_A_PAIR = 10
"""All pairs must be shown if there are at most 400, or if the rows have at least 10 steps for each pair."""
_MOST_TRANSITIONS = 60_000
_WORDS, _STEPS = 4000, 4_000_000  # the most words on which programs are compared, and of their steps
_FIRST = 100
_LISTED = 10


def determine(
    program: Program | Machine, rows: Sequences, found: Sequence[Program], new: tuple[int, int], *, nearby: bool = True
) -> Determination:
    """Returns whether rows determine a program.

    Args:
        program: it fits all rows.
        rows: all there are.
        found: other programs that fit all rows.
        new: the number of held-out rows that go beyond every learned one, and of their steps beyond learned ones.
        nearby: whether programs that differ in a node, and machines that differ in a transition, are tried too.
    """
    symbols, (new_rows, new_steps) = _symbols(program, rows), new
    machine = _machine(program, symbols)
    open_pairs, pairs, covered = ((), None, None) if machine is None else _open_pairs(machine, rows)
    steps = int(rows.lengths.sum())
    listed = machine if pairs is not None and pairs <= max(_FEW_PAIRS, steps // _STEPS_A_PAIR) else None
    rivals = _rivals(program, listed, symbols, rows, found, nearby)
    problems = []
    if new_rows < FEWEST_ROWS:
        goes = "1 held-out row goes" if new_rows == 1 else f"{new_rows or 'No'} held-out rows go"
        problems.append(f"{goes} beyond all learned rows; fewer than {FEWEST_ROWS} prove nothing.")
    if pairs != covered and (listed or isinstance(program, Machine)):
        problems.append(
            f"No row shows {(pairs or 0) - (covered or 0):,} of the {pairs:,} pairs of a state and an input."
        )
    if isinstance(program, Program) and not listed:
        needed = _STEPS_A_NODE * program.nodes
        if program.nodes > NODE_LIMIT or new_steps < needed:
            problems.append(
                f"It predicted {new_steps:,} new steps. If the states cannot be listed, a formula of {program.nodes} "
                f"nodes needs {needed:,}, and may have at most {NODE_LIMIT} nodes."
            )
    if rivals:
        words = rows.alphabet
        problems.append(
            f"Another program fits all rows: after the input {words.shown(rivals.x)} one puts out "
            f"{words.shown(rivals.outputs[:1], True)}, the other {words.shown(rivals.outputs[1:], True)}. "
            "A row that begins so would decide."
        )
    found_so_far = Determination(not problems, " ".join(problems), pairs, covered, open_pairs, rivals)
    if problems:
        return found_so_far
    if isinstance(program, Machine) or listed:
        return replace(found_so_far, why=_why(program, covered, pairs))
    ranges = reach(python_names(program), rows)
    if stuck := [one for one in ranges if one.low == one.high]:
        where = ", or ".join(f"{one.name} never rises above, or never falls below {one.low}" for one in stuck)
        why = f"Other programs fit all rows: {where}."
        return replace(found_so_far, determined=False, why=why)
    limited = replace(found_so_far, steps=int(rows.lengths.max()), ranges=ranges)
    return replace(limited, why=_why(program, covered, pairs, limited.where))


def _why(program: Program | Machine, covered: int | None, pairs: int | None, where: str = "") -> str:
    """What speaks for a program that is determined, and where."""
    text = "This holds for inputs that occur in the rows; about other inputs nothing is known."
    if isinstance(program, Program):
        text = text.replace("that occur", "made of values that occur")
        text = f"Every change of one node that changes outputs contradicts a row. {text}"
    if covered is not None and pairs is not None:
        shown = f"all {covered:,}" if covered == pairs else f"{covered:,} of the {pairs:,}"
        text = f"Rows show {shown} pairs of a state and an input. {text}"
    if not where:
        return text
    many = "infinitely many, or too many to list" if pairs is None else "many"
    beyond = " A variable that stops or starts anew within this range contradicts a row." if " with " in where else ""
    return f"{text} The states are {many}. Rows determine the program {where}; beyond that nothing is known.{beyond}"


def _symbols(program: Program | Machine, rows: Sequences) -> np.ndarray | None:
    """All inputs of one step made of the values that occur in each stream; None where they are too many.

    A machine may know some of these only, such as those that occur together; others are left out.
    """
    values = [np.unique(stream[rows.inside]) for stream in np.moveaxis(rows.x, 2, 0)]
    if isinstance(program, Machine):
        known = [np.isin(stream, found) for stream, found in zip(program.symbols.T, values, strict=True)]
        return program.symbols[np.all(known, axis=0)]
    if np.prod([float(len(stream)) for stream in values]) > _MOST_SYMBOLS:
        return None
    return np.stack([grid.ravel() for grid in np.meshgrid(*values, indexing="ij")], axis=1)


def _machine(program: Program | Machine, symbols: np.ndarray | None) -> Machine | None:
    """The minimal machine over the inputs that occur."""
    if symbols is None:
        return None
    if isinstance(program, Program):
        return program_machine(program, symbols)
    places = program.indices(symbols)
    return Machine(symbols, program.next[:, places], program.output[:, places]).minimal()


def _path(machine: Machine, rows: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """States before every step, and the places of the inputs."""
    x = rows.filled
    return machine.path(x)[:, :-1], machine.indices(x)


def _open_pairs(machine: Machine, rows: Sequences) -> tuple[tuple[OpenPair, ...], int, int]:
    """The first pairs of a state and an input that no row shows, and how many there are in all and are shown."""
    state, symbol = _path(machine, rows)
    shown = np.zeros(machine.next.shape, bool)
    shown[state[rows.inside], symbol[rows.inside]] = True
    after = access_words(machine)
    missing = np.argwhere(~shown)[:_LISTED].tolist()
    open_pairs = tuple(
        OpenPair(at, tuple(machine.symbols[place].tolist()), tuple(map(tuple, machine.symbols[after[at]].tolist())))
        for at, place in missing
    )
    return open_pairs, shown.size, int(shown.sum())


def _rivals(
    program: Program | Machine,
    machine: Machine | None,
    symbols: np.ndarray | None,
    rows: Sequences,
    found: Sequence[Program],
    nearby: bool,
) -> Rivals | None:
    """A program that fits and the shortest other one that fits too and differs, the shorter one first."""
    best: tuple[Program | Machine, Counterexample] | None = None
    if isinstance(program, Program):
        near = {*found, *(simpler(program) if nearby else ()), *(changed(program) if nearby else ())} - {program}
        order = [other for other in near if other.nodes <= program.nodes + _SLACK]
        for other in sorted(
            order, key=lambda other: (other.nodes, repr([getattr(other, each.name) for each in fields(other)]))
        ):
            check_time()
            if (
                fits(other, rows.rows(slice(_FIRST)))
                and fits(other, rows)
                and (example := _difference(program, other, symbols, rows))
            ):
                best = other, example
                break
    if best is None and machine is not None and nearby:
        for other in _redirected(machine, rows):
            if example := _difference(program, other, symbols, rows):
                best = other, example
                break
    if best is None:
        return None
    first, second, x = program, best[0], best[1].x
    if isinstance(first, Program) and isinstance(second, Program) and second.nodes < first.nodes:
        first, second = second, first
    outputs = [
        tuple(one.run(np.array([x], np.int64).reshape(1, len(x), -1))[0, -1].tolist()) for one in (first, second)
    ]
    return Rivals(
        (_text(first, rows.alphabet), _text(second, rows.alphabet)),
        (_size(first), _size(second)),
        x,
        (outputs[0], outputs[1]),
    )


def _text(program: Program | Machine, words: Alphabet) -> str:
    if isinstance(program, Machine):
        return machine_python(program, alphabet=words)
    return program_python(program, alphabet=words)


def _size(program: Program | Machine) -> int | None:
    return program.nodes if isinstance(program, Program) else None


def _redirected(machine: Machine, rows: Sequences) -> Iterator[Machine]:
    """Every machine that fits all rows and differs in the next state of one transition.

    A row that never comes to the transition says nothing of it, so that only the others are run.
    """
    state, symbol = _path(machine, rows)
    others = np.arange(machine.states)
    for at, place in np.ndindex(machine.next.shape):
        check_time()
        chosen = ((state == at) & (symbol == place) & rows.inside).any(1)
        inputs, y, inside = symbol[chosen], rows.y[chosen], rows.inside[chosen]
        now = np.zeros((machine.states, len(inputs)), np.int64)
        fit = others != machine.next[at, place]
        for time in range(inputs.shape[1]):
            differs = (machine.output[now, inputs[:, time]] != y[:, time]).any(2) & inside[:, time]
            fit &= ~differs.any(1)
            redirected = (now == at) & (inputs[:, time] == place)
            now = np.where(redirected, others[:, None], machine.next[now, inputs[:, time]])
            if not fit.any():
                break
        for other in others[fit]:
            after = machine.next.copy()
            after[at, place] = other
            yield Machine(machine.symbols, after, machine.output)


def _difference(
    program: Program | Machine, other: Program | Machine, symbols: np.ndarray | None, rows: Sequences
) -> Counterexample | None:
    """An input on which two programs differ, the shortest where that is known; None where they were not seen to."""
    if symbols is not None:
        searched = search_product(stepper(program), stepper(other), symbols, most_transitions=_MOST_TRANSITIONS)
        if searched.counterexample or searched.closed:
            return searched.counterexample
    generator = np.random.default_rng(0)
    shape = min(_WORDS, _STEPS // rows.x.shape[1]), rows.x.shape[1]
    if isinstance(program, Machine) and symbols is not None:
        x = generator.choice(symbols, shape)
    else:
        streams = (np.unique(stream[rows.inside]) for stream in np.moveaxis(rows.x, 2, 0))
        x = np.stack([generator.choice(stream, shape) for stream in streams], axis=2)
    while True:
        try:
            expected, found = program.run(x), other.run(x)
            break
        except OverflowError:  # only as far as numbers fit
            if x.shape[1] == 1:
                return None
            x = x[:, : x.shape[1] // 2]
    differs = (expected != found).any(axis=2)
    return earliest(x, expected, found, differs) if differs.any() else None
