"""What ``result.json`` of ``distill run`` says. Source: ours."""

from dataclasses import dataclass
from typing import Literal, get_args

from novacula.distill.sequences import INTEGERS, Alphabet
from novacula.distill.source import Kind
from novacula.distill.verify.certificate import Certificate, Tier

Road = Literal["opened", "queried", "asked", "merged", "data"]
"""Where a program came from: a network's hidden states or answers, a function's own answers, merged states of rows, or
the data as they are."""
ROADS: tuple[Road, ...] = get_args(Road)

SOLVED: tuple[Tier, ...] = ("S2", "S3", "S4")
"""Tiers of a short formula that is right."""


_A_STATE = 8
"""Hidden states that form more groups than this for each state of their machine are a cloud."""
Outcome = Literal["right", "not determined", "network departs", "none"]
"""How a run ended; only the first ends with exit code 0:

- right: a short formula; or a table that was compared on all inputs of some length, or passed the W-method; with data
  alone, a program that fits all rows and that they determine;
- not determined: a program fits, and others that fit too, or too little was compared;
- network departs: a short formula from which the user's network departs on few sequences;
- none: there is no program that is right.
"""


@dataclass(frozen=True)
class OpenPair:
    """A state and an input that no row shows together.

    Attributes:
        state: of the program's minimal machine.
        x: the input, a number for each stream.
        after: the shortest inputs that lead to the state.
    """

    state: int
    x: tuple[int, ...]
    after: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Rivals:
    """The two shortest known programs that fit all rows and differ.

    Attributes:
        programs: their Python files.
        nodes: their syntax nodes; None for a table.
        x: the inputs on which they differ at the last step; a row that begins so would decide.
        outputs: what each puts out there.
    """

    programs: tuple[str, str]
    nodes: tuple[int | None, int | None]
    x: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Determination:
    """Whether rows determine the program that fits them.

    Attributes:
        determined: whether they do.
        why: in words.
        pairs: pairs of a state of the minimal machine and an input; None where the states are not listed.
        covered: the number of these that some row shows.
        open: the first of those that none shows.
        rivals: two programs that fit, where they were found.
    """

    determined: bool
    why: str
    pairs: int | None = None
    covered: int | None = None
    open: tuple[OpenPair, ...] = ()
    rivals: Rivals | None = None


@dataclass(frozen=True)
class LeftOut:
    """A row that was left out as mislabelled.

    Attributes:
        place: where it stands in the file; in CSV, the line of the step at which the program differs.
        step: the first step at which the program differs; None where it fits the row all the same.
        data: the outputs of the row there.
        program: those of the program.
    """

    place: str
    step: int | None = None
    data: tuple[int, ...] = ()
    program: tuple[int, ...] = ()


@dataclass(frozen=True)
class RoadOutcome:
    """The best program of one road.

    Attributes:
        tier: how much is known of it; ``none`` where there is none that is right, or from which the user's network
            departs; None with data alone.
        right: whether there is one that is right.
        nodes: its syntax nodes; None for a table of states, or where there is none.
        method: what found it.
    """

    tier: Tier | None
    right: bool
    nodes: int | None
    method: str | None


@dataclass(frozen=True)
class ProgramRow:
    """One program of those that were found.

    Attributes:
        nodes: syntax nodes; None for a table of states.
        states: states of a table; None for a formula.
        route: the road that it came from.
        method: what found it.
        network: number of the network that it came from, from 0; None without one.
        tier: its tier, or ``right``, ``wrong`` or ``not checked``.
        chosen: whether the rule takes it, or the user's network departs from it.
    """

    nodes: int | None
    states: int | None
    route: Road
    method: str
    network: int | None
    tier: str
    chosen: bool


@dataclass(frozen=True)
class FormRow:
    """One form of a network on its way to the normal form.

    Attributes:
        form: its name.
        kept: whether the next form was made of it.
        size: numbers in the state.
        parameters: weights and biases.
        integers: how many of these are integers.
        accuracy: share of outputs that are right.
        loss: mean squared error; None where it is not finite.
    """

    form: str
    kept: bool
    size: int
    parameters: int
    integers: int
    accuracy: float
    loss: float | None


