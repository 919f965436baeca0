"""What a run says about its program, in words. Source: ours."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np

from novacula.distill.choose import JudgedProgram, departs
from novacula.distill.export import machine_python, program_python, python_names
from novacula.distill.export.sentence import sentence
from novacula.distill.findings import Determination, LeftOut, Outcome, Range, Road, listed
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.rows.reach import met
from novacula.distill.source import Kind, Source
from novacula.distill.verify import Certificate
from novacula.distill.verify.samples import Samples
from novacula.distill.verify.target import list_symbols, program_machine

_ROADS: dict[Road, str] = {
    "opened": "read from the hidden states of a trained recurrent network",
    "queried": "learned from the answers of a trained recurrent network, as of a black box",
    "asked": "learned from the answers of the function itself, without any network",
    "merged": "found by merging states of the rows, without any network",
    "data": "found in the data alone, without any network",
}
_TIERS = {
    "none": "not right.",
    "S0": "S0: only a network is right.",
    "departs": "a short formula, from which the network departs on few sequences.",
    "S1": "S1: a machine or a long program, right on fresh sequences.",
    "S2": "S2: a short formula, right on fresh sequences.",
    "S3": "S3: a short formula, proved for all inputs up to length 10.",
    "S4": "S4: a short formula, proved for every length.",
}
_WITHIN = "S4: a short formula, proved for all inputs up to the length that the network was trained on."
_AGAINST = {
    "task": "the definition of the benchmark task {name}",
    "data": "rows of {name} that nothing was learned from; more than these data nobody was asked",
    "function": "the function {name}{inputs}",
    "device": "the device {name}{inputs}",
    "network": "the network ({name}) within the length {length} that it was trained on",
}


def checked(source: Source, certificate: Certificate | None, ranges: Sequence[Range] = ()) -> str:
    """Returns what a program was compared with, and how far."""
    length = source.target.length if source.target else 0
    words = source.alphabet
    inputs = "" if any(words.inputs) else f", for inputs from {source.low} to {source.high}"
    against = _AGAINST["device" if source.device else source.kind].format(
        name=source.name, length=length, inputs=inputs
    )
    note = source.note
    if source.left_out is not None and not (certificate and certificate.right):
        rows = sum(len(part.x) for part in (source.learned, source.held_out, source.left_out) if part)
        note = f"The shortest description of the {rows} rows would leave out {len(source.left_out.x)} of them."
    if certificate is None:
        return f"There is no program to compare with {against}. {note}".strip()
    reached = f"These led to {listed(ranges)}." if ranges else ""
    limit = "No longer sequences were asked." if source.kind == "function" and certificate.right else ""
    parts = (f"Compared with {against}.", note, certificate.sentences, reached, words.tolerance, limit)
    text = " ".join(filter(None, parts))
    if example := certificate.counterexample:
        expected, found = (words.shown([outputs], True) for outputs in (example.expected, example.found))
        last = f"the last output must be {expected} and is {found}"
        if certificate.tier == "departs":
            last = f"the network puts out {expected} last, and the program {found}"
        text += f" After the input {words.shown(example.x)} {last}."
    return text


def ranges_met(
    judged: JudgedProgram | None, source: Source, samples: Callable[[], Sequence[Samples]]
) -> tuple[Range, ...]:
    """Returns the values that variables without bounds had in the sequences that a user's function was asked."""
    certificate = judged.certificate if judged else None
    if judged is None or source.kind != "function" or not isinstance(judged.program, Program):
        return ()
    if certificate is None or not certificate.right or certificate.conforms:
        return ()
    return met(python_names(judged.program), [drawn.x for drawn in samples()], source.low, source.high)


SILENT = (
    "Not determined: every answer was the same. A function that answers otherwise after rare inputs alone looks like "
    "this. Name fewer inputs with --low, --high or --alphabet, or give rows of data in which the output changes."
)
"""Why a constant program of a function is not called right."""
DEPARTS = (
    "The network departs from this program on few sequences. If it should not, train it further on inputs like the "
    "one that is named."
)
"""Why a run of a network that departs from its program has not reached its goal, and what to try."""
_ADVICE: dict[Kind, str] = {
    "task": "Another --seed or more --networks may find one.",
    "data": "More rows, or shorter ones, or another --seed may help.",
    "function": "A smaller --length, a narrower range from --low to --high, or another --seed may help.",
    "network": "A network of fewer inputs, or one that makes no mistake itself, is easier to open.",
}
_STEPS = {
    "asked": "a road without a network is tried; --no-shortcuts leaves these roads out",
    "train": "networks are trained",
    "opened": "a network is opened",
}


def stopped(source: Source, step: str, cut: int) -> str:
    """Returns that a run was stopped, before which step, and what to try."""
    longer = " Give it a longer --time-limit: this step takes more than it had." if cut else ""
    slow = " Or choose a narrower range from --low to --high." if cut and source.kind == "function" else ""
    return f"It was stopped before its end. `novacula runs resume` continues it: next, {_STEPS[step]}.{longer}{slow}"


