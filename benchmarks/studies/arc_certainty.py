"""Fits the probability that an ARC attempt is right, and says what it and `--stop auto` are worth.

    python benchmarks/studies/arc_certainty.py [--folds 10] [--set check] [--json PATH]

Rows are the recorded runs of training puzzles (`arc_tasks`) after 100, 200, … 1,000 steps. All figures are
cross-validated by puzzle: a puzzle's probabilities come from a model that was fitted on other puzzles. The printed
coefficients, fitted on all, stand in `novacula.arc.answers.certainty`.

A Brier score is the mean square of probability less outcome; the constant is the mean of the other puzzles. Standard
errors are those of means over puzzles: the runs of a puzzle are not independent.

With `--set check` nothing is fitted: the solver's own probabilities are judged on the 80 other training puzzles of
`arc_choose.py`, after the last step. Neither the models nor the kinds of laws were made on these puzzles; the part of
the nats that is lost was chosen on them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from arc_choose import read_set, source_line
from harness import RESULTS, arguments, save, table_head, table_row

from novacula.arc.answers.certainty import (
    DECODE_EVERY,
    EITHER,
    FIRST,
    LEAST_GAIN,
    MOST_LOST,
    SETTLED_FROM,
    Logistic,
    probabilities,
    softened_logit,
)
from novacula.arc.answers.laws import Laws
from novacula.arc.answers.recording import Recording
from novacula.arc.data.sources import load_task

FIT_EVERY = 100  #: the steps after which a row is fitted
NAMES = ("attempt 1 is right", "one of both is right")
BINS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


@dataclass(frozen=True)
class Course:
    """A recorded run after each `DECODE_EVERY` steps."""

    task: str  #: the puzzle
    features: Float[np.ndarray, "times 5"]
    """Softened logits of two shares of decodes; 1 where outputs have their inputs' sizes; nats lost by laws, twice."""
    shares: Float[np.ndarray, " times"]  #: of attempt 1
    right: Bool[np.ndarray, "times 2"]  #: whether attempt 1 is right, and whether one of both is
    stated: tuple[float, float]  #: the solver's probabilities of both after the last step


@dataclass(frozen=True)
class Figures:
    """What a model of one outcome is worth."""

    outcome: str  #: of `NAMES`
    constant: float  #: Brier scores of a constant, of a model of the share alone, and of the model
    share: float
    model: float
    error: float  #: of the difference between share and model
    logistic: Logistic  #: fitted on all puzzles


@dataclass(frozen=True)
class Judged:
    """What the solver's own probability of one outcome is worth on puzzles that it was not fitted on."""

    outcome: str  #: of `NAMES`
    constant: float  #: the Brier score of the rate itself
    model: float  #: that of the probability
    error: float  #: of the difference
    expected: float  #: the sum of the probabilities
    right: int  #: how often the outcome came


@dataclass(frozen=True)
class Stopping:
    """What stopping by itself costs and saves, as means over runs."""

    logistic: Logistic  #: of what more steps gain, fitted on all puzzles
    steps: float  #: of each run
    full: int  #: those of a run that does not stop
    solved: float  #: the rate of pass@2 where it stopped
    solved_full: float  #: that after all steps
    error: float  #: of the difference
    missed: int  #: runs that would have been solved later
    kept: int  #: runs that would have lost their right attempt later


def course_of(task: str, recording: Recording, laws: Laws, truth: Sequence[bytes]) -> Course:
    """Returns what a recorded run shows over its steps."""
    features, shares, right, stated = [], [], [], (0.0, 0.0)
    for step, leaders in enumerate(recording.leaders(laws), 1):
        if step % DECODE_EVERY == 0:
            keys = [
                [recording.digests[n].tobytes() for n in candidate] == list(truth) for candidate in leaders.candidates
            ]
            found = leaders.evidence
            logits = softened_logit(found.first), softened_logit(found.either)
            lost = min(found.lost_by_first, MOST_LOST), min(found.lost_by_either, MOST_LOST)
            features.append((*logits, float(found.same_size), *lost))
            shares.append(leaders.share)
            right.append((keys[0], any(keys)))
            stated = (chances := probabilities(found) or (0.0,))[0], sum(chances)
    return Course(task, np.array(features), np.array(shares), np.array(right), stated)


