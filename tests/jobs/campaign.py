"""A driver of toy jobs in a process of its own, to be stopped or killed."""

import sys
from pathlib import Path

from novacula.jobs import LocalExecutor, run, run_jobs
from tests.jobs.toy import PACKAGES, WORK, toy_jobs

NAMES = [f"job{number}" for number in range(6)]
QUICK = 2


def main(folder: Path) -> int:
    """Two jobs that end at once, and four that end never."""
    run._GRACE = 0.3
    jobs = [*toy_jobs(folder, NAMES[:QUICK]), *toy_jobs(folder, NAMES[QUICK:], wait_for=str(folder / "gate"))]
    report = run_jobs(WORK, jobs, folder=folder, seed=3, executor=LocalExecutor(2, packages=PACKAGES))
    print(report.status, report.counts.finished, flush=True)
    return 130 if report.status == "interrupted" else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
