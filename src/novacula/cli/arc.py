"""``novacula arc``: solve, bench, submit, show, list and score."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novacula.arc.config import Dataset, SolveConfig, Split
from novacula.cli import part_app
from novacula.cli.arc_campaigns import CAMPAIGN_SCREENS, bench, score_submission, submit
from novacula.cli.console import EXIT_FINISHED, EXIT_UNREACHED, answer, counted, printable, show_result, table
from novacula.cli.options import Flat, Grouped, Json, RunOptions, Runs
from novacula.cli.screen import Screen, perform
from novacula.options import percent

if TYPE_CHECKING:
    from rich.console import RenderableType

    from novacula.arc.solve import SolveResult
    from novacula.runs import Step, Work

app = part_app("arc")


@app.command
def solve(
    source: str,
    /,
    *,
    config: Flat[SolveConfig] = SolveConfig(),
    dataset: Dataset = "arc1",
    max_size: int = 30,
    options: Grouped[RunOptions] = RunOptions(),
) -> int:
    """Train a small network on one puzzle alone and read two attempts off it.

    Example: novacula arc solve 6d75e8bb --steps 400
    Example: novacula arc solve my_puzzle.json
    Example: novacula arc solve arc-agi_training_challenges.json:6d75e8bb

    Args:
        source: A puzzle's id, a file or folder with one puzzle, or FILE:ID or FOLDER:ID for one of several.
        dataset: The public set in which an id is looked up.
        max_size: The most rows and columns of a grid, up to 128. ARC allows 30; 1D-ARC has more.
    """
    from novacula.arc.data.sources import load_task

    task = load_task(source, dataset, max_size)
    from novacula.arc.network.engine_choice import check_threads
    from novacula.arc.solve import solve as run

    check_threads(config, task, options.threads)
    work = partial(run, task, config, source=source, dataset=dataset, **options.where)
    return perform(work, SCREENS["solve"], options)


app.command(bench)
app.command(submit)


@app.command
def show(source: str, /, *, dataset: Dataset = "arc1", max_size: int = 30, json: Json = False) -> None:
    """Draw a puzzle in the terminal.

    Example: novacula arc show 6d75e8bb

    Args:
        source: A puzzle's id, a file or folder with one puzzle, or FILE:ID or FOLDER:ID for one of several.
        dataset: The public set in which an id is looked up.
        max_size: The most rows and columns of a grid, up to 128.
    """
    from novacula.arc.data.parse import task_as_json
    from novacula.arc.data.sources import load_task
    from novacula.arc.drawing.terminal import puzzle_gallery

    task = load_task(source, dataset, max_size)
    answer(json, {"task": task.name, **task_as_json(task)}, puzzle_gallery(task))


@app.command(name="list")
def list_(
    source: Path | None = None, /, *, dataset: Dataset = "arc1", split: Split = "training", json: Json = False
) -> None:
    """List the puzzles of a public set, or of a file or folder, with their sizes.

    Example: novacula arc list --dataset arc2 --split evaluation
    Example: novacula arc list my_challenges.json

    Args:
        source: A file or folder of puzzles, in place of a public set.
        dataset: ARC-AGI-1 or ARC-AGI-2.
        split: Which half of it.
    """
    from novacula.arc.data.parse import LARGEST_SIDE
    from novacula.arc.data.sources import list_own, list_tasks

    found = list_own(source, LARGEST_SIDE) if source else list_tasks(dataset, split)
    rows = (
        (
            task.id,
            task.demonstrations,
            task.tests,
            *(f"{rows} × {columns}" for rows, columns in (task.smallest, task.largest)),
            " ".join(map(str, task.colors)),
        )
        for task in found
    )
    heads = ("id", "demonstrations", "tests", "smallest", "largest", "colors")
    said = f"{counted(len(found), 'puzzle')}: {printable(str(source)) if source else f'the {split} split of {dataset}'}"
    answer(json, {"tasks": [asdict(task) for task in found]}, table(heads, rows), said)


@app.command
def score(run: str, /, *, solutions: str | None = None, runs: Runs = Path("runs"), json: Json = False) -> int:
    """Compare the attempts of a run, or a submission, with the solution, which the solver never sees.

    The verdict is added to the run's result.json and report. The exit code is 0 where an attempt is right, else 1; for
    a submission it is 0.

    An attempt is right where all test outputs of the puzzle are. The contest instead counts every test output by
    itself, over all puzzles. If it would refuse a submission, a line says why.

    Example: novacula arc score runs/demo
    Example: novacula arc score submission.json --solutions arc-agi_evaluation_solutions.json

    Args:
        run: Path of a run folder, a name in the folder of runs, or a submission file.
        solutions: An ARC JSON file with test outputs, or FILE:ID of a Kaggle solutions file; by default the task's own.
            For a submission, a Kaggle *_solutions.json.
    """
    if run.endswith(".json") or Path(run).is_file():
        return score_submission(run, solutions, json)
    from novacula.arc.score import score_run
    from novacula.arc.solve import SOLVE
    from novacula.runs import find_run

    folder = find_run(run, runs)
    verdict = score_run(folder, solutions)
    SOLVE.write_page(folder)
    said = [f"attempt {number} is {'right' if hit else 'wrong'}" for number, hit in enumerate(verdict.correct, 1)]
    if (tests := len(verdict.outputs)) > 1:
        said.append(f"by the contest's rule {sum(verdict.outputs)} of {tests} test outputs are right")
    shown = f"{'Solved' if verdict.solved else 'Not solved'}: {', '.join(said)}."
    answer(json, {"run": str(folder.path), **asdict(verdict)}, shown)
    return EXIT_FINISHED if verdict.solved else EXIT_UNREACHED


def _describe(step: "Step") -> str:
    costs = f"KL {step.metrics['kl']:,.1f}  reconstruction {step.metrics['reconstruction']:,.1f}"
    chance = step.metrics.get("probability")
    return costs if not isinstance(chance, float) else f"{costs}  right with probability {percent(chance)}"


def _panel(work: "Work", step: "Step") -> "RenderableType":
    """The tests with the answer that leads."""
    from novacula.arc.drawing.terminal import Gallery, puzzle_gallery
    from novacula.arc.program import SolveProgram

    assert isinstance(work, SolveProgram), "the run is one of arc solve"
    gallery = puzzle_gallery(work.task, [work.leading or ()])
    return Gallery(gallery.groups[len(work.task.train) :])


def _show(result: "SolveResult") -> None:
    from novacula.arc.answers.answers import EARLY_STEPS
    from novacula.arc.answers.certainty import DECODE_EVERY
    from novacula.arc.drawing.puzzles import order_note
    from novacula.arc.drawing.terminal import puzzle_gallery

    findings, restarts = result.findings, result.folder.record.configuration["restarts"]
    each = f" of each of {restarts} networks" if restarts != 1 else ""
    note = "a percentage is the probability that an attempt is right"
    if not findings.probabilities:
        note = f"too early for a probability, which needs {EARLY_STEPS + DECODE_EVERY} steps"
    show_result(
        puzzle_gallery(result.task, findings.attempts, findings.probabilities),
        f"{counted(findings.steps, 'step')}{findings.of_most}{each}, {findings.cpu_seconds:,.1f} CPU seconds "
        f"({findings.cpu_ms_per_step:.0f} ms per step), seed {findings.seed}, {findings.engine} engine; {note}",
        *filter(None, [order_note(findings.probabilities)]),
    )


SCREENS: dict[str, Screen[Any]] = {"solve": Screen(_show, _describe, panel=_panel), **CAMPAIGN_SCREENS}
