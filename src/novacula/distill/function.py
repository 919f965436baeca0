"""Somebody's function, called in a process of its own, which neither hangs nor fills this one. Source: ours."""

import json
import os
import signal
import socket
import subprocess
import sys
import weakref
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from jaxtyping import Int

from novacula.errors import InputError

MEMORY_MB = 4000
"""Address space of the process, in 10^6 bytes."""
LOADING_SECONDS = 60.0
"""Longest time that the function's module may take to load."""
_CHECKED = 12
_BATCH = 500
_LARGEST = 2**62
_PROGRAM = """\
import json, sys
path, descriptor, module, name, memory = json.loads(sys.argv[1])
sys.path[:] = path
from novacula.distill.called import serve
serve(descriptor, module, name, memory)
"""


class Function:
    """A causal function from a list of inputs to the list of its outputs (`novacula.distill.behavior.Behavior`).

    An input is an integer, or with several streams a list of integers; so is an output.

    Args:
        name: ``module:name``; modules are also looked for in the working folder.
        seconds: longest time that it may take for one sequence.
        memory_mb: address space of its process, in 10^6 bytes.

    Raises:
        InputError: the function cannot be loaded.
    """

    def __init__(self, name: str, seconds: float = 10.0, memory_mb: int = MEMORY_MB) -> None:
        self.name, self._seconds = name, seconds
        module, _, attribute = name.partition(":")
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = json.dumps([[os.getcwd(), *sys.path], theirs.fileno(), module, attribute, memory_mb])
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._process, self._connection = process, Connection(ours.detach())
        self._close = weakref.finalize(self, _end, process, self._connection)
        self._receive(LOADING_SECONDS, "", "did not load")

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """The outputs for many input sequences of one length.

        The first sequences are also asked again, and cut short at every step, to see that the function is deterministic
        and causal.

        Raises:
            InputError: for some sequence the function raises, takes too long, ends its process, does not return one
                output for every input, as many integers at every step, of at most 2^62 in magnitude; or it gives other
                outputs when asked again or when later inputs are left out.
        """
        sequences = x.tolist() if x.shape[2] > 1 else x[:, :, 0].tolist()
        answers = self._ask(sequences)
        width = len(answers[0][0]) if answers and answers[0] else 1
        for sequence, outputs in zip(sequences, answers, strict=True):
            self._check_shape(sequence, outputs, width)
        self._check_repeatable(sequences[:_CHECKED], answers)
        return np.array(answers, np.int64).reshape(*x.shape[:2], width)

    def close(self) -> None:
        """End the process."""
        self._close()

    def _ask(self, sequences: list[list]) -> list[list[list[int]]]:
        """The outputs for each sequence."""
        answers = []
        for begin in range(0, len(sequences), _BATCH):
            batch = sequences[begin : begin + _BATCH]
            with suppress(OSError):  # a dead process is told of where its answer is missed
                self._connection.send_bytes(json.dumps(batch).encode())
            for sequence in batch:
                answer = self._receive(self._seconds, f" for {_shown(sequence)}", "did not return")
                answers.append(answer["outputs"])
        return answers

    def _receive(self, seconds: float, where: str, late: str) -> dict[str, Any]:
        """The next message of the process."""
        try:
            if not self._connection.poll(seconds):
                self.close()
                raise InputError(self.name, f"{late} within {seconds:g} s{where}")
            message = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            code = self._process.wait()
            how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
            raise InputError(self.name, f"ended its process ({how}){where}") from error
        if problem := message.get("problem"):
            self.close()
            raise InputError(self.name, problem + where)
        return message

    def _check_shape(self, sequence: list, outputs: list[list[int]], width: int) -> None:
        if len(outputs) != len(sequence):
            problem = f"returned {len(outputs)} outputs for the {len(sequence)} inputs {_shown(sequence)}"
            raise InputError(self.name, f"{problem}; one for every input is needed")
        for step, item in enumerate(outputs):
            where = f"at step {step} for {_shown(sequence)}"
            if len(item) != width or not width:
                raise InputError(self.name, f"returned {len(item)} integers {where}, {width} elsewhere; at least 1")
            if max(map(abs, item)) > _LARGEST:
                raise InputError(self.name, f"returned {max(item, key=abs)} {where}; at most 2^62 in magnitude")

    def _check_repeatable(self, sequences: list[list], answers: list[list[list[int]]]) -> None:
        for sequence, outputs, again in zip(sequences, answers, self._ask(sequences), strict=False):
            if outputs != again:
                raise InputError(self.name, f"is not deterministic: asked twice for {_shown(sequence)}")
        for sequence, outputs in zip(sequences, answers, strict=False):
            beginnings = [sequence[:length] for length in range(1, len(sequence))]
            for beginning, shorter in zip(beginnings, self._ask(beginnings), strict=True):
                if shorter != outputs[: len(beginning)]:
                    problem = f"is not causal: for {_shown(beginning)} its outputs are not the first ones for "
                    raise InputError(self.name, problem + _shown(sequence))


def _shown(sequence: list) -> str:
    text = str(sequence)
    return text if len(text) <= 80 else text[:79] + "…"


def _end(process: subprocess.Popen[bytes], connection: Connection) -> None:
    """End a process and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    connection.close()
