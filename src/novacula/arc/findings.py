"""What one puzzle's training says: what it logs, its findings, and its whole history as the run's folder has it.

A folder may hold a run that is not finished, or lines that somebody edited: what is not as expected reads as absent.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import groupby
from math import nan
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Float
from msgspec import UNSET, UnsetType

from novacula.arc.config import Choice, Sizes
from novacula.arc.data.parse import LARGEST_SIDE, grid_or_none, read_task
from novacula.arc.data.task import Answer, Grid, Task, Verdict
from novacula.errors import InputError
from novacula.files import JSON, from_json, read_npz
from novacula.options import percent
from novacula.runs import RunFolder
from novacula.runs.notebook import Brief

SURVIVES = 1.0  #: nats above which a latent tensor counts as still holding information; the floor is half a nat
LATENTS = "latents.npz"  #: the artifact that holds the decoded means of the surviving tensors


@dataclass(frozen=True)
class StepCosts(Brief):
    """What a training step cost, as it is logged."""

    step: int  #: steps done
    kl: float  #: nats, all tensors together
    reconstruction: float  #: nats that the known grids cost
    loss: float  #: KL + 10 × reconstruction
    kl_by_tensor: Mapping[str, float] = field(default_factory=dict)
    """Nats of each latent tensor, by the bits of its axes."""
    share: float = nan  #: the best attempt's part of the weight of all candidates, 0 to 1; NaN where the log lacks it
    probability: float | UnsetType = UNSET
    """That one of both attempts is right; absent where `SolveFindings.probabilities` are, and from older logs."""

    def as_metrics(self) -> dict[str, JSON]:
        """Returns what is logged, without what is absent."""
        return {name: value for name, value in asdict(self).items() if value is not UNSET}


@dataclass(frozen=True)
class NewAttempts(Brief):
    """A milestone: other attempts than at the step before."""

    milestone: Literal["attempts"]  #: the kind of milestone
    step: int  #: steps done
    attempts: tuple[Answer, ...]  #: two answers, best first
    shares: tuple[float, ...] = ()  #: each attempt's part of the weight of all candidates, 0 to 1
    probabilities: tuple[float, ...] = ()  #: as in `SolveFindings`

    def as_event(self) -> dict[str, JSON]:
        """Returns the milestone as it is logged."""
        attempts: JSON = [[[list(row) for row in grid] for grid in answer] for answer in self.attempts]
        numbers: dict[str, JSON] = {"shares": [*self.shares], "probabilities": [*self.probabilities]}
        return {"milestone": self.milestone, "step": self.step, "attempts": attempts, **numbers}


@dataclass(frozen=True)
class SolveFindings(Brief):
    """What ``arc solve`` finds."""

    task: str  #: the puzzle's identifier
    attempts: tuple[Answer, ...]  #: two answers, best first, each with one grid for every test input
    scores: tuple[float, ...]  #: the logarithm of each attempt's weight, less what it loses by laws
    shares: tuple[float, ...]  #: each attempt's part of the weight of all candidates, 0 to 1
    steps: int  #: steps of the first restart, whose costs these are; processor times are those of all restarts
    seed: int  #: the run's
    engine: str  #: native or torch
    threads: int  #: numeric threads
    cpu_seconds: float  #: processor time of all steps
    cpu_ms_per_step: float  #: median processor time of a training step, in milliseconds
    cpu_ms_answers: float  #: milliseconds of processor time to read its answers, median over steps
    peak_memory_mb: float  #: the most memory that the process held, in MB (10^6 bytes)
    kl: float  #: nats at the last step, all tensors together
    reconstruction: float  #: nats that the known grids cost at the last step
    kl_by_tensor: Mapping[str, float]  #: nats of each latent tensor at the last step, by the bits of its axes
    run: str  #: the run's folder
    probabilities: tuple[float, ...] = ()
    """The solver's estimate, for each attempt, of the probability that it is right (`novacula.arc.answers.certainty`).
    Attempt 2 has none where it is the same as attempt 1. Empty before the first noise-free decode after step 150."""
    broken_laws: tuple[tuple[str, ...], ...] = ()
    """For each attempt, the kinds of laws that hold in all demonstrations and that it breaks
    (`novacula.arc.answers.laws`). Empty in records of older versions."""
    most_steps: int = 0  #: the largest number of steps that the options allowed; 0 in records of older versions
    verdict: Verdict | UnsetType = UNSET  #: what the separate scorer says; only after ``arc score``
    cpu_ms_per_step_mean: float | UnsetType = UNSET  #: the means of both; absent from records of older versions
    cpu_ms_answers_mean: float | UnsetType = UNSET  #: the means of both; absent from records of older versions

    @property
    def of_most(self) -> str:
        """The allowed number of steps, in words; empty if the run took all of them."""
        return f" of at most {self.most_steps:,}" if self.steps < self.most_steps else ""

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        if self.verdict:
            return f"solved (attempt {self.verdict.correct.index(True) + 1})" if self.verdict.solved else "not solved"
        chance = f"right with probability {percent(sum(self.probabilities))}; " if self.probabilities else ""
        return f"{chance}not scored"


Kind = TypeVar("Kind")

_AXIS_WORDS = ("example", "color", "direction", "row", "column")
_MAX_LATENTS = 512_000_000


@dataclass(frozen=True)
class Curves(Brief):
    """What a run logged, step by step: the columns of its `StepCosts`. What a line lacks is NaN."""

    steps: Float[np.ndarray, " n"]
    kl: Float[np.ndarray, " n"]
    reconstruction: Float[np.ndarray, " n"]
    loss: Float[np.ndarray, " n"]
    share: Float[np.ndarray, " n"]
    probability: Float[np.ndarray, " n"]
    kl_by_tensor: dict[str, Float[np.ndarray, " n"]]


@dataclass(frozen=True)
class Lead:
    """The steps from `start` to before `stop`, in which one answer was attempt 1; its share is that at their end."""

    start: int
    stop: int
    grids: tuple[Grid, ...]
    share: float


@dataclass(frozen=True)
class History(Brief):
    """All that the report of a run shows. An unfinished run lacks latents and a result, perhaps all but the task."""

    task: Task  #: the puzzle
    attempts: tuple[Answer, ...] | None  #: the result's attempts, else the latest that were logged, else None
    probabilities: tuple[float, ...]  #: by the result, that an attempt is right, 0 to 1 or NaN; one per attempt
    findings: SolveFindings | None  #: what the run found, if it has a result
    curves: Curves  #: what was logged at steps
    leads: tuple[Lead, ...]  #: who was attempt 1 from when to when
    costs: dict[str, float]  #: KL in nats of every tensor at the end, by the bits of its axes
    latents: dict[str, np.ndarray]  #: decoded posterior means of the surviving tensors, by the bits of their axes
    sizes: Sizes  #: how the sizes of outputs were known
    choice: Choice  #: how attempts were chosen
    own_engine: bool = False  #: whether an engine of the user trained, which may minimize something else


def read_history(folder: RunFolder) -> History:
    """Reads a run folder."""
    latents = folder.path / "artifacts" / LATENTS
    findings = folder.read_findings(SolveFindings)
    events = list(folder.events())
    changes = [change for change in _typed(NewAttempts, events) if change.attempts]
    curves = _curves(list(_typed(StepCosts, events)))
    last = findings or (changes[-1] if changes else None)
    logged = {bits: float(values[-1]) for bits, values in curves.kl_by_tensor.items()}
    return History(
        task=read_task(folder),
        attempts=last.attempts if last else None,
        # What was logged with the latest change of attempts may be long ago.
        probabilities=_padded(findings.probabilities if findings else (), last) if last else (),
        findings=findings,
        curves=curves,
        leads=_leads(changes, curves),
        costs=_costs(findings.kl_by_tensor) if findings else logged,
        latents=read_npz(latents, max_bytes=_MAX_LATENTS) if latents.exists() else {},
        sizes="laws" if folder.record.configuration.get("sizes") == "laws" else "published",
        choice="laws" if folder.record.configuration.get("choice") == "laws" else "published",
        own_engine=bool(folder.record.inputs.get("engine")),
    )


def axis_words(bits: str) -> tuple[str, ...]:
    """Returns the axes of a tensor in words, from the bits of its name; rows are the paper's x, columns its y."""
    return tuple(word for word, bit in zip(_AXIS_WORDS, bits, strict=False) if bit == "1")


