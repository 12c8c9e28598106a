"""A descriptor: a word of the lexicon, the numbers it was read from, and whether it may be stated.

Every rule has two kinds of bounds. The *word* changes at a threshold; the word is *sure* only
outside a margin around that threshold. Texts may use sure words alone: a true text is better than
a complete one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Descriptor:
    """What one rule found.

    Attributes:
        name: name of the fact it can become ("orientation").
        word: canonical value ("parallel"); None where it cannot be determined.
        numbers: what was measured, name to value; may hold numbers where the word is None.
        sure: True where the numbers lie outside the margin around every threshold.
        reason: why there is no word, or why it is not sure; empty where it is sure.
    """

    name: str
    word: str | None
    numbers: Mapping[str, float] = field(default_factory=dict)
    sure: bool = False
    reason: str = ""

    def source(self) -> str:
        """Name the descriptor and its numbers, as the source of a fact."""
        parts = [f"{name} {value:.2f}" for name, value in self.numbers.items()]
        return f"descriptors: {self.name}, " + ", ".join(parts)


def undetermined(name: str, reason: str, numbers: Mapping[str, float] | None = None) -> Descriptor:
    """Return a descriptor without a word."""
    return Descriptor(name, None, numbers or {}, False, reason)


def decided(name: str, word: str, numbers: Mapping[str, float], doubt: str = "") -> Descriptor:
    """Return a descriptor with a word, sure where no doubt is given."""
    return Descriptor(name, word, numbers, not doubt, doubt)
