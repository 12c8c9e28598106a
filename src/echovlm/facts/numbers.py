"""Numbers with commas, read with points: "1,200 ml" is 1200 ml, "3,5 cm" is 3.5 cm.

Only before a unit, since a comma also parts clauses and lists: "结节,12 mm", "segments 5,6" and
"BI-RADS 3,12 mm". A comma with three digits behind it groups thousands, one with one or two digits
is a decimal point; a full-width comma or one with a space behind it is neither.
"""

from __future__ import annotations

import re

_UNIT = (
    r"(?:[mc]m(?![a-z])|㎜|㎝|毫米|厘米|公分|c?m\s?/\s?s|米\s?[/每]\s?秒|ml(?![a-z])|cc(?![a-z])|毫升"
    r"|mm\s?hg|%|per ?cent)"
)
_NEXT = r"(?:\s?(?:x|-|~|乘以?|至|到|by|to)\s?\d{1,3}(?:[.,]\d{1,2})?)"  # of a product or a range
_UNIT_AHEAD = rf"(?={_NEXT}{{0,2}}[\s-]?{_UNIT})"
_ALONE = r"(?<![\d.,a-wyz])"  # "x" multiplies
_THOUSANDS = re.compile(
    rf"{_ALONE}[1-9]\d{{0,2}}(?:,\d{{3}})+(?![\d,])(?=(?:\.\d{{1,2}})?{_UNIT_AHEAD})"
)
_DECIMAL = re.compile(rf"{_ALONE}(?:0,\d{{1,3}}|[1-9]\d{{0,2}},\d{{1,2}})(?![\d,.]){_UNIT_AHEAD}")
# Behind these stands the number of a lesion, a grade or a list.
_NO_DECIMAL = re.compile(
    r"(?:rads(?:\s?tr)?|分别[约为是]?|结节|病灶|肿块|囊肿|肿物|第|grade|category|segments?)[\s:：-]?\Z"
)
_LOOK = 12  # characters before a number


def with_points(flat: str) -> str:
    """A flattened text whose numbers have decimal points, of the same length.

    Thousands get zeros in front, so that every position stays valid: "1,200" becomes "01200".

    Args:
        flat: small, half-width characters.
    """
    if "," not in flat:
        return flat
    return _DECIMAL.sub(_pointed, _THOUSANDS.sub(_joined, flat))


def _joined(number: re.Match[str]) -> str:
    return number[0].replace(",", "").rjust(len(number[0]), "0")


def _pointed(number: re.Match[str]) -> str:
    before = number.string[max(0, number.start() - _LOOK) : number.start()]
    return number[0] if _NO_DECIMAL.search(before) else number[0].replace(",", ".")
