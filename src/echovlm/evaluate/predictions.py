"""A file of predictions as a system: what any other model said, scored like ours.

JSON Lines, one object per item:

    {"id": "...", "text": "..."}                                      what was written
    {"id": "...", "probabilities": {"benign lesion": 0.8, "...": 0.2}}  of a closed item

Probabilities that sum to 1 within 0.01 are made to sum to 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from echovlm.data.writing import sha256_of
from echovlm.errors import DataError
from echovlm.evaluate.classification import SUM_TOLERANCE
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Asked, Reply

_LEAST_SHARE = 1e-12
_DIGITS = 9  # that a sum of decimal fractions is exact to


class Predictions:
    """Replies read from a file.

    An item without a prediction counts as answered with nothing, which scores as wrong.

    Args:
        path: the file.
        items: what is asked; a prediction for anything else is an error.
        known: ids of other items of the same set, which may be predicted but are not asked.
        name: in tables; that of the file where empty.

    Raises:
        DataError: naming the first line that is damaged, repeats an id, names an unknown one, or
            holds something that is no text or no probabilities of the item's candidates.
    """

    sees = False
    kept = False
    temperature = 1.0

    def __init__(
        self, path: Path, items: Sequence[Item], known: frozenset[str], name: str = ""
    ) -> None:
        self.name = name or path.stem
        self._path = path
        wanted = {item.id: item for item in items}
        self._replies: dict[str, Reply] = {}
        seen: set[str] = set()
        for number, line in self._lines():
            row = self._row(number, line)
            name = row["id"]
            if name in seen:
                raise self._error(number, f"repeats the id '{name}'", "Keep one of them")
            if name not in wanted and name not in known:
                raise self._error(number, f"names the unknown id '{name}'", "Use the set's ids")
            seen.add(name)
            if name in wanted:
                self._replies[name] = self._reply(number, row, wanted[name])
        self.missing = len(wanted) - len(self._replies)
        self.version = sha256_of(path)[:12]

    def replies(self, asked: Sequence[Asked]) -> list[Reply | None]:
        """What the file says; an empty reply where it says nothing."""
        return [self._replies.get(one.item.id, Reply()) for one in asked]

    def _lines(self) -> list[tuple[int, str]]:
        try:
            lines = enumerate(self._path.read_text("utf-8-sig").split("\n"), start=1)
            return [(number, line) for number, line in lines if line.strip()]
        except OSError as error:
            raise DataError(
                self._path, f"cannot be read ({error.strerror})", "Name a file of predictions"
            ) from None
        except UnicodeDecodeError:
            raise DataError(self._path, "is not UTF-8 text", "Save it as UTF-8") from None

    def _row(self, number: int, line: str) -> Mapping[str, Any]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise self._error(number, "is no JSON", "Write one JSON object per line") from None
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise self._error(number, "has no 'id'", "Give every prediction the id of its sample")
        if ("text" in row) == ("probabilities" in row):
            raise self._error(
                number, "needs either 'text' or 'probabilities'", "Give exactly one of them"
            )
        return row

    def _reply(self, number: int, row: Mapping[str, Any], item: Item) -> Reply:
        if "text" in row:
            if not isinstance(row["text"], str):
                raise self._error(number, "has a 'text' that is no text", "Write it as a string")
            return Reply(row["text"])
        chances = row["probabilities"]
        if not isinstance(chances, dict) or not item.candidates:
            raise self._error(
                number, "gives probabilities that the item has no use for", "Give its text"
            )
        unknown = sorted(set(chances) - set(item.candidates))
        if unknown:
            raise self._error(
                number, f"names '{unknown[0]}', which is no candidate", "Use the set's answers"
            )
        values = [chances.get(answer, 0.0) for answer in item.candidates]
        if not all(map(_is_share, values)):
            raise self._error(
                number, "holds a probability that is no number from 0 to 1", "Correct it"
            )
        total = sum(values)
        if round(abs(total - 1), _DIGITS) > SUM_TOLERANCE:
            raise self._error(
                number, f"has probabilities that sum to {total:.4g}", "Make them sum to 1"
            )
        shares = [max(value / total, _LEAST_SHARE) for value in values]
        return Reply(likelihoods=tuple(math.log(share) for share in shares))

    def _error(self, number: int, what: str, remedy: str) -> DataError:
        return DataError(self._path, f"line {number} {what}", remedy)


def _is_share(value: Any) -> bool:
    """Whether a value lies between 0 and 1, or as little above as rounding may put it."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= 1 + SUM_TOLERANCE