def folds_of(courses: Sequence[Course], folds: int) -> Float[np.ndarray, " courses"]:
    """Returns the fold of each course; courses of one puzzle share it."""
    tasks = sorted({course.task for course in courses})
    order = np.random.default_rng(0).permutation(len(tasks))
    fold = {task: number % folds for task, number in zip(tasks, order, strict=True)}
    return np.array([fold[course.task] for course in courses])


def fit(features: Sequence[np.ndarray], outcomes: Sequence[np.ndarray]) -> LogisticRegression:
    """Fits a logistic model to the rows at every `FIT_EVERY` steps."""
    every = FIT_EVERY // DECODE_EVERY
    rows = np.concatenate([x[every - 1 :: every] for x in features])
    return LogisticRegression().fit(rows, np.concatenate([y[every - 1 :: every] for y in outcomes]))


def cross_validated(
    features: Sequence[np.ndarray], outcomes: Sequence[np.ndarray], folds: np.ndarray
) -> list[Float[np.ndarray, " times"]]:
    """Returns each course's probabilities by a model of the other folds."""
    models = {
        fold: fit(*([x for x, f in zip(of, folds, strict=True) if f != fold] for of in (features, outcomes)))
        for fold in set(folds.tolist())
    }
    return [models[fold].predict_proba(x)[:, 1] for x, fold in zip(features, folds, strict=True)]


def stopping(courses: Sequence[Course], folds: np.ndarray) -> Stopping:
    """Returns what stopping costs and saves where more steps promise little."""
    steps = DECODE_EVERY * np.arange(1, len(courses[0].shares) + 1)
    features = [np.column_stack([course.features[:, [0, 2]], steps / 1000]) for course in courses]
    right = np.array([course.right[:, 1] for course in courses])
    outcomes = [there[-1] & ~there for there in right]
    settled = np.array(cross_validated(features, outcomes, folds)) < LEAST_GAIN
    settled &= steps >= SETTLED_FROM
    settled[:, -1] = True
    ends = settled.argmax(1)
    there, full = (right[range(len(right)), at].astype(float) for at in (ends, -1))
    model = fit(features, outcomes)
    fitted = np.concatenate([model.intercept_, model.coef_[0]])
    constant, share, same_size, per_step = (round(float(x), 3) for x in fitted)
    return Stopping(
        logistic=Logistic(constant, share, same_size, thousand_steps=per_step),
        steps=float(steps[ends].mean()),
        full=int(steps[-1]),
        solved=float(there.mean()),
        solved_full=float(full.mean()),
        error=_error([course.task for course in courses], there - full),
        missed=int((there < full).sum()),
        kept=int((there > full).sum()),
    )


def _error(tasks: Sequence[str], values: np.ndarray) -> float:
    """Standard error of a mean whose values belong to puzzles."""
    means = [np.mean([v for v, name in zip(values, tasks, strict=True) if name == task]) for task in sorted(set(tasks))]
    return float(np.std(means, ddof=1) / np.sqrt(len(means)))


def calibration(courses: Sequence[Course], chances: np.ndarray) -> None:
    """Prints how often one of both attempts is right after the last step, by the probability of it."""
    there = np.array([course.right[-1, 1] for course in courses], float)
    print(f"\nafter the last step, {NAMES[1]}")
    table_head("probability", "runs", "mean probability", "rate", "standard error")
    for low, high in pairwise(BINS):
        chosen = np.flatnonzero((chances >= low) & (chances < high))
        if count := len(chosen):
            rate = float(there[chosen].mean())
            # Runs of one puzzle succeed together: the square of a puzzle's sum counts, not the sum of squares.
            names = np.array([courses[run].task for run in chosen.tolist()])
            sums = [(there[chosen] - rate)[names == name].sum() for name in set(names.tolist())]
            error = float(np.sqrt(np.square(sums).sum())) / count
            mean = chances[chosen].mean()
            table_row(f"{low:.0%} to {high:.0%}", count, f"{mean:.0%}", f"{rate:.0%}", f"{error:.0%}")


