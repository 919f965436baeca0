"""Torch devices that a user names."""

import torch

from novacula.errors import InputError


def check_device(name: str) -> None:
    """Makes sure that torch has a device.

    Raises:
        InputError: it does not.
    """
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise InputError("--device", f"{name} is not a device of this torch: {str(error).splitlines()[0]}") from error
