"""Every public reader of files, with a valid example of what it reads: the ground of the first two promises.

A reader is a function of a folder; its example is what it reads there. Nothing of novacula is imported before it is
used, so that a fuzzer can instrument the modules while they load.
"""

import gzip
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

TASK = {
    "train": [{"input": [[1, 0], [0, 2]], "output": [[0, 1], [2, 0]]}, {"input": [[3, 0]], "output": [[0, 3]]}],
    "test": [{"input": [[1, 1], [0, 2]], "output": [[1, 1], [2, 0]]}],
}
SUBMISSION = {"ab": [{"attempt_1": [[1]], "attempt_2": [[2, 3]]}], "cd": [{"attempt_1": [[0]], "attempt_2": [[4]]}]}
SOLUTIONS = {"ab": [[[1]]], "cd": [[[4]]]}
CONCEPT = {
    "labels": ["a", "b", "c"],
    "templates": ["the {label}", {"text": "{offset} after {label}", "answer": 1}],
    "offsets": {"one": 1},
}


@dataclass(frozen=True, eq=False)
class Reader:
    """What is called on a folder of files that anybody may have written."""

    name: str  #: for messages
    part: str  #: of novacula
    attacked: dict[str, str]
    """The files that are replaced, and of which kind each is: json, lines, npz, safetensors, csv, gzip."""
    write: Callable[[Path], None]  #: writes a valid example
    read: Callable[[Path], object]  #: reads it


def _json(name: str, document: object) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(json.dumps(document))

    return write


# --- runs and jobs ------------------------------------------------------------------------------------------------


def _run(folder: Path) -> None:
    from novacula.jobs import Outcome
    from novacula.jobs.run import write_outcome
    from novacula.runs import RunFolder

    run = RunFolder.create(part="toy", verb="run", configuration={"task": "x"}, seed=0, threads=1, out=folder / "run")
    run.append_event({"step": 1, "loss": 0.5})
    run.save_checkpoint(1, {"x": np.arange(3.0)}, {"a": [1]})
    run.write_result({"loss": 0.5})
    write_outcome(folder, Outcome("a", "finished", {"x": 1}, "", 0.1, 1.0, 1), "d")


def _read_run(folder: Path) -> object:
    from novacula.runs import RunFolder

    run = RunFolder.open(folder / "run")
    return run.record, run.status, list(run.events()), run.load_checkpoint(), run.read_result()


def _read_listing(folder: Path) -> object:
    from novacula.runs import find_run, list_runs

    return list_runs(folder), find_run("run", folder)


def _read_outcome(folder: Path) -> object:
    from novacula.jobs.run import read_outcome

    return read_outcome(folder, "a")


# --- arc ----------------------------------------------------------------------------------------------------------


def _read_task(folder: Path) -> object:
    from novacula.arc import load_task

    return load_task(folder / "task.json")


def _read_solution(folder: Path) -> object:
    from novacula.arc import load_solution

    return load_solution(folder / "task.json")


def _contest(folder: Path) -> None:
    (folder / "challenges.json").write_text(json.dumps({"ab": TASK, "cd": TASK}))
    (folder / "solutions.json").write_text(json.dumps(SOLUTIONS))
    (folder / "submission.json").write_text(json.dumps(SUBMISSION))


def _read_challenges(folder: Path) -> object:
    from novacula.arc.data.files import load_challenges

    return load_challenges(folder / "challenges.json")


def _read_scored(folder: Path) -> object:
    from novacula.arc.data.files import load_solutions, read_submission
    from novacula.arc.score import score_submission

    score = score_submission(read_submission(folder / "submission.json"), load_solutions(folder / "solutions.json"))
    assert 0 <= score.paper <= 1 and 0 <= score.kaggle <= 1
    return score


# --- distill ------------------------------------------------------------------------------------------------------


def _rows(folder: Path) -> None:
    rows = [{"x": [1, 2, 3], "y": [1, 3, 6]}, {"x": [0, 1], "y": [0, 1]}]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "rows.csv").write_text("sequence,step,x0,y0\n0,0,1,1\n0,1,2,3\n1,0,5,5\n")


def _read_jsonl(folder: Path) -> object:
    from novacula.distill.sources.sequence_files import load_sequences

    return load_sequences(folder / "rows.jsonl")


def _read_csv(folder: Path) -> object:
    from novacula.distill.sources.sequence_files import load_sequences

    return load_sequences(folder / "rows.csv")


