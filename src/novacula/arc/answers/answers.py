"""From what the network draws at each step to two attempts.

Every step proposes two candidates for all test outputs together: one from its own sample, and one from a moving average
of the logits. Each gets a weight by how sure the network is. The candidates with the largest sums of weights are the
attempts. Source: arXiv 2512.06104, section on answers. A candidate that breaks laws of the demonstrations may lose
weight for it (`novacula.arc.answers.laws`; ours).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from novacula.arc.answers.certainty import Evidence, evidence
from novacula.arc.answers.laws import Laws
from novacula.arc.config import Choice
from novacula.arc.data.puzzle import OUTPUT, Puzzle
from novacula.arc.data.task import Answer
from novacula.arc.network.engine import DrawnTests
from novacula.errors import InputError, RunError
from novacula.runs.notebook import Brief

DECAY = 0.97  #: the decay of the moving average, which starts at 0 and is not corrected for this bias
CERTAINTY_WEIGHT = 10.0
EARLY_STEPS, EARLY_PENALTY = 150, 10.0
AVERAGE_PENALTY = 4.0
_AVERAGES = ("average_color", "average_row", "average_column")  #: the arrays of the moving averages in a state

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Attempt(Brief):
    """A candidate."""

    answer: Answer  #: its grids
    score: float  #: logarithm of the weight that it gathered, less what it loses by laws
    share: float  #: its part of all candidates' gathered weight, 0 to 1
    broken: tuple[str, ...] = ()  #: the kinds of laws that it breaks


@dataclass(frozen=True)
class Proposal:
    """What one forward pass shows as the test outputs: a grid per test as text (`answer_text`), and how unsure it is.

    An uncertainty is the mean over a grid's cells of -ln of the shown color's probability.
    """

    grids: tuple[str, ...]
    uncertainties: Float[np.ndarray, " tests"]

    @property
    def text(self) -> str:
        """The candidate: its grids with ``|`` between them."""
        return "|".join(self.grids)

    @property
    def uncertainty(self) -> float:
        """Mean over the tests, in nats."""
        return joint_uncertainty(self.uncertainties)


class Reader:
    """Reads proposals off forward passes, and keeps the moving average of their logits."""

    def __init__(self, puzzle: Puzzle) -> None:
        self._palette = np.array(puzzle.palette)
        # The run of rows and columns that a rule fixes, or None.
        self._shapes = [
            puzzle.shapes[example][OUTPUT] if puzzle.output_size_known else (None, None)
            for example in range(puzzle.demonstrations, puzzle.axes.example)
        ]
        tests, axes = len(self._shapes), puzzle.axes
        self._average = DrawnTests(
            np.zeros((tests, axes.color, axes.x, axes.y), np.float32),
            np.zeros((tests, axes.x), np.float32),
            np.zeros((tests, axes.y), np.float32),
        )

    def update(self, drawn: DrawnTests) -> tuple[Proposal, Proposal]:
        """Takes in what a step drew: the proposals of this sample and of the moving average with it."""
        for average, new in zip(_fields(self._average), _fields(drawn), strict=True):
            average *= DECAY
            average += (1 - DECAY) * new
        return self.read(drawn), self.read(self._average)

    def read(self, outputs: DrawnTests) -> Proposal:
        """Returns the proposal that a forward pass shows.

        Raises:
            RunError: the outputs are not finite.
        """
        grids, uncertainties = [], []
        for color, row, column, (height, width) in zip(*_fields(outputs), self._shapes, strict=True):
            rows, columns = best_run(row, height), best_run(column, width)
            logits = np.concatenate([np.zeros_like(color[:1]), color])[:, rows, columns]
            largest = logits.max(0)
            uncertainties.append(np.log(np.exp(logits - largest).sum(0)).mean())
            grids.append(answer_text([self._palette[logits.argmax(0)].tolist()]))
        if not np.isfinite(uncertainties).all():
            raise RunError("the network's outputs are not finite: its training has diverged")
        return Proposal(tuple(grids), np.array(uncertainties))

    def state(self) -> dict[str, np.ndarray]:
        """Returns the moving averages."""
        return dict(zip(_AVERAGES, (field.copy() for field in _fields(self._average)), strict=True))

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Restores a `state`."""
        self._average = DrawnTests(*(arrays[name].copy() for name in _AVERAGES))


