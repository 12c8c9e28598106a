"""The same facts in other words: phrases exchanged, sentences reordered, units converted.

Three sources: pairs of reports written by hand (``clinical_paraphrases.jsonl``, written before the
clinical reader was), texts composed twice from the same facts, and simulated reports of which
phrases are exchanged for others of the same meaning.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clinical_reports import (
    BIRADS,
    EN,
    MODULES,
    ZH,
    TrueReport,
    phrases,
    simulated_case,
    true_reports,
)

from echovlm.data.conversations.findings import findings as compose_findings
from echovlm.data.conversations.impression import impression as compose_impression
from echovlm.data.conversations.known import Known, known_of
from echovlm.data.record import Picture, Record
from echovlm.facts import Fact, Origin
from echovlm.report import render_text
from echovlm.simulate.cases import LABELS
from echovlm.simulate.facts import case_facts
from echovlm.terms import Anatomy, Language

_WRITTEN = Path(__file__).with_name("clinical_paraphrases.jsonl")


@dataclass(frozen=True)
class Pair:
    """Two reports that say the same."""

    source: str
    language: Language
    one: str
    other: str


def written_pairs() -> list[Pair]:
    """The 28 pairs that were written by hand, two per anatomy and language."""
    rows = [json.loads(line) for line in _WRITTEN.read_text(encoding="utf-8").splitlines()]
    return [Pair("by hand", Language(row["language"]), row["one"], row["other"]) for row in rows]


def known(seed: list[int], label: str) -> Known:
    """What is true of a study of a lesion, with a side and a category beside it."""
    rng = np.random.default_rng(seed)
    anatomy = LABELS[label]
    features = MODULES[anatomy].sample(label, rng)
    facts = list(case_facts(simulated_case(features, anatomy)))
    more = {}
    if anatomy in (Anatomy.BREAST, Anatomy.KIDNEY):
        more["laterality"] = str(rng.choice(["left", "right"]))
    if anatomy is Anatomy.BREAST:
        more["birads"] = BIRADS[label]
    facts += [Fact(name=n, value=v, origin=Origin.RULE, source="test") for n, v in more.items()]
    picture = Picture(path="a.png", sha256="0", perceptual_hash="0", width_px=1, height_px=1)
    return known_of(
        Record(
            id="simulated/1", source="simulated", licence="Apache-2.0", patient_key="simulated/1",
            anatomy=anatomy, pictures=(picture,), facts=tuple(facts),
        )
    )  # fmt: skip


def composed(about: Known, language: Language, seed: int) -> str:
    """A report composed from facts; the seed decides the wording."""
    rng = np.random.default_rng(seed)
    seen = compose_findings(about, language, rng).text
    concluded = compose_impression(about, language, rng).text
    return render_text(seen, concluded, language) if concluded else seen


_COMPOSED = (
    "breast-cyst", "breast-fibroadenoma", "breast-malignant", "thyroid-suspicious",
    "thyroid-benign-solid", "liver-cyst", "liver-haemangioma", "kidney-stone", "kidney-cyst",
)  # fmt: skip


def composed_pairs(seed: int, count: int) -> list[Pair]:
    """Texts composed twice from the same facts, half of them Chinese."""
    found: list[Pair] = []
    number = 0
    while len(found) < count:
        language = (ZH, EN)[len(found) % 2]
        about = known([seed, number], _COMPOSED[number // 2 % len(_COMPOSED)])
        one, other = (composed(about, language, 2 * number + k) for k in (0, 1))
        if one != other:
            found.append(Pair("composed", language, one, other))
        number += 1
    return found


def reworded_pairs(seed: int, count: int) -> list[Pair]:
    """Simulated reports and their paraphrases, half of them Chinese."""
    reports = true_reports(seed, count)
    return [
        Pair("reworded", report.language, report.text, _reworded(report, [seed, number]))
        for number, report in enumerate(reports)
    ]


# A sentence that opens like this speaks of the one before it.
_GOES_ON = re.compile(
    "其余|余|病灶|结节|包块|突起|较大|未见|管腔|It "
    "|The (?:larger|lesion|nodule|protrusion|remaining)|No |Posterior|Remaining"
    "|The lumen|The right|Lateral|In systole|其外侧"
)
_MILLIMETRES = re.compile(r"(?<![\d.])(\d+)(?P<space> ?)mm(?![/\w])")


def _reworded(report: TrueReport, seed: list[int]) -> str:
    rng = np.random.default_rng(seed)
    findings, impression = report.findings, report.impression
    for old, new in phrases("rewordings", report.language):
        if rng.random() < 0.8:
            findings, impression = findings.replace(old, new), impression.replace(old, new)
    if rng.random() < 0.5:
        findings = (
            _MILLIMETRES.sub(lambda m: f"{int(m[1]) / 10:.1f}{m['space']}cm", findings)
            if " x " not in findings
            else findings
        )
    chinese = report.language is ZH
    split = (
        [f"{s}。" for s in findings.split("。") if s]
        if chinese
        else re.split(r"(?<=\.) (?=[A-Z])", findings)
    )
    groups: list[list[str]] = []
    for sentence in split:
        if groups and _GOES_ON.match(sentence):
            groups[-1].append(sentence)
        else:
            groups.append([sentence])
    order = [groups[place] for place in rng.permutation(len(groups))]
    joint = "" if chinese else " "
    return render_text(
        joint.join(joint.join(group) for group in order), impression, report.language
    )