def _distill_network(folder: Path) -> None:
    from novacula.distill import Layer, Network, save_network

    f, g = Layer(np.array([[0.0, 0, 1], [1, 0, 0]]), np.zeros(2)), Layer(np.array([[1.0, -1]]), np.zeros(1))
    save_network(folder / "net.safetensors", Network((f,), (g,), "relu", 0, 3, 6))


def _read_distill_network(folder: Path) -> object:
    from novacula.distill import load_network

    return load_network(folder / "net.safetensors")


# --- features -----------------------------------------------------------------------------------------------------


def _states(folder: Path) -> None:
    from novacula.features.discovery.slices import encode_shard
    from novacula.features.discovery.source import store_states
    from novacula.features.sae import SparseAutoencoder, write_sae

    states = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    np.savez_compressed(folder / "cloud.npz", points=states, activations=states, tokens=np.arange(30))
    store_states(folder / "store", states, vocabulary=["a", "b"])
    index = json.loads((folder / "store/index.json").read_text())
    del index["digests"]  # as an earlier version wrote it: digests would refuse each change before it is read
    (folder / "store/index.json").write_text(json.dumps(index))
    import torch

    eye = torch.eye(4)
    sae = SparseAutoencoder("topk", eye, torch.zeros(4), eye.clone(), torch.zeros(4), torch.zeros(4), k=2)
    write_sae(folder / "sae", sae)
    encode_shard(folder / "codes.safetensors", sae, states)


def _read_cloud(folder: Path) -> object:
    from novacula.features.clouds.cloud import read_cloud

    return read_cloud(folder / "cloud.npz")


def _read_states(folder: Path) -> object:
    from novacula.features.discovery.source import read_states

    return read_states(folder / "cloud.npz")


def _read_store(folder: Path) -> object:
    from novacula.features.store import Store

    store = Store(folder / "store")
    store.check_filled()
    shards = [store.states(shard) for shard in range(len(store.shard_rows))]
    return shards, store.labels, store.vocabulary, store.context(0)


def _read_sae(folder: Path) -> object:
    import torch

    from novacula.features.sae import read_sae

    sae = read_sae(folder / "sae")
    return sae, sae.encode(torch.zeros(2, sae.width))


def _read_codes(folder: Path) -> object:
    from novacula.features.discovery.slices import read_codes

    return read_codes([folder / "codes.safetensors"], 4)


def _read_concept(folder: Path) -> object:
    from novacula.features.concepts import find_concept

    return find_concept(str(folder / "concept.json"))


def _texts(folder: Path) -> None:
    (folder / "text.gz").write_bytes(gzip.compress(b"some words of text " * 20))


def _read_texts(folder: Path) -> object:
    from novacula.features.discovery.collection import read_passages

    return read_passages([folder / "text.gz"], 10)


# --- hypernet and optim -------------------------------------------------------------------------------------------


def _target_network(folder: Path) -> None:
    from novacula.hypernet import build, write_network

    write_network(folder / "target.safetensors", build("double-sided", 2))


def _read_target_network(folder: Path) -> object:
    from novacula.hypernet import read_network

    network = read_network(folder / "target.safetensors")
    return network(np.ones((1, network.architecture.inputs)))


def _pictures(folder: Path) -> None:
    content = bytes([0, 0, 8, 3]) + np.array([2, 2, 2], ">u4").tobytes() + bytes(8)
    (folder / "pictures.gz").write_bytes(gzip.compress(content))


def _read_pictures(folder: Path) -> object:
    from novacula.optim.tasks.images import read_idx

    return read_idx(folder / "pictures.gz", 3)


RUN_FILES = {
    "run/run.json": "json",
    "run/events.jsonl": "lines",
    "run/checkpoint.json": "json",
    "run/checkpoint.safetensors": "safetensors",
    "run/result.json": "json",
}
STORE_FILES = {
    "store/index.json": "json",
    "store/vocabulary.json": "json",
    "store/states-00000.safetensors": "safetensors",
    "store/labels-00000.safetensors": "safetensors",
}

