"""A worker process: answers one request after the other, and ends when the process that began it has gone."""

import os
import select
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection

from novacula.jobs.work import answer_request, load_work

READY = b"ready"
"""What a worker says first, once all that its work imports has been loaded."""


def serve(descriptor: int, work: str, packages: tuple[str, ...]) -> None:
    """Answer the requests that come through a connection, until its other end is closed.

    That kills the whole process group, so this process must lead one of its own.

    Args:
        descriptor: of the socket.
        work: the work's name.
        packages: as for `novacula.jobs.work.load_work`.
    """
    os.set_inheritable(descriptor, False)
    connection = Connection(descriptor)
    threading.Thread(target=_end_with_parent, args=(descriptor,), daemon=True).start()
    with suppress(Exception):  # each answer will tell why it cannot be loaded
        load_work(work, packages)
    with suppress(EOFError, OSError):
        connection.send_bytes(READY)
        while True:
            connection.send_bytes(answer_request(work, packages, connection.recv_bytes()))


def _end_with_parent(descriptor: int) -> None:
    """End this process, in the midst of whatever it computes, and the programs that it runs."""
    poll = select.poll()
    poll.register(descriptor, 0)  # only that the other end was closed is reported
    poll.poll()
    os.killpg(0, signal.SIGKILL)
