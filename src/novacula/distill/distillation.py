"""The resumable program behind ``novacula distill run``: train until a network is perfect, open it, judge, go on.

A step is either a round of training, or the opening of one perfect network. Openings are quick and follow from the
network alone: a checkpoint holds the training only, and what was opened is opened again.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from novacula.distill.artifacts import write_artifacts
from novacula.distill.choose import RULE, JudgedProgram, choose, nearest, program_table, road_outcome
from novacula.distill.config import RunConfig
from novacula.distill.direct import Finder, finders
from novacula.distill.explain import (
    DEPARTS,
    SILENT,
    checked,
    dead_end,
    left_out_rows,
    outcome_of,
    ranges_met,
    source_text,
    states_of,
    stopped,
    what_it_does,
)
from novacula.distill.extract import Extraction, Judge, Stopwatch, extract, network_outcome, reaches
from novacula.distill.findings import ROADS, Determination, DistillFindings, Outcome, Road
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program as Formula
from novacula.distill.rows.determined import determine
from novacula.distill.rows.profile import profile
from novacula.distill.source import Source
from novacula.distill.sources.behavior import Unasked
from novacula.distill.sources.sequences import fresh_steps, joined
from novacula.distill.verify import Tier
from novacula.distill.verify.verify import departure
from novacula.files import JSON, from_json
from novacula.runs import Computation, OutOfTimeError, RunFolder, Step, deadline, seconds_left

if TYPE_CHECKING:  # torch is imported only where something is trained
    import novacula.distill.train.trainer

_Key = tuple[float, str]
_LEAST_SECONDS = 0.25
"""Half of what a step may take beyond the deadline when it begins; twice as long each time that it is cut."""
_TRIED: dict[Road, str] = {
    "asked": "asked the function",
    "merged": "merged states of the rows",
    "data": "looked at the data",
}


@dataclass(frozen=True)
class _State:
    """What a checkpoint says: the training's state, the keys of the opened networks, and the number of roads tried.

    `cut` counts how often the next step ran out of time.
    """

    training: JSON
    opened: tuple[_Key, ...]
    extracted: int
    looked: int
    cut: int
    seconds: dict[str, float]


class Distillation(Computation):
    """The way from one source to a program."""

    def __init__(self, source: Source, config: RunConfig, run: str) -> None:
        self._source, self._config, self._run = source, config, run
        self._clock = Stopwatch()
        self._judge = Judge(source, config.seed)
        self._lazy_trainer: novacula.distill.train.trainer.Trainer | None = None
        self._roads: dict[Road, Finder] = finders(source) if config.shortcuts else {}
        self._found: list[list[JudgedProgram]] = []
        self._opened: list[_Key] = []
        self._cut, self._round = 0, 0.0
        self._last: DistillFindings | None = None
        self._made: tuple[JudgedProgram | None, Machine | None] = None, None
        self._determinations: dict[int, dict[int, Determination]] = {}
        self.extractions: list[Extraction] = []

    @override
    def progress(self) -> tuple[int, int]:
        # The length is what can be known of it: a run ends as soon as its goal is reached.
        rounds, most = (self._lazy_trainer.position, self._lazy_trainer.length) if self._lazy_trainer else (0, 0)
        done = rounds + len(self.extractions) + len(self._found)
        openings = 1 if self._source.network else self._config.networks
        return done, done if self._finished else max(done + 1, most + openings + len(self._roads))

    @property
    def programs(self) -> list[JudgedProgram]:
        """All programs so far, with their verdicts."""
        opened = [program for extraction in self.extractions for program in extraction.programs]
        return opened + [program for programs in self._found for program in programs]

    @override
    def step(self) -> Step:
        """Trains for a round, or opens a network, or at the beginning tries a road without a network."""
        self._cut += 1
        with deadline(time.monotonic() + seconds_left(), least=_LEAST_SECONDS * 2**self._cut):
            step = self._advance()
        self._cut = 0
        return step

    def _advance(self) -> Step:
        if self._untried:
            return self._milestone(self._try_road())
        if self._waiting:
            self._open(self._next())
            return self._milestone(f"opened network {len(self.extractions)}")
        if self._round > seconds_left():
            raise OutOfTimeError
        begun = time.monotonic()
        with self._clock.stage("train"):
            progress = replace(self._trainer.step(), stage="train")
        self._round = time.monotonic() - begun
        return Step({name: value for name, value in asdict(progress).items() if value is not None})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], _State]:
        arrays, training = self._lazy_trainer.state() if self._lazy_trainer else ({}, {})
        opened = tuple(self._opened)
        found = len(self._found)
        return arrays, _State(training, opened, len(self.extractions), found, self._cut, self._clock.seconds)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "checkpoint")
        if state.training:
            self._trainer.load(arrays, state.training)
        while len(self._found) < state.looked:
            self._try_road()
        trained = {_key(network): network for network in self._networks}
        for number in range(len(self.extractions), state.extracted):
            self._open(trained[state.opened[number]] if trained else None)
        self._clock.load(state.seconds)
        self._cut = state.cut

    @override
    def result(self) -> DistillFindings:
        best = choose(self.programs)
        shown = self.shown
        certificate = shown.certificate if shown else None
        determination = self._determination(best)
        with self._clock.stage("export"):
            machine = self._machine(shown)
            ranges = () if machine else ranges_met(shown, self._source, lambda: self._judge.samples)
            text = source_text(shown, self._source, determination, ranges) if shown else None
        constant = machine is not None and bool((machine.output == machine.output[0, 0]).all())
        tried = self._tier(best) in ("S3", "S4")
        silent = self._source.kind == "function" and best is not None and constant and not tried
        outcome, rows = outcome_of(best, shown, determination, silent), self._source.sequences
        self._last = DistillFindings(
            task=self._source.name,
            kind=self._source.kind,
            tier=self._tier(shown),
            route=shown.road if shown else None,
            method=shown.method if shown else None,
            program=text,
            nodes=shown.nodes if shown else None,
            states=machine.states if machine else None,
            checked=checked(self._source, certificate, ranges),
            reached=bool(best and best.certificate and best.certificate.reached and not silent)
            and (determination is None or determination.determined),
            reason=SILENT if silent else self._reason(best, outcome, determination),
            certificate=certificate,
            roads={road: road_outcome(self.programs, road, shown, self._source.target is None) for road in ROADS},
            table=program_table(self.programs, shown),
            rule=RULE,
            networks=tuple(network_outcome(extraction) for extraction in self.extractions),
            data=tuple(profile(rows)) if not isinstance(rows, Unasked) or rows.asked else (),
            seconds=self._clock.seconds,
            seed=self._config.seed,
            run=self._run,
            outcome=outcome,
            determination=determination,
            alphabet=self._source.alphabet,
            left_out=left_out_rows(best, self._source),
            sentence=what_it_does(best.program, self._source, determination) if best else "",
        )
        return self._last

    def _machine(self, judged: JudgedProgram | None) -> Machine | None:
        """The minimal machine of a program, which is made once."""
        if judged is not self._made[0]:
            self._made = judged, states_of(judged.program, self._source) if judged else None
        return self._made[1]

    @property
    def shown(self) -> JudgedProgram | None:
        """The program that the rule takes; else a short one from which the network departs, else the nearest."""
        return choose(self.programs) or self._departing() or self.best()

    def best(self, road: Road | None = None) -> JudgedProgram | None:
        """Returns the program that the rule takes of a road, or of all; where none is right, the nearest."""
        programs = [one for one in self.programs if road in (None, one.road)]
        return choose(programs) or (nearest(programs, self._judge.samples) if programs else None)

    def keep(self, folder: RunFolder) -> None:
        """Leaves the program in its languages, its machine, and the networks (`novacula.runs.KeepsArtifacts`)."""
        shown, findings = self.shown, self._last or self.result()
        write_artifacts(folder, findings, self._source, shown, self._machine(shown), self.extractions)

    @property
    def _trainer(self) -> "novacula.distill.train.trainer.Trainer":
        """The training, which begins when it is first asked for."""
        if self._lazy_trainer is None:
            from novacula.distill.train import Trainer

            source, config = self._source, self._config
            self._lazy_trainer = Trainer(source.sequences, source.validation, config.seed, config.networks)
        return self._lazy_trainer

    @property
    def _networks(self) -> "Sequence[novacula.distill.train.trainer.TrainedNetwork]":
        return self._lazy_trainer.networks() if self._lazy_trainer else []

    @property
    def _untried(self) -> bool:
        """Whether a road without a network is to be tried now."""
        return len(self._found) < len(self._roads) and not self._reached

    def _try_road(self) -> str:
        road, find = list(self._roads.items())[len(self._found)]
        with self._clock.stage(road):
            self._found.append(find(self._source, self._judge))
        return _TRIED[road]

    def _next(self) -> "novacula.distill.train.trainer.TrainedNetwork | None":
        """The best perfect network that was not opened yet; None where there is none, or where it is the user's own."""
        return next((network for network in self._networks if _key(network) not in self._opened), None)

    @property
    def _waiting(self) -> bool:
        """Whether a network should be opened now."""
        if self._source.network:
            return not self.extractions
        return len(self.extractions) < self._config.networks and self._next() is not None

    @property
    def _finished(self) -> bool:
        if self._untried or self._reached:
            return not self._untried
        trained = self._source.network is not None or (self._lazy_trainer is not None and self._trainer.done)
        return not self._waiting and (trained or len(self.extractions) >= self._config.networks)

    @property
    def _reached(self) -> bool:
        """Whether a network gave a program that reaches the goal, or a function another road."""
        found = self._found if self._source.kind == "function" else []
        return any(map(reaches, [*found, *(extraction.programs for extraction in self.extractions)]))

    def _open(self, trained: "novacula.distill.train.trainer.TrainedNetwork | None") -> None:
        """Open a network: one that was trained, or the user's own."""
        network = trained.network if trained else self._source.network
        assert network is not None
        with self._clock.stage("verify"):  # the target answers, which takes time where it is a user's function
            _ = self._judge.samples
        number = len(self.extractions)
        self.extractions.append(extract(number, network, self._source, self._judge, self._clock, self._config.seed))
        if trained:
            self._opened.append(_key(trained))

    def _milestone(self, what: str) -> Step:
        best = choose(self.programs)
        self._determination(best)  # before training takes the time that is left
        tier, nodes = self._tier(best), best.nodes if best else None
        metrics = {"stage": what, "tier": tier, "nodes": nodes}
        return Step(metrics, ({"milestone": what, **metrics},))

    def _tier(self, best: JudgedProgram | None) -> Tier | None:
        if self._source.target is None:
            return None
        if best and best.certificate and best.certificate.tier != "none":
            return best.certificate.tier
        networks = [extraction.network for extraction in self.extractions]
        return "S0" if any(self._judge.network_is_right(network) for network in networks) else "none"

    def _departing(self) -> JudgedProgram | None:
        """The shortest program from which the user's network departs on few sequences only."""
        if self._source.kind != "network":
            return None
        wrong = [one for one in self.programs if isinstance(one.program, Formula) and one.certificate]
        for judged in sorted(wrong, key=lambda one: one.nodes or 0):
            assert isinstance(judged.program, Formula) and judged.certificate
            if certificate := departure(judged.program, self._judge.samples, judged.certificate):
                return replace(judged, certificate=certificate)
        return None

    def _determination(self, best: JudgedProgram | None) -> Determination | None:
        """With data alone, whether they determine the program; every other that fits may be a rival."""
        source = self._source
        if source.held_out is None or best is None:
            return None
        right = [one.program for one in self.programs if one.certificate and one.certificate.right]
        found = [program for program in right if isinstance(program, Formula)]
        fresh = fresh_steps(source.held_out, source.learned)
        rows, new = joined(source.learned, source.held_out), (int(fresh.any(axis=1).sum()), int(fresh.sum()))
        made = self._determinations.setdefault(id(best.program), {})
        try:
            # What lies near a program is looked at once, other programs whenever there are more of them.
            if 0 not in made:
                made[0] = determine(best.program, rows, [], new)
            if len(found) not in made:
                made[len(found)] = determine(best.program, rows, found, new, nearby=False)
        except OutOfTimeError:
            return Determination(False, "There was no time to see whether the rows determine it.")
        against = [one for one in (made[0], made[len(found)]) if one.rivals]
        return min(against, key=lambda one: one.rivals.size if one.rivals else math.inf, default=made[0])

    def _reason(self, best: JudgedProgram | None, outcome: Outcome, determination: Determination | None) -> str:
        """Why the run ended without reaching its goal, and what to try; empty if it did."""
        if determination:
            return "" if determination.determined else f"Fits, not determined. {determination.why}"
        if best and best.certificate and best.certificate.reached:
            return ""
        if outcome == "network departs":
            return DEPARTS
        if not self._finished:
            return stopped(
                self._source, "asked" if self._untried else "opened" if self._waiting else "train", self._cut
            )
        return dead_end(self._source, len(self.extractions), best, bool(self.programs))


def _key(trained: "novacula.distill.train.trainer.TrainedNetwork") -> _Key:
    """What distinguishes the trained networks of a run; no clock, or runs that end alike would differ."""
    return trained.loss, trained.how
