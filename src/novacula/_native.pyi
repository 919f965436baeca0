"""Native kernels, compiled for several instruction sets; the best one that the machine runs is chosen at first use.

The environment variable ``NOVACULA_INSTRUCTION_SET`` names another one. Where no compiler was at hand when the package
was built the module is absent, and importing a name from it raises `ImportError`.
"""

from jaxtyping import Float32
from numpy import ndarray

def instruction_set() -> str:
    """Name of the instruction set in use: ``"avx512"``, ``"avx2"`` or ``"portable"``.

    Raises:
        InputError: ``NOVACULA_INSTRUCTION_SET`` names one that this machine does not run.
    """

def philox_normal(seed: int, stream: int, step: int, count: int) -> Float32[ndarray, " count"]:
    """Standard normals as a pure function of (seed, stream, step, index), the same bits on every instruction set.

    Element 4b + j is normal number j of the Philox4x32-10 block with counter words (b, stream, step, 0) and key words
    (low, high half of the seed). The block's words r0 … r3 give, by Box-Muller, the pairs (0, 1) and (2, 3):
    radius sqrt(-2 ln(((r0 >> 9) + ½) 2^-23)), angle 2π (r1 >> 9) 2^-23, cosine first.
    Sources: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; Box and Muller 1958.

    Args:
        seed: 0 … 2^64 - 1.
        stream: 0 … 2^32 - 1.
        step: 0 … 2^32 - 1.
        count: 0 … 2^34.

    Raises:
        TypeError: an argument is not an integer of its range.
        ValueError: `count` is above 2^34.
        InputError: as `instruction_set`.
    """