def judge(courses: Sequence[Course], path: Path | None) -> None:
    """Prints what the solver's own probabilities are worth after the last step; nothing is fitted."""
    rows: list[Judged] = []
    table_head("outcome", "Brier: constant", "model", "constant less model", "expected", "right")
    for column, name in enumerate(NAMES):
        stated = np.array([course.stated[column] for course in courses])
        right = np.array([course.right[-1, column] for course in courses], float)
        gain = (right.mean() - right) ** 2 - (stated - right) ** 2
        error = _error([course.task for course in courses], gain)
        brier, expected, count = float(np.mean((stated - right) ** 2)), float(stated.sum()), int(right.sum())
        rows.append(Judged(name, float(right.var()), brier, error, expected, count))
        less = f"{gain.mean():.4f} ± {error:.4f}"
        table_row(name, f"{right.var():.4f}", f"{brier:.4f}", less, f"{expected:.1f}", count)
    calibration(courses, np.array([course.stated[1] for course in courses]))
    save(path, runs=len(courses), models=[FIRST, EITHER], judged=rows)


def main() -> None:
    """Print the figures."""
    options = arguments(__doc__, folds=10, set=("training", "check"), results=RESULTS / "arc_record")
    recorded, truths = read_set(options.set, Path(options.results))
    print(f"{source_line(recorded)}\n")
    laws = {task: Laws(load_task(task)) for task in recorded}
    courses = [course_of(task, one, laws[task], truths[task]) for task, many in recorded.items() for one in many]
    if options.set == "check":
        return judge(courses, options.json)
    folds = folds_of(courses, options.folds)
    logits = [np.vectorize(softened_logit)(course.shares)[:, None] for course in courses]
    every = FIT_EVERY // DECODE_EVERY
    figures, chances = [], []
    table_head(
        "outcome", "Brier: constant", "share alone", "model", "constant", "factor of the share", "same size", "lost"
    )
    for column, name in enumerate(NAMES):
        outcomes = [course.right[:, column] for course in courses]
        truth = np.concatenate([y[every - 1 :: every] for y in outcomes]).astype(float)
        blank = [np.zeros((len(y), 1)) for y in outcomes]
        features = [course.features[:, [column, 2, 3 + column]] for course in courses]
        squares = []
        for inputs in (blank, logits, features):
            chances = cross_validated(inputs, outcomes, folds)
            squares.append((np.concatenate([p[every - 1 :: every] for p in chances]) - truth) ** 2)
        model = fit(features, outcomes)
        logistic = Logistic(*(round(float(x), 3) for x in np.concatenate([model.intercept_, model.coef_[0]])))
        names = [course.task for course in courses for _ in range(len(course.shares) // every)]
        error = _error(names, squares[1] - squares[2])
        blind, plain, best = (float(s.mean()) for s in squares)
        figures.append(Figures(name, blind, plain, best, error, logistic))
        table_row(name, *(f"{s.mean():.4f}" for s in squares), *[*vars(logistic).values()][:4])
        print(f"  share less model: {(squares[1] - squares[2]).mean():.4f} ± {error:.4f}")
    calibration(courses, np.array([p[-1] for p in chances]))
    stop = stopping(courses, folds)
    print(f"\nmore steps gain a solution: {stop.logistic}")
    print(
        f"--stop auto: {stop.steps:.0f} of {stop.full} steps, {1 - stop.steps / stop.full:.0%} saved; pass@2 "
        f"{stop.solved:.1%} for {stop.solved_full:.1%}, difference {stop.solved - stop.solved_full:+.1%} ± "
        f"{stop.error:.1%}; {stop.missed} runs missed a later solution, {stop.kept} kept one that was lost later"
    )
    save(options.json, runs=len(courses), puzzles=len(recorded), figures=figures, stopping=stop)


if __name__ == "__main__":
    main()
