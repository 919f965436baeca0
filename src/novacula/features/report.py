"""The report of a features run, by its verb."""

from importlib import import_module
from pathlib import Path

from novacula.runs import RunFolder

_REPORTS = {
    "collect": "discovery.discover_report",
    "discover": "discovery.discover_report",
    "train-sae": "discovery.discover_report",
    "explain": "circles.explain_report",
    "probe": "circles.probe_report",
    "score": "clouds.score_report",
    "steer": "circles.steer_report",
    "survey": "discovery.survey_report",
}
"""The module of each verb's report."""


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds, whether the run is finished or not; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    return import_module(f"novacula.features.{_REPORTS[folder.record.verb]}").build_report(folder)