@dataclass(frozen=True)
class NetworkOutcome:
    """What one opened network showed.

    Attributes:
        shape: sizes of its state and layers, in words.
        accuracy: share of the data's outputs that it gets right.
        opened_states: states of the machine of its hidden states; None where there is no such machine.
        queried_states: states of the machine that was learned from its answers; None likewise.
        new_states: the number of states that are first reached after 0, 1, 2, … inputs.
        collisions: for each way to write states as integers, the number of moves that contradict others.
        forms: the forms on the way to its normal form.
        clusters: groups that the widest gap separates its hidden states into; None where there is no gap.
    """

    shape: str
    accuracy: float
    opened_states: int | None
    queried_states: int | None
    new_states: tuple[int, ...]
    collisions: tuple[int, ...]
    forms: tuple[FormRow, ...]
    clusters: int | None = None

    @property
    def cloud(self) -> bool:
        """Whether no gap separates its hidden states into a few groups for each state of their machine."""
        return self.clusters is None or self.clusters > _A_STATE * (self.opened_states or self.clusters)

    @property
    def states_in_words(self) -> str:
        """Whether hidden states are points or a cloud."""
        if self.cloud:
            return "The hidden states are a cloud: only what they lead to tells them apart."
        return f"The hidden states are {self.clusters} points, up to noise."


@dataclass(frozen=True)
class DistillFindings:
    """What a run found.

    Attributes:
        task: the source, as the user named it.
        kind: what kind of source it is.
        tier: how much is known of the program; None with data alone.
        route: the road that it came from; None where there is no program.
        method: what found it.
        program: the text of the Python file.
        nodes: syntax nodes of a formula.
        states: states of the program's minimal machine; None where it is infinite or too large.
        checked: what the program was compared with, and how far.
        reached: whether it reaches the goal: tier S2, a function's machine, or with data alone what all rows determine.
        reason: why the run ended without that; empty otherwise.
        certificate: the checks; None where there is no program.
        roads: the best program of each road.
        table: all programs, the simplest first.
        rule: how one of them is chosen.
        networks: the opened networks.
        data: what classical tests show of the data.
        seconds: wall time by stage.
        seed: the run's.
        run: its folder.
        outcome: how it ended.
        determination: with data alone, whether they determine the program; None where there is none.
        left_out: rows that were left out as mislabelled, and what the program says there; none without a program that
            is right.
        alphabet: the words that the integers of inputs and outputs stand for, where they are no integers.
        sentence: what the program does, where it is of a known kind; else empty.
    """

    task: str
    kind: Kind
    tier: Tier | None
    route: Road | None
    method: str | None
    program: str | None
    nodes: int | None
    states: int | None
    checked: str
    reached: bool
    reason: str
    certificate: Certificate | None
    roads: dict[Road, RoadOutcome]
    table: tuple[ProgramRow, ...]
    rule: str
    networks: tuple[NetworkOutcome, ...]
    data: tuple[str, ...]
    seconds: dict[str, float]
    seed: int
    run: str
    outcome: Outcome = "none"
    determination: Determination | None = None
    alphabet: Alphabet = INTEGERS
    left_out: tuple[LeftOut, ...] = ()
    sentence: str = ""

    @property
    def summary(self) -> str:
        """The run in a few words, for lists."""
        if not self.program:
            return "no program"
        tier = self.tier or self.outcome
        return tier + (f", {self.nodes} nodes" if self.nodes is not None else "")

    @property
    def left_out_in_words(self) -> tuple[str, ...]:
        """A sentence on every row that was left out."""
        said = []
        for row in self.left_out:
            data, program = (self.alphabet.shown([outputs], outputs=True) for outputs in (row.data, row.program))
            differs = f"as mislabelled: {row.place}: at step {row.step} it has {data}, the program {program}"
            fits = row.step is None
            said.append(f"Left out, though the program fits it: {row.place}." if fits else f"Left out {differs}.")
        return tuple(said)

    @property
    def shown_network(self) -> int:
        """Number of the network that gave the program, else of the first."""
        return next((row.network for row in self.table if row.chosen), None) or 0
