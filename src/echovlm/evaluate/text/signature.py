"""What it takes to compute a score again, in one line; scores compare where it is equal.

    metric|library:name-version|tok:|case:|smooth:|average:|further settings

Tokeniser and averaging alone move BLEU by more than most published gains (Post 2018, "A call for
clarity in reporting BLEU scores"), so no score leaves this package without its signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol


@dataclass(frozen=True)
class Signature:
    """All that a score depends on but the texts.

    Attributes:
        metric: name and order, as "BLEU-1" or "ROUGE-L".
        library: the distribution that computes it, or the name of a definition of our own.
        tokeniser: name and, where it has one, version.
        case: "mixed" where upper and lower case differ, "lc" where texts are lowered first.
        smoothing: of counts that are zero; "none" where there is none.
        averaging: "corpus" where counts are summed over texts first, "mean" where every text has
            a score and the mean is taken.
        settings: what else the metric depends on, each as ``name:value``.
        definition: version of a definition of our own; "" looks up that of the distribution.
    """

    metric: str
    library: str
    tokeniser: str
    case: str
    smoothing: str
    averaging: str
    settings: tuple[str, ...] = ()
    definition: str = ""

    def __str__(self) -> str:
        """The line that goes into tables and JSON."""
        return "|".join(
            (
                self.metric,
                f"library:{self.library}-{self.definition or version(self.library)}",
                f"tok:{self.tokeniser}",
                f"case:{self.case}",
                f"smooth:{self.smoothing}",
                f"average:{self.averaging}",
                *self.settings,
            )
        )


class Signed(Protocol):
    """A score, or what else carries a signature."""

    @property
    def signature(self) -> str:
        """One line, as :class:`Signature` writes it."""
        ...


def incomparable(scores: Mapping[str, Signed]) -> str:
    """Why scores may not stand in one comparison.

    Args:
        scores: by the name of the system, or of the row, that each belongs to.

    Returns:
        One sentence with every setting that differs and its values, for a warning at the table;
        "" where all signatures are equal.
    """
    rows = {name: _settings(score.signature) for name, score in scores.items()}
    keys = dict.fromkeys(key for row in rows.values() for key in row)
    values = {key: dict.fromkeys(row.get(key, "unstated") for row in rows.values()) for key in keys}
    different = [f"{key} ({', '.join(found)})" for key, found in values.items() if len(found) > 1]
    if not different:
        return ""
    return f"The scores of {', '.join(rows)} do not compare: they differ in {'; '.join(different)}."


def _settings(signature: str) -> dict[str, str]:
    metric, *settings = signature.split("|")
    pairs = (one.partition(":") for one in settings)
    return {"metric": metric, **{key: value for key, _, value in pairs}}
