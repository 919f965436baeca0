"""The resumable program behind ``novacula distill run``: train until a network is perfect, open it, judge, go on.

A step is either a round of training, or the opening of one perfect network. Openings are quick and follow from the
network alone: a checkpoint holds the training only, and what was opened is opened again.
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
from typing_extensions import override

from novacula.distill.artifacts import write_artifacts
from novacula.distill.choose import RULE, JudgedProgram, choose, nearest, program_table
from novacula.distill.config import RunConfig
from novacula.distill.explain import checked, describe_network, source_text, states_of
from novacula.distill.extract import Extraction, Judge, Stopwatch, extract, judge_all, reaches
from novacula.distill.findings import ROADS, DistillFindings, FormRow, NetworkOutcome, Road, RoadOutcome
from novacula.distill.machine import UNKNOWN, Machine
from novacula.distill.profile import profile
from novacula.distill.sequences import Sequences
from novacula.distill.source import Source
from novacula.distill.synth import Limits, synthesize
from novacula.distill.train import TrainedNetwork, Trainer
from novacula.distill.verify import Tier
from novacula.distill.verify.target import list_symbols
from novacula.files import JSON, from_json
from novacula.runs import Program, RunFolder, Step

_ROWS = 400
_WORK = 4_000_000


def find_shortcuts(source: Source, judge: Judge) -> list[JudgedProgram]:
    """Returns programs for the data, with their verdicts.

    Args:
        source: of the run; a network is no data.
        judge: of the programs.
    """
    symbols = list_symbols(source.low, source.high, source.streams)
    if source.kind == "network" or symbols is None:
        return []
    tree = prefix_tree(source.sequences.rows(slice(_ROWS)), symbols)
    length = int(source.sequences.lengths.max())
    return judge_all(synthesize([], [tree], None, length, Limits(work=_WORK)), None, "data", None, judge)


def prefix_tree(sequences: Sequences, symbols: np.ndarray) -> Machine:
    """Returns the machine that knows the sequences and nothing else: a state for each of their beginnings.

    Args:
        sequences: no two of them contradict each other.
        symbols: all inputs of one step, in lexicographic order.
    """
    empty = Machine(symbols, np.full((1, len(symbols)), UNKNOWN), np.zeros((1, len(symbols), 1), np.int64))
    places = empty.indices(sequences.x)
    after, output = [[UNKNOWN] * len(symbols)], [[[0] * sequences.y.shape[2]] * len(symbols)]
    for row, length in zip(range(len(places)), sequences.lengths.tolist(), strict=True):
        state = 0
        for time in range(length):
            place = int(places[row, time])
            if after[state][place] == UNKNOWN:
                after[state][place] = len(after)
                output[state][place] = sequences.y[row, time].tolist()
                after.append([UNKNOWN] * len(symbols))
                output.append([[0] * sequences.y.shape[2]] * len(symbols))
            state = after[state][place]
    return Machine(symbols, np.array(after), np.array(output))


_Key = tuple[float, str]


@dataclass(frozen=True)
class _State:
    """What a checkpoint says: the training's state, the keys of the opened networks, and what else has been done."""

    training: JSON
    opened: tuple[_Key, ...]
    extracted: int
    looked: bool
    seconds: dict[str, float]


