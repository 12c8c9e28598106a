"""Body sides that a text states, apart from lobes, heart chambers and places in the picture.

A side belongs to a paired organ (左乳, left kidney). The lobes of the thyroid are its sides; those
of the liver and the chambers of the heart are parts of one organ, and "upper left of the picture"
is no side at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from echovlm.terms import Language

_ORGANS_ZH = (
    ("breast", "乳腺|乳房|乳头|乳晕|乳"),
    ("thyroid", "甲状腺|叶甲状腺"),
    ("kidney", "肾盂|肾脏|肾"),
    ("gynaecology", "卵巢|附件|输卵管"),
    ("vessel", "颈总动脉|颈内动脉|颈外动脉|颈动脉|椎动脉|锁骨下动脉|股动脉|血管"),
    ("other", "腋窝|腋下|腋|颈部|锁骨上|胸壁|胸腔|腹股沟|输尿管|睾丸|下肢|上肢|肩|髋|膝|肺"),
)
_ORGANS_EN = (
    ("breast", "breasts?|mammary|nipple|(?:outer|inner) quadrants?"),
    ("thyroid", "thyroid"),
    ("kidney", "kidneys?|renal|hydronephrosis"),
    ("gynaecology", "ovary|ovaries|ovarian|adnexal?|adnexae|fallopian"),
    ("vessel", "carotids?|common carotid|internal carotid|vertebral|cca|ica|vessels?"),
    (
        "other",
        "axillae?|axillary|neck|supraclavicular|chest|groin|inguinal|ureter|testis|leg|arm|lung",
    ),
)
_LESIONS_EN = (
    "nodules?|mass(?:es)?|lesions?|cysts?|endometriomas?|fibroadenomas?|stones?|calcul(?:us|i)"
    "|plaques?|(?:upper|lower) pole"
)
_SIDES_ZH = {"左": "left", "右": "right", "双": "bilateral", "两": "bilateral"}
_SIDES_EN = {"left": "left", "right": "right", "bilateral": "bilateral", "both": "bilateral"}

# 左室, 左房, 左肝, 左内叶 and places such as 左上方 are no body sides.
_ZH = re.compile(
    r"(?<![向偏靠上下前后中])(?P<side>左|右|双|两)(?P<word>侧)?(?P<wing>叶)?"
    "(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _ORGANS_ZH) + ")?"
    "(?P<next>.?)",
    re.DOTALL,
)
_NO_SIDE_NEXT = frozenset("室房心肝上下前后内外中径冠缘支旁方右左边角部束肋季髂")
_PICTURE_ZH = re.compile("(?:图像?|图中|画面|屏幕|视野|病灶|结节|斑块|突起|其)(?:的|显示的)?$")
_SIDED_ARTERY_ZH = re.compile("[左右双两]侧?(?:颈|椎|锁骨下|股)")
_LOBE_SIDE = re.compile("(?:内|外|尾状)?叶")

_EN = re.compile(
    r"\b(?P<side>left|right|bilateral|both)\b(?P<sided>[- ]sided\b| side\b)?"
    r"(?:(?: (?!and\b|left\b|right\b|ventric|atri|hepatic|liver)[a-z-]+){0,3}? (?:"
    + "|".join(rf"(?P<{name}>(?:{words})\b)" for name, words in _ORGANS_EN)
    + r")|(?P<lobe>(?: thyroid)? lobes?\b)|(?P<lesion>(?: (?!and\b|of\b)[a-z-]+){0,2}? (?:"
    + _LESIONS_EN
    + r")\b))?"
)
_NO_SIDE_EN = re.compile(
    r"(?: (?:ventric\w*|atri\w*|heart|hepatic|liver|portal|part|half|upper corner|hand|image"
    r"|picture|(?:side )?of the (?:picture|image|screen|lesion|nodule|mass))\b)"
)
_PLACE_EN = re.compile(r"(?:upper|lower|middle|top|bottom|far|image|picture|edge)[- ]?$")
_ON_THE_EN = re.compile(r"\b(?:on|from) the $|\b(?:side|laterality)(?: is|:)? $")
# What may follow a side that stands for its organ: "on the right there is a cyst".
_SIDE_ENDS_EN = re.compile(
    r"(?! [a-z])| (?:an?|one|two|no|there|is|are|was|were|and|but|with|without|measur\w+|shows?)\b"
)
_ONLY_SIDE_EN = re.compile(r"\s*(?:it is |in )?(?:the )?$")


@dataclass(frozen=True)
class Side:
    """A stated side, the organ it belongs to (None where it stands alone), and its span."""

    value: str
    organ: str | None
    start: int
    end: int


def sides(flat: str, language: Language, start: int, end: int, organ: str | None) -> Iterator[Side]:
    """Every body side that ``flat[start:end]`` states, in order.

    Args:
        flat: the text, flattened.
        language: whose words are read.
        start: index of the first character that is read.
        end: index after the last one.
        organ: anatomy the text is about, which decides what a lobe is.
    """
    reader = _sides_zh if language is Language.CHINESE else _sides_en
    return reader(flat, start, end, organ)


def _sides_zh(flat: str, start: int, end: int, organ: str | None) -> Iterator[Side]:
    for match in _ZH.finditer(flat, start, end):
        owner = next((name for name, _ in _ORGANS_ZH if match[name]), None)
        before = flat[max(start, match.start() - 8) : match.start()]
        if match["wing"] and not owner:
            owner = "thyroid" if organ == "thyroid" else None
        if owner:
            yield Side(
                _SIDES_ZH[match["side"]], owner, match.start(), match.end() - len(match["next"])
            )
        elif _is_lone_side(match, before, organ, flat):
            stop = match.end() - len(match["next"])
            yield Side(_SIDES_ZH[match["side"]], None, match.start(), stop)


def _is_lone_side(match: re.Match[str], before: str, organ: str | None, flat: str) -> bool:
    """左侧 without its organ: a side unless it is a place, a chamber or a lobe of the liver.

    Beside an artery it is a place of the picture, unless the text names arteries by their side.
    """
    if not match["word"] or match["wing"] or match["next"] in _NO_SIDE_NEXT:
        return False
    if organ == "vessel" and not _SIDED_ARTERY_ZH.search(flat):
        return False
    return not _PICTURE_ZH.search(before) and organ not in ("liver", "heart")


def _sides_en(flat: str, start: int, end: int, organ: str | None) -> Iterator[Side]:
    for match in _EN.finditer(flat, start, end):
        before = flat[max(start, match.start() - 16) : match.start()]
        behind = flat[match.end("side") : match.end("side") + 40]
        if _NO_SIDE_EN.match(behind) or _PLACE_EN.search(before):
            continue
        owner = next((name for name, _ in _ORGANS_EN if match[name]), None)
        if match["lobe"] and not owner:
            if organ != "thyroid":
                continue
            owner = "thyroid"
        of_lesion = match["lesion"] and organ not in ("liver", "heart", None)
        if owner or match["sided"] or of_lesion or _stands_alone(before, behind, match["side"]):
            yield Side(_SIDES_EN[match["side"]], owner, match.start(), match.end())


def _stands_alone(before: str, behind: str, side: str) -> bool:
    """Whether it is "on the left", "side: left", or a sentence that is a side and nothing else."""
    if side in ("both", "bilateral"):
        return side == "bilateral" and bool(_ON_THE_EN.search(before))
    if _ONLY_SIDE_EN.match(before) and re.match(r"\s*[.!]?\s*$", behind):
        return True
    return bool(_ON_THE_EN.search(before) and _SIDE_ENDS_EN.match(behind))
