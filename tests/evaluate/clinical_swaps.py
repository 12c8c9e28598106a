"""Mistakes made by exchanging words in reports that nobody composed.

The texts are the hand-written reports of ``clinical_paraphrases.jsonl`` and the true ones of
``facts/independent_cases.jsonl``. What is exchanged is chosen blindly, so that some mistakes are
beyond any reader (an ovary of 29 mm for one of 27 mm); the share that is told says how well the
reader does on wordings that no table here holds.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from echovlm.evaluate.clinical import MistakeKind
from echovlm.terms import Language

_HERE = Path(__file__).parent
_MIRROR = {"左": "右", "右": "左", "left": "right", "right": "left"}
_IMPRESSION = re.compile(
    "(?:超声提示|超声诊断|诊断意见|提示|印象|结论|意见|Impression|Conclusion|Imp|Opinion|Summary|Assessment)"
    "[:：】]",
    re.IGNORECASE,
)
_MEASURED = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)( ?)([mc]m)(?![/\w²³])")
_UNIT = re.compile(r"(?<=[\d ])[mc]m(?![/\w²³])")
_GRADE = re.compile(r"(?:RADS ?(?:TR)?|TR)(?P<grade>\d)")
_WORDS = (
    ("椭圆形", "不规则形"), ("类圆形", "不规则形"), ("边界清晰", "边界模糊"), ("毛刺", "光整"),
    ("低回声", "高回声"), ("轻度", "重度"), ("oval", "irregular"), ("hypoechoic", "hyperechoic"),
    ("spiculated", "circumscribed"), ("circumscribed", "spiculated"), ("smooth", "ill-defined"),
    ("mild ", "severe "), ("moderate", "severe"), ("Moderate", "Severe"),
)  # fmt: skip
_ADDED = {
    Language.CHINESE: "另见一低回声结节，大小约61mm×57mm。",
    Language.ENGLISH: " Another hypoechoic nodule of 61 x 57 mm is seen.",
}


@dataclass(frozen=True)
class Swapped:
    """A report, the same one with words exchanged, and what kinds of mistakes that makes."""

    kind: str
    language: Language
    true: str
    text: str
    expected: frozenset[MistakeKind]


def independent_texts() -> list[tuple[Language, str]]:
    """Reports written one by one, without sight of the reader."""
    found = []
    for line in (_HERE / "clinical_paraphrases.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        found += [(Language(row["language"]), row[name]) for name in ("one", "other")]
    cases = _HERE.parent / "facts" / "independent_cases.jsonl"
    for line in cases.read_text("utf-8").splitlines():
        row = json.loads(line)
        if not row["expected"]:
            found.append((Language(row["language"]), row["text"]))
    return found


def swapped(seed: int) -> list[Swapped]:
    """Every way of exchanging words in the independent texts."""
    rng = random.Random(seed)
    return [
        Swapped(kind, language, true, text, frozenset(expected))
        for language, true in independent_texts()
        for kind, text, expected in _ways(language, true, rng)
        if text != true
    ]


_Way = tuple[str, str, set[MistakeKind]]


def _ways(language: Language, text: str, rng: random.Random) -> Iterator[_Way]:
    match = _IMPRESSION.search(text)
    seen, concluded = (text[: match.start()], text[match.start() :]) if match else (text, "")
    if _mirrored(seen) != seen:
        yield "side", _mirrored(text), {MistakeKind.LATERALITY}
    kinds = {MistakeKind.LATERALITY, MistakeKind.WITHIN}
    yield "side of the impression", seen + _mirrored(concluded), kinds
    measured = list(_MEASURED.finditer(seen))
    if measured:
        chosen = rng.choice(measured)
        size = float(chosen[1]) * rng.choice([0.4, 2.2, 3.0])
        words = f"{size:.1f}" if "." in chosen[1] else f"{size:.0f}"
        changed = seen[: chosen.start(1)] + words + seen[chosen.end(1) :]
        yield "size", changed + concluded, {MistakeKind.INVENTED_MEASUREMENT, MistakeKind.UNIT}
        other = _UNIT.sub(lambda unit: {"mm": "cm", "cm": "mm"}[unit[0]], seen)
        yield "unit", other + concluded, {MistakeKind.UNIT}
    known = [pair for pair in _WORDS if pair[0] in seen]
    if known:
        kinds = {MistakeKind.AGAINST, MistakeKind.WITHIN}
        yield "descriptor", seen.replace(*rng.choice(known), 1) + concluded, kinds
    graded = _GRADE.search(text)
    if graded:
        place = graded.start("grade")
        other = f"{text[:place]}{int(graded['grade']) % 5 + 1}{text[place + 1 :]}"
        yield "category", other, {MistakeKind.AGAINST}
    kinds = {MistakeKind.INVENTION, MistakeKind.INVENTED_MEASUREMENT}
    yield "lesion", seen.rstrip() + _ADDED[language] + concluded, kinds


def _mirrored(text: str) -> str:
    def other(match: re.Match[str]) -> str:
        word = _MIRROR[match[0].lower()]
        return word.capitalize() if match[0][0].isupper() else word

    return re.sub(r"左|右|\bleft\b|\bright\b", other, text, flags=re.IGNORECASE)
