"""The smallest real run of every part, as the command that a user types, and what it leaves, without clocks.

As a program: does all of them, each in a folder of its own, without reports.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from novacula.cli.main import main
from novacula.files import read_safetensors
from novacula.runs import Program, RunFolder, Status, Verb, drive
from tests.promises.readers import TASK

EVIL = "<script>alert(1)"  #: what files are called here
HYPERNET = "hypernet train --inputs 2 --hidden 3 --steps 6 --batch 16 --networks 2 --width 4 --edge-width 4 --blocks 1"
COMMANDS = {
    "arc": f"arc solve {EVIL}puzzle.json --steps 6 --seed 5",
    "distill": f"distill run {EVIL}same.csv --no-shortcuts",
    "features": f"features train-sae --activations {EVIL}states.npz --latents 8 --k 2 --train-tokens 600 --batch 100",
    "hypernet": HYPERNET + " --heads 1 --codes 4 --curriculum up --seeds 1",
    "optim": "optim demo --trials 1 --steps 20",
}
"""Each in the folder of `write_inputs`; the run's folder is named by --out."""

_CLOCKS = re.compile(
    r"(.*_)?seconds|clock|cpu_.*|.*_ms.*|(peak_)?memory_mb|run|submission|created|updated|platform|.*digest"
)


def write_inputs(folder: Path) -> None:
    """What the commands read."""
    generator = np.random.default_rng(1)
    (folder / f"{EVIL}puzzle.json").write_text(json.dumps(TASK))
    np.savez(folder / f"{EVIL}states.npz", activations=generator.normal(size=(200, 4)).astype(np.float32))
    lines = ["sequence,step,x0,y0"]
    for number in range(40):
        x = generator.integers(0, 3, generator.integers(4, 8))
        lines += [f"{number},{step},{value},{value}" for step, value in enumerate(x)]
    (folder / f"{EVIL}same.csv").write_text("\n".join(lines) + "\n")


def command(part: str, out: Path, *more: str) -> list[str]:
    """The words of a part's command."""
    return [*COMMANDS[part].split(), "--quiet", "--out", str(out), *more]


@contextmanager
def without_reports() -> Iterator[None]:
    """Reports are drawn by matplotlib, take most of a small run's time, and are not what is asked for here."""
    with (
        patch("novacula.optim.demo.RACERS", ("adamw", "lodo")),
        patch.object(Verb, "draw", lambda verb, folder: folder.path / "report.html"),
    ):
        yield


@contextmanager
def checkpoint_every_step() -> Iterator[None]:
    """Each run keeps and logs each of its steps, as only the clock would make it do."""
    with patch("novacula.runs.verb.drive", _drive_closely):
        yield


def _drive_closely(program: Program, folder: RunFolder, **options: Any) -> Status:
    return drive(program, folder, **{**options, "checkpoint_seconds": 0.0, "log_every": 1})


def left(folder: Path) -> dict[str, Any]:
    """What a run left, by file: bytes, and of JSON everything but times and places."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".json":
            found[name] = without_clocks(json.loads(re.sub(r'"/[^"]*/', '"', path.read_text())))
        elif path.name == "checkpoint.safetensors":
            arrays = read_safetensors(path)
            found[name] = {key: array.tobytes() for key, array in arrays.items() if not _CLOCKS.fullmatch(key)}
        elif path.is_file() and name not in ("lock", "events.jsonl", "report.html"):
            found[name] = path.read_bytes()
    return found


def without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_clocks(item) for key, item in value.items() if not _CLOCKS.fullmatch(key)}
    return [without_clocks(item) for item in value] if isinstance(value, list) else value


def do_all(folder: Path) -> None:
    write_inputs(folder)
    with without_reports():
        for part in COMMANDS:
            code = main(command(part, folder / part))
            assert code == 0, f"{part} ended with {code}"


if __name__ == "__main__":
    import os

    os.chdir(sys.argv[1])
    do_all(Path(sys.argv[1]))
