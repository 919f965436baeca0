"""Does any file make a reader fail in another way than with our error? Guided by coverage, as long as one likes.

    python benchmarks/fuzz.py [--reader NAME] [--seconds 60] [--corpus FOLDER] [--json PATH]

Drives atheris (extra `bench`) over the readers of `tests/promises/test_2_any_bytes.py`, one after the other, each in a
process of its own, which begins with the valid examples. Functions of novacula that one reading loads are instrumented.
`--reader` takes only the readers whose name holds a text, `--seconds` is for each file, and inputs that reach new code
are kept in `--corpus`; `--child NUMBER:FILE` is for the processes that this one starts.
A finding ends with the traceback and the bytes in a file crash-…; without one, the table says how many were tried.
"""

import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

from harness import arguments, save

sys.path.insert(0, str(Path(__file__).parents[1]))  # the readers stand with the tests

from tests.promises.readers import READERS

_SLOWEST = 10
_MEMORY_MB = 4000


def fuzz(number: int, file: str, seconds: int, corpus: Path) -> None:
    """Attack one file of one reader, in this process, which atheris ends."""
    atheris: Any = import_module("atheris")

    reader = READERS[number]
    folder = Path(tempfile.mkdtemp(prefix="novacula-fuzz-"))
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
    """One row of the table."""
    corpus.mkdir(parents=True, exist_ok=True)
    options = ["--child", f"{number}:{file}", "--seconds", str(seconds), "--corpus", str(corpus)]
    done = subprocess.run(
        [sys.executable, __file__, *options],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    tried = re.findall(r"^#(\d+)\s", done.stderr, re.MULTILINE)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    if done.returncode:
        sys.stderr.write(done.stderr[-3000:])
    return {
        "reader": f"{READERS[number].name}: {file}",
        "tried": int(tried[-1]) if tried else 0,
        "covered": int(covered[-1]) if covered else 0,
        "found": done.returncode != 0,
    }


def main() -> int:
    """Fuzz, and print the table."""
    options = arguments(__doc__, reader=str, seconds=60, corpus=Path, child=str)
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="novacula-corpus-"))
    if options.child:
        number, _, file = options.child.partition(":")
        fuzz(int(number), file, options.seconds, corpus)
        return 0
    rows = []
    print(f"{'reader':44}{'tried':>10}{'covered':>9}  found")
    for number, reader in enumerate(READERS):
        for file in reader.attacked if not options.reader or options.reader in reader.name else ():
            rows.append(attacked(options.seconds, number, file, corpus / f"{number}-{file.replace('/', '-')}"))
            row = rows[-1]
            print(f"{row['reader']:44}{row['tried']:>10}{row['covered']:>9}  {'YES' if row['found'] else 'nothing'}")
    save(options.json, seconds=options.seconds, rows=rows)
    return int(any(row["found"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
