"""The open suite, second part: checksums, codes, calendars, controllers, recurrences, two streams, filters.

Written before any of them was distilled.
"""

import math

from novacula.distill.tasks.open_task import OpenTask, both

_KOOPMAN = "Koopman and Chakravarty, Cyclic Redundancy Code Polynomial Selection, 2004"
_GOLOMB = "Golomb, Shift Register Sequences, 1967"
_PROAKIS = "Proakis and Salehi, Digital Communications: line codes"
_ASTROM = "Astrom and Hagglund, PID Controllers"
_OPPENHEIM = "Oppenheim and Schafer, Discrete-Time Signal Processing"
_HARRIS = "Harris and Harris, Digital Design and Computer Architecture"
_CALENDAR = "Dershowitz and Reingold, Calendrical Calculations"
_KNUTH = "Knuth, The Art of Computer Programming, volume 2"


def _crc(bits: int, polynomial: int) -> OpenTask:
    """A checksum bit by bit, the register as output."""
    mask = (1 << bits) - 1
    return OpenTask(
        f"{_KOOPMAN}: {bits} bits, polynomial {polynomial:#x}",
        0,
        lambda s, x: both((s << 1 & mask) ^ (polynomial if (s >> bits - 1) ^ x else 0)),
    )


def _weighted(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """Luhn's sum of decimal digits, every second one doubled, modulo 10."""
    total, second = s
    doubled = x if not second else 2 * x - 9 * (x > 4)
    return ((total + doubled) % 10, 1 - second), (total + doubled) % 10


CHECKSUMS = {
    "crc_3": _crc(3, 0b011),
    "crc_5_usb": _crc(5, 0b00101),
    "lfsr_3": OpenTask(
        f"{_GOLOMB}: x^3 + x + 1, a step where x is 1",
        1,
        lambda s, x: both((s >> 1 | ((s ^ s >> 1) & 1) << 2) if x else s),
    ),
    "lfsr_4": OpenTask(
        f"{_GOLOMB}: x^4 + x + 1, its last bit",
        1,
        lambda s, x: (t := (s << 1 & 15) | ((s >> 3 ^ s >> 2 ^ x) & 1), t & 1),
    ),
    "scrambler": OpenTask(
        f"{_PROAKIS}: self-synchronizing, x^3 + x^2 + 1", (0, 0, 0), lambda s, x: (((t := x ^ s[1] ^ s[2]), *s[:2]), t)
    ),
    "descrambler": OpenTask(
        f"{_PROAKIS}: self-synchronizing, x^3 + x^2 + 1", (0, 0, 0), lambda s, x: ((x, *s[:2]), x ^ s[1] ^ s[2])
    ),
    "luhn": OpenTask("Luhn, US patent 2,950,048, 1960", (0, 0), _weighted, high=9),
    "fletcher_3": OpenTask(
        "Fletcher, An arithmetic checksum, 1982, modulo 3",
        (0, 0),
        lambda s, x: ((a := (s[0] + x) % 3, b := (s[1] + a) % 3), 3 * b + a),
        high=2,
    ),
}


def _run_length(s: tuple[int, int], x: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The value and length of a run when it ends, else 0 0; runs of more than seven are cut."""
    value, count = s
    return ((value, count + 1), (0, 0)) if x == value and count < 7 else ((x, 1), (value, count))


def _manchester_decoder(s: int, x: int) -> tuple[int, int]:
    """Half bits: -1 within a bit, else the bit, or 2 for a violation. The state is the first half, 2 before it."""
    return (x, -1) if s == 2 else (2, 2 if s == x else x)


def _uart(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """A start bit 0, three data bits, least first, a stop bit 1. The data come after the stop bit, -2 for an error."""
    place, data = s
    if place == 0:
        return (1 - x, 0), -1
    if place < 4:
        return (place + 1, data | x << place - 1), -1
    return (0, 0), data if x else -2


def _debounce(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """The output changes after three inputs in a row that differ from it."""
    y, count = s
    count = count + 1 if x != y else 0
    return ((1 - y, 0), 1 - y) if count == 3 else ((y, count), y)


def _stuffing(s: int, x: int) -> tuple[int, str]:
    """Bits of HDLC: what a zero or one after a number of ones means."""
    if x:
        return min(s + 1, 7), "one" if s < 5 else "-" if s == 5 else "abort"
    return 0, "zero" if s < 5 else "stuffed" if s == 5 else "flag" if s == 6 else "abort"


def _excess_3(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """Adds 3 to a number of four bits, least first, then to the next one: place, carry."""
    place, carry = s
    total = x + carry + (place < 2)
    return ((place + 1) % 4, total // 2 if place < 3 else 0), total % 2


def _hamming(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """The syndrome of words of seven bits, after their last bit, else -1."""
    place, syndrome = s
    syndrome ^= (place + 1) * x
    return ((0, 0), syndrome) if place == 6 else ((place + 1, syndrome), -1)


CODES = {
    "gray_encoder": OpenTask("Gray, US patent 2,632,058, 1953, the first bit first", 0, lambda s, x: (x, s ^ x)),
    "gray_counter": OpenTask(
        "Gray, US patent 2,632,058, 1953: a counter of three bits", 0, lambda s, x: (t := (s + x) % 8, t ^ t >> 1)
    ),
    "run_length": OpenTask("Golomb, Run-length encodings, 1966", (0, 0), _run_length),
    "differential_manchester": OpenTask(
        f"{_PROAKIS}: differential Manchester", 0, lambda s, x: (t := s ^ x, (1 - t, t))
    ),
    "manchester_decoder": OpenTask(f"{_PROAKIS}: Manchester, half bit by half bit", 2, _manchester_decoder),
    "uart": OpenTask(f"{_HARRIS}: an asynchronous receiver of three data bits", (0, 0), _uart),
    "debounce": OpenTask("Ganssle, A guide to debouncing: three equal samples", (0, 0), _debounce),
    "bipolar": OpenTask(
        f"{_PROAKIS}: alternate mark inversion: ones are +1 and -1 by turns", 1, lambda s, x: (-s, s) if x else (s, 0)
    ),
    "mlt_3": OpenTask(
        "ANSI X3.263: MLT-3: a one moves on in the cycle", 0, lambda s, x: (t := (s + x) % 4, (0, 1, 0, -1)[t])
    ),
    "bit_stuffing": OpenTask("ISO 13239: HDLC, flags and stuffed bits", 0, _stuffing),
    "excess_3": OpenTask(f"{_HARRIS}: excess-3, bit by bit", (0, 0), _excess_3),
    "hamming_syndrome": OpenTask("Hamming, Error detecting and error correcting codes, 1950: (7, 4)", (0, 0), _hamming),
}


def _clock(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """Quarters of an hour on a clock of twelve hours; the hour as it is shown."""
    hour, quarter = s
    hour, quarter = (hour + (quarter + x) // 4) % 12, (quarter + x) % 4
    return (hour, quarter), hour or 12


CALENDARS = {
    "working_day": OpenTask(
        f"{_CALENDAR}: whether the day is one from Monday to Friday",
        0,
        lambda s, x: (t := (s + x) % 7, int(t < 5)),
        high=3,
    ),
    "month_length": OpenTask(
        f"{_CALENDAR}: the days of the month, in a common year",
        0,
        lambda s, x: (t := (s + x) % 12, 28 if t == 1 else 30 + (t % 7 % 2 == 0)),
    ),
    "clock": OpenTask("A clock of twelve hours that is set by quarters", (0, 0), _clock, high=3),
    "stopwatch": OpenTask(
        "A stopwatch: start or stop, reset, tick",
        (0, 0),
        lambda s, x: (t := (s[0] ^ (x == 0), 0 if x == 1 else min(9, s[1] + (x == 2) * s[0])), t[1]),
        high=2,
    ),
    "day_of_month": OpenTask(
        f"{_CALENDAR}: days of the Egyptian month of 30 days", 0, lambda s, x: (t := (s + x) % 30, t + 1), high=7
    ),
}


def _cruise(s: tuple[int, int], x: str) -> tuple[tuple[int, int], int]:
    """A cruise control: the speed that is set and whether it is on."""
    speed, on = s
    on = {"set": 1, "brake": 0}.get(x, on)
    speed = min(5, max(0, speed + on * ((x == "faster") - (x == "slower"))))
    return (speed, on), speed * on


CONTROLLERS = {
    "two_bit_predictor": OpenTask(
        "Smith, A study of branch prediction strategies, 1981",
        0,
        lambda s, x: (t := min(3, s + 1) if x else max(0, s - 1), int(t > 1)),
    ),
    "thermostat": OpenTask(
        f"{_ASTROM}: on below 3 and off above 6", 0, lambda s, x: both(1 if x < 3 else 0 if x > 6 else s), high=9
    ),
    "clamped_integrator": OpenTask(
        f"{_ASTROM}: an integrator without windup", 0, lambda s, x: both(min(8, max(-8, s + x))), low=-3, high=3
    ),
    "up_down_counter": OpenTask(
        f"{_HARRIS}: counts up, holds, counts down, 0 to 7", 0, lambda s, x: both(min(7, max(0, s + 1 - x))), high=2
    ),
    "dead_band": OpenTask(
        f"{_ASTROM}: follows an input that is more than 2 away",
        0,
        lambda s, x: both(x if abs(x - s) > 2 else s),
        high=9,
    ),
    "rate_limiter": OpenTask(
        f"{_ASTROM}: follows the input by at most 2", 0, lambda s, x: both(s + min(2, max(-2, x - s))), high=9
    ),
    "sigma_delta": OpenTask(
        "Inose, Yasuda and Murakami, delta-sigma modulation, 1962", 0, lambda s, x: ((s + x) % 8, (s + x) // 8), high=8
    ),
    "peak_decay": OpenTask(f"{_OPPENHEIM}: a peak that decays by one", 0, lambda s, x: both(max(x, s - 1)), high=9),
    "one_shot": OpenTask(
        f"{_HARRIS}: a retriggerable one-shot of three steps",
        0,
        lambda s, x: (t := 3 if x else max(0, s - 1), int(t > 0)),
    ),
    "leaky_bucket": OpenTask(
        "Turner, New directions in communications, 1986", 0, lambda s, x: both(max(0, min(8, s + x) - 1)), high=3
    ),
    "token_bucket": OpenTask(
        "Turner, New directions in communications, 1986: tokens, and whether a packet passes",
        3,
        lambda s, x: (min(4, s - x + 1), 1) if x <= s else (min(4, s + 1), 0),
        high=3,
    ),
    "cruise_control": OpenTask(
        "The cruise control of textbooks on embedded systems",
        (2, 0),
        _cruise,
        words=("set", "brake", "faster", "slower"),
    ),
}

RECURRENCES = {
    "fibonacci": OpenTask(
        f"{_KNUTH}: Fibonacci's recurrence with an input", (0, 1), lambda s, x: ((s[1], s[0] + s[1] + x), s[1]), high=2
    ),
    "half_and_add": OpenTask(f"{_KNUTH}: s = s // 2 + x", 0, lambda s, x: both(s // 2 + x), high=9),
    "collatz_16": OpenTask(
        "Lagarias, The 3x + 1 problem, 1985, modulo 16",
        1,
        lambda s, x: both(((3 * s + 1 if s % 2 else s // 2) + x) % 16),
    ),
    "congruential": OpenTask(
        f"{_KNUTH}: s = 5 s + x + 3 modulo 16", 0, lambda s, x: both((5 * s + x + 3) % 16), high=3
    ),
    "horner_mod_11": OpenTask(f"{_KNUTH}: ternary numerals modulo 11", 0, lambda s, x: both((3 * s + x) % 11), high=2),
    "gcd": OpenTask(f"{_KNUTH}: the greatest common divisor so far", 0, lambda s, x: both(math.gcd(s, x)), high=12),
    "product_mod_7": OpenTask(
        f"{_KNUTH}: products modulo 7, 0 left out", 1, lambda s, x: both(s * (x + 1) % 7), high=5
    ),
    "alternating_sum": OpenTask(
        f"{_KNUTH}: x1 - x2 + x3 - …", (0, 1), lambda s, x: ((t := s[0] + s[1] * x, -s[1]), t), high=9
    ),
    "square_sum": OpenTask(f"{_KNUTH}: the sum of squares", 0, lambda s, x: both(s + x * x), low=-5, high=5),
    "ascents": OpenTask(
        "Stanley, Enumerative Combinatorics: ascents so far",
        (0, 0),
        lambda s, x: ((x, t := s[1] + (x > s[0])), t),
        high=5,
    ),
}


def _tennis(s: int, x: list[int]) -> tuple[int, int]:
    """A lead of three wins and begins a new set; who won, as 1 or -1."""
    s += x[0] - x[1]
    return (0, 1) if s == 3 else (0, -1) if s == -3 else (s, 0)


def _arbiter(s: int, x: list[int]) -> tuple[int, int]:
    """Who is granted: of two that ask, the one who was not granted last; 0 for nobody."""
    granted = (3 - s if s else 1) if x[0] and x[1] else 1 if x[0] else 2 if x[1] else 0
    return granted or s, granted


TWO_STREAMS = {
    "compare_high_first": OpenTask(
        f"{_HARRIS}: a serial comparator, the high bit first", 0, lambda s, x: both(s or x[0] - x[1]), streams=2
    ),
    "compare_low_first": OpenTask(
        f"{_HARRIS}: a serial comparator, the low bit first", 0, lambda s, x: both(x[0] - x[1] or s), streams=2
    ),
    "subtractor": OpenTask(
        f"{_HARRIS}: a serial subtractor, the low bit first",
        0,
        lambda s, x: (int(x[0] < x[1] + s), (x[0] - x[1] - s) % 2),
        streams=2,
    ),
    "equal_so_far": OpenTask(
        f"{_HARRIS}: whether two words are equal", 1, lambda s, x: both(int(s and x[0] == x[1])), high=2, streams=2
    ),
    "jk_flip_flop": OpenTask(f"{_HARRIS}: a JK flip-flop", 0, lambda s, x: both(1 - x[1] if s else x[0]), streams=2),
    "sample_and_hold": OpenTask(
        f"{_OPPENHEIM}: b says when a is taken", 0, lambda s, x: both(x[0] if x[1] % 2 else s), high=3, streams=2
    ),
    "tennis": OpenTask("A lead of three points wins a set", 0, _tennis, streams=2),
    "arbiter": OpenTask(f"{_HARRIS}: a fair arbiter of two", 0, _arbiter, streams=2),
    "dot_product": OpenTask(
        "The scalar product of two sequences so far", 0, lambda s, x: both(s + x[0] * x[1]), low=-2, high=2, streams=2
    ),
}


def _glitch(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """Takes over an input that comes twice in a row."""
    last, y = s
    return (x, t := x if x == last else y), t


FILTERS = {
    "mean_of_two": OpenTask(f"{_OPPENHEIM}: the mean of two, rounded down", 0, lambda s, x: (x, (s + x) // 2), high=9),
    "moving_sum_3": OpenTask(
        f"{_OPPENHEIM}: a moving sum of three", (0, 0), lambda s, x: ((s[1], x), s[0] + s[1] + x), low=-3, high=3
    ),
    "median_of_3": OpenTask(
        "Tukey, Exploratory Data Analysis: the running median of three",
        (0, 0),
        lambda s, x: ((s[1], x), sorted((*s, x))[1]),
        high=3,
    ),
    "largest_of_3": OpenTask(
        "van Herk, 1992: a moving maximum of three", (0, 0), lambda s, x: ((s[1], x), max(*s, x)), high=5
    ),
    "second_difference": OpenTask(
        f"{_OPPENHEIM}: the second difference", (0, 0), lambda s, x: ((s[1], x), x - 2 * s[1] + s[0]), high=9
    ),
    "rising_edge": OpenTask(f"{_HARRIS}: a rising edge", 0, lambda s, x: (x, int(x > s))),
    "zero_crossings": OpenTask(
        f"{_OPPENHEIM}: whether the sign changes, 0 left out",
        1,
        lambda s, x: (t := s if x == 0 else 1 if x > 0 else -1, int(t != s)),
        low=-2,
        high=2,
    ),
    "glitch_filter": OpenTask(f"{_HARRIS}: two equal samples", (0, 0), _glitch, high=2),
}

NUMBERS = CHECKSUMS | CODES | CALENDARS | CONTROLLERS | RECURRENCES | TWO_STREAMS | FILTERS
