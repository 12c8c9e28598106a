"""Findings and impression written from facts alone, in several sentence plans per language.

Findings hold no diagnosis, the impression no new measurement, and neither says anything that has no
fact: no side, no size, no "otherwise normal".
"""

from __future__ import annotations

import numpy as np

from echovlm.data.conversations.composer import Composer, Said, Written
from echovlm.data.conversations.known import Known, written_value
from echovlm.facts import Fact
from echovlm.prompts import anatomy_name
from echovlm.terms import Anatomy, Language

_LEAST_WORDS = 2  # descriptors; a lesion without any is not worth a text

_ORGAN_EN = {
    Anatomy.BREAST: "breast",
    Anatomy.THYROID: "thyroid",
    Anatomy.LIVER: "liver",
    Anatomy.KIDNEY: "kidney",
    Anatomy.HEART: "heart",
    Anatomy.VESSEL: "vessel",
    Anatomy.GYNAECOLOGY: "adnexa",
}
_ORGAN_ZH = {
    Anatomy.BREAST: "乳腺",
    Anatomy.THYROID: "甲状腺",
    Anatomy.LIVER: "肝脏",
    Anatomy.KIDNEY: "肾脏",
    Anatomy.HEART: "心脏",
    Anatomy.VESSEL: "血管",
    Anatomy.GYNAECOLOGY: "附件区",
}


def organ(anatomy: Anatomy, language: Language) -> str:
    """The organ in whose terms a lesion is placed."""
    return (_ORGAN_ZH if language is Language.CHINESE else _ORGAN_EN)[anatomy]


def findings(known: Known, language: Language, rng: np.random.Generator) -> Written:
    """Describe a record; empty where too little is known."""
    composer = Composer(language)
    if language is Language.CHINESE:
        _findings_zh(known, composer, rng)
    else:
        _findings_en(known, composer, rng)
    return composer.written()


def _one(known: Known, name: str, language: Language, pattern: str) -> list[Said]:
    """A clause about one fact, or none."""
    value = known.words(name, language)
    return [Said(pattern.format(value), (known.facts[name],))] if value else []


def _many(known: Known, names: tuple[str, ...]) -> tuple[Fact, ...]:
    return tuple(known.facts[name] for name in names if name in known.facts)


def _place(known: Known, language: Language) -> tuple[str, tuple[Fact, ...]]:
    """Where a lesion is, as far as the anatomy (and the side) is stated."""
    if known.record.anatomy is None or "anatomy" not in known.facts:
        return "", ()
    where = organ(known.record.anatomy, language)
    side = known.words("laterality", language) if known.value("laterality") != "midline" else ""
    facts = _many(known, ("anatomy", "laterality") if side else ("anatomy",))
    if language is Language.CHINESE:
        return f"{side}{where}", facts
    return f"{side} {where}".strip(), facts


