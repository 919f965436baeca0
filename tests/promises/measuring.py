"""Read every hostile file with every reader of a part, in a process of its own, and say how each reading ended.

Prints a JSON object per reading: reader, file, what came of it, seconds of processor time, and megabytes of resident
memory beyond what was resident before. Imports are paid by a first reading of a valid example.
"""

import json
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

from novacula.errors import NovaculaError
from novacula.runs.machine import forget_peak_memory, peak_memory_mb
from tests.promises.readers import READERS, Reader


def main(part: str, corpus: Path, scratch: Path) -> None:
    for number, reader in enumerate(reader for reader in READERS if reader.part == part):
        folder = scratch / f"{part}-{number}"
        folder.mkdir()
        os.chdir(folder)  # where a payload would leave its mark
        reader.write(folder)
        reader.read(folder)
        for attacked, kind in reader.attacked.items():
            good = (folder / attacked).read_bytes()
            for hostile in _hostile(corpus, kind):
                _put(hostile, folder / attacked)
                print(json.dumps({"reader": f"{reader.name}: {attacked}", **_reading(reader, folder, hostile)}))
            _remove(folder / attacked)
            (folder / attacked).write_bytes(good)


def _hostile(corpus: Path, kind: str) -> list[str]:
    """Files, and things that are no files."""
    folders = {"record": "json", "submission": "json"}
    found = [corpus / "any", corpus / folders.get(kind, kind)]
    return [
        *(str(path) for folder in found for path in sorted(folder.iterdir())),
        "pipe",
        "folder",
        "loop",
        "/dev/zero",
    ]


def _put(hostile: str, path: Path) -> None:
    _remove(path)
    match hostile:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "loop" | "/dev/zero":
            path.symlink_to(path if hostile == "loop" else hostile)
        case _:
            os.link(hostile, path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _reading(reader: Reader, folder: Path, hostile: str) -> dict[str, Any]:
    forget_peak_memory()
    before, start = peak_memory_mb(), _seconds()
    try:
        reader.read(folder)
        ended = "read"
    except NovaculaError:
        ended = "refused"
    except BaseException as error:
        ended = f"{type(error).__name__}: {error}"[:300]
    seconds, grown = _seconds() - start, peak_memory_mb() - before
    return {"file": "/".join(Path(hostile).parts[-2:]), "ended": ended, "seconds": seconds, "mb": grown}


def _seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
