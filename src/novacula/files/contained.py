"""Names that come from a file or a user, kept inside the folder they belong to."""

import os
from pathlib import Path

from novacula.errors import InputError

_MAX_NAME = 255


def contained(folder: str | os.PathLike[str], name: str) -> Path:
    """The resolved path of `name` in `folder`, which it cannot leave: neither by ``..`` nor by a symbolic link.

    Args:
        folder: a folder, which need not exist yet.
        name: a relative path, with ``/`` between its parts.

    Raises:
        InputError: the name is empty, absolute, or leads out of the folder.
    """
    root = Path(folder).resolve()
    try:
        path = (root / name).resolve()
        usable = all(len(os.fsencode(part)) <= _MAX_NAME for part in path.parts)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL character, half a surrogate pair
        raise InputError(repr(name), f"is not a usable file name: {error}") from error
    if not usable:
        raise InputError(repr(name[:40] + "…"), f"is not a usable file name: a part has more than {_MAX_NAME} bytes")
    if path == root or not path.is_relative_to(root):
        raise InputError(repr(name), f"must name something inside {os.fspath(folder)}")
    return path