class Distillation(Program):
    """The way from one source to a program.

    Args:
        source: what is distilled.
        config: how.
        run: the run's folder, as the result names it.
    """

    def __init__(self, source: Source, config: RunConfig, run: str) -> None:
        self._source, self._config, self._run = source, config, run
        self._clock = Stopwatch()
        self._judge = Judge(source, config.seed)
        self._trainer = None if source.network else self._begin_training()
        self._shortcuts: list[JudgedProgram] | None = None if config.shortcuts else []
        self._opened: list[_Key] = []
        self.extractions: list[Extraction] = []

    @property
    @override
    def position(self) -> int:
        rounds = self._trainer.position if self._trainer else 0
        return rounds + len(self.extractions) + (self._config.shortcuts and self._shortcuts is not None)

    @property
    @override
    def length(self) -> int:
        """Steps in all, as far as can be known: a run ends as soon as its goal is reached."""
        if self._finished:
            return self.position
        rounds = self._trainer.length if self._trainer else 0
        openings = self._config.networks if self._trainer else 1
        return max(self.position + 1, rounds + openings + self._config.shortcuts)

    @property
    def programs(self) -> list[JudgedProgram]:
        """All programs so far, with their verdicts."""
        opened = [program for extraction in self.extractions for program in extraction.programs]
        return opened + (self._shortcuts or [])

    @override
    def step(self) -> Step:
        """Trains for a round, or opens a network, or at the beginning looks at the data alone."""
        if self._shortcuts is None:
            self._draw()
            with self._clock.stage("data"):
                self._shortcuts = find_shortcuts(self._source, self._judge)
            return self._milestone("looked at the data")
        if self._waiting:
            self._open(self._next())
            return self._milestone(f"opened network {len(self.extractions)}")
        assert self._trainer is not None
        with self._clock.stage("train"):
            progress = replace(self._trainer.step(), stage="train")
        return Step({name: value for name, value in asdict(progress).items() if value is not None})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], _State]:
        arrays, training = self._trainer.state() if self._trainer else ({}, {})
        looked = self._shortcuts is not None
        return arrays, _State(training, tuple(self._opened), len(self.extractions), looked, self._clock.seconds)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "checkpoint")
        if self._trainer:
            self._trainer.load(arrays, state.training)
        if self._shortcuts is None and state.looked:
            self._shortcuts = find_shortcuts(self._source, self._judge)
        trained = {_key(network): network for network in self._trainer.networks()} if self._trainer else {}
        for number in range(len(self.extractions), state.extracted):
            self._open(trained[state.opened[number]] if trained else None)
        self._clock.load(state.seconds)

    @override
    def result(self) -> DistillFindings:
        best = choose(self.programs)
        shown = best or nearest(self.programs)
        certificate = shown.certificate if shown else None
        with self._clock.stage("export"):
            machine = states_of(best.program, self._source) if best else None
            text = source_text(shown, self._source) if shown else None
        return DistillFindings(
            task=self._source.name,
            kind=self._source.kind,
            tier=self._tier(best),
            route=shown.road if shown else None,
            method=shown.method if shown else None,
            program=text,
            nodes=shown.nodes if shown else None,
            states=machine.states if machine else None,
            checked=checked(self._source, certificate),
            reached=bool(best and best.certificate and best.certificate.reached),
            reason=self._reason(best),
            certificate=certificate,
            roads={road: self._road(road) for road in ROADS},
            table=program_table(self.programs),
            rule=RULE,
            networks=tuple(_network_outcome(extraction) for extraction in self.extractions),
            data=tuple(profile(self._source.sequences).sentences()),
            seconds=self._clock.seconds,
            seed=self._config.seed,
            run=self._run,
        )

    def keep(self, folder: RunFolder) -> None:
        """Leaves the program in its languages, its machine, and the networks (`novacula.runs.KeepsArtifacts`)."""
        write_artifacts(folder, self.result(), self._source, self.programs, self.extractions)

    def _begin_training(self) -> Trainer:
        source, config = self._source, self._config
        return Trainer(source.sequences, source.validation, config.seed, config.networks)

    def _next(self) -> TrainedNetwork | None:
        """The best perfect network that was not opened yet; None where there is none, or where it is the user's own."""
        trained = self._trainer.networks() if self._trainer else []
        return next((network for network in trained if _key(network) not in self._opened), None)

    @property
    def _waiting(self) -> bool:
        """Whether a network should be opened now."""
        if self._source.network:
            return not self.extractions
        return len(self.extractions) < self._config.networks and self._next() is not None

    @property
    def _finished(self) -> bool:
        if self._shortcuts is None or self._reached:
            return self._shortcuts is not None
        trained = self._trainer is None or self._trainer.done
        return not self._waiting and (trained or len(self.extractions) >= self._config.networks)

    @property
    def _reached(self) -> bool:
        """Whether a network gave a program that reaches the goal."""
        return any(reaches(extraction.programs) for extraction in self.extractions)

    def _draw(self) -> None:
        """Let the target answer the sequences of all verdicts, which takes time where it is a user's function."""
        with self._clock.stage("verify"):
            _ = self._judge.samples

    def _open(self, trained: TrainedNetwork | None) -> None:
        """Open a network: one that was trained, or the user's own."""
        network = trained.network if trained else self._source.network
        assert network is not None
        if trained:
            self._opened.append(_key(trained))
        self._draw()
        number = len(self.extractions)
        self.extractions.append(extract(number, network, self._source, self._judge, self._clock, self._config.seed))

    def _milestone(self, what: str) -> Step:
        best = choose(self.programs)
        tier, nodes = self._tier(best), best.nodes if best else None
        return Step(
            {"stage": what, "tier": tier, "nodes": nodes},
            ({"milestone": what, "stage": what, "tier": tier, "nodes": nodes},),
        )

    def _tier(self, best: JudgedProgram | None) -> Tier | None:
        if self._source.target is None:
            return None
        if best and best.certificate:
            return best.certificate.tier
        networks = [extraction.network for extraction in self.extractions]
        return "S0" if any(self._judge.network_is_right(network) for network in networks) else "none"

    def _reason(self, best: JudgedProgram | None) -> str:
        """Why the run ended without reaching its goal; empty if it did."""
        if best and best.certificate and best.certificate.reached:
            return ""
        if not self._finished:
            return "It was stopped before its end. `novacula runs resume` continues it."
        if not self.extractions:
            return f"No network was trained that makes no mistake on the data. {self._advice}"
        if best:
            return "A machine or a long program was found, and no formula of at most 60 syntax nodes."
        if not self.programs:
            return f"Of {len(self.extractions)} networks that were opened, none gave a program. {self._advice}"
        return "None of the programs that were found is right; this is the one that is wrong most rarely."

    @property
    def _advice(self) -> str:
        """What to try next where there is no program."""
        return {
            "task": "Another --seed or more --networks may find one.",
            "data": "More rows, or shorter ones, or another --seed may help.",
            "function": "A smaller --length, a narrower range from --low to --high, or another --seed may help.",
            "network": "A network of fewer inputs, or one that makes no mistake itself, is easier to open.",
        }[self._source.kind]

    def _road(self, road: Road) -> RoadOutcome:
        """The best program of a road."""
        best = choose(self.programs, road)
        certificate = best.certificate if best else None
        tier = certificate.tier if certificate else ("none" if self._source.target else None)
        right = bool(certificate and certificate.right)
        return RoadOutcome(tier, right, best.nodes if best else None, best.method if best else None)


def _network_outcome(extraction: Extraction) -> NetworkOutcome:
    states = extraction.states
    return NetworkOutcome(
        shape=describe_network(extraction.network),
        accuracy=states.accuracy,
        opened_states=states.opened.states if states.opened else None,
        queried_states=states.queried.states if states.queried else None,
        new_states=states.growth.new_states,
        collisions=tuple(reading.collisions for reading in states.readings),
        forms=tuple(
            FormRow(
                form=form.name,
                kept=form.kept,
                size=form.network.size,
                parameters=form.metrics.parameters,
                integers=form.metrics.integers,
                accuracy=form.metrics.accuracy,
                loss=form.metrics.loss if math.isfinite(form.metrics.loss) else None,
            )
            for form in extraction.normal_form.forms
        ),
    )


def _key(trained: TrainedNetwork) -> _Key:
    """What distinguishes the trained networks of a run; no clock, or runs that end alike would differ."""
    return trained.loss, trained.how
