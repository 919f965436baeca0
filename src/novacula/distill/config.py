"""Options of the distill verbs. Imports neither torch nor scikit-learn, so that ``--help`` stays fast."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from novacula.options import ADVANCED, CampaignOptions, Configuration, Seed, Words, at_least, in_range, unless_installed

_WIDEST = 10**6
DEVICE = Parameter(group=Group("A device", sort_key=4))
"""The mark of options of a device behind a command."""


def unless_equipped() -> list[str]:
    """Returns what is wrong where the extra ``distill`` is absent. Where only the solver is, there are fewer proofs."""
    return unless_installed("distill", "distill", "aalpy")


@dataclass(frozen=True)
class RunConfig(Configuration):
    """How a program is distilled."""

    seed: Seed = 0
    """Seed of data, networks and checks, 0 to 2^32 - 1."""
    networks: Annotated[int, at_least(1), ADVANCED] = 4
    """The largest number of perfect networks that are opened; none is opened after the goal is reached."""
    shortcuts: Annotated[bool, ADVANCED] = True
    """Also look for a program without a network: ask a function, merge states of data, or look at them as they are. A
    function that shows its program so needs no network."""
    low: int = 0
    """The least input of a function or an ONNX file."""
    high: int = 1
    """The largest input of a function, or of an ONNX file that reads numbers."""
    alphabet: Words = ()
    """Words that a function or an ONNX file reads in place of integers, separated by commas; false,true are truth
    values."""
    command: Annotated[str, DEVICE] = ""
    """A device in place of a source: a command that gets a line for every input and answers each with a line. It is run
    without a shell, and must have no comma."""
    reset: Annotated[str, DEVICE] = "reset"
    """The line that a device gets before every sequence and does not answer. Empty: it is started again instead."""
    queries: Annotated[int, DEVICE, in_range(100, 10**6)] = 5000
    """The most sequences that a device is asked."""
    cache: Annotated[str, DEVICE] = ""
    """A file that keeps the answers of a device, for later runs too. By default there is none."""
    tolerate: Annotated[float, in_range(0, 0.2)] = 0.0
    """The largest share of rows of data that may be left out as mislabeled, 0 to 0.2. Rows are left out only if that
    makes the description shorter: a program and its exceptions."""
    within: Annotated[float, in_range(0, 10**6)] = 0.0
    """The largest error of decimal outputs. With 0, the default, it is half a unit of the last place in data and of a
    device, and 10^-9 of the largest output of a function."""
    streams: Annotated[int, in_range(1, 8), ADVANCED] = 1
    """Input streams of a function. With 2, the function gets one list, with an item [a, b] for every step."""
    length: Annotated[int, in_range(2, 100)] = 10
    """Length of the sequences on which a function is learned, or an ONNX file was trained. The program is checked at
    twice and five times that."""
    call_seconds: Annotated[float, ADVANCED] = 10.0
    """The longest time that a function may take for one sequence, in seconds."""

    @property
    def words(self) -> tuple[str | bool, ...]:
        """The words of the alphabet; ``false,true`` are truth values."""
        truths = {word.lower() for word in self.alphabet} == {"false", "true"}
        return (False, True) if truths else self.alphabet

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if "," in self.command + self.cache or not (self.command + self.cache + self.reset).isprintable():
            problems.append("--command and --cache must have no comma, and with --reset only printable letters")
        if not -_WIDEST <= self.low <= self.high <= _WIDEST:
            problems.append(f"--low is {self.low} and --high is {self.high}; -10^6 ≤ low ≤ high ≤ 10^6 must hold")
        if len({*self.alphabet}) != len(self.alphabet) or not all(
            0 < len(w) <= 60 and w.isprintable() for w in self.alphabet
        ):
            problems.append("--alphabet must list different words, each of 1 to 60 printable letters")
        if not 0 < self.call_seconds <= 3600:
            problems.append(f"--call-seconds is {self.call_seconds:g}; it must lie in 0 … 3600, 0 excluded")
        return problems


@dataclass(frozen=True)
class BenchConfig(CampaignOptions):
    """Which benchmark tasks are distilled, each as a job of its own."""

    suite: Literal["published", "open"] = "published"
    """The 62 tasks of arXiv 2402.05110, from data, or 100 others, each as a function and as 300 rows."""
    half: Literal["open", "sealed", "both"] = "open"
    """The half of the suite of 100: the one that may be looked at, the one that is run once at the end, or both."""
    forms: tuple[Literal["function", "data"], ...] = ("function", "data")
    """How the tasks of the suite of 100 are given: as functions, as rows of data, or as both."""
    task_seconds: Annotated[float, in_range(0, 10**6)] = 0.0
    """The wall time for each task of the suite of 100, in seconds; 0 for no limit. At the limit the best program so far
    counts, so results depend on the machine's speed."""
    tasks: tuple[str, ...] = ()
    """Names, separated by commas; by default all of the suite."""
    seed: Seed = 0
    """Seed from which every task's own seed is derived, 0 to 2^32 - 1."""
    networks: Annotated[int, at_least(1)] = 4
    """The largest number of perfect networks that are opened for a task."""
    shortcuts: bool = False
    """Also look for programs in the data alone, which the published comparison does not do."""

    def for_task(self, seed: int) -> RunConfig:
        """Returns how a task with this seed is distilled."""
        return RunConfig(seed=seed, networks=self.networks, shortcuts=self.shortcuts)
