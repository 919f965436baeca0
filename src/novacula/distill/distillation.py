"""The resumable program behind ``novacula distill run``: train until a network is perfect, open it, judge, go on.

A step is either a round of training, or the opening of one perfect network. Openings are quick and follow from the
network alone: a checkpoint holds the training only, and what was opened is opened again.
"""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from novacula.distill.candidate import ROUTES, Found
from novacula.distill.choose import RULE, choose, nearest, program_table
from novacula.distill.config import RunConfig
from novacula.distill.explain import checked, describe_network, source_text, states_of
from novacula.distill.extract import Extraction, Judge, extract, reaches
from novacula.distill.profile import profile
from novacula.distill.shortcuts import find_shortcuts
from novacula.distill.source import Source
from novacula.distill.stopwatch import Stopwatch
from novacula.distill.train import TrainedNetwork, Trainer
from novacula.files import JSON
from novacula.runs import Step

_Key = tuple[float, str]


class Distillation:
    """One source's way to a program (`novacula.runs.Program`).

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
        self._shortcuts: list[Found] | None = None if config.shortcuts else []
        self._opened: list[_Key] = []
        self.extractions: list[Extraction] = []

    @property
    def position(self) -> int:
        """Steps done."""
        rounds = self._trainer.position if self._trainer else 0
        return rounds + len(self.extractions) + (self._config.shortcuts and self._shortcuts is not None)

    @property
    def length(self) -> int:
        """Steps in all, as far as can be told: a run ends as soon as its goal is reached."""
        if self._finished:
            return self.position
        rounds = self._trainer.length if self._trainer else 0
        openings = self._config.networks if self._trainer else 1
        return max(self.position + 1, rounds + openings + self._config.shortcuts)

    @property
    def found(self) -> list[Found]:
        """All candidates so far, with their verdicts."""
        opened = [one for extraction in self.extractions for one in extraction.found]
        return opened + (self._shortcuts or [])

    def step(self) -> Step:
        """A round of training, or the opening of a network, or at the beginning a look at the data alone."""
        if self._shortcuts is None:
            self._draw()
            with self._clock.stage("data"):
                self._shortcuts = find_shortcuts(self._source, self._judge)
            return self._outcome("looked at the data")
        if self._waiting:
            self._open(self._next())
            return self._outcome(f"opened network {len(self.extractions)}")
        assert self._trainer is not None
        with self._clock.stage("train"):
            progress = replace(self._trainer.step(), stage="train")
        return Step({name: value for name, value in asdict(progress).items() if value is not None})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """The training's, and what has been done since."""
        arrays, training = self._trainer.state() if self._trainer else ({}, {})
        data: dict[str, JSON] = {
            "training": training,
            "opened": [list(key) for key in self._opened],
            "extracted": len(self.extractions),
            "looked": self._shortcuts is not None,
            "seconds": dict(self._clock.seconds),
        }
        return arrays, data

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        if self._trainer:
            self._trainer.load(arrays, data["training"])
        if self._shortcuts is None and data["looked"]:
            self._shortcuts = find_shortcuts(self._source, self._judge)
        trained = {_key(one): one for one in self._trainer.networks()} if self._trainer else {}
        for number in range(len(self.extractions), data["extracted"]):
            self._open(trained[_stored_key(data["opened"][number])] if trained else None)
        self._clock.load(data["seconds"])

    def result(self) -> dict[str, JSON]:
        """What ``result.json`` and ``--json`` say."""
        best = choose(self.found)
        shown = best or nearest(self.found)
        with self._clock.stage("export"):
            machine = states_of(best.program, self._source) if best else None
            text = source_text(shown, self._source) if shown else None
        return {
            "task": self._source.name,
            "kind": self._source.kind,
            "tier": self._tier(best),
            "route": shown.route if shown else None,
            "method": shown.method if shown else None,
            "program": text,
            "nodes": shown.nodes if shown else None,
            "states": machine.states if machine else None,
            "checked": checked(self._source, shown.certificate if shown else None),
            "reached": bool(best and best.certificate and best.certificate.reached),
            "reason": self._reason(best),
            "certificate": shown.certificate.as_json() if shown and shown.certificate else None,
            "roads": self._roads(),
            "table": program_table(self.found),
            "rule": RULE,
            "networks": self._networks(),
            "data": profile(self._source.sequences).sentences(),
            "seconds": {**self._clock.seconds},
            "seed": self._config.seed,
            "run": self._run,
        }

    def _begin_training(self) -> Trainer:
        source, config = self._source, self._config
        return Trainer(source.sequences, source.validation, config.seed, config.networks)

    def _next(self) -> TrainedNetwork | None:
        """The best perfect network that was not opened yet; None where there is none, or where it is the user's own."""
        trained = self._trainer.networks() if self._trainer else []
        return next((one for one in trained if _key(one) not in self._opened), None)

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
        return any(reaches(extraction.found) for extraction in self.extractions)

    def _draw(self) -> None:
        """Let the target answer the sequences of all verdicts, which takes time where it is somebody's function."""
        with self._clock.stage("verify"):
            _ = self._judge.batches

    def _open(self, trained: TrainedNetwork | None) -> None:
        """Open a network: the user's own, or one that was trained."""
        network = trained.network if trained else self._source.network
        assert network is not None
        if trained:
            self._opened.append(_key(trained))
        self._draw()
        number = len(self.extractions)
        self.extractions.append(extract(number, network, self._source, self._judge, self._clock, self._config.seed))

    def _outcome(self, what: str) -> Step:
        best = choose(self.found)
        tier = self._tier(best)
        metrics: dict[str, JSON] = {"stage": what, "tier": tier, "nodes": best.nodes if best else None}
        return Step(metrics, ({"milestone": what, **metrics},))

    def _tier(self, best: Found | None) -> str | None:
        if self._source.target is None:
            return None
        if best and best.certificate:
            return best.certificate.tier
        networks = [extraction.network for extraction in self.extractions]
        return "S0" if any(self._judge.network_is_right(network) for network in networks) else "none"

    def _reason(self, best: Found | None) -> str:
        """Why the run ended without reaching its goal; empty if it did."""
        if best and best.certificate and best.certificate.reached:
            return ""
        if not self._finished:
            return "It was stopped before its end."
        if not self.extractions:
            return "No network was trained that makes no mistake on the data."
        if best:
            return "A machine or a long program was found, and no formula of at most 60 syntax nodes."
        if not self.found:
            return f"Of {len(self.extractions)} networks that were opened, none gave a program."
        return "None of the programs that were found is right; this is the one that is wrong most rarely."

    def _roads(self) -> dict[str, JSON]:
        """The best of each road."""
        roads: dict[str, JSON] = {}
        for route in ROUTES:
            best = choose(self.found, route)
            certificate = best.certificate if best else None
            roads[route] = {
                "tier": certificate.tier if certificate else ("none" if self._source.target else None),
                "right": bool(certificate and certificate.right),
                "nodes": best.nodes if best else None,
                "method": best.method if best else None,
            }
        return roads

    def _networks(self) -> list[JSON]:
        return [
            {
                "shape": describe_network(extraction.network),
                "accuracy": extraction.states.accuracy,
                "opened_states": extraction.states.opened.states if extraction.states.opened else None,
                "queried_states": extraction.states.queried.states if extraction.states.queried else None,
                "new_states": list(extraction.states.growth.new_states),
                "collisions": [reading.collisions for reading in extraction.states.readings],
                "forms": [
                    {
                        "form": stage.name,
                        "kept": stage.kept,
                        "size": stage.network.size,
                        "parameters": stage.metrics.parameters,
                        "integers": stage.metrics.integers,
                        "accuracy": stage.metrics.accuracy,
                        "loss": stage.metrics.loss if math.isfinite(stage.metrics.loss) else None,
                    }
                    for stage in extraction.normalized.stages
                ],
            }
            for extraction in self.extractions
        ]


def _key(trained: TrainedNetwork) -> _Key:
    """What tells trained networks of a run apart; no clock, or runs that end alike would differ."""
    return trained.loss, trained.how


def _stored_key(stored: list[Any]) -> _Key:
    """A key of a checkpoint; an older one has seconds in its midst."""
    return stored[0], stored[-1]
