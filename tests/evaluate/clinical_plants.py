"""Mistakes planted into true reports, by words alone: nothing here asks the reader under test.

Six categories of 50 mistakes each, half Chinese. They cover the six documented kinds of
``facts/contradiction.py``: a lesion in a normal report, benign against malignant, left against
right, a size of the impression missing in the findings, single against multiple, and no lesion
against a lesion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from clinical_reports import EN, ZH, TrueReport, phrases, true_reports

from echovlm.evaluate.clinical import MistakeKind
from echovlm.report import render_text
from echovlm.terms import Anatomy

CATEGORIES = ("side", "size or unit", "omission", "invention", "negation", "descriptor")
_SIDE_KINDS = frozenset({MistakeKind.LATERALITY})
_EXPECTED: dict[str, frozenset[MistakeKind]] = {
    "everywhere": _SIDE_KINDS,
    "in the impression": _SIDE_KINDS | {MistakeKind.WITHIN},
    "in the findings": _SIDE_KINDS | {MistakeKind.WITHIN},
    "other size": frozenset({MistakeKind.INVENTED_MEASUREMENT}),
    "other unit": frozenset({MistakeKind.UNIT}),
    "no unit": frozenset({MistakeKind.UNIT}),
    "size of the impression": frozenset({MistakeKind.WITHIN, MistakeKind.INVENTED_MEASUREMENT}),
    "called normal": frozenset({MistakeKind.OMISSION}),
    "left out": frozenset({MistakeKind.OMISSION}),
    "lesion in normal": frozenset({MistakeKind.INVENTION, MistakeKind.AGAINST}),
    "second lesion": frozenset({MistakeKind.INVENTION}),
    "measurement": frozenset({MistakeKind.INVENTED_MEASUREMENT}),
    "denial": frozenset({MistakeKind.AGAINST, MistakeKind.WITHIN}),
    "benign against malignant": frozenset({MistakeKind.AGAINST}),
    "descriptor": frozenset({MistakeKind.AGAINST}),
    "category": frozenset({MistakeKind.AGAINST}),
    "count": frozenset({MistakeKind.AGAINST, MistakeKind.INVENTION, MistakeKind.OMISSION}),
}
"""Which kinds of mistakes tell a planted one; any of them counts as its detection."""


@dataclass(frozen=True)
class Planted:
    """A true report, the same report with one mistake, and what should be told of it."""

    category: str
    variant: str
    true: TrueReport
    text: str

    @property
    def expected(self) -> frozenset[MistakeKind]:
        return _EXPECTED[self.variant]


Planter = Callable[[TrueReport, np.random.Generator], Iterator[tuple[str, str]]]


def planted(seed: int, each: int = 50) -> list[Planted]:
    """Mistakes of every category, ``each`` of them, from reports of all anatomies in turn."""
    found: list[Planted] = []
    for number, (category, plant) in enumerate(_PLANTERS.items()):
        rng = np.random.default_rng([seed, number])
        reports = true_reports(seed * 100 + number, 40 * each)
        for language in (ZH, EN):
            taken: list[Planted] = []
            for report in reports:
                ways = list(plant(report, rng)) if report.language is language else []
                if ways and len(taken) < each // 2:
                    variant, text = ways[int(rng.integers(len(ways)))]
                    assert text != report.text, (variant, report.text)
                    taken.append(Planted(category, variant, report, text))
            found += taken
    return found


def _with(report: TrueReport, findings: str, impression: str) -> str:
    return render_text(findings, impression, report.language)


# --- sides -------------------------------------------------------------------------------------


def _sides(report: TrueReport, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    phrases = sorted(set(report.sided), key=len, reverse=True)
    findings = _mirrored(report.findings, phrases)
    impression = _mirrored(report.impression, phrases)
    if findings == report.findings:
        return
    if impression == report.impression:
        variant = "in the findings" if report.anatomy is Anatomy.HEART else "everywhere"
        yield variant, _with(report, findings, impression)
        return
    yield "everywhere", _with(report, findings, impression)
    if not report.is_normal:
        yield "in the impression", _with(report, report.findings, impression)
        yield "in the findings", _with(report, findings, report.impression)


_MIRROR = {"左": "右", "右": "左", "left": "right", "right": "left"}


def _mirrored(text: str, phrases: list[str]) -> str:
    """The text with left for right inside the phrases."""
    pattern = re.compile("|".join(re.escape(phrase) for phrase in phrases)) if phrases else None
    if pattern is None:
        return text
    return pattern.sub(
        lambda match: re.sub(r"左|右|\bleft\b|\bright\b", lambda word: _MIRROR[word[0]], match[0]),
        text,
    )


# --- sizes and units ---------------------------------------------------------------------------

_MEASURED = re.compile(
    r"(?<![\d.])(?P<number>\d+(?:\.\d+)?)(?P<space> ?)(?P<unit>[mc]m)(?![/\w²³])"
)
_OTHER_UNIT = {"mm": "cm", "cm": "mm"}


def _sizes(report: TrueReport, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    measured = list(_MEASURED.finditer(report.findings))
    if not measured:
        return
    match = measured[int(rng.integers(len(measured)))]
    number = float(match["number"])
    factor = float(rng.choice([0.4, 0.5, 1.6, 2.0, 2.5]))
    changed = f"{number * factor:.1f}" if "." in match["number"] else f"{number * factor:.0f}"
    apart = all(abs(float(m["number"]) - float(changed)) > 0.1 * float(changed) for m in measured)
    if apart and abs(float(changed) - number) * (10 if match["unit"] == "cm" else 1) >= 2:
        yield "other size", _at(report, match, f"{changed}{match['space']}{match['unit']}")
    if len(measured) == 1 or report.language is ZH:
        other = _OTHER_UNIT[match["unit"]]
        if len(measured) == 1:
            yield "other unit", _at(report, match, f"{match['number']}{match['space']}{other}")
        else:  # both numbers of a product
            words = re.sub(
                r"(?<=[\d ])[mc]m(?![/\w])", lambda m: _OTHER_UNIT[m[0]], report.findings
            )
            yield "other unit", _with(report, words, report.impression)
    if len(measured) == 1:
        yield "no unit", _at(report, match, match["number"])
    known = [float(m["number"]) * (10 if m["unit"] == "cm" else 1) for m in measured]
    new = [mm for mm in range(31, 90) if all(abs(mm - each) > 0.15 * each for each in known)]
    if not report.is_normal:
        long = int(rng.choice(new))
        words = f"，大小约{long}mm" if report.language is ZH else f", {long} mm"
        yield (
            "size of the impression",
            _with(
                report, report.findings, f"{report.impression[:-1]}{words}{report.impression[-1]}"
            ),
        )


def _at(report: TrueReport, match: re.Match[str], words: str) -> str:
    findings = report.findings[: match.start()] + words + report.findings[match.end() :]
    return _with(report, findings, report.impression)


# --- lesions left out, lesions and measurements invented ---------------------------------------

_LESION_WORDS = re.compile(
    "病灶|结节|包块|无回声区|强回声团|突起|可见.*液性暗区|增大|分离|扩张|弥漫性"
    r"|lesion|nodule|anechoic area|foc(?:us|i) in|protrusion|rim of fluid|enlarged|dilated|diffuse"
)
_DENIAL_WORDS = re.compile(r"未见|无衰减|\b[Nn]o\b|\bnot\b|without a")


def _omissions(report: TrueReport, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    if report.is_normal:
        return
    yield "called normal", _with(report, *report.normal)
    sentences = _sentences(report.findings, report.language is ZH)
    kept = [
        each
        for each in sentences
        if not _LESION_WORDS.search(each) or (_DENIAL_WORDS.search(each) and not _is_opening(each))
    ]
    if 0 < len(kept) < len(sentences):
        chinese = report.language is ZH
        neutral = "请结合临床。" if chinese else "Clinical correlation is suggested."
        yield "left out", _with(report, ("" if chinese else " ").join(kept), neutral)


def _is_opening(sentence: str) -> bool:
    return bool(
        re.search(r"可见[一两]|[Tt]here (?:is|are)|is seen at|It measures|大小约|直径约", sentence)
    )


def _sentences(text: str, chinese: bool) -> list[str]:
    if chinese:
        return [f"{each}。" for each in text.split("。") if each]
    return re.split(r"(?<=\.) (?=[A-Z])", text)


def _inventions(report: TrueReport, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    side = "left" if any(re.search("左|left", each) for each in report.sided) else "right"
    other = _MIRROR[side]
    if report.language is ZH:
        other = {"left": "左", "right": "右"}[other]
    extra = phrases("second lesions", report.language)[report.anatomy].format(other=other)
    variant = "lesion in normal" if report.is_normal else "second lesion"
    yield variant, _with(report, report.findings + extra, report.impression)
    a = int(rng.integers(130, 190))
    bodies = phrases("measurements", report.language)
    body = bodies[int(rng.integers(len(bodies)))].format(a=a, b=a - 37)
    yield "measurement", _with(report, report.findings + body, report.impression)


# --- denials, natures, descriptors -------------------------------------------------------------


def _negations(report: TrueReport, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    for old, new in phrases("denials", report.language):
        if old in report.findings:
            yield "denial", _with(report, report.findings.replace(old, new, 1), report.impression)
    for old, new in phrases("natures", report.language):
        if old in report.impression:
            changed = report.impression.replace(old, new, 1)
            yield "benign against malignant", _with(report, report.findings, changed)


_GRADE = re.compile(r"(?P<system>BI-RADS |TI-RADS |O-RADS |SFU (?:grade )?)(?P<grade>[0-5])C?")


def _descriptors(report: TrueReport, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    for old, new in phrases("descriptors", report.language):
        if old in report.findings:
            yield (
                "descriptor",
                _with(report, report.findings.replace(old, new, 1), report.impression),
            )
        if old in report.impression:
            yield (
                "descriptor",
                _with(report, report.findings, report.impression.replace(old, new, 1)),
            )
    match = _GRADE.search(report.impression)
    if match:
        known = "1234" if match["system"].startswith("SFU") else "12345"
        other = str(rng.choice([grade for grade in known if grade != match["grade"]]))
        changed = (
            report.impression[: match.start("grade")] + other + report.impression[match.end() :]
        )
        yield "category", _with(report, report.findings, changed)
    for old, new in phrases("counts", report.language):
        if old in report.findings and report.label != "ovary-follicles":
            changed = report.findings.replace(old, new, 1)
            yield "count", _with(report, _plural(changed, new), report.impression)


def _plural(text: str, opening: str) -> str:
    """English lesions in the plural behind "there are"."""
    if "are" not in opening and "several" not in opening:
        return text
    place = text.index(opening) + len(opening)
    head, tail = text[:place], text[place:]
    tail = re.sub(r"\A([^.]*?\b(?:lesion|nodule|area|protrusion))\b", r"\1s", tail)
    return head + re.sub(r"\A([^.]*?\bfoc)us\b", r"\1i", tail)


_PLANTERS: dict[str, Planter] = {
    "side": _sides,
    "size or unit": _sizes,
    "omission": _omissions,
    "invention": _inventions,
    "negation": _negations,
    "descriptor": _descriptors,
}
