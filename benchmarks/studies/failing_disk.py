"""Does a run lose more than its last steps, whichever of its writes fails, and in whichever way?

    python benchmarks/studies/failing_disk.py [--json PATH]

Every write of the smallest run of each part fails: on a full disk, by a refusal, and cut short. Then the run goes on,
and what it leaves is compared with an undisturbed run. It is also killed at random moments. The tests let half of the
writes fail, each in one of the three ways.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, save, table_head, table_row

ROOT = Path(__file__).parents[2]
PARTS = ("arc", "distill", "features", "hypernet", "optim")
HEAD = ("part", "writes", "failures", "problems", "kills", "problems after a kill")


def main() -> None:
    """Lets everything fail, and counts what goes wrong then."""
    options = arguments(__doc__)
    table_head(*HEAD)
    rows = []
    for part in PARTS:
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tests.promises.failing", folder, part, "full", "refused", "short"]
            paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
            done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode()[-2000:])
        failing, killing = (json.loads(done.stdout)[name] for name in ("failing", "killing"))
        after = [*killing["problems"], *killing["differs"]]
        problems, writes = failing["problems"], failing["operations"]
        print(*problems, *after, sep="\n", end="\n" if problems or after else "")
        rows.append([part, writes, 3 * writes, len(problems), killing["kills"], len(after)])
        table_row(*rows[-1])
    save(options.json, head=HEAD, rows=rows)


if __name__ == "__main__":
    main()
