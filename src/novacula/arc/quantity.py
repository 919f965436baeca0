"""Numbers of a result as people read them."""

import numpy as np

from novacula.arc.history import number_or_nan


def quantity(value: object, unit: str) -> str:
    """A number of a JSON file with its unit; empty where it is none."""
    number = number_or_nan(value)
    digits = 0 if number >= 100 else 1 if number >= 1 else 3
    return "" if np.isnan(number) else f"{number:,.{digits}f} {unit}"
