"""Does any file make a reader fail in another way than with our error? Guided by coverage, as long as one likes.

    python benchmarks/fuzz.py [--reader NAME] [--seconds 90] [--part 1/2] [--corpus FOLDER] [--json PATH]

Drives atheris (extra `bench`) over the readers of `tests/promises/test_2_any_bytes.py`, one after the other, each in a
process of its own, which begins with the valid examples. Functions of novacula that one reading loads are instrumented.
`--reader` takes only the readers whose name holds a text. Each reader gets `--seconds` of processor time, which its
files share. Inputs that reach new code are kept in `--corpus`; `--child NUMBER:FILE` is for the processes that this one
starts. What was tried for as long is kept in benchmarks/results/fuzz/ and not tried again; `--part K/N` takes every
N-th file, so that N processes share the work.
A finding ends with the traceback and the bytes in a file crash-…; without one, the table says how many were tried.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any

from harness import RESULTS, arguments, recorded, save, share

sys.path.insert(0, str(Path(__file__).parents[1]))  # the readers stand with the tests

from novacula.runs.machine import cpu_seconds
from tests.promises.readers import READERS

FOLDER = RESULTS / "fuzz"
_SLOWEST = 10
_MEMORY_MB = 4000
_MEMORY = Path("/dev/shm")  #: a disk would take most of the time, as a file is written for every input
_FINDINGS = (70, 71, 77)  #: exit codes of libFuzzer: too slow, too much memory, another error than ours


def fuzz(number: int, file: str, seconds: int, corpus: Path) -> None:
    """Attack one file of one reader, in this process, which atheris ends."""
    atheris: Any = import_module("atheris")

    reader = READERS[number]
    folder = Path(tempfile.mkdtemp(prefix="novacula-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None))
    from novacula.errors import NovaculaError

    reader.write(folder)
    reader.read(folder)
    _instrument(atheris)
    (corpus / "valid").write_bytes((folder / file).read_bytes())

    @atheris.instrument_func
    def attack(data: bytes) -> None:
        (folder / file).write_bytes(data)
        with suppress(NovaculaError):
            reader.read(folder)

    limits = [f"-max_total_time={seconds}", f"-timeout={_SLOWEST}", f"-rss_limit_mb={_MEMORY_MB}", "-max_len=8192"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, f"-artifact_prefix={Path.cwd()}/"], attack)
    atheris.Fuzz()


def _instrument(atheris: Any) -> None:
    """Let all functions of the modules that are loaded now tell what they cover.

    Atheris instruments modules while they load, but not those that the finder of an editable installation loads.
    """
    for name, module in [*sys.modules.items()]:
        if name.split(".")[0] != "novacula":
            continue
        for holder in [module, *(each for each in vars(module).values() if isinstance(each, type))]:
            for function in vars(holder).values():
                if isinstance(function, FunctionType) and function.__module__ == name:
                    atheris.instrument_func(function)


def attacked(seconds: int, number: int, file: str, corpus: Path) -> dict[str, object]:
    """One row of the table, by processes that begin where the last one ended, until they had so much processor time."""
    corpus.mkdir(parents=True, exist_ok=True)
    tried, covered, start, used, status = 0, 0, cpu_seconds(), 0.0, 0
    while used < seconds and not status:
        left = str(math.ceil(seconds - used))
        done = subprocess.run(
            [sys.executable, __file__, "--child", f"{number}:{file}", "--seconds", left, "--corpus", str(corpus)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        used, status = cpu_seconds() - start, done.returncode
        tried += max(map(int, re.findall(r"^#(\d+)\s", done.stderr, re.MULTILINE)), default=0)
        covered = max(map(int, re.findall(r"cov: (\d+)", done.stderr)), default=covered)
        if status:
            sys.stderr.write(done.stderr[-3000:])
        if status and status not in _FINDINGS:
            sys.exit(f"the fuzzer itself failed on {READERS[number].name}: {file}")
    return {
        "reader": f"{READERS[number].name}: {file}",
        "tried": tried,
        "covered": covered,
        "found": status != 0,
        "seconds": seconds,
    }


def row_of(seconds: int, number: int, file: str, corpus: Path) -> dict[str, Any]:
    """The recorded row of a file that was attacked for as long, or a new one."""
    name = f"{number}-{file.replace('/', '-')}"
    path = FOLDER / f"{name}.json"
    if path.exists() and json.loads(path.read_text())["seconds"] < seconds:
        path.unlink()
    return recorded(path, lambda: attacked(seconds, number, file, corpus / name))


def main() -> int:
    """Fuzz, and print the table."""
    options = arguments(__doc__, reader=str, seconds=90, corpus=Path, child=str, part="1/1")
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="novacula-corpus-"))
    if options.child:
        number, _, file = options.child.partition(":")
        fuzz(int(number), file, options.seconds, corpus)
        return 0
    if find_spec("atheris") is None:
        sys.exit("the fuzzer is not installed: pip install -e '.[bench]'")
    rows = []
    print(f"{'reader':44}{'tried':>10}{'covered':>9}{'seconds':>9}  found")
    chosen = [(number, reader) for number, reader in enumerate(READERS) if (options.reader or "") in reader.name]
    for number, file in share([(number, file) for number, reader in chosen for file in reader.attacked], options.part):
        row = row_of(options.seconds // len(READERS[number].attacked), number, file, corpus)
        rows.append(row)
        print(
            f"{row['reader']:44}{row['tried']:>10}{row['covered']:>9}{row['seconds']:>9}"
            f"  {'YES' if row['found'] else 'nothing'}",
            flush=True,
        )
    save(options.json, seconds=options.seconds, rows=rows)
    return int(any(row["found"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
