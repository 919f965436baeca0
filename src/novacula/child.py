"""A child process: its start, its socket, and its end together with all programs that it runs.

The process is a fresh Python interpreter in a session of its own. Ctrl-C at the terminal does not reach it. It imports
modules from the same places as its parent, and not from its working folder. Source: ours.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import IO

_PROGRAM = """\
import importlib, json, sys
path, module, name, descriptor, arguments = json.loads(sys.argv[1])
sys.path[:] = path
getattr(importlib.import_module(module), name)(descriptor, *arguments)
"""


class Child:
    """A process that serves requests.

    Args:
        serve: ``package.module:function`` of novacula, which the process calls with the descriptor of its socket.
        arguments: the further arguments of that function, as JSON.
        path: the folders of modules; by default those of this process.
        output: the file for the output of the process.
        environment: environment variables beside those of this process.

    Attributes:
        process: the process.
        connection: its socket.
    """

    def __init__(
        self,
        serve: str,
        arguments: Sequence[object],
        *,
        path: Sequence[str] | None = None,
        output: IO[bytes] | int = subprocess.DEVNULL,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        module, _, name = serve.partition(":")
        ours, theirs = socket.socketpair()
        with theirs:
            words = [sys.path if path is None else path, module, name, theirs.fileno(), arguments]
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, json.dumps(words)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self.connection = Connection(ours.detach())

    def has_died(self) -> bool:
        """Returns whether the process has ended by itself. It does not reap the process, whose number stays in use."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> None:
        """Ends the process and the programs that it runs at once."""
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses if only a dead process is left
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()

    def cause_of_death(self) -> str:
        """Waits for the end of the process, and returns its exit code or the signal that killed it."""
        code = self.process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def connect(descriptor: int) -> Connection:
    """Returns the child's end of the socket. If the parent closes its end, the child's whole process group dies."""
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_end_with_parent, args=(descriptor,), daemon=True).start()
    return Connection(descriptor)


def _end_with_parent(descriptor: int) -> None:
    """Waits for the end of the parent, and then kills this process and the programs that it runs."""
    poll = select.poll()
    poll.register(descriptor, 0)  # without a mask, poll reports only that the other end has closed
    poll.poll()
    os.killpg(0, signal.SIGKILL)
