"""What a caller from Python may give as the options of a verb."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from novacula import arc, distill, features, hypernet, optim
from novacula.errors import InputError
from novacula.options import Configuration
from novacula.runs import RunFolder, RunResult

SOURCE: Any = features.DiscoverSource(model="absent", text=("absent.txt",))
CALLS: list[Callable[[Any], object]] = [
    lambda config: arc.solve(arc.load_task("6d75e8bb"), config),
    lambda config: arc.bench(config),
    lambda config: arc.submit("absent.json", config),
    lambda config: distill.run("Sum_Last2", config),
    lambda config: distill.bench(config),
    lambda config: features.score("absent.npz", config),
    lambda config: features.score_cloud(np.zeros((300, 2)), config),
    lambda config: features.score_plane(np.zeros((300, 2)), config),
    lambda config: features.probe_states(np.zeros((2, 5, 3)), config),
    lambda config: features.probe("absent", "months", config),
    lambda config: features.steer("absent", "months", config),
    lambda config: features.explain("absent", "months", config),
    lambda config: features.discover(SOURCE, config),
    lambda config: features.collect(SOURCE, config),
    lambda config: features.train_sae(features.DiscoverSource(store="absent"), config),
    lambda config: features.survey(SOURCE, config),
    lambda config: features.open_feature("absent", 1, config),
    lambda config: hypernet.train(config),
    lambda config: hypernet.classify("absent", config),
    lambda config: hypernet.census(["absent"], config),
    lambda config: hypernet.generalize("absent", config),
    lambda config: hypernet.compare(config),
    lambda config: hypernet.sample("absent", config),
    lambda config: hypernet.train_directly(config),
    lambda config: optim.demo(config),
    lambda config: optim.bench(config),
]


class Other(Configuration):
    """Options of no verb."""


OTHERS = ({}, {"seed": 1}, 5, Other())


def test_options_of_another_kind_are_refused_in_one_line() -> None:
    """The tests check annotations at every call, so a process without them asks."""
    subprocess.run([sys.executable, "-m", "tests.test_given_options"], check=True, timeout=120)


def test_a_result_can_be_a_member_of_a_set(tmp_path: Path) -> None:
    begun = {"part": "optim", "verb": "demo", "configuration": optim.DemoConfig(), "seed": 0, "threads": 1}
    folder = RunFolder.create(out=tmp_path / "run", **begun)  # pyright: ignore[reportArgumentType]
    result = RunResult("finished", {"loss": [1]}, tmp_path / "report.html", [np.zeros(2)], folder)
    assert {result: 1}[result] == 1


def refused(call: Callable[[Any], object], config: object) -> str:
    try:
        return f"returned {call(config)}"
    except InputError as error:
        return str(error)


if __name__ == "__main__":
    for config in OTHERS:
        said = [refused(call, config) for call in CALLS]
        wrong = [text for text in said if not re.match(r"config: is of the type \w+; it must be \w+Config\(…\)", text)]
        assert not wrong, wrong