def dead_end(source: Source, opened: int, best: JudgedProgram | None, found: bool) -> str:
    """Returns why a finished run has no short formula that is right, and what to try."""
    advice = _ADVICE[source.kind]
    if best:
        return (
            "A machine or a long program was found, and no formula of at most 60 syntax nodes. It can be used as "
            "it is; another --seed or more --networks may find a shorter one."
        )
    if not opened:
        return f"No network was trained that makes no mistake on the data. {advice}"
    if not found:
        return f"Of {opened} networks that were opened, none gave a program. {advice}"
    return f"None of the programs that were found is right; this is the one that is wrong most rarely. {advice}"


def outcome_of(
    best: JudgedProgram | None, shown: JudgedProgram | None, determination: Determination | None, silent: bool
) -> Outcome:
    """Returns how a run ended.

    Args:
        best: the program that the rule takes, if one is right.
        shown: the one that is shown.
        determination: with data alone, whether they determine the program.
        silent: it is a function, not all of whose inputs up to length 10 were tried, and the outputs are all the same.
    """
    if best is None or best.certificate is None:
        return "network departs" if departs(shown) else "none"
    if determination is not None:
        return "right" if determination.determined else "not determined"
    if silent:
        return "not determined"
    compared = any(check.passed and check.method != "samples" for check in best.certificate.checks)
    return "right" if best.certificate.reached or compared else "not determined"


def left_out_rows(judged: JudgedProgram | None, source: Source) -> tuple[LeftOut, ...]:
    """Returns the rows that were left out as mislabeled, and where a program that is right differs from them first.

    Without such a program nobody knows which rows are mislabeled, and none is returned.
    """
    rows = source.left_out
    if judged is None or rows is None or not len(rows.x):
        return ()
    result = []
    for place, x, y, length in zip(source.places, rows.x, rows.y, rows.lengths.tolist(), strict=True):
        found = _answers(judged.program, x[:length])
        differs = (found != y[: len(found)]).any(axis=1)
        step = int(differs.argmax()) if differs.any() else len(found)
        if step == length:
            result.append(LeftOut(str(place)))
            continue
        if lines := getattr(place, "lines", ()):
            place = f"{place.rpartition(' (')[0]}, line {lines[step]}"
        said = found[step : step + 1].ravel().tolist()
        result.append(LeftOut(str(place), step, tuple(y[step].tolist()), tuple(said)))
    return tuple(result)


def _answers(program: Program | Machine, x: np.ndarray) -> np.ndarray:
    """The outputs of a program for one row, as far as it has any: a table has none for an input that it never met."""

    def fails(length: int) -> bool:
        try:
            program.run(x[None, :length])
        except (OverflowError, ValueError):
            return True
        return False

    answered = bisect_left(range(1, len(x) + 1), True, key=fails)
    return program.run(x[None, :answered])[0]


def source_text(
    judged: JudgedProgram, source: Source, determination: Determination | None = None, ranges: Sequence[Range] = ()
) -> str:
    """Returns the Python file of a program, with its provenance and certificate.

    Args:
        judged: the program with its verdict.
        source: of the run.
        determination: with data alone, whether they determine the program.
        ranges: as `checked` says them.
    """
    import novacula

    how = f"{judged.method}, network {judged.network + 1}" if judged.network is not None else judged.method
    tier = judged.certificate.tier if judged.certificate else "none"
    verdict = _TIERS[tier] if tier else "wrong on some rows."
    if determination:
        verdict = (
            f"fits all rows, which determine it{f' {determination.where}' if determination.where else ''}."
            if determination.determined
            else "fits all rows; NOT DETERMINED by them."
        )
    if tier == "S4" and source.kind == "network":
        verdict = _WITHIN
    lines = [
        f"{source.name}, as a program.",
        "",
        *_wrapped(what_it_does(judged.program, source, determination)),
        f"Distilled by novacula {novacula.__version__}: {_ROADS[judged.road]} ({how}).",
        f"Certificate: {verdict}",
        *_wrapped(checked(source, judged.certificate, ranges)),
        *_wrapped(determination.why if determination else ""),
    ]
    text = "\n".join(lines)
    if isinstance(judged.program, Machine):
        return machine_python(judged.program, text, source.alphabet)
    return program_python(judged.program, text, source.alphabet)


def what_it_does(program: Program | Machine, source: Source, determination: Determination | None = None) -> str:
    """Returns a sentence on what a formula on integers does, and how far rows show it; empty if of no known kind."""
    alphabet = source.alphabet
    if isinstance(program, Machine) or any(alphabet.inputs) or any(alphabet.outputs):
        return ""
    said, where = sentence(program, *_ends(source)), determination.where if determination else ""
    return f"{said} Rows show this {where}." if said and where else said


def states_of(program: Program | Machine, source: Source) -> Machine | None:
    """Returns the minimal machine of a program, over inputs of any length; None where it is infinite or too large."""
    if isinstance(program, Machine):
        return program.minimal()
    symbols = list_symbols(*_ends(source), source.streams)
    return None if symbols is None else program_machine(program, symbols)


def _ends(source: Source) -> tuple[int, int]:
    """The least input and the largest, with data alone of all rows that the program fits."""
    if source.target or source.held_out is None:
        return source.low, source.high
    parts = [rows for rows in (source.learned, source.held_out) if len(rows.x)]
    return min(rows.low for rows in parts), max(rows.high for rows in parts)


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 110)
