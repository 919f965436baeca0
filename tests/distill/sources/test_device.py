"""A device behind a command: it is reset and asked line by line, never twice the same, and only with consent."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from novacula.distill.config import RunConfig
from novacula.distill.run import RUN, RunInputs, run
from novacula.distill.source import load_source
from novacula.distill.sources.decimals import Decimals
from novacula.distill.sources.device import Device, _is_decimal
from novacula.errors import InputError
from novacula.functions import FUNCTIONS
from novacula.runs import resume

TURNSTILE = """
import sys
unlocked = False
for line in sys.stdin:
    word = line.strip()
    if word == "reset":
        unlocked = False
        continue
    print("turn" if word == "push" and unlocked else "stay", flush=True)
    unlocked = (unlocked or word == "coin") and word != "push"
"""
ADDER = """
import sys
for line in sys.stdin:
    a, b = map(int, line.split())
    print(a + b, a > b, flush=True)
"""
METER = """
import sys
total = 0
for line in sys.stdin:
    total = 0 if line.strip() == "reset" else total + int(line)
    if line.strip() != "reset":
        print(f"{1 + 0.25 * total:.2f}", "v1.5" if total else "1.5", total, flush=True)
"""
TALKER = TURNSTILE.replace("        continue", "        print('ready', flush=True); continue")
BAD = """
import random, sys
for line in sys.stdin:
    if line.strip() == "die": sys.exit(3)
    if line.strip() != "reset": print(random.randrange(10**9), flush=True)
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    for name, text in (("turnstile", TURNSTILE), ("adder", ADDER), ("bad", BAD), ("talker", TALKER), ("meter", METER)):
        Path(f"{name}.py").write_text(text)
    monkeypatch.delenv(FUNCTIONS, raising=False)
    yield f"{sys.executable} -I "


def test_an_answer_of_too_many_digits_is_no_number() -> None:
    assert not _is_decimal("9" * 400) and not _is_decimal("1" * 300 + "e99") and _is_decimal("2.50")


def test_answers_in_a_file_may_be_written_as_in_data(command: str, tmp_path: Path) -> None:
    lines = [{"command": command + "meter.py", "reset": "reset"}, {"x": [0, 1], "y": [5, 7]}]
    (tmp_path / "known.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    device = Device(command + "meter.py", 10, "reset", 5, str(tmp_path / "known.jsonl"))
    assert list(device.call([[0, 1], [0]])) == [[[5], [7]], [[5]]] and device.asked == 0
    device.close()


def test_a_device_answers_and_is_asked_nothing_twice(command: str) -> None:
    device = Device(command + "turnstile.py", 10, "reset", 3, "answers.jsonl")
    words = [["coin", "push", "push"], ["push", "coin"], ["coin", "push"], ["coin", "push", "push"]]
    answers = [[["stay"], ["turn"], ["stay"]], [["stay"], ["stay"]], [["stay"], ["turn"]]]
    assert list(device.call(words)) == [*answers, answers[0]] and device.asked == 2
    device.close()
    again = Device(command + "turnstile.py", 10, "reset", 0, "answers.jsonl")
    assert list(again.call(words[:3])) == answers and again.asked == 0
    with pytest.raises(InputError, match=r"asked 0 sequences, all of queries\. What was asked is in answers\.jsonl"):
        list(again.call([["push", "push"]]))
    again.close()
    with pytest.raises(InputError, match="is no file of answers"):
        Device(command + "adder.py", 10, "reset", 3, "answers.jsonl")
    Path("notes.txt").write_text("mine\n")
    with pytest.raises(InputError, match="is no file of answers"):
        Device(command + "turnstile.py", 10, "reset", 3, "notes.txt")
    assert Path("notes.txt").read_text() == "mine\n"


def test_streams_truth_values_and_a_device_that_starts_again(command: str) -> None:
    device = Device(command + "adder.py", 10, "", 5)
    assert list(device.call([[[1, 2], [5, 3]], [[2, 1]]])) == [[[3, False], [8, True]], [[3, True]]]
    device.close()


def test_answers_that_are_all_numbers_are_read_as_decimals(command: str) -> None:
    """The second output is a text, though one of its answers has the form of a number."""
    device = Device(command + "meter.py", 10, "reset", 5)
    device.read_decimals([[1, 2], [0, 4]])
    answers = [[1.25, "v1.5", 1], [1.75, "v1.5", 3]], [[1.0, "1.5", 0], [2.0, "v1.5", 4]]
    assert list(device.call([[1, 2], [0, 4]])) == [*answers] and device.asked == 2
    device.close()
    config = RunConfig(command=command + "meter.py", high=1, length=4, queries=200)
    source = load_source(config.command, config)
    grid, words, total = source.sequences.alphabet.outputs
    assert (
        isinstance(grid, Decimals) and (grid.factor, grid.divisor, total) == (1, 4, None) and words == ("1.5", "v1.5")
    )
    assert [grid.value(code) for code in source.sequences.y[0, :, 0].tolist()] == [
        1 + 0.25 * total for total in source.sequences.y[0, :, 2]
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([[1, 2], [1, 3]], "is not deterministic, or its reset does not reset it: it said"),
        ([["die", 1]], "ended after 0 answers"),
    ],
)
def test_a_bad_device_is_named_with_what_it_did(command: str, words: list, said: str) -> None:
    device = Device(command + "bad.py", 10, "reset", 9)
    with pytest.raises(InputError, match=said):
        list(device.call(words))
    device.close()
    with pytest.raises(InputError, match="cannot be started"):
        Device("./nothing-of-this-name", 10, "reset", 9)


def test_an_answer_to_reset_is_named_as_a_cause(command: str) -> None:
    device = Device(command + "talker.py", 10, "reset", 9)
    said = "is not deterministic, or its reset does not reset it: .* must not answer the line 'reset'"
    with pytest.raises(InputError, match=said):
        list(device.call([["coin", "push"], ["push", "push"], ["coin", "coin"]]))
    device.close()


def test_a_device_is_learned_within_its_budget_and_resumed_with_consent(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RunConfig(command=command + "turnstile.py", alphabet=("coin", "push"), cache="answers.jsonl", queries=2000)
    result = run(None, config, out="run")
    assert result.reached and result.program and result.findings.states == 2
    assert (
        "2,000" in result.findings.checked and f"Compared with the device {config.command}" in result.findings.checked
    )
    lines = [json.loads(line) for line in Path("answers.jsonl").read_text().splitlines()]
    assert lines[0]["command"] == config.command and 50 < len(lines) <= 2001
    script = result.program + "\nprint(run(['coin', 'push', 'push']))"
    space: dict = {}
    exec(script.rsplit("\n", 1)[0], space)  # noqa: S102
    assert space["run"](["coin", "push", "push"]) == ["stay", "turn", "stay"]
    RUN.create(config, RunInputs(config.command), out="cut")
    monkeypatch.delenv(FUNCTIONS)
    with pytest.raises(InputError, match="which the run would call; if it is yours, set"):
        resume("cut")
    monkeypatch.setenv(FUNCTIONS, f"command:{config.command},cache:answers.jsonl")
    assert resume("cut").findings.program == result.program.replace("'run'", "'cut'")
