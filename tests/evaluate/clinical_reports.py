"""True reports of simulated studies, as a hospital would write them: with sides, sites and sizes.

The simulator's own texts hold no size and few sides; here both are put in, as words, so that there
is something to get wrong. Nothing is drawn: features are sampled and only the texts are written.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from echovlm.report import render_text
from echovlm.simulate import breast, gynaecology, heart, kidney, liver, thyroid, vessel
from echovlm.simulate.cases import LABELS, Case
from echovlm.simulate.facts import case_facts
from echovlm.simulate.heart import function, function_text
from echovlm.simulate.vessel import stenosis, stenosis_text
from echovlm.study import Study
from echovlm.terms import Anatomy, Language

ZH, EN = Language.CHINESE, Language.ENGLISH
SIDES = {"left": "左", "right": "右"}
MODULES: dict[Anatomy, Any] = {
    Anatomy.BREAST: breast,
    Anatomy.THYROID: thyroid,
    Anatomy.LIVER: liver,
    Anatomy.KIDNEY: kidney,
    Anatomy.HEART: heart,
    Anatomy.VESSEL: vessel,
    Anatomy.GYNAECOLOGY: gynaecology,
}
BIRADS = {
    "breast-normal": "1",
    "breast-cyst": "2",
    "breast-fibroadenoma": "3",
    "breast-malignant": "5",
}
_QUADRANTS = {"外上": "upper outer", "外下": "lower outer", "内上": "upper inner"}
_CLOCKS = {"外上": (1, 2), "外下": (4, 5), "内上": (10, 11)}  # of a left breast
_POLES = {"上极": "upper pole", "下极": "lower pole"}
_SEGMENTS = {
    "肝左叶S3段": "segment III of the left lobe",
    "肝右叶S6段": "segment VI of the right lobe",
}


@cache
def _phrases() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("clinical_phrases.json").read_text("utf-8"))


def phrases(name: str, language: Language) -> Any:
    """Phrases of one kind from ``clinical_phrases.json``."""
    return _phrases()[name][language.value]


@dataclass(frozen=True)
class TrueReport:
    """A report of which everything is true.

    Attributes:
        language: of the text.
        anatomy: region examined.
        label: key of the diagnosis, "" where none fits.
        findings: with sides, sites and sizes.
        impression: with side and category.
        normal: findings and impression of the same organ without any finding.
        sided: phrases of the text that name a side.
    """

    language: Language
    anatomy: Anatomy
    label: str
    findings: str
    impression: str
    normal: tuple[str, str]
    sided: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return render_text(self.findings, self.impression, self.language)

    @property
    def is_normal(self) -> bool:
        return self.label.endswith("normal") or self.label in ("ovary-follicles", "")


def true_reports(seed: int, count: int) -> list[TrueReport]:
    """Reports of all anatomies in turn, half of them Chinese."""
    kinds = [*sorted(LABELS), "heart-cine", "carotid-doppler"]
    order = np.random.default_rng(seed).permutation(len(kinds))
    return [
        true_report([seed, number], kinds[order[number // 2 % len(kinds)]], (ZH, EN)[number % 2])
        for number in range(count)
    ]


def true_report(seed: list[int], kind: str, language: Language) -> TrueReport:
    """One report of a kind of study."""
    rng = np.random.default_rng(seed)
    side = str(rng.choice(["left", "right"]))
    if kind == "heart-cine":
        features: Any = function.sample(rng)
        texts, label, anatomy = function_text, features.heart.label, Anatomy.HEART
        normal = _written(heart, heart.sample("heart-normal", rng), language)
        writer = _WRITERS["heart"]
        inner = features.heart
    elif kind == "carotid-doppler":
        features = stenosis.sample(rng)
        texts, label, anatomy = stenosis_text, features.vessel.label, Anatomy.VESSEL
        normal = _written(stenosis_text, stenosis.sample(rng, "normal"), language)
        writer, inner = _doppler, features
    else:
        anatomy = LABELS[kind]
        texts = MODULES[anatomy]
        features = inner = texts.sample(kind, rng)
        label = kind
        healthy = next(each for each in texts.LABELS if "normal" in each)
        if kind.startswith("ovary"):
            healthy = "ovary-follicles"
        elif kind.startswith("uterus"):
            healthy = "uterus-normal"
        healthy_features = texts.sample(healthy, rng)
        if anatomy is Anatomy.THYROID:  # the lobe that is shown stays the same
            healthy_features = dataclasses.replace(healthy_features, side=features.side)
        normal = _written(texts, healthy_features, language)
        writer = _WRITERS[kind.split("-")[0]]
    words, found = _Words(language, side, rng), _written(texts, features, language)
    findings, impression = writer(words, inner, *found)
    sided = tuple(words.sided)
    if anatomy in (Anatomy.BREAST, Anatomy.KIDNEY, Anatomy.VESSEL) or kind.startswith("ovary"):
        normal = tuple(words.on_side(part) for part in normal)  # type: ignore[assignment]
    return TrueReport(language, anatomy, label, findings, impression, normal, sided)


def _written(texts: Any, features: Any, language: Language) -> tuple[str, str]:
    return texts.findings(features, language), texts.impression(features, language)


class _Words:
    """What is put into a text, in its language."""

    def __init__(self, language: Language, side: str, rng: np.random.Generator) -> None:
        self.chinese = language is ZH
        self.language = language
        self.side = side
        self.rng = rng
        self.sided: list[str] = []

    def pick(self, items: Any) -> Any:
        items = list(items)
        return items[int(self.rng.integers(len(items)))]

    def named(self, zh: str, en: str) -> str:
        """A phrase with the side in place of "{}"."""
        phrase = zh.format(SIDES[self.side]) if self.chinese else en.format(self.side)
        self.sided.append(phrase)
        return phrase

    def size(self, *millimetres: float) -> str:
        """A product such as "12mm×8mm" or "1.2 x 0.8 cm"."""
        kept = [each for each in millimetres if each]
        if self.rng.random() < 0.5:
            numbers = [f"{each:.0f}" for each in kept]
            return (
                "×".join(f"{n}mm" for n in numbers) if self.chinese else f"{' x '.join(numbers)} mm"
            )
        numbers = [f"{each / 10:.1f}" for each in kept]
        return "×".join(f"{n}cm" for n in numbers) if self.chinese else f"{' x '.join(numbers)} cm"

    def on_side(self, text: str) -> str:
        """A simulated text of a paired organ with its side."""
        for bare, sided in phrases("sided", self.language):  # the first that occurs
            if bare in text:
                changed = text.replace(bare, self.named(sided, sided), 1)
                return changed[0].upper() + changed[1:]
        return text


def _birads(features: Any) -> str:
    """A category that goes with the descriptors: 5 needs three suspicious ones."""
    if features.label != "breast-malignant":
        return BIRADS[features.label]
    upright = features.orientation == "not parallel"
    return "5" if upright or features.posterior == "shadowing" else "4C"


def _breast(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    grade = f"BI-RADS {_birads(features)}"
    if not features.lesion_count:
        findings, impression = words.on_side(findings), words.on_side(impression)
        more = f"，{grade}类。" if words.chinese else f", {grade}."
        return findings, impression[:-1] + more
    quadrant = words.pick(_QUADRANTS)
    clock = words.pick(_CLOCKS[quadrant])
    clock = clock if words.side == "left" else 12 - clock
    lateral = features.lesion_long_mm / max(features.lesion_ratio, 1.0)
    size = words.size(*sorted((lateral, lateral * features.lesion_ratio), reverse=True))
    if words.chinese:
        place = words.named("{}侧乳腺", "") + f"{quadrant}象限{clock}点方向可见"
        larger = "较大者" if features.lesion_count == 2 else ""
        findings = findings.replace("乳腺内可见", place)
        findings = findings.replace("病灶，呈", f"病灶，{larger}大小约{size}，呈")
        impression = words.on_side(impression)
        return findings, f"{impression[:-1]}，{grade}类。"
    breast = f"{_QUADRANTS[quadrant]} quadrant of the {words.side} breast"
    place = f"In the {breast} at {clock} o'clock there"
    words.named("", "quadrant of the {} breast")
    findings = findings.replace("There is", f"{place} is").replace("There are", f"{place} are")
    subject = "The larger one" if features.lesion_count == 2 else "It"
    findings = findings.replace(" The remaining", f" {subject} measures {size}. The remaining")
    return findings, f"{words.on_side(impression)[:-1]}, {grade}."


def _thyroid(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    words.side = features.side
    words.named("{}侧叶", "{} thyroid lobe")
    if not features.nodule_count:
        return findings, impression
    pole = words.pick(_POLES)
    size = words.size(features.nodule_lateral_mm, features.nodule_depth_extent_mm)
    facts = case_facts(simulated_case(features, Anatomy.THYROID))
    level = next(fact.value for fact in facts if fact.name == "tirads")
    if words.chinese:
        findings = findings.replace("腺叶内可见", f"腺叶{pole}可见")
        findings = findings.replace("结节，呈", f"结节，大小约{size}，呈")
        organ = words.named("甲状腺{}侧叶", "")
        impression = impression.replace("甲状腺", organ, 1)
        return findings, f"{impression[:-1]}，ACR TI-RADS {level}类。"
    findings = findings.replace(" There ", f" In the {_POLES[pole]} there ", 1)
    findings = findings.replace(
        " Lateral to",
        f" {'It' if features.nodule_count == 1 else 'The larger one'} measures {size}. Lateral to",
    )
    place = f"{words.named('', 'in the {} lobe')}, ACR TI-RADS {level}"
    for opening in ("nodule;", "nodule,", "nodule.", "cyst."):
        if opening in impression:
            impression = impression.replace(opening, f"{opening[:-1]} {place}{opening[-1]}", 1)
            break
    return findings, impression


def _liver(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    if not features.lesion_count:
        return findings, impression
    size = words.size(features.lesion_long_mm, features.lesion_long_mm * features.lesion_ratio)
    segment = words.pick(_SEGMENTS)
    if words.chinese:
        for depth in ("肝脏浅部", "肝脏中部", "肝脏深部"):
            findings = findings.replace(f"{depth}可见", f"{segment}可见")
        words.sided.append(segment[1:3])
        return findings.replace("病灶，呈", f"病灶，大小约{size}，呈"), impression
    for depth in (
        "superficial part of the liver",
        "central part of the liver",
        "deep part of the liver",
    ):
        findings = findings.replace(f"In the {depth}", f"In {_SEGMENTS[segment]} of the liver")
    words.sided.append(f"{_SEGMENTS[segment].split(' of the ')[1]}")
    verb = "It measures" if features.lesion_count == 1 else "The larger one measures"
    return f"{findings} {verb} {size}.", impression


def _kidney(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    findings, impression = words.on_side(findings), words.on_side(impression)
    length = words.size(features.kidney_length_mm)
    size = words.size(features.lesion_mm) if features.lesion_mm else ""
    if words.chinese:
        findings = findings.replace("形态清晰，", f"形态清晰，长径约{length}，", 1)
        if size:
            findings += f"{'较大者' if '两个' in findings else '病灶'}直径约{size}。"
        return findings, impression
    findings = findings.replace("with a clear outline.", f"with a clear outline, {length} long.")
    if size:
        subject = "The larger one" if "two" in findings else "The lesion"
        findings += f" {subject} measures {size}."
    return findings, impression


def _heart(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    ventricle = words.size(features.left_ventricle_diastolic_mm)
    fraction = f"{features.ejection_fraction_percent:.0f}"
    words.sided += (
        ["左房增大，右房、右室未见增大"]
        if words.chinese
        else ["The left atrium is enlarged; the right atrium"]
    )
    if words.chinese:
        return f"{findings}左室舒张末期内径{ventricle}，LVEF {fraction}%。", impression
    return (
        f"{findings} The left ventricle measures {ventricle} in diastole, ejection fraction "
        f"{fraction} %."
    ), impression


def _vessel(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    findings, impression = words.on_side(findings), words.on_side(impression)
    thickness = f"{features.imt_mm:.1f}"
    if words.chinese:
        findings += f"内中膜厚度{thickness}mm。"
    else:
        findings += f" The intima-media thickness is {thickness} mm."
    if len(features.plaques) == 1:
        plaque = features.plaques[0]
        size = f"{plaque.length_mm:.1f}mm×{plaque.thickness_mm:.1f}mm"
        if words.chinese:
            findings += f"突起大小约{size}。"
        else:
            findings += (
                f" The protrusion measures {size.replace('mm×', ' x ').replace('mm', ' mm')}."
            )
    return findings, impression


def _doppler(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    findings, impression = words.on_side(findings), words.on_side(impression)
    if features.has_flow:
        psv, edv = f"{features.psv_cm_per_s:.0f}", f"{features.edv_cm_per_s:.0f}"
        if words.chinese:
            findings += f"收缩期峰值流速{psv}cm/s，舒张末期流速{edv}cm/s。"
        else:
            findings += f" PSV {psv} cm/s, EDV {edv} cm/s."
    return findings, impression


def _ovary(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    findings, impression = words.on_side(findings), words.on_side(impression)
    if features.contents:
        size = words.size(features.cyst_long_mm, features.cyst_short_mm)
        findings += f"包块大小约{size}。" if words.chinese else f" The lesion measures {size}."
    return findings, impression


def _uterus(words: _Words, features: Any, findings: str, impression: str) -> tuple[str, str]:
    whole = words.size(features.length_mm, features.depth_mm)
    if words.chinese:
        findings += f"子宫大小约{whole}。"
        if features.location:
            findings += f"结节直径约{words.size(features.fibroid_mm)}。"
        return findings, impression
    findings += f" The uterus measures {whole}."
    if features.location:
        findings += f" The nodule measures {words.size(features.fibroid_mm)} in diameter."
    return findings, impression


_WRITERS: dict[str, Any] = {
    "breast": _breast,
    "thyroid": _thyroid,
    "liver": _liver,
    "kidney": _kidney,
    "heart": _heart,
    "carotid": _vessel,
    "ovary": _ovary,
    "uterus": _uterus,
}


def simulated_case(features: Any, anatomy: Anatomy) -> Case:
    """A case of which nothing is drawn."""
    study = Study.of_frames([np.zeros((1, 1, 3), np.uint8)], name="simulated case")
    return Case(0, anatomy, features.label, features, study, ())