def _findings_en(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    tongue = Language.ENGLISH
    place, place_facts = _place(known, tongue)
    inside = f" in the {place}" if place else ""
    composer.sentence(_structures(known, tongue), ", ")
    if known.has_lesion is False:
        facts = _many(known, ("lesion_present",)) + place_facts
        opening = str(rng.choice(["No focal lesion is seen", "There is no focal lesion"]))
        composer.sentence([Said(f"{opening}{inside}", facts)], ", ")
    elif known.has_lesion and known.lesions > 1:
        facts = (
            _many(known, ("lesion_present", "lesion_count")) + _lesion_facts(known) + place_facts
        )
        composer.sentence([Said(f"There are several focal lesions{inside}", facts)], ", ")
    elif known.has_lesion and _described(known) >= _LEAST_WORDS:
        _lesion_en(known, composer, inside, place_facts, rng)
    composer.sentence(_quantities(known, tongue), ", ")


def _lesion_en(
    known: Known, composer: Composer, inside: str, place: tuple[Fact, ...], rng: np.random.Generator
) -> None:
    tongue = Language.ENGLISH
    echo = known.words("echogenicity", tongue) or "focal"
    article = "an" if echo[0] in "aeiou" else "a"
    verb = ("There is {} {} lesion{}", "{} {} lesion is seen{}", "{} {} lesion is present{}")
    opening = str(rng.choice(verb)).format(article, echo, inside)
    facts = _many(known, ("lesion_present", "echogenicity")) + place
    position = _one(known, "image_position", tongue, "in the {}")
    composer.sentence([Said(opening, facts), *position], ", ")
    outline = [
        *_one(known, "shape", tongue, "{} in shape"),
        *_one(known, "orientation", tongue, "{}"),
    ]
    margin = _one(known, "margin", tongue, "its margin is {}")
    if outline:
        joined = " and ".join(clause.text for clause in outline)
        outline = [Said(f"it is {joined}", tuple(f for clause in outline for f in clause.facts))]
    inner = _one(known, "echotexture", tongue, "the internal echotexture is {}")
    spots = _one(known, "calcification", tongue, "it shows {}")
    behind = _one(known, "posterior", tongue, "there is {}")
    flow = _one(known, "vascularity", tongue, "it shows {}")
    groups = [outline + margin, inner + spots, behind + flow]
    for group in groups if rng.random() < 0.7 else [groups[0], groups[2], groups[1]]:
        composer.sentence(group, ", ")
    composer.sentence(_size(known, tongue), ", ")


def _findings_zh(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    tongue = Language.CHINESE
    place, place_facts = _place(known, tongue)
    composer.sentence(_structures(known, tongue), "，")
    if known.has_lesion is False:
        facts = _many(known, ("lesion_present",)) + place_facts
        seen = str(rng.choice(["未见局灶性病灶", "未见明确局灶性病灶"]))
        composer.sentence([Said(f"{place}{seen}", facts)], "，")
    elif known.has_lesion and known.lesions > 1:
        facts = (
            _many(known, ("lesion_present", "lesion_count")) + _lesion_facts(known) + place_facts
        )
        inside = f"{place}内" if place else ""
        composer.sentence([Said(f"{inside}可见多个局灶性病灶", facts)], "，")
    elif known.has_lesion and _described(known) >= _LEAST_WORDS:
        _lesion_zh(known, composer, place, place_facts, rng)
    composer.sentence(_quantities(known, tongue), "，")


def _lesion_zh(
    known: Known,
    composer: Composer,
    place: str,
    place_facts: tuple[Fact, ...],
    rng: np.random.Generator,
) -> None:
    tongue = Language.CHINESE
    echo = known.words("echogenicity", tongue) or "局灶性"
    inside = f"{place}内" if place else ""
    seen = str(rng.choice(["可见一{}病灶", "可见一个{}病灶", "见一{}病灶"])).format(echo)
    facts = _many(known, ("lesion_present", "echogenicity")) + place_facts
    opening = [
        Said(f"{inside}{seen}", facts),
        *_one(known, "image_position", tongue, "位于{}"),
    ]
    outline = [
        *_one(known, "shape", tongue, "呈{}"),
        *_one(known, "orientation", tongue, "{}"),
        *_one(known, "margin", tongue, "{}"),
    ]
    inner = [
        *_one(known, "echotexture", tongue, "内部{}"),
        *_one(known, "calcification", tongue, "内{}"),
    ]
    behind = [*_one(known, "posterior", tongue, "{}"), *_one(known, "vascularity", tongue, "{}")]
    size = _size(known, tongue)
    plan = int(rng.integers(3))
    if plan == 0:
        composer.sentence(opening + size + outline + inner + behind, "，")
    elif plan == 1:
        composer.sentence(opening + size, "，")
        composer.sentence(_with_subject(outline + inner), "，")
        composer.sentence(behind, "，")
    else:
        composer.sentence(opening + outline + behind, "，")
        composer.sentence(inner, "，")
        composer.sentence(size, "，")


def _with_subject(clauses: list[Said]) -> list[Said]:
    """Let a Chinese sentence about the lesion open with it."""
    return [Said(f"病灶{c.text}" if n == 0 else c.text, c.facts) for n, c in enumerate(clauses)]


_DESCRIPTORS = (
    "shape",
    "orientation",
    "margin",
    "echogenicity",
    "echotexture",
    "posterior",
    "calcification",
    "vascularity",
    "image_position",
)


def _described(known: Known) -> int:
    return sum(name in known.facts for name in _DESCRIPTORS)


def _lesion_facts(known: Known) -> tuple[Fact, ...]:
    """One fact of each lesion: together they say that there are several."""
    first: dict[int, Fact] = {}
    for fact in known.record.facts:
        if fact.lesion is not None:
            first.setdefault(fact.lesion, fact)
    return tuple(first.values())


def _size(known: Known, language: Language) -> list[Said]:
    names = ("size_long_mm", "size_short_mm")
    long_mm, short_mm = (known.words(name, language) for name in names)
    if not long_mm:
        return []
    size = f"{long_mm} × {short_mm}" if short_mm else long_mm
    facts = _many(known, names)
    return [Said(f"大小约{size}" if language is Language.CHINESE else f"it measures {size}", facts)]


def _structures(known: Known, language: Language) -> list[Said]:
    """Structures that are seen; a stone is told as one."""
    found = [fact for fact in known.record.facts if fact.name == "structure"]
    chinese = language is Language.CHINESE
    named = [written_value("structure", fact.value, language) for fact in found]
    pairs = [(words, fact) for words, fact in zip(named, found, strict=True) if words]
    clauses = []
    if pairs:
        joint = "、" if chinese else " and the "
        listed = joint.join(words for words, _ in pairs)
        verb = "is" if len(pairs) == 1 else "are"
        text = f"可见{listed}" if chinese else f"the {listed} {verb} seen"
        clauses.append(Said(text, tuple(fact for _, fact in pairs)))
    if known.value("stone_present") is not None:
        place, facts = _place(known, language)
        stone = known.words("stone_present", language)
        inside = f"{place}内" if chinese and place else ""
        suffix = f" in the {place}" if not chinese and place else ""
        clauses.append(Said(f"{inside}{stone}{suffix}", _many(known, ("stone_present",)) + facts))
    return clauses


_QUANTITIES = {
    "head_circumference_mm": ("头围{}", "the head circumference is {}"),
    "lumen_diameter_mm": ("管腔内径{}", "the lumen diameter is {}"),
    "intima_media_mm": ("内中膜厚度{}", "the intima-media thickness is {}"),
    "ejection_fraction_percent": ("左室射血分数{}", "the left ventricular ejection fraction is {}"),
    "psv_cm_per_s": ("收缩期峰值流速{}", "the peak systolic velocity is {}"),
    "edv_cm_per_s": ("舒张末期流速{}", "the end-diastolic velocity is {}"),
}


def _quantities(known: Known, language: Language) -> list[Said]:
    index = 0 if language is Language.CHINESE else 1
    return [
        clause
        for name, patterns in _QUANTITIES.items()
        for clause in _one(known, name, language, patterns[index])
    ]


# --- impression ------------------------------------------------------------------------------


def impression(known: Known, language: Language, rng: np.random.Generator) -> Written:
    """Conclude a record from its labels; empty where it has none."""
    composer = Composer(language)
    chinese = language is Language.CHINESE
    composer.sentence(_conclusion(known, language, rng), "，" if chinese else ", ")
    return composer.written()


def _conclusion(known: Known, language: Language, rng: np.random.Generator) -> list[Said]:
    chinese = language is Language.CHINESE
    if "diagnosis" in known.facts:
        return _one(known, "diagnosis", language, "{}")
    place, facts = _place(known, language)
    pathology = known.value("pathology")
    if known.has_lesion is False:
        seen = _many(known, ("lesion_present",)) + facts
        if chinese:
            return [Said(f"{place}未见局灶性病灶", seen)]
        return [Said(f"no focal lesion{f' of the {place}' if place else ''}", seen)]
    clauses: list[Said] = []
    if pathology in ("benign", "malignant"):
        word = known.words("pathology", language)
        about = _many(known, ("pathology", "lesion_present")) + facts
        if chinese:
            form = str(rng.choice(["{p}{w}病灶", "{p}病灶，{w}"]))
            clauses.append(Said(form.format(p=place, w=word), about))
        else:
            form = str(rng.choice(["{w} {p} lesion", "{p} lesion, {w}"]))
            clauses.append(Said(form.format(w=word, p=place).strip(), about))
    clauses += _one(known, "histology", language, "组织学为{}" if chinese else "histology: {}")
    for name in ("birads", "tirads"):
        clauses += _one(known, name, language, "{}")
    return clauses


def region(known: Known, language: Language) -> tuple[str, tuple[Fact, ...]]:
    """Name of the examined region where a fact states it."""
    if known.record.anatomy is None or "anatomy" not in known.facts:
        return "", ()
    return anatomy_name(known.record.anatomy, language), (known.facts["anatomy"],)
