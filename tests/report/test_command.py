"""The command in the head of a run's report is one that makes such a run."""

import html
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from novacula.arc.data.parse import kept_task
from novacula.arc.data.task import Task
from novacula.cli.main import build_app
from novacula.files import write_bytes
from novacula.runs import RunFolder, find_verb

SIDE = 31  #: more than ARC allows
SOLVED = f"6d75e8bb --dataset arc2 --max-size {SIDE} --steps 3 --pre-norm"
ARC = {"task": "6d75e8bb", "source": "6d75e8bb", "dataset": "arc2", "engine": None}
TASK = {"model": "m", "task": "months"}
DEVICE = {"command": "./sut", "alphabet": ["a", "b"]}
STATES: dict[str, Any] = {"model": None, "text": [], "activations": None, "store": None, "sae": None}
MODEL = {**STATES, "model": "/a/model", "text": ["/a/one.txt", "/a/two.txt"]}


@pytest.mark.parametrize(
    ("verb", "configuration", "inputs", "words"),
    [
        ("arc solve", {"steps": 3, "pre_norm": True}, ARC, SOLVED),
        ("arc bench", {"steps": 2000, "limit": 2}, {"source": "/a/puzzles"}, "puzzles --limit 2"),
        ("distill run", DEVICE, {"source": "./sut"}, "--command ./sut --alphabet a,b"),
        ("distill run", {}, {"source": "/a/rows.csv"}, "rows.csv"),
        ("features score", {}, {"source": "/a/cloud.npz", "array": "x", "seed": 3}, "cloud.npz --array x --seed 3"),
        ("features collect", {"layer": 2}, MODEL, "--model model --text one.txt two.txt --layer 2"),
        ("features train-sae", {}, {**STATES, "store": "/a/store"}, "store"),
        ("features train-sae", {}, {**STATES, "activations": "/a/x.npz"}, "--activations x.npz"),
        ("features discover", {}, {**STATES, "store": "/a/store", "sae": "/a/sae"}, "--store store --sae sae"),
        ("features probe", {"layers": [0, 7]}, TASK, "--model m --task months --layers 0,7"),
    ],
)  # fmt: skip
def test_the_command_of_a_report_can_be_typed(
    verb: str, configuration: dict[str, object], inputs: dict[str, object], words: str, tmp_path: Path
) -> None:
    part, name = verb.split()
    begun: Any = {"configuration": configuration, "inputs": inputs, "seed": 0, "threads": 1}
    folder = RunFolder.create(part=part, verb=name, out=tmp_path / "run", **begun)
    if verb == "arc solve":
        grid = ((0,) * SIDE,)
        for artifact, content in kept_task(Task("6d75e8bb", ((grid, grid),), (grid,))).items():
            write_bytes(folder.artifact(artifact), content)
    page = find_verb(folder).page(RunFolder.open(folder.path)).read_text()
    [shown] = re.findall(r"<code class='command'>(.*?)</code>", page, re.DOTALL)
    typed = shlex.split(html.unescape(re.sub("<[^>]*>", "", shown)))
    assert typed == ["novacula", part, name, *words.split()]
    build_app().parse_args(typed[1:], exit_on_error=False, print_error=False)
    assert "/a/" not in page, "others may read the page, and need not know where things lie"


def test_a_network_given_from_python_is_named_in_place_of_a_command(tmp_path: Path) -> None:
    begun: Any = {"inputs": {"source": "GRU, 2 units", "network": True}, "seed": 0, "threads": 1}
    folder = RunFolder.create(
        part="distill", verb="run", configuration={"length": 4}, about="GRU, 2 units", out=tmp_path / "run", **begun
    )
    page = find_verb(folder).page(folder).read_text()
    assert "class='command'" not in page and "distill run " not in page
    assert "novacula.distill.run, with a network: GRU, 2 units" in page
