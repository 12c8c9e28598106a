"""What may be given to a rule: words of closed sets, numbers within bounds, one edition.

Whatever is impossible is an error of one sentence that names the input and what is accepted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real

from echovlm.errors import RuleError


def word(name: str, value: str, allowed: Iterable[str]) -> str:
    """A word of a closed set, in lower case.

    Raises:
        RuleError: listing what is allowed.
    """
    known = tuple(allowed)
    said = value.strip().lower() if isinstance(value, str) else value
    if said not in known:
        raise RuleError(f"'{value}' is not a word for {name}; choose one of {', '.join(known)}.")
    return str(said)


def words(name: str, values: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Words of a closed set, in the order of the set, once each.

    Raises:
        RuleError: for a word outside the set, and for a bare string in place of several.
    """
    if isinstance(values, str):
        raise RuleError(f"{name} must be a list of words, not the single text '{values}'.")
    known = tuple(allowed)
    said = {word(name, value, known) for value in values}
    return tuple(entry for entry in known if entry in said)


def number(name: str, value: float, most: float, least: float = 0.0) -> float:
    """A finite number within bounds, both included.

    Raises:
        RuleError: for everything else.
    """
    found = _finite(name, value)
    if not least <= found <= most:
        raise RuleError(f"{name} must lie between {least:g} and {most:g}, not {found:g}.")
    return found


def size(name: str, value: float, most: float) -> float:
    """A finite number above 0 and up to a bound that nothing real exceeds.

    Raises:
        RuleError: for everything else.
    """
    found = _finite(name, value)
    if not 0 < found <= most:
        raise RuleError(f"{name} must lie above 0 and up to {most:g}, not {found:g}.")
    return found


def whole(name: str, value: int, most: int, least: int = 0) -> int:
    """A whole number within bounds, both included.

    Raises:
        RuleError: for everything else.
    """
    found = number(name, value, most, least)
    if found != int(found):
        raise RuleError(f"{name} must be a whole number, not {found:g}.")
    return int(found)


def _finite(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise RuleError(f"{name} must be a number, not '{value}'.")
    try:
        found = float(value)
    except OverflowError:  # a whole number beyond every float
        found = math.inf
    if not math.isfinite(found):
        raise RuleError(f"{name} must be a finite number, not '{found}'.")
    return found


def edition(system: str, said: str, known: str, remark: str) -> None:
    """Refuse every edition but the one that is written here.

    Args:
        system: name of the system.
        said: edition asked for.
        known: the one edition there is.
        remark: what is different in others, as a clause without a full stop.

    Raises:
        RuleError: for every other edition.
    """
    if str(said).strip().lower().removeprefix("v") != known.removeprefix("v"):
        raise RuleError(f"{system} '{said}' is not written here; use '{known}' ({remark}).")
