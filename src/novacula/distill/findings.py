"""What ``result.json`` of ``distill run`` says. Source: ours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from novacula.distill.source import Kind
from novacula.distill.sources.sequences import INTEGERS, Alphabet, counted
from novacula.distill.verify.certificate import Certificate, Tier
from novacula.runs.notebook import Brief

Road = Literal["opened", "queried", "asked", "merged", "data"]
"""Where a program came from: a network's hidden states or answers, a function's own answers, merged states of rows, or
the data as they are."""
ROADS: tuple[Road, ...] = get_args(Road)

SOLVED: tuple[Tier, ...] = ("S2", "S3", "S4")  #: tiers of a short formula that is right


_A_STATE = 8  #: hidden states that form more groups than this for each state of their machine are a cloud
Outcome = Literal["right", "not determined", "network departs", "none"]
"""How a run ended; only the first ends with exit code 0:

- right: a short formula; or a table that was compared on all inputs of some length, or passed the W-method; with data
  alone, a program that fits all rows and that they determine, if its states are not listed only as far as they go;
- not determined: a program fits, and others that fit too, or too little was compared;
- network departs: a short formula from which the user's network departs on few sequences;
- none: there is no program that is right.
"""


@dataclass(frozen=True)
class OpenPair:
    """A state and an input that no row shows together."""

    state: int  #: a state of the program's minimal machine
    x: tuple[int, ...]  #: the input, a number for each stream
    after: tuple[tuple[int, ...], ...]  #: the shortest inputs that lead to the state


@dataclass(frozen=True)
class Rivals:
    """The two shortest known programs that fit all rows and differ."""

    programs: tuple[str, str]  #: their Python files
    nodes: tuple[int | None, int | None]  #: their syntax nodes; None for a table
    x: tuple[tuple[int, ...], ...]
    """The inputs on which they differ at the last step; a row that begins so would decide."""
    outputs: tuple[tuple[int, ...], tuple[int, ...]]  #: what each puts out there

    @property
    def size(self) -> float:
        """The syntax nodes of both; infinite with a table."""
        return sum(math.inf if nodes is None else nodes for nodes in self.nodes)


@dataclass(frozen=True)
class Range:
    """The values of a variable of which rows say something."""

    name: str  #: the variable's name in the program
    low: int  #: the least
    high: int  #: the largest


def listed(ranges: Sequence[Range]) -> str:
    """Returns ranges in words."""
    return " and ".join(f"{one.name} from {one.low:,} to {one.high:,}" for one in ranges)


@dataclass(frozen=True)
class Determination:
    """Whether rows determine the program that fits them."""

    determined: bool  #: whether they do
    why: str  #: in words
    pairs: int | None = None
    """Pairs of a state of the minimal machine and an input; None where the states are not listed."""
    covered: int | None = None  #: the number of these that some row shows
    open: tuple[OpenPair, ...] = ()  #: the first of those that none shows
    rivals: Rivals | None = None  #: two programs that fit, where they were found
    steps: int | None = None
    """The length of the longest row, if the states are not listed: nothing is known of longer sequences."""
    ranges: tuple[Range, ...] = ()
    """The variables that may leave the values of which rows say something; beyond these nothing is known."""

    @property
    def where(self) -> str:
        """The sequences for which rows determine the program, in words; empty where these are all."""
        if self.steps is None:
            return ""
        return f"for at most {counted(self.steps, 'step')}" + (f", with {listed(self.ranges)}" if self.ranges else "")


@dataclass(frozen=True)
class LeftOut:
    """A row that was left out as mislabeled."""

    place: str  #: where it stands in the file; in CSV, the line of the step at which the program differs
    step: int | None = None  #: the first step at which the program differs; None where it fits the row all the same
    data: tuple[int, ...] = ()  #: the outputs of the row there
    program: tuple[int, ...] = ()  #: those of the program; none where it has no answer to the row's input


@dataclass(frozen=True)
class RoadOutcome:
    """The best program of one road."""

    tier: Tier | None
    """How much is known of it; ``none`` where there is none that is right, or from which the user's network departs;
    None with data alone."""
    right: bool  #: whether there is one that is right
    nodes: int | None  #: its syntax nodes; None for a table of states, or where there is none
    method: str | None  #: what found it


@dataclass(frozen=True)
class ProgramRow:
    """One program of those that were found."""

    nodes: int | None  #: syntax nodes; None for a table of states
    states: int | None  #: states of a table; None for a formula
    route: Road  #: the road that it came from
    method: str  #: what found it
    network: int | None  #: number of the network that it came from, from 0; None without one
    tier: str  #: its tier, or ``right``, ``wrong`` or ``not checked``
    chosen: bool  #: whether the rule takes it, or the user's network departs from it


@dataclass(frozen=True)
class FormRow:
    """One form of a network on its way to the normal form."""

    form: str  #: its name
    kept: bool  #: whether the next form was made of it
    size: int  #: numbers in the state
    parameters: int  #: weights and biases
    integers: int  #: how many of these are integers
    accuracy: float  #: share of outputs that are right
    loss: float | None  #: mean squared error; None where it is not finite


@dataclass(frozen=True)
class NetworkOutcome(Brief):
    """What one opened network showed."""

    shape: str  #: sizes of its state and layers, in words
    accuracy: float  #: share of the data's outputs that it gets right
    opened_states: int | None  #: states of the machine of its hidden states; None where there is no such machine
    queried_states: int | None  #: states of the machine that was learned from its answers; None likewise
    new_states: tuple[int, ...]  #: the number of states that are first reached after 0, 1, 2, … inputs
    collisions: tuple[int, ...]  #: for each way to write states as integers, the number of moves that contradict others
    forms: tuple[FormRow, ...]  #: the forms on the way to its normal form
    clusters: int | None = None
    """Groups that the widest gap separates its hidden states into; None where there is no gap."""

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
class DistillFindings(Brief):
    """What a run found."""

    task: str  #: the source, as the user named it
    kind: Kind  #: what kind of source it is
    tier: Tier | None  #: how much is known of the program; None with data alone
    route: Road | None  #: the road that it came from; None where there is no program
    method: str | None  #: what found it
    program: str | None  #: the text of the Python file
    nodes: int | None  #: syntax nodes of a formula
    states: int | None  #: states of the program's minimal machine; None where it is infinite or too large
    checked: str  #: what the program was compared with, and how far
    reached: bool
    """Whether it reaches the goal: tier S2, a function's machine, or with data alone what all rows determine."""
    reason: str  #: why the run ended without that; empty otherwise
    certificate: Certificate | None  #: the checks; None where there is no program
    roads: dict[Road, RoadOutcome]  #: the best program of each road
    table: tuple[ProgramRow, ...]  #: all programs, the simplest first
    rule: str  #: how one of them is chosen
    networks: tuple[NetworkOutcome, ...]  #: the opened networks
    data: tuple[str, ...]  #: what classical tests show of the data
    seconds: dict[str, float]  #: wall time by stage
    seed: int  #: the run's
    run: str  #: its folder
    outcome: Outcome = "none"  #: how it ended
    determination: Determination | None = None
    """With data alone, whether they determine the program; None where there is none."""
    alphabet: Alphabet = INTEGERS
    """The words that the integers of inputs and outputs stand for, where they are no integers."""
    left_out: tuple[LeftOut, ...] = ()
    """Rows that were left out as mislabeled, and what the program says there; none without a program that is right."""
    sentence: str = ""  #: what the program does, where it is of a known kind; else empty

    @property
    def summary(self) -> str:
        """The run in a few words, for lists."""
        if not self.program:
            return "no program"
        return self.verdict + (f", {self.nodes} nodes" if self.nodes is not None else "")

    @property
    def verdict(self) -> str:
        """The tier, or with data alone the outcome, and whether it holds as far as the rows go only."""
        limited = self.determination is not None and self.determination.where
        return (self.tier or self.outcome) + (" as far as the rows go" if limited else "")

    @property
    def left_out_in_words(self) -> tuple[str, ...]:
        """A sentence on every row that was left out."""
        said = []
        for row in self.left_out:
            data, program = (self.alphabet.shown([outputs], outputs=True) for outputs in (row.data, row.program))
            program = program if row.program else "no answer"
            differs = f"as mislabeled: {row.place}: at step {row.step} it has {data}, the program {program}"
            fits = row.step is None
            said.append(f"Left out, though the program fits it: {row.place}." if fits else f"Left out {differs}.")
        return tuple(said)

    @property
    def shown_network(self) -> int:
        """Number of the network that gave the program, else of the first."""
        return next((row.network for row in self.table if row.chosen), None) or 0
