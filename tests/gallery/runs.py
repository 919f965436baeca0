"""A folder of small runs of every kind, for the gallery."""

from pathlib import Path

from markupsafe import Markup

from novacula.report import Section, write_report
from novacula.runs import RunFolder
from novacula.runs.record import Status

HOSTILE = '</p><script>document.title="owned"</script><img src=x onerror=alert(2)>&\'"'
PICTURE = Markup(
    '<svg width="40" height="20" viewBox="0 0 40 20"><rect width="40" height="20" fill="#3a7fc8"/>'
    '<path d="M0 0L40 20" stroke="currentColor"/></svg>'
)


def make_run(
    runs: Path,
    name: str,
    part: str,
    verb: str,
    task: str,
    *,
    status: Status = "finished",
    error: str = "",
    reported: bool = True,
) -> RunFolder:
    folder = RunFolder.create(part=part, verb=verb, about=task, configuration={}, seed=0, threads=1, out=runs / name)
    folder.set_status(status, step=1200, length=2000, error=error)
    if reported:
        write_report(folder.path / "report.html", name, task, [Section("Picture", PICTURE)])
    return folder


def make_runs(runs: Path) -> Path:
    """Six runs: three finished, one failed whose texts are hostile, one without report, one damaged."""
    make_run(runs, "alpha", "arc", "solve", "6d75e8bb")
    make_run(runs, "beta", "arc", "bench", "arc1-training")
    make_run(runs, "gamma", "distill", "run", "Parity_Last2")
    make_run(runs, f"delta {HOSTILE.replace('/', '')}", "optim", "demo", HOSTILE, status="failed", error=HOSTILE)
    make_run(runs, "epsilon" * 12, "hypernet", "train", "l1-norm " * 20, status="interrupted", reported=False)
    (runs / "zeta").mkdir()
    (runs / "zeta" / "run.json").write_text('{"schema_version": 1, "part": "<b>"}')
    return runs