class Answers:
    """Candidates and their scores over a run of one or more networks, each of which has moving averages of its own.

    What laws a candidate breaks speaks against it. By the choice ``laws`` it also loses weight for them, by the choice
    ``published`` it does not. Without laws nothing is known of them.
    """

    def __init__(self, puzzle: Puzzle, networks: int = 1, laws: Laws | None = None, choice: Choice = "laws") -> None:
        self._readers = [Reader(puzzle) for _ in range(networks)]
        self._same_size = puzzle.size_rule == "same"
        self._laws, self._choosing = laws, laws if choice == "laws" else None
        self._nats: dict[str, float] = {}
        self.scores: dict[str, float] = {}
        """Log-weight that every candidate so far gathered, by its text form, the latest update last."""
        self.total = -np.inf
        """Log-weight of all candidates together."""
        self._best: list[str] = []
        self.decodes: dict[str, int] = {}
        """How many noise-free decodes showed a candidate, less those of the first 150 steps."""

    def update(self, drawn: DrawnTests, step: int, network: int = 0) -> tuple[Proposal, Proposal]:
        """Takes in what a network drew at step `step`, counted from 0.

        Returns its proposals, of the sample and of the moving average.
        """
        sample, average = self._readers[network].update(drawn)
        for proposal, penalty in ((sample, 0.0), (average, AVERAGE_PENALTY)):
            self._add(proposal.text, weight(proposal.uncertainty, step, penalty))
        return sample, average

    def note_decode(self, decoded: DrawnTests, step: int, network: int = 0) -> None:
        """Counts what a network shows without noise after step `step`, counted from 0; the first 150 do not count."""
        if step < EARLY_STEPS:
            return
        text = self._readers[network].read(decoded).text
        self.decodes[text] = self.decodes.get(text, 0) + 1

    def evidence(self) -> Evidence:
        """Returns what speaks for the attempts."""
        lost = [self._lost_by_laws(text) for text in self._best]
        return evidence(self._best, self.decodes, self._same_size, lost)

    def _add(self, text: str, added: float) -> None:
        """Adds a weight, and keeps the two best: no score ever falls, so only this candidate can become one of them."""
        add_weight(self.scores, text, added)
        self.total = float(np.logaddexp(self.total, added))
        others = {candidate: self.scores[candidate] for candidate in reversed(self._best) if candidate != text}
        self._best = best_two({**others, text: self.scores[text]}, self._lost)

    def _lost(self, text: str) -> float:
        """Returns the nats that a candidate loses by the choice of attempts."""
        return self._lost_by_laws(text) if self._choosing else 0.0

    def _lost_by_laws(self, text: str) -> float:
        if text not in self._nats:
            self._nats[text] = self._laws.lost(parse_answer(text)) if self._laws else 0.0
        return self._nats[text]

    def _lost_in(self, test: int, grid: str) -> float:
        return sum(self._choosing.broken(test, parse_answer(grid)[0]).values()) if self._choosing else 0.0

    def ranking(self) -> list[str]:
        """Returns all candidates as text (`answer_text`), best first; the later updated of equal ones wins."""
        return ranked({text: score - self._lost(text) for text, score in self.scores.items()})

    def attempts(self) -> tuple[Attempt, ...]:
        """Returns the two best candidates, best first, or the only one twice. The later updated of equal ones wins.

        Raises:
            InputError: nothing has been proposed yet.
        """
        self._refuse_if_empty()
        found = [self._attempt(text) for text in self._best]
        return (found[0], found[-1])

    def _refuse_if_empty(self) -> None:
        if not self.scores:
            raise InputError("answers", "nothing has been proposed yet; `update` takes in what was drawn")

    def _attempt(self, text: str) -> Attempt:
        score, answer = self.scores[text], parse_answer(text)
        broken = (
            {kind for test, grid in enumerate(answer) for kind in self._laws.broken(test, grid)} if self._laws else ()
        )
        return Attempt(answer, score - self._lost(text), float(np.exp(score - self.total)), tuple(sorted(broken)))

    def attempts_by_test(self) -> tuple[Answer, ...]:
        """Returns two attempts for the contest's rule, which counts tests one by one: the two best grids of each test.

        A grid has the weights of all candidates that show it, less what it loses by laws itself.

        Raises:
            InputError: nothing has been proposed yet.
        """
        self._refuse_if_empty()
        tests: list[dict[str, float]] = [{} for _ in next(iter(self.scores)).split("|")]
        for text, score in self.scores.items():
            for weights, grid in zip(tests, text.split("|"), strict=True):
                add_weight(weights, grid, score)
        best = [best_two(weights, partial(self._lost_in, test)) for test, weights in enumerate(tests)]
        return tuple(parse_answer("|".join(grids[place] for grids in best)) for place in (0, -1))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Returns the moving averages, with an axis of networks in front, and the scores."""
        return stacked([reader.state() for reader in self._readers]), dict(self.scores)

    def load(
        self,
        arrays: dict[str, np.ndarray],
        scores: dict[str, float],
        total: float | None = None,
        decodes: Mapping[str, int] | None = None,
    ) -> None:
        """Restores a `state`, and what belongs to it: the `total`, by default that of the scores, and `decodes`."""
        for network, reader in enumerate(self._readers):
            reader.load(of_network(arrays, network))
        self.scores = dict(scores)
        self.total = float(np.logaddexp.reduce([-np.inf, *scores.values()])) if total is None else total
        self._best = best_two(scores, self._lost)
        self.decodes = dict(decodes or {})


def stacked(states: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Returns the arrays of several networks, by name, with an axis of networks in front."""
    return {name: np.stack([state[name] for state in states]) for name in states[0]}


