"""The report of an optim run, by its verb."""

from pathlib import Path

from novacula.optim import bench_report, demo_report
from novacula.runs import RunFolder

_REPORTS = {"bench": bench_report.build_report, "demo": demo_report.build_report}


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds, whether the run is finished or not; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    return _REPORTS[folder.record.verb](folder)
