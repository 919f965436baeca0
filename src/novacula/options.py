"""The rules for options, the same in all parts, the options of every campaign, and how a part is written in percent.

Each rule returns a list of problems. The rule for one option stands in its annotation. This module imports no large
library, so that ``--help`` stays fast.
"""

import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from importlib.util import find_spec
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from cyclopts import Group, Parameter

from novacula.errors import InputError, RunError, refuse

if TYPE_CHECKING:
    from cyclopts import Token

ADVANCED = Parameter(group=Group("Advanced options", sort_key=5))
"""The mark of options that few users change; ``--help`` shows them last."""
MAX_WORKERS = 4096
Workers = int | Literal["auto"]
"""A number of jobs at the same time; ``auto`` is one for each core that this process may use."""
Options = TypeVar("Options")


def _listed(kind: Callable[[str], Any]) -> Parameter:
    """Returns the mark of an option whose items stand with commas between them."""

    def items(_: object, tokens: "Sequence[Token]") -> tuple[Any, ...]:
        return tuple(kind(part.strip()) for token in tokens for part in token.value.split(",") if part.strip())

    return Parameter(converter=items, n_tokens=1)


Integers = Annotated[tuple[int, ...], _listed(int)]
"""Whole numbers, written with commas on the command line."""
Reals = Annotated[tuple[float, ...], _listed(float)]
"""Numbers, written with commas on the command line."""
Words = Annotated[tuple[str, ...], _listed(str)]
"""Words, written with commas on the command line."""


def unless_number(name: str, value: object, kind: type[int | float]) -> list[str]:
    """Returns the problem of a value that is no number of a kind, None aside."""
    right = value is None or isinstance(value, Integral if kind is int else Real)
    return [] if right else [f"{name} is {value!r}; it must be a {'whole ' if kind is int else ''}number"]


def unless_within(option: str, value: float, low: float, high: float) -> list[str]:
    """Returns a problem unless a number lies between two others or equals one of them. NaN does not."""
    return [] if low <= value <= high else [_outside(option, value, low, high)]


def unless_between(option: str, value: float, low: float, high: float) -> list[str]:
    """Returns a problem unless a number lies strictly between two others."""
    return [] if low < value < high else [f"{_outside(option, value, low, high)}, both excluded"]


def unless_at_least(option: str, value: int, least: int = 1) -> list[str]:
    """Returns a problem unless a count is large enough."""
    return [] if value >= least else [f"{option} is {value}; it must be at least {least}"]


def unless_seed(option: str, value: Any, bits: int = 32) -> list[str]:
    """Returns a problem unless a seed is a whole number of at most this number of bits."""
    if problems := unless_number(option, value, int):
        return problems
    return [] if 0 <= value < 2**bits else [f"{option} is {value}; it must lie in 0 … 2^{bits} - 1"]


def unless_one_of(option: str, value: object, choices: Sequence[str]) -> list[str]:
    """Returns a problem unless a value is one of the choices."""
    return [] if value in choices else [f"{option} is {value!r}; it must be one of {', '.join(choices)}"]


def unless_workers(option: str, value: Any) -> list[str]:
    """Returns a problem unless a number of workers is in its range, or is ``auto``."""
    if value == "auto":
        return []
    return unless_number(option, value, int) or unless_within(option, value, 1, MAX_WORKERS)


def unless_memory(option: str, value: float) -> list[str]:
    """Returns a problem unless an amount of memory is positive and finite."""
    return [] if 0 < value < math.inf else [f"{option} is {value:g} MB; it must be more than 0"]


def _outside(option: str, value: float, low: float, high: float) -> str:
    return f"{option} is {_text(value)}; it must lie in {_text(low)} … {_text(high)}"