def of_network(arrays: Mapping[str, np.ndarray], network: int) -> dict[str, np.ndarray]:
    """Returns one network's part of `stacked` arrays."""
    return {name: array[network] for name, array in arrays.items()}


def joint_uncertainty(uncertainties: Float[np.ndarray, " tests"]) -> float:
    """Returns the uncertainty of a candidate for all tests: the mean over the tests."""
    return float(np.mean(uncertainties))


def weight(uncertainty: float, step: int, penalty: float = 0.0) -> float:
    """Returns the logarithm of the weight that a proposal of step `step`, counted from 0, adds to its candidate.

    The proposals of the first 150 steps count e^-10 times as much; for moving averages there is a penalty.
    """
    return -CERTAINTY_WEIGHT * uncertainty - (EARLY_PENALTY if step < EARLY_STEPS else 0.0) - penalty


def add_weight(scores: dict[K, float], candidate: K, weight: float) -> None:
    """Adds a weight, given by its logarithm, to a candidate's, which becomes the latest updated."""
    scores[candidate] = float(np.logaddexp(scores.pop(candidate, -np.inf), weight))


def ranked(scores: Mapping[K, float]) -> list[K]:
    """Returns the candidates, best first; the later updated of equal ones wins."""
    latest = {candidate: number for number, candidate in enumerate(scores)}
    return sorted(scores, key=lambda candidate: (scores[candidate], latest[candidate]), reverse=True)


def best_two(weights: Mapping[K, float], lost: Callable[[K], float]) -> list[K]:
    """Returns the two candidates with most weight less what they lose, at least 0, best first, or the only one.

    What the light ones lose is not asked. The later updated of equal ones wins.
    """
    scores: dict[K, float] = {}
    best: list[K] = []
    for candidate in ranked(weights):
        if len(best) == 2 and weights[candidate] < scores[best[1]]:
            break
        scores = {candidate: weights[candidate] - lost(candidate), **scores}
        best = ranked(scores)[:2]
    return best


def best_run(scores: Float[np.ndarray, " cells"], length: int | None) -> slice:
    """Returns the run of cells, of the given length if one is given, with the largest inside minus outside sum."""
    prefix = np.concatenate([[0.0], np.cumsum(scores, dtype=np.float64)])
    if length is not None:
        start = int(np.argmax(prefix[length:] - prefix[:-length]))
        return slice(start, start + length)
    runs = np.where(np.tri(len(prefix), k=0, dtype=bool), -np.inf, prefix[None, :] - prefix[:, None])
    start, stop = np.unravel_index(int(np.argmax(runs)), runs.shape)
    return slice(int(start), int(stop))


def _fields(outputs: DrawnTests) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return outputs.color, outputs.row, outputs.column


def answer_text(grids: Sequence[Sequence[Sequence[int]]]) -> str:
    """Returns an answer as text: digits, ``/`` between rows, ``|`` between grids."""
    return "|".join("/".join("".join(map(str, row)) for row in grid) for grid in grids)


def parse_answer(text: str) -> Answer:
    """Returns the answer that `answer_text` wrote."""
    return tuple(tuple(tuple(int(cell) for cell in row) for row in grid.split("/")) for grid in text.split("|"))
