"""How many recorded ARC puzzles a rule of choice solves: the one script that sees recordings and solutions together.

    python benchmarks/studies/arc_choose.py [--set training] [--steps 200,500,1000] [--rules published] [--json PATH]

Sets: `training`, the 120 puzzles of `arc_tasks` that are recorded so far, and `check`, 80 others; `evaluation`, the 400
evaluation puzzles of ARC-AGI-1; `arc2`, the 120 public evaluation puzzles of ARC-AGI-2. Rules are fitted on `training`
alone. The last two are refused until the last of their recordings with seed 0 is made, so that no rule is chosen on a
part of them.

The evaluation set is opened by the published rule first, which leaves nothing to choose: seed 0, as soon as all 400
puzzles are recorded. What chooses otherwise, such as between seeds, is fitted on `training` and committed before it is
computed on the evaluation set.

Rules: `published`; `laws` takes from a candidate's weight what it loses by breaking laws of the demonstrations, and
chooses among the candidates whose grids are recorded; `laws-per-test` does so for the grids of each test by themselves;
`samples` and `decodes` count how often a sample, or a noise-free decode, showed a candidate;
`other-sample` and `other-decode` replace the second attempt by the candidate that those counts put first among the
others; `each-seed` takes each seed's best; `per-test` chooses the grids of each test by themselves. With `training`,
`--rules all` computes all of them.

A row is a rule after so many steps, seeds counted together. pass@n counts the puzzles of which one of the n best
candidates is right in all test outputs (the paper's rule). Gained and lost are puzzles of pass@2, beside the published
rule on the same recordings. The contest's rule counts test outputs that either of two
attempts has right. Intervals are the exact binomial ones of 95 %. Processor time is that of training.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from arc_tasks import CHECK_TASKS, MORE_TASKS, TASKS
from harness import RESULTS, arguments, save, table_head, table_row

from novacula.arc.answers.answers import EARLY_STEPS, Answer, answer_text, best_two, parse_answer, ranked
from novacula.arc.answers.certainty import DECODE_EVERY
from novacula.arc.answers.laws import Laws
from novacula.arc.answers.recording import Proposals, Recording, grid_digest
from novacula.arc.answers.recording_file import read_recording
from novacula.arc.config import Dataset
from novacula.arc.data.sources import list_tasks, load_solution, load_task

Key = tuple[bytes, ...]  #: a candidate in any recording of a puzzle: the digest of its grid for each test input
PUBLISHED = {200: 6.0, 500: 15.0, 1000: 19.25, 1500: 21.5, 2000: 20.0}
"""pass@2 in percent over the steps, evaluation split (arXiv 2512.06104, table 1)."""
RULES = (
    "published",
    "laws",
    "laws-per-test",
    "samples",
    "decodes",
    "other-sample",
    "other-decode",
    "each-seed",
    "per-test",
)
OPENING = ("published", "laws", "laws-per-test")  #: the rules that may be computed on the evaluation sets


@dataclass(frozen=True)
class Row:
    """What a rule solves."""

    rule: str  #: seeds and steps of each, and how candidates were chosen
    puzzles: int  #: how many puzzles there are
    outputs: int  #: how many test outputs they have
    pass_1: int  #: how many puzzles are solved by the first attempt
    pass_2: int  #: how many puzzles are solved by one of both attempts
    gained: int  #: how many puzzles one of both attempts solves, and none by the published rule on these recordings
    lost: int  #: the reverse
    contest: int  #: how many test outputs one of two attempts has right
    cpu_hours: float  #: of training


def key_of(answer: Answer) -> Key:
    """The key of an answer."""
    return tuple(grid_digest(answer_text([grid])) for grid in answer)


def joint_scores(recordings: Sequence[Recording], steps: int) -> dict[Key, float]:
    """The published log-weights of candidates, added over recordings of one puzzle with different seeds."""
    scores: dict[Key, float] = {}
    for recording in recordings:
        for key, score in _scores(recording, steps).items():
            scores[key] = float(np.logaddexp(scores.pop(key, -np.inf), score))
    return scores


@cache
def _scores(recording: Recording, steps: int) -> dict[Key, float]:
    """The published log-weights of one recording's candidates."""
    weights = recording.scores(steps).items()
    return {tuple(recording.digests[number].tobytes() for number in grids): weight for grids, weight in weights}