def _typed(kind: type[Kind], events: Sequence[object]) -> Iterator[Kind]:
    """Yields the events of a kind; the log holds others too, and perhaps lines that somebody edited."""
    for event in events:
        with suppress(InputError):
            yield from_json(kind, event, "events.jsonl")


def _padded(numbers: tuple[float, ...], last: SolveFindings | NewAttempts) -> tuple[float, ...]:
    """Returns a number for each attempt, NaN where there is none."""
    count = len(last.attempts)
    return (*numbers, *[float("nan")] * count)[:count]


def _costs(named: Mapping[str, float]) -> dict[str, float]:
    """Returns the KL by the bits of a tensor's axes, without names that no tensor has."""
    return {bits: kl for bits, kl in named.items() if len(bits) == len(_AXIS_WORDS) and set(bits) <= set("01")}


def _curves(logged: Sequence[StepCosts]) -> Curves:
    """Returns the steps that were logged, as columns; a line whose numbers cannot be is none of them."""
    steps = [at for at in logged if min(at.step, at.kl, at.loss) > 0 and at.reconstruction > -1]
    costs = [_costs(at.kl_by_tensor) for at in steps]
    names = sorted({bits for cost in costs for bits, kl in cost.items() if kl > 0})
    return Curves(
        steps=np.array([at.step for at in steps], dtype=np.float64),
        kl=np.array([at.kl for at in steps], dtype=np.float64),
        reconstruction=np.array([at.reconstruction for at in steps], dtype=np.float64),
        loss=np.array([at.loss for at in steps], dtype=np.float64),
        share=np.array([at.share for at in steps], dtype=np.float64),
        probability=np.array([nan if at.probability is UNSET else at.probability for at in steps], dtype=np.float64),
        kl_by_tensor={bits: np.array([cost.get(bits, np.nan) for cost in costs]) for bits in names},
    )


def _leads(changes: Sequence[NewAttempts], curves: Curves) -> tuple[Lead, ...]:
    """Joins the changes that leave the same answer in the lead. The last lead lasts until the last logged step."""
    by_answer = [list(group) for _, group in groupby(changes, key=lambda change: change.attempts[0])]
    starts = [group[0].step for group in by_answer]
    last = max([*curves.steps[-1:], *starts[-1:]], default=0)
    leads = []
    for group, start, stop in zip(by_answer, starts, [*starts[1:], int(last) + 1], strict=False):
        grids = (grid_or_none(grid, LARGEST_SIDE) for grid in group[0].attempts[0])
        during = curves.share[(curves.steps >= start) & (curves.steps < stop)]
        share = float(during[-1]) if len(during) else _padded(group[-1].shares, group[-1])[0]
        leads.append(Lead(start, stop, tuple(grid for grid in grids if grid is not None), share))
    return tuple(leads)
