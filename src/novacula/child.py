"""A Python process of our own: how it is begun, reached through a socket, and ended with all that it started.

The process is a fresh interpreter in a session of its own. Ctrl-C at the terminal does not reach it, and ending it ends
the programs that it runs. It finds its modules where its parent does, and nowhere else. Source: ours.
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
        serve: ``package.module:function``, our own, which is called in the process with the descriptor of its socket.
        arguments: further arguments of that function, as JSON.
        path: where modules are found.
        output: what the process prints goes there.
        environment: variables beside those of this process.

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
        """Returns whether the process has ended by itself; it is not reaped, so that its number stays its own."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> None:
        """Ends the process, and the programs that it runs, at once."""
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only a dead process is left
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()

    def cause_of_death(self) -> str:
        """Waits for the end of the process, and returns its exit code or the signal that killed it."""
        code = self.process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def connect(descriptor: int) -> Connection:
    """Returns the child's end of the socket; when the parent closes its end, the child's whole process group is killed.

    Args:
        descriptor: of the socket.
    """
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_end_with_parent, args=(descriptor,), daemon=True).start()
    return Connection(descriptor)


def _end_with_parent(descriptor: int) -> None:
    """End this process, in the midst of whatever it computes, and the programs that it runs."""
    poll = select.poll()
    poll.register(descriptor, 0)  # only that the other end was closed is reported
    poll.poll()
    os.killpg(0, signal.SIGKILL)