def counted(proposals: Iterable[tuple[Recording, Proposals]], first: int, last: int) -> list[Key]:
    """The candidates of rows `first` to before `last` of some proposals, the most frequent first."""
    counts: Counter[Key] = Counter()
    for recording, of in proposals:
        rows = map(of.candidate, range(first, last))
        counts.update(tuple(recording.digests[number].tobytes() for number in row) for row in rows)
    return [key for key, _ in counts.most_common()]


def attempts(rule: str, recordings: Sequence[Recording], steps: int, laws: Laws) -> list[Key]:
    """The attempts that a rule chooses after `steps` steps of each recording; the best two or one."""
    scores = joint_scores(recordings, steps)
    published = ranked(scores)
    if rule == "published":
        return published[:2]
    lost = partial(_lost, recordings, laws) if "laws" in rule else lambda test, grid: 0.0
    if rule == "laws":
        return best_two(scores, lambda key: sum(lost(test, grid) for test, grid in enumerate(key)) / len(key))
    if rule == "each-seed":
        return list(dict.fromkeys(ranked(joint_scores([recording], steps))[0] for recording in recordings))[:2]
    if rule.endswith("per-test"):
        best = [_grids(scores, test, partial(lost, test)) for test in range(len(published[0]))]
        return [tuple(grids[min(place, len(grids) - 1)] for grids in best) for place in (0, 1)]
    if rule.endswith("decodes") or rule.endswith("decode"):
        order = counted([(r, r.decodes) for r in recordings], 0, steps // DECODE_EVERY)
    else:
        order = counted([(r, r.samples) for r in recordings], min(EARLY_STEPS, steps - 1), steps)
    return [published[0], *(key for key in order if key != published[0])][:2] if "other" in rule else order[:2]


def _grids(scores: Mapping[Key, float], test: int, lost: Callable[[bytes], float]) -> list[bytes]:
    """The two best grids of one test by the weights of all candidates that show them, less what a grid loses."""
    weights: dict[bytes, float] = {}
    for key, score in scores.items():
        weights[key[test]] = float(np.logaddexp(weights.pop(key[test], -np.inf), score))
    return best_two(weights, lost)


def _lost(recordings: Sequence[Recording], laws: Laws, test: int, grid: bytes) -> float:
    """The nats that a grid loses by laws; infinitely many where no recording holds it."""
    for recording in recordings:
        text = recording.texts.get(_numbers(recording).get(grid, -1))
        if text is not None:
            return sum(laws.broken(test, parse_answer(text)[0]).values())
    return np.inf


@cache
def _numbers(recording: Recording) -> dict[bytes, int]:
    """The numbers of a recording's grids by digest."""
    return {digest.tobytes(): number for number, digest in enumerate(recording.digests)}


def solved(
    recorded: Mapping[str, Sequence[Recording]],
    truths: Mapping[str, Key],
    laws: Mapping[str, Laws],
    seeds: int,
    steps: int,
    chosen: str,
) -> Row:
    """The row of a rule with so many seeds and steps."""
    first = second = contest = gained = lost = 0
    seconds = 0.0
    for task, recordings in recorded.items():
        best, truth = attempts(chosen, recordings[:seeds], steps, laws[task]), truths[task]
        first += truth == best[0]
        second += truth in best
        published = attempts("published", recordings[:seeds], steps, laws[task])
        gained += truth in best and truth not in published
        lost += truth in published and truth not in best
        contest += sum(any(attempt[test] == grid for attempt in best) for test, grid in enumerate(truth))
        seconds += sum(r.origin.training_cpu_seconds * steps / len(r.kl) for r in recordings[:seeds])
    outputs = sum(map(len, truths.values()))
    rule = f"{seeds} seed{'s' if seeds > 1 else ''}, {steps} steps{' each' if seeds > 1 else ''}, {chosen}"
    return Row(rule, len(recorded), outputs, first, second, gained, lost, contest, seconds / 3600)


def read_set(name: str, folder: Path) -> tuple[dict[str, list[Recording]], dict[str, Key]]:
    """The recordings of every puzzle of a set, by seed, and the truths."""
    dataset: Dataset = "arc2" if name == "arc2" else "arc1"
    training = {"training": (*TASKS, *MORE_TASKS), "check": CHECK_TASKS}
    tasks = training.get(name) or [task.id for task in list_tasks(dataset, "evaluation")]
    folder = folder / "arc2" if name == "arc2" else folder
    files = {task: sorted(folder.glob(f"{task}-?.npz")) for task in tasks}
    there = {task: found for task, found in files.items() if found and found[0].stem.endswith("-0")}
    if name not in training and len(there) < len(tasks):
        sys.exit(f"{len(there)} of {len(tasks)} puzzles are recorded; this set is opened once, when all are")
    recorded = {task: [read_recording(file) for file in found] for task, found in there.items()}
    return recorded, {task: key_of(load_solution(task, dataset).outputs) for task in recorded}


def source_line(recorded: Mapping[str, Sequence[Recording]]) -> str:
    """A line that says from what recordings a table is computed."""
    if not recorded:
        sys.exit("nothing is recorded yet: python benchmarks/studies/arc_record.py")
    origins = [recording.origin for recordings in recorded.values() for recording in recordings]
    made = ", ".join(sorted({f"{origin.instruction_set}, torch {origin.versions['torch']}" for origin in origins}))
    return f"computed from {len(origins)} recordings of {len(recorded)} puzzles by arc_record.py: {made}"


def _percent(count: int, of: int) -> str:
    low, high = binomtest(count, of).proportion_ci(method="exact")
    return f"{count} = {100 * count / of:.1f} % ({100 * low:.1f} … {100 * high:.1f})"


def main() -> None:
    """Print the table."""
    options = arguments(
        __doc__,
        set=("training", "check", "evaluation", "arc2"),
        steps="200,500,1000,1500,2000",
        rules="published",
        results=RESULTS / "arc_record",
    )
    rules = RULES if options.rules == "all" else tuple(options.rules.split(","))
    allowed = RULES if options.set in ("training", "check") else OPENING
    if not set(rules) <= set(allowed):
        sys.exit(f"--rules is {options.rules}; for {options.set} it must be some of {', '.join(allowed)}")
    recorded, truths = read_set(options.set, Path(options.results))
    dataset: Dataset = "arc2" if options.set == "arc2" else "arc1"
    laws = {task: Laws(load_task(task, dataset)) for task in recorded}
    print(f"{source_line(recorded)}\n")
    length = min(len(recordings[0].kl) for recordings in recorded.values())
    seeds = min(map(len, recorded.values()))
    rows = []
    table_head("rule", "pass@1", "pass@2", "published pass@2", "gained, lost", "contest, test outputs", "CPU hours")
    for count in range(1, seeds + 1):
        for steps in [steps for steps in map(int, options.steps.split(",")) if steps <= length]:
            for rule in rules:
                row = solved(recorded, truths, laws, count, steps, rule)
                known = f"{PUBLISHED[steps]} %" if options.set == "evaluation" and steps in PUBLISHED else None
                passed = _percent(row.pass_1, row.puzzles), _percent(row.pass_2, row.puzzles)
                changed = f"{row.gained}, {row.lost}"
                table_row(row.rule, *passed, known, changed, _percent(row.contest, row.outputs), f"{row.cpu_hours:.2f}")
                rows.append(row)
    save(options.json, set=options.set, rows=rows)


if __name__ == "__main__":
    main()
