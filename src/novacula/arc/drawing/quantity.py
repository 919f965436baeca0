"""Numbers of a result as people read them."""


def quantity(value: float, unit: str) -> str:
    """Returns a number with its unit."""
    digits = 0 if value >= 100 else 1 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}"