def _text(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


@dataclass(frozen=True)
class Rule:
    """A rule in the annotation of an option; it holds for each item of a tuple, and is kept by None."""

    problems: Callable[[str, Any], list[str]]  #: from the option's name, with dashes, and its value


def in_range(low: float, high: float) -> Rule:
    """Returns the rule of `unless_within`."""
    return Rule(partial(unless_within, low=low, high=high))


def between(low: float, high: float) -> Rule:
    """Returns the rule of `unless_between`."""
    return Rule(partial(unless_between, low=low, high=high))


def at_least(least: int) -> Rule:
    """Returns the rule of `unless_at_least`."""
    return Rule(partial(unless_at_least, least=least))


WORKERS = Rule(unless_workers)
Seed = Annotated[int, Rule(unless_seed)]
"""A seed of 32 bits."""


@dataclass(frozen=True)
class Configuration:
    """Options that check themselves by the rules in their annotations and in `_problems`. A `Literal` is a rule too.

    Raises:
        InputError: options are no numbers, where these are needed, or out of their ranges; all of them are listed.
    """

    @classmethod
    def given(cls: type[Options], config: object) -> Options:
        """Returns the options that a caller from Python gives; None stands for the defaults.

        Raises:
            InputError: they are something else, such as a dict or the options of another verb.
        """
        if config is not None and not isinstance(config, cls):
            said = f"is of the type {type(config).__name__}; it must be {cls.__name__}(…), with options by name"
            raise InputError("config", said)
        return cls() if config is None else config

    def only(self, kind: type[Options], **changed: object) -> Options:
        """Returns the options of a class that this one extends, some of them changed."""
        of: Any = kind  # a dataclass, which no type variable can say
        return kind(**{field.name: getattr(self, field.name) for field in fields(of)} | changed)

    def __post_init__(self) -> None:
        numbers = [(name, getattr(self, name), kind) for name, kind in _numbers(type(self))]
        # The rules compare, so what is no number is refused before.
        refuse([text for name, value, kind in numbers for text in unless_number(_flag(name), value, kind)])
        refuse(self._problems())

    def _problems(self) -> list[str]:
        found = []
        for name, rules in _rules(type(self)):
            value = getattr(self, name)
            for item in value if isinstance(value, tuple) else () if value is None else (value,):
                found += [text for rule in rules for text in rule.problems(_flag(name), item)]
        return found


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


@cache
def _numbers(kind: type) -> list[tuple[str, type[int | float]]]:
    """Returns the names of the fields that hold one number or None, and whether it is whole or any."""
    kinds = {name: {*(get_args(hint) or (hint,))} - {NoneType} for name, hint in get_type_hints(kind).items()}
    return [(name, float if float in of else int) for name, of in kinds.items() if of and of <= {int, float}]


@cache
def _rules(kind: type) -> list[tuple[str, list[Rule]]]:
    """Returns the names of the fields that have rules, and these."""
    found = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        marks = getattr(hint, "__metadata__", ())
        rules = [mark for mark in marks if isinstance(mark, Rule)]
        plain = get_args(hint)[0] if marks else hint
        kinds = {*(get_args(plain) if get_origin(plain) in (Union, UnionType) else (plain,))} - {NoneType}
        if all(get_origin(kind) is Literal for kind in kinds):
            choices = [choice for kind in kinds for choice in get_args(kind)]
            rules.append(Rule(partial(unless_one_of, choices=choices)))
        if rules:
            found.append((name, rules))
    return found


@dataclass(frozen=True)
class CampaignOptions(Configuration):
    """The place where the jobs of a campaign run (`novacula.jobs.Campaign`). None of these options changes a result."""

    workers: Annotated[Workers, WORKERS] = 2
    """The number of jobs at the same time, each on one thread; auto takes one for each core that may be used."""
    cluster: Annotated[str | None, ADVANCED] = None
    """Compute on a Ray cluster that has this machine as a node: auto, or HOST:6379. By default, compute here."""
    memory_limit: Annotated[float | None, ADVANCED, Rule(unless_memory)] = None
    """The most megabytes that the jobs on this machine may take together, by their estimates. A job that needs more
    runs alone. By default, there is no limit."""

    @property
    def processes(self) -> int:
        """The number of jobs at the same time on this machine."""
        return worker_count(self.workers)


def worker_count(workers: Workers) -> int:
    """Returns how many workers there are on this machine; a limit that a container sets counts too."""
    if workers != "auto":
        return workers
    from joblib import cpu_count

    return min(cpu_count(), MAX_WORKERS)


def moved(options: Options, workers: Workers | None, cluster: str | None) -> Options:
    """Returns the options with another place for the jobs of a campaign, which changes no result.

    Args:
        options: the options of any verb.
        workers, cluster: the place, or None to keep it; the cluster ``here`` stands for this machine alone.

    Raises:
        InputError: the options belong to a run without jobs.
    """
    place = {"workers": workers, "cluster": cluster}
    given = {name: value for name, value in place.items() if value is not None}
    if given.keys() - vars(options).keys():
        which = "--cluster is" if hasattr(options, "workers") else "--workers and --cluster are"
        raise InputError("options", f"{which} for runs of many jobs, and this run has none")
    if cluster == "here":
        given["cluster"] = None
    same: Any = options  # a dataclass, which no type variable can say
    return replace(same, **given) if given else options


def checked_seed(seed: object) -> int:
    """Returns a seed of NumPy's generators as it is.

    Raises:
        InputError: it is no whole number of at least 0.
    """
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError("options", f"--seed is {seed!r}; it must be a whole number, at least 0")
    return int(seed)


def named(option: str, given: Sequence[str], known: Sequence[str], unknown: Callable[[str], str]) -> list[str]:
    """Returns the names that an option lists, separated by commas, each known and listed once.

    Raises:
        InputError: listing what is not so, as `unknown` says it of a name, or that there is no name.
    """
    refuse([f"is {given!r}, one text; it must be a sequence of names"] if isinstance(given, str) else [], option)
    wanted = [name.strip() for text in given for name in text.split(",") if name.strip()]
    problems = [unknown(name) for name in sorted({*wanted} - {*known})]
    problems += [f"{name} is given twice" for name in sorted({*wanted}) if wanted.count(name) > 1]
    refuse(problems if wanted else ["names nothing"], option)
    return wanted


def unless_installed(user: str, extra: str, *packages: str) -> list[str]:
    """Returns a problem unless the packages of an extra are installed."""
    absent = " and ".join(package for package in packages if find_spec(package) is None)
    install = f"{sys.executable} -m pip install -e '.[{extra}]'"
    return [f"{user} needs {absent}, not installed; in a clone of novacula: {install}"] if absent else []


def near_names(typed: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Returns the names that somebody may have meant, the likeliest first.

    A name is near if it begins with what was typed or holds it, or if three of four of their characters stand in the
    same order. The case of letters does not matter.
    """
    from difflib import SequenceMatcher

    found, small = [], typed.strip().lower()[:200]
    for name in known:
        other = name.lower()
        likeness = SequenceMatcher(None, small, other).ratio()
        held = (len(small) > 1 and other.startswith(small)) or (len(small) > 2 and small in other)
        if held or likeness >= 0.75:
            found.append((held + likeness, name))
    return [name for _, name in sorted(found, key=lambda each: -each[0])[:most]]


def native_is_built() -> bool:
    """Returns whether the native extension can be imported."""
    try:
        from novacula._native import instruction_set  # noqa: F401
    except ImportError:
        return False
    return True


def is_text(text: str) -> bool:
    """Returns whether UTF-8 can express a text. It cannot express those bytes of a file's name that are not UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_system() -> None:
    """Refuses Windows, where runs and processes of novacula's own lack what they rest on, and a folder that is gone.

    Raises:
        RunError: this is Windows, or somebody has removed the working folder, without which torch does not load.
    """
    if sys.platform == "win32":
        raise RunError("runs and commands need Linux or macOS; on Windows use the Windows Subsystem for Linux")
    try:
        os.getcwd()
    except OSError as error:
        raise RunError(f"the working folder cannot be found: {error.strerror}; change to another one") from error


def refuse_odd_names(names: Iterable[str]) -> None:
    """Refuses names that none of our files could contain, before anything is computed.

    Raises:
        InputError: a name is not text in UTF-8.
    """
    if odd := [name for name in names if not is_text(name)]:
        problem = "is no name in UTF-8; rename it, or set a locale of UTF-8, such as LC_ALL=C.UTF-8"
        raise InputError(ascii(odd[0]), problem)


def percent(part: float, digits: int = 0) -> str:
    """Returns a part of a whole in percent. What is neither all nor nothing never reads 100 % or 0 %."""
    least, text = 10.0 ** -(2 + digits), f"{part:.{digits}%}"
    if 0 < part < 1 and text in (f"{0:.{digits}%}", f"{1:.{digits}%}"):
        return f"<{least:.{digits}%}" if part < least else f">{1 - least:.{digits}%}"
    return text