READERS = (
    Reader("run folder", "runs", RUN_FILES, _run, _read_run),
    Reader("list of runs", "runs", {"run/run.json": "record"}, _run, _read_listing),
    Reader("outcome of a job", "runs", {"jobs/a.json": "json"}, _run, _read_outcome),
    Reader("task", "arc", {"task.json": "json"}, _json("task.json", TASK), _read_task),
    Reader("solution", "arc", {"task.json": "json"}, _json("task.json", TASK), _read_solution),
    Reader("challenges", "arc", {"challenges.json": "json"}, _contest, _read_challenges),
    Reader("solutions", "arc", {"solutions.json": "json"}, _contest, _read_scored),
    Reader("submission", "arc", {"submission.json": "submission"}, _contest, _read_scored),
    Reader("JSON lines", "distill", {"rows.jsonl": "lines"}, _rows, _read_jsonl),
    Reader("CSV", "distill", {"rows.csv": "csv"}, _rows, _read_csv),
    Reader("network", "distill", {"net.safetensors": "safetensors"}, _distill_network, _read_distill_network),
    Reader("cloud", "features", {"cloud.npz": "npz"}, _states, _read_cloud),
    Reader("states", "features", {"cloud.npz": "npz"}, _states, _read_states),
    Reader("store", "features", STORE_FILES, _states, _read_store),
    Reader(
        "SAE", "features", {"sae/cfg.json": "json", "sae/sae_weights.safetensors": "safetensors"}, _states, _read_sae
    ),
    Reader("codes", "features", {"codes.safetensors": "safetensors"}, _states, _read_codes),
    Reader("concept", "features", {"concept.json": "json"}, _json("concept.json", CONCEPT), _read_concept),
    Reader("texts", "features", {"text.gz": "gzip"}, _texts, _read_texts),
    Reader("target network", "hypernet", {"target.safetensors": "safetensors"}, _target_network, _read_target_network),
    Reader("pictures", "optim", {"pictures.gz": "gzip"}, _pictures, _read_pictures),
)
"""The readers; model folders, which `transformers` reads, have tests of their own (tests/features/models)."""

PARTS = tuple(dict.fromkeys(reader.part for reader in READERS))


def mutated(data: bytes, kind: str, draw: Callable[[int], int]) -> bytes:
    """A valid file changed in a way that suits its kind.

    Args:
        data: the file.
        kind: of the file.
        draw: a number below its argument, from wherever the caller takes chance.
    """
    changed = bytearray(data)
    if kind in ("json", "record", "submission", "lines"):
        return _mutated_text(data, draw)
    if kind == "gzip" and draw(2):
        return gzip.compress(_flipped(bytearray(gzip.decompress(data)), draw))
    if kind == "safetensors" and draw(2):
        return _mutated_header(data, draw)
    return _flipped(changed, draw)


def _flipped(data: bytearray, draw: Callable[[int], int]) -> bytes:
    """Some bytes changed, left out or said twice."""
    for _ in range(1 + draw(4)):
        place = draw(len(data) + 1)
        match draw(4):
            case 0:
                data[place : place + 1] = bytes([draw(256)])
            case 1:
                del data[place : place + 1 + draw(16)]
            case 2:
                data[place:place] = data[place : place + draw(64)]
            case _:
                data[place : place + 4] = [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"][draw(3)]
    return bytes(data)


_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    2.5,
    1e308,
    -(2**63),
    2**64,
    10**300,
    "",
    "x",
    "../../x",
    [],
    {},
    [[]],
)


def _mutated_text(data: bytes, draw: Callable[[int], int]) -> bytes:
    """Some values of some lines replaced, left out, or moved into another's place."""
    lines = data.decode().splitlines() if data.count(b"\n") > 1 and not data.startswith(b"{\n") else [data.decode()]
    line = draw(len(lines))
    document = json.loads(lines[line])
    for _ in range(1 + draw(3)):
        places = _places(document)
        if places:
            holder, key = places[draw(len(places))]
            others = [holder_[key_] for holder_, key_ in places]
            match draw(3):
                case 0:
                    del holder[key]
                case 1:
                    holder[key] = deepcopy(others[draw(len(others))])
                case _:
                    holder[key] = deepcopy(_VALUES[draw(len(_VALUES))])
    lines[line] = json.dumps(document)
    return ("\n".join(lines) + "\n").encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """All (object, key) and (array, index) in a value, from outside in."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(value, key), *_places(value[key])]]


def _mutated_header(data: bytes, draw: Callable[[int], int]) -> bytes:
    """A safetensors file whose header says something else about the same numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = _mutated_text(data[8:end], draw)
    return len(header).to_bytes(8, "little") + header + data[end:]
