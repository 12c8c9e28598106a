"""The measurement rule on text that is still being written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from echovlm.report import guard_measurements, printable
from echovlm.terms import Language

# A measurement never reaches over the end of a clause.
_CLAUSE_END = re.compile(r"[。；，、！？\n;!?]|[.,](?=\s)")


def guarded(pieces: Iterable[str], language: Language, *, calibrated: bool) -> Iterator[str]:
    """Give a text away clause by clause, each with its measurements guarded.

    The concatenation equals :func:`~echovlm.report.guard_measurements` of the whole text.
    """
    held = ""
    for piece in pieces:
        held += piece
        ends = [match.end() for match in _CLAUSE_END.finditer(held)]
        if ends:
            ready, held = held[: ends[-1]], held[ends[-1] :]
            yield _safe(ready, language, calibrated)
    if held:
        yield _safe(held, language, calibrated)


def _safe(text: str, language: Language, calibrated: bool) -> str:
    return guard_measurements(printable(text), language, calibrated=calibrated)[0]
