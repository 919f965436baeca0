"""A device behind a command, which answers every line with a line, as protocols are tested.

The command is started once, without a shell. For each sequence it gets the line ``reset``, which it does not answer,
and then a line for every input, of one word or number for each stream with blanks between; it answers each at once with
a line of words or numbers. With an empty reset it is started again for every sequence instead. Answers are kept, with
those to all beginnings, in memory and in a file that anybody may have written. Source: ours.
"""

import json
import math
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from novacula.child import connect
from novacula.errors import InputError
from novacula.files import append_line, read_lines
from novacula.functions import FunctionProcess, Item, shown

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]{1,2})?", re.ASCII | re.IGNORECASE)
_TRUTHS = {"true": True, "false": False}


@dataclass
class _Known:
    """What came out at a step, and what is known of the steps after it by their inputs."""

    outputs: list[Item]
    after: "dict[tuple[Item, ...], _Known]" = field(default_factory=dict)


class SpentError(InputError):
    """A device was asked all sequences of its budget."""


class Device:
    """Calls a command as `novacula.functions.FunctionProcess` calls a function, and asks nothing twice.

    Args:
        command: the program and its arguments.
        seconds: the longest time for one sequence.
        reset: the line before every sequence; empty starts the command again.
        queries: the most sequences that it is asked.
        cache: a file of answers, which is read, and to which new ones are added; empty for none.

    Raises:
        InputError: the command does not start, or the file is of another command.
    """

    def __init__(self, command: str, seconds: float, reset: str, queries: int, cache: str = "") -> None:
        self.name, self.asked = command, 0
        self._queries, self._cache = queries, cache
        self._root = _Known([])
        self._decimal: set[int] = set()
        self._head = {"command": command, "reset": reset}
        if cache:
            self._load()
        self._process = FunctionProcess(command, seconds, serve=f"{__name__}:serve", arguments=[reset])

    def call(self, lists: Sequence[list]) -> Iterator[list[list[Item]]]:
        """Yields the outputs for each list of inputs.

        Raises:
            SpentError: the budget is spent.
            InputError: the command ends, takes too long or answers otherwise than before.
        """
        for inputs in lists:
            if (known := self._find(inputs)) is None:
                if self.asked >= self._queries:
                    kept = f" What was asked is in {self._cache}." if self._cache else ""
                    raise SpentError(self.name, f"was asked {self._queries} sequences, all of --queries.{kept}")
                self.asked += 1
                known = next(self._process.call([inputs]))
                self._add(inputs, known)
                if self._cache:
                    append_line(self._cache, {"x": inputs, "y": known})
            yield [
                [float(value) if place in self._decimal and _is_decimal(value) else value
                 for place, value in enumerate(item)]
                for item in known
            ]  # fmt: skip

    def read_decimals(self, lists: Sequence[list]) -> None:
        """Takes the outputs for numbers whose answers to some lists of inputs are all numbers, and not all integers."""
        answers = [item for outputs in self.call(lists) for item in outputs]
        for place, values in enumerate(zip(*answers, strict=False)):
            numbers = [type(value) is int or _is_decimal(value) for value in values]
            if all(numbers) and any(map(_is_decimal, values)):
                self._decimal.add(place)

    def close(self) -> None:
        """Ends the command."""
        self._process.close()

    def _load(self) -> None:
        lines = [line for _, line in read_lines(self._cache)]
        if not lines and not os.path.lexists(self._cache):
            append_line(self._cache, self._head)
            return
        if not lines or {name: lines[0].get(name) for name in self._head} != self._head:
            raise InputError(self._cache, f"is no file of answers of {shlex.quote(self.name)} with this --reset")
        for line in lines[1:]:
            x: Any = line.get("x")
            y: Any = line.get("y")
            if not _sound(x, y):
                raise InputError(self._cache, f"has a line that is no sequence with its answers: {str(line)[:60]}")
            self._add(x, [item if isinstance(item, list) else [item] for item in y])

    def _find(self, inputs: list) -> list[list[Item]] | None:
        """What is known of a sequence."""
        at, outputs = self._root, []
        for step in map(_step, inputs):
            if (at := at.after.get(step)) is None:
                return None
            outputs.append(at.outputs)
        return outputs

    def _add(self, inputs: list, outputs: list[list[Item]]) -> None:
        """Keeps the answers, also those to all beginnings."""
        if len(inputs) != len(outputs):
            raise InputError(self.name, f"gave {len(outputs)} answers for the {len(inputs)} inputs {shown(inputs)}")
        at = self._root
        for number, (step, y) in enumerate(zip(map(_step, inputs), outputs, strict=True)):
            at = at.after.setdefault(step, _Known(y))
            if at.outputs != y:
                said = f"it said {at.outputs} at step {number} of {shown(inputs)}, and at another time {y}"
                if reset := self._head["reset"]:
                    said += f". It must not answer the line {reset!r}: its answers would all come a line late"
                raise InputError(self.name, f"is not deterministic, or its reset does not reset it: {said}")


def _is_decimal(value: Item) -> bool:
    return isinstance(value, str) and _DECIMAL.fullmatch(value) is not None and math.isfinite(float(value))


def _step(item: object) -> tuple[Item, ...]:
    return tuple(item) if isinstance(item, list) else (item,)  # pyright: ignore[reportReturnType]


def _sound(x: object, y: object) -> bool:
    """Whether a line of the file has a sequence and its answers."""
    if not isinstance(x, list) or not isinstance(y, list) or len(x) != len(y):
        return False
    items = [item if isinstance(item, list) else [item] for item in (*x, *y)]
    return all(isinstance(value, int | str) for item in items for value in item)


def serve(descriptor: int, command: str, memory_mb: int, reset: str) -> None:
    """Runs a command in a process of its own, and asks it the sequences that the parent sends.

    Args:
        descriptor: the descriptor of the socket to the parent.
        command: the program and its arguments.
        memory_mb: not used; a command may take what it needs.
        reset: the line before every sequence; empty starts the command again.
    """
    connection = connect(descriptor)
    with suppress(EOFError, OSError):
        try:
            process = _start(command)
        except (OSError, ValueError) as error:
            connection.send_bytes(json.dumps(f"cannot be started: {error}").encode())
            return
        connection.send_bytes(b"[]")
        while True:
            for inputs in json.loads(connection.recv_bytes()):
                if not reset:
                    process.kill()
                    process.wait()
                    process = _start(command)
                connection.send_bytes(json.dumps(_ask(process, inputs, reset)).encode())


def _start(command: str) -> "subprocess.Popen[str]":
    words = shlex.split(command)
    if not words:
        raise ValueError("the command is empty")
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", errors="replace", bufsize=1)


def _ask(process: "subprocess.Popen[str]", inputs: list, reset: str) -> list[list[Item]] | str:
    """The outputs of every step, or what went wrong."""
    assert process.stdin and process.stdout
    outputs = []
    try:
        if reset:
            process.stdin.write(reset + "\n")
        for item in inputs:
            values = item if isinstance(item, list) else [item]
            process.stdin.write(" ".join(str(v).lower() if isinstance(v, bool) else str(v) for v in values) + "\n")
            process.stdin.flush()
            line = process.stdout.readline(10_000)
            if not line.endswith("\n"):
                return f"ended after {len(outputs)} answers, or gave a line of more than 10,000 letters"
            words = line.split()
            outputs.append([int(w) if _INTEGER.fullmatch(w) else _TRUTHS.get(w.lower(), w) for w in words])
    except OSError as error:
        return f"reads no more: {error}"
    return outputs
