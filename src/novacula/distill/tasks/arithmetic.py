"""Tasks of digit arithmetic: addition, division and sums modulo something, one digit a step."""

from novacula.distill.expression import Name
from novacula.distill.program import Program


def _addition(base: int) -> Program:
    """Addition of two numbers, the least significant digit first, with the carry as state."""
    total = Name("a") + Name("b") + Name("carry")
    return Program(("a", "b"), ("carry",), (0,), (("total", total),), (Name("total") // base,), (Name("total") % base,))


def _division(divisor: int) -> Program:
    """Long division of a binary number, the most significant digit first, with the remainder as state."""
    value = 2 * Name("remainder") + Name("x")
    return Program(
        ("x",), ("remainder",), (0,), (("value", value),), (Name("value") % divisor,), (Name("value") // divisor,)
    )


def _delayed_division(divisor: int) -> Program:
    """The same, each digit of the quotient put out one step late."""
    value = 2 * Name("remainder") + Name("x")
    update = (Name("value") % divisor, Name("value") // divisor)
    return Program(("x",), ("remainder", "digit"), (0, 0), (("value", value),), update, (Name("digit"),))


def _sum_modulo(modulus: int) -> Program:
    total = (Name("sum") + Name("x")) % modulus
    return Program(("x",), ("sum",), (0,), (("total", total),), (Name("total"),), (Name("total"),))


def _dithering(full: int) -> Program:
    """The running sum's wholes of `full`, with what is left over as state."""
    value = Name("error") + Name("x")
    return Program(("x",), ("error",), (0,), (("value", value),), (Name("value") % full,), (Name("value") // full,))


PROGRAMS: dict[str, Program] = {
    "Binary_Addition": _addition(2),
    **{f"Base_{base}_Addition": _addition(base) for base in range(3, 8)},
    **{f"Div_{divisor}": _division(divisor) for divisor in (3, 5, 7)},
    **{f"Add_Mod_{modulus}": _sum_modulo(modulus) for modulus in range(3, 9)},
    "Dithering": _dithering(15),
}

DELAYED: dict[str, Program] = {f"Div_{divisor}_delayed": _delayed_division(divisor) for divisor in (3, 5, 7)}
