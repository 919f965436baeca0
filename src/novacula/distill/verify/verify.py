"""Judges a program: samples first, then all short inputs, then a proof.

Source: arXiv 2402.05110 runs a program on some of its data; the tiers, the greater lengths and the proofs are ours.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import Behavior, RecurrentNetwork, run_rows
from novacula.distill.sources.device import SpentError
from novacula.distill.sources.sequences import Sequences, counted, fresh_steps
from novacula.distill.verify.affine import NotAffineError, affine_equal
from novacula.distill.verify.certificate import Certificate, Check, Counterexample, Tier
from novacula.distill.verify.exhaustive import LENGTH, MOST_TRANSITIONS, ProductSearch, search_product, try_all
from novacula.distill.verify.samples import Samples, compare, draw_samples, earliest, shorten
from novacula.distill.verify.target import Target, stepper
from novacula.distill.verify.tube import prove_network

NODE_LIMIT = 60  #: most syntax nodes of what counts as a short formula
_BOUNDED_BUDGET = 6_000_000
_QUICK = 300_000
_FEW_WORDS = 2_000_000
_RARE = 0.01  #: the share of sequences on which a network that departs from a program may differ


def verify(
    program: Program | Machine,
    target: Target,
    *,
    samples: Sequence[Samples] | None = None,
    conformance: Check | None = None,
) -> Certificate:
    """Compares a program with a target, as far as that can be known.

    Args:
        program: a program, or a complete machine.
        target: what it should equal.
        samples: sequences with the target's answers, if they were drawn before for another program.
        conformance: that the target passed the W-method by a machine which the program equals. Then longer words are
            tried only where all words up to length 10 are.

    Returns:
        The tier and what it rests on.
    """
    checks: list[Check] = []
    for drawn in draw_samples(target, 0) if samples is None else samples:
        check, example = compare(program, drawn)
        checks.append(check)
        if not check.passed and drawn.trusted:
            return _wrong(program, target, checks, example)
    proof, example = prove(program, target) if conformance is None or _has_few_words(target) else ([], None)
    checks += proof
    if example:
        return Certificate("none", False, tuple(checks), example)
    checks += [conformance] if conformance else []
    return Certificate(_tier(program, target, proof), True, tuple(checks))


def prove(program: Program | Machine, target: Target) -> tuple[list[Check], Counterexample | None]:
    """Tries to show that a program equals its target on all inputs of some length, or best of every length.

    Returns:
        What was tried, and the shortest counterexample that was met.
    """
    if target.reference is None:
        return _prove_against_oracle(program, target)
    if isinstance(program, Program):
        try:
            equal = affine_equal(target.reference, program)
            size = len(target.reference.state) + len(program.state) + 1
            if equal:
                detail = f"Proved for every length: two affine recurrences that agree on {size} impulse responses."
                return [Check("affine recurrences", None, size, True, detail)], None
        except NotAffineError:
            pass
    checks, example = _explored(program, target, _QUICK)
    if example or _covers(checks, None):
        return checks, example
    solved = _induct(program, target.reference, target) if isinstance(program, Program) else []
    if not _covers(solved, None) and not _covers(checks, LENGTH):
        checks, example = _explored(program, target, MOST_TRANSITIONS)
    checks += solved
    if isinstance(program, Program) and not example and not _covers(checks, None) and not _covers(checks, LENGTH):
        checks += _bound(program, target.reference, target)
    return checks, example


def _prove_against_oracle(program: Program | Machine, target: Target) -> tuple[list[Check], Counterexample | None]:
    """Compare with something that can only be run: a network by bounds, anything else on all short inputs."""
    symbols = target.symbols
    if symbols is not None and isinstance(target.behavior, RecurrentNetwork):
        found = search_product(stepper(target.behavior), stepper(program), symbols, most_transitions=_QUICK)
        if found.closed:
            detail = (
                f"Proved for every length: {found.states:,} joint states of the network, as float64 computes it, and "
                "of the program."
            )
            return [Check("product automaton", None, found.states, True, detail)], None
        if (example := found.counterexample) and len(example.x) <= (target.horizon or len(example.x)):
            return [_refuted(found)], example
    few = _has_few_words(target)
    if not few and (check := prove_network(program, target)):
        return [check], None
    outcome = None
    with suppress(SpentError):
        outcome = try_all(program, target if few else replace(target, words=min(_FEW_WORDS, target.words)))
    return ([outcome[0]], outcome[1]) if outcome else ([], None)


def _has_few_words(target: Target) -> bool:
    """Whether a target can be run on all inputs up to length 10, or up to its horizon."""
    symbols = target.symbols
    return symbols is not None and len(symbols) ** (target.horizon or LENGTH) <= min(_FEW_WORDS, target.words)


def _explored(
    program: Program | Machine, target: Target, most_transitions: int
) -> tuple[list[Check], Counterexample | None]:
    """What a search through the product with the reference shows."""
    if target.reference is None or (symbols := target.symbols) is None:
        return [], None
    found = search_product(stepper(target.reference), stepper(program), symbols, most_transitions=most_transitions)
    if found.counterexample:
        return [_refuted(found)], found.counterexample
    if not found.length and not found.closed:
        return [], None
    where = "for every length" if found.closed else f"for all inputs up to length {found.length}"
    detail = f"Proved {where}: {found.states:,} joint states of the product automaton."
    return [Check("product automaton", None if found.closed else found.length, found.states, True, detail)], None


def _refuted(found: ProductSearch) -> Check:
    detail = f"Wrong on an input of length {found.length + 1}, the shortest there is."
    return Check("product automaton", found.length + 1, found.states, False, detail)


def _induct(program: Program, reference: Program, target: Target) -> list[Check]:
    """What the solver shows by induction."""
    if find_spec("z3") is None:
        detail = "Not proved for every length: the solver is not installed; `pip install -e '.[distill]'` brings it."
        return [Check("induction", None, 0, False, detail)]
    from novacula.distill.verify.induction import prove_by_induction

    exclusive = reference.computes("^") or program.computes("^")  # which the solver's integers do not have
    invariant = None if exclusive else prove_by_induction(reference, program, target.low, target.high)
    if invariant is None:
        return [Check("induction", None, 0, False, "Not proved for every length: no invariant was found.")]
    detail = f"Proved for every length: induction by z3, with an invariant of {len(invariant)} relations."
    return [Check("induction", None, len(invariant), True, detail)]


def _bound(program: Program, reference: Program, target: Target) -> list[Check]:
    """What the solver shows of all inputs up to length 10."""
    if find_spec("z3") is None or reference.computes("^") or program.computes("^"):
        return []
    from novacula.distill.verify.induction import prove_bounded

    if not prove_bounded(reference, program, target.low, target.high, LENGTH, _BOUNDED_BUDGET):
        return []
    detail = f"Proved for all inputs up to length {LENGTH}: bounded model checking by z3."
    return [Check("bounded model checking", LENGTH, 1, True, detail)]


def _covers(checks: Sequence[Check], length: int | None) -> bool:
    """Whether something passed that covers all inputs of a length; None is every length."""
    proofs = [check for check in checks if check.passed]
    return any(check.length is None or (length is not None and check.length >= length) for check in proofs)


def _tier(program: Program | Machine, target: Target, proof: Sequence[Check]) -> Tier:
    if not isinstance(program, Program) or program.nodes > NODE_LIMIT:
        return "S1"
    if _covers(proof, target.horizon):
        return "S4"
    return "S3" if _covers(proof, LENGTH) else "S2"


def _wrong(
    program: Program | Machine, target: Target, checks: list[Check], example: Counterexample | None
) -> Certificate:
    """A program that is wrong, with a shorter counterexample where one is found quickly."""
    if example is None:
        return Certificate("none", False, tuple(checks))
    with suppress(SpentError, OverflowError):
        example = shorten(program, target.behavior, example)
    if target.reference is not None and (symbols := target.symbols) is not None and len(example.x) > 1:
        found = search_product(stepper(target.reference), stepper(program), symbols, most_transitions=_QUICK)
        example = found.counterexample or example
    return Certificate("none", False, tuple(checks), example)


def verify_data(program: Behavior, held_out: Sequences, learned: Sequences | None = None) -> Certificate:
    """Compares a program with data alone. Held-out rows with no step that is new are not counted as evidence.

    Args:
        program: what is judged.
        held_out: rows that nothing was learned from.
        learned: the others, which it must fit too; by default there are none.
    """
    new = np.any(fresh_steps(held_out, learned), axis=1)
    old = len(held_out.x) - int(new.sum())
    check, example = _compared(
        program, held_out.rows(np.flatnonzero(new)), "held-out", " that go beyond every learned row"
    )
    if old:
        check = replace(check, detail=f"{check.detail} {old:,} others do not, and do not count.")
    checks = [check]
    if learned is not None:
        before, earlier = _compared(program, learned, "learned", "")
        checks, example = [before, check], earlier or example
    return Certificate(None, all(check.passed for check in checks), tuple(checks), example)


def fits(program: Behavior, rows: Sequences) -> bool:
    """Returns whether a program reproduces all rows."""
    return _compared(program, rows, "", "")[0].passed


def _compared(program: Behavior, rows: Sequences, kind: str, which: str) -> tuple[Check, Counterexample | None]:
    """How many rows a program reproduces, and the earliest difference."""
    count, length = rows.x.shape[:2]
    try:
        found = run_rows(program, rows)
    except (OverflowError, ValueError):
        detail = f"Has no answer for some of {count:,} {kind} rows: too large a number, or an input that it never met."
        return Check(f"{kind} rows", length, count, False, detail, count), None
    differs = (found != rows.y).any(axis=2) & rows.inside
    right = int((~differs.any(axis=1)).sum())
    detail = f"Right on {right:,} of {count:,} {kind} rows of up to {counted(length, 'step')}{which}."
    check = Check(f"{kind} rows", length, count, right == count, detail, count - right)
    return check, None if right == count else earliest(rows.x, rows.y, found, differs)


def departure(program: Program, samples: Sequence[Samples], known: Certificate) -> Certificate | None:
    """Returns what is known of a short program from which a network departs; None where it does so often.

    Args:
        program: it is wrong.
        samples: sequences with the network's answers; it is compared on all of them.
        known: its verdict, which may rest on inputs that no sample has.
    """
    checks: list[Check] = []
    examples = [known.counterexample] if known.counterexample else []
    for drawn in samples:
        if drawn.trusted:
            try:
                found = program.run(drawn.x)
            except OverflowError:
                return None
            differs = (found != drawn.y).any(axis=2)
            count, wrong = len(drawn.x), int(differs.any(axis=1).sum())
            detail = f"The network departs from it on {wrong:,} of {count:,} {drawn.kind} of length {drawn.x.shape[1]}."
            checks.append(Check("samples", drawn.x.shape[1], count, not wrong, detail, wrong))
            if wrong:
                examples.append(earliest(drawn.x, drawn.y, found, differs))
    if program.nodes > NODE_LIMIT or any(check.wrong > _RARE * check.count for check in checks):
        return None
    checks += [check for check in known.checks if check.method != "samples"]
    return Certificate("departs", False, tuple(checks), min(examples, key=lambda one: len(one.x), default=None))
