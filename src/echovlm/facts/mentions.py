"""Where words of the lexicon stand in a text, before anybody asks how they are said.

Longer words win over shorter ones inside them: 点状强回声 is a calcification and no hyperechoic
lesion, "microlobulated" is a margin and no lobulated shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from echovlm.facts import lexicon, patterns
from echovlm.terms import Language

# A word may stand for two of these at once: "heterogeneously hypoechoic", 正常乳腺.
_SHARED = frozenset(
    {"echogenicity", "echotexture", "anatomy", "lesion", "diagnosis", "abnormality", "structure"}
)
_PLAIN = (
    "shape", "orientation", "margin", "echogenicity", "echotexture", "posterior", "calcification",
    "vascularity", "image_position", "pathology", "histology", "diagnosis", "structure",
    "tissue_composition", "view", "stenosis", "sfu_grade", "steatosis_grade",
)  # fmt: skip

# What looks like a value and is something else.
_NOT_THE_LESION = {
    Language.CHINESE: {
        "echogenicity": re.compile(
            "(?<=增强回声)|(?<=[条线点带斑环]状强回声)|(?<=[点弧]强回声)|(?<=弧形强回声)|(?:晕|环|改变|变化|肾锥体|伴彗星尾|点|光点|光斑|斑(?!块)|条索|带|线|肌|反射)"
        ),
        "posterior": re.compile("(?<=侧方声影)|(?<=侧边声影)|(?<=侧壁声影)"),
        "histology": re.compile("(?<=腺病)[灶变]"),
        "vascularity": re.compile("通畅|充盈|分布|速度|正常|频谱|束|参数|方向|灌注|动力"),
    },
    Language.ENGLISH: {
        "echogenicity": re.compile(
            r" (?:halo|rim|pyramids?|foc(?:us|i)|lines?|layer|wall|capsule|bands?"
            r"|septa|spots?|muscle|fat)\b"
        ),
        "posterior": re.compile(r"(?<=edge shadows)|(?<=edge shadow)|(?<=edge shadowing)"),
        "vascularity": re.compile(r" (?:velocit|pattern|direction|spectr|void|limit|rate)"),
    },
}
_UNDECIDED = {
    Language.CHINESE: re.compile(
        "良[、/]?恶性|良性(?:或|与|和|还是|、|/)恶性|恶性程度|病理性质|淋巴结|癌栓|恶性(?:或|与)良性|癌胚"
    ),
    Language.ENGLISH: re.compile(
        r"\bbenign (?:or|and|versus|vs\.?|from) malignant"
        r"|\bmalignant (?:or|and|versus|vs\.?|from) benign"
        r"|\bbenign/malignant|\bmalignant potential|\bcystic fibrosis"
    ),
}

_LESION_TAIL_ZH = re.compile("性甲状腺肿|性增生|样增生|分布")
_LESION_HEAD_ZH = re.compile("弥漫性?[肝腺甲状]{0,3}$|血管性$|淋巴$|桥本氏?$")
_KIND_ZH = re.compile(
    "(?:囊性|实性|囊实性|转移|卫星|恶性|低回声|高回声|强回声|无回声|钙化性|良性|液性|等回声|混合性?|炎性|子|附?壁|腔内)(?:的|占位性)?$"
)
# One type of lesion: to deny it denies no other.
_TYPES = frozenset({
    "囊肿", "结石", "血管瘤", "腺瘤", "肌瘤", "脓肿", "畸胎瘤", "脂肪瘤", "错构瘤",
    "cyst", "haemangioma", "hemangioma", "fibroadenoma", "adenoma", "lipoma", "hamartoma",
    "fibroid", "stone", "calculus", "calculi", "abscess", "metastasis", "metastase",
    "endometrioma", "papilloma", "carcinoma",
})  # fmt: skip
# An echo that is seen and is followed by nothing: 下极探及强回声，直径7mm.
_BARE_ECHO_ZH = re.compile(
    "(?<![部内])(?:见|探及)(?:[一二两三多数][个枚处团]?|少许|散在)?(?:稍|极)?(?P<echo>[无低高强等]回声)(?=[，,。；])"
)
_AREA_ZH = frozenset({"液性暗区", "囊性暗区", "囊性区", "囊性无回声"})
_AREA_HEAD_ZH = re.compile("(?:低|无|高|强|弱|等|混合性?|异常|囊性|液性|实性|不均匀?|不均质)$")
_LESION_HEAD_EN = re.compile(r"(?:heart|body|left ventricular|muscle|bone|ventricular|diffuse)\s$")
_KIND_EN = re.compile(
    r"\b(?:cystic|solid|metastatic|satellite|malignant|benign|complex|calcified|mural|hypoechoic"
    r"|hyperechoic|anechoic|suspicious|similar|simple|dominant)\s$"
)
_LESION_TAIL_EN = re.compile(r"\s(?:effect|index|protocol|size)\b")

_COUNT_ZH = re.compile(
    "(?P<article>(?<![进统同逐第之任某唯单其另不])一(?![致般侧些方起定步旦直样并切共项期段层级]))(?:大小|边界|形态|类?圆|椭圆|低|高|无|等|囊|实|较|不)?"
)
_NOT_COUNTED = {
    Language.CHINESE: re.compile(
        "钙化|强回声(?!团|结节|区)|光点|分隔|卵泡|淋巴结|血流|点状|条索|声影|未见|其中|回声点|囊腔"
    ),
    Language.ENGLISH: re.compile(
        r"\b(?:foci|focus|calcifications?|sept\w+|follicles?|nodes?|margins?|with|without|echoes|wall"
        r"|no|is|are|was|were|halo|shadow\w*|in|of|and|or|for|layer)\b"
    ),
}
_NO_TOTAL = {
    Language.CHINESE: re.compile(
        "(?:其中|较大|最大|较小|另|另外|余|其|之|第|约|每|各|增加|新增|再见|另见|另有)(?:者|见|可见)?(?:的)?$"
    ),
    Language.ENGLISH: re.compile(
        r"\b(?:other|another|further|additional|second|largest|larger|biggest|of the|largest of"
        r"|the|these|those|each|this|like|as|for|than|not|of|every|new)\s$"
    ),
}
_ARTICLE_EN = re.compile(
    r"(?<![a-z0-9-])an?(?= )(?! (?:second|further|separate|new|additional|few)\b)"
)

_NORMAL = {
    Language.CHINESE: re.compile(
        "性质(?:为|：|:)?正常|(?<![周围与较])正常(?:的)?(?:双侧|左侧|右侧)?(?:乳腺|甲状腺|肝脏|肝|肾脏|肾|子宫|卵巢|心脏|颈动脉|双乳|超声|声像|图像)(?!组织|实质|腺体|皮质)"
        "|(?:乳腺|甲状腺|肝脏|双肾|肾脏|子宫|心脏|颈动脉|声像图|超声表现|超声图像|超声检查|整体|图像)(?:超声|声像图|表现|检查|结构|图像|基本|大致|所见)?(?:未见异常，|均|无异常，)?正常(?=[，。；,.;\\s]|\\Z)"
        "|[左右双两]侧?(?:乳腺?|肾脏?|卵巢|附件区?|颈动脉|叶)(?:均|未见异常，|无异常，)?正常(?=[，。；,.;\\s]|\\Z)"
    ),
    Language.ENGLISH: re.compile(
        r"\bnormal (?:left |right |both )?(?:breasts?|liver|thyroid|kidneys?|heart|ovary|ovaries"
        r"|uterus"
        r"|carotid arter(?:y|ies)|study|examination|exam|ultrasound|scan|sonogram|appearances?)\b"
        r"(?! (?:tissue|parenchyma|size|echo|cortex|function))"
        r"|\b(?:breast|thyroid|liver|kidney|examination|study|scan|ultrasound|sonogram) is"
        r" negative\b"
        r"|\bwithin normal limits\b|\b(?:pathology|nature)(?: is|:) normal\b"
        r"|\b(?:breasts?|liver|thyroid|kidneys?|heart|examination|study|scan|ultrasound)"
        r" (?:is|are|appears?|looks?) (?:entirely |sonographically |completely )?"
        r"(?:normal|unremarkable)"
        r"(?=\s*[.,;]|\s*\Z)"
        r"|\b(?:left|right|both) (?:breasts?|kidneys?|ovar(?:y|ies)|(?:thyroid )?lobes?"
        r"|carotid arter(?:y|ies)):? (?:is |are |appears? )?normal(?=\s*[.,;]|\s*\Z)"
    ),
}
_ABNORMAL = {
    Language.CHINESE: re.compile(
        "(?<!血流)(?<!信号)(?<!供血)(?<!充盈)异常(?:发现|表现|改变|征象|声像|回声(?:区|灶|团块?)?|影像|所见)?(?!血流|低|高|强|无|包块|占位|结节|团块|肿块|病)"
    ),
    Language.ENGLISH: re.compile(
        r"(?<!motion )\b(?:abnormalit(?:y|ies)|abnormal (?:findings?|areas?))\b"
    ),
}
_UNREMARKABLE = re.compile(r"\bunremarkable\b")


@dataclass(frozen=True)
class Mention:
    """A word of the lexicon where it stands.

    Attributes:
        name: canonical name; also "lesion" and "abnormality". The value of a lesion is "lesion",
            "kind" (a cyst, a cystic lesion), "area" (an anechoic area) or "focus".
        value: canonical value.
        start: index of the first character.
        end: index after the last character.
    """

    name: str
    value: bool | int | float | str
    start: int
    end: int


def mentions(flat: str, language: Language) -> list[Mention]:
    """Every mention in a flattened text, in the order of their positions."""
    lesions = list(_lesions(flat, language))
    found = [
        *_features(flat, language),
        *lesions,
        *_organs(flat, language),
        *_abnormalities(flat, language),
        *_counts(flat, language, sorted(lesions, key=lambda each: each.start)),
    ]
    found.sort(key=lambda each: (each.start, -each.end))
    return _longest(found)


def _features(flat: str, language: Language) -> Iterator[Mention]:
    undecided = [match.span() for match in _UNDECIDED[language].finditer(flat)]
    for name in _PLAIN:
        taken: list[tuple[int, int]] = []
        bound = patterns.bound_values(name, language)
        if bound:
            for match in bound[0].finditer(flat):
                word = " ".join(match[match.lastgroup or 0].split())
                taken.append(match.span())
                yield Mention(name, bound[1][word], match.start(), match.end())
        pattern, meaning = patterns.values(name, language)
        banned = taken + (undecided if name in ("pathology", "histology") else [])
        banned.sort()
        for match in _outside(pattern, flat, banned):
            value = meaning[" ".join(match[0].split())]
            if value != "normal" and not _is_other(name, flat, match.end(), language):
                yield Mention(name, value, match.start(), match.end())


def _outside(
    pattern: re.Pattern[str], flat: str, banned: list[tuple[int, int]]
) -> Iterator[re.Match[str]]:
    """Matches that touch none of the sorted, banned spans."""
    place = 0
    for match in pattern.finditer(flat):
        while place < len(banned) and banned[place][1] <= match.start():
            place += 1
        if place == len(banned) or banned[place][0] >= match.end():
            yield match


def _is_other(name: str, flat: str, end: int, language: Language) -> bool:
    other = _NOT_THE_LESION[language].get(name)
    return bool(other and other.match(flat, end))


def _lesions(flat: str, language: Language) -> Iterator[Mention]:
    reader = _lesion_zh if language is Language.CHINESE else _lesion_en
    for match in patterns.group("lesions", language).finditer(flat):
        mention = reader(flat, match)
        if mention:
            yield mention
    for match in _BARE_ECHO_ZH.finditer(flat) if language is Language.CHINESE else ():
        kind = "area" if match["echo"].startswith("无") else "focus"
        yield Mention("lesion", kind, *match.span("echo"))


def _lesion_zh(flat: str, match: re.Match[str]) -> Mention | None:
    before = flat[max(0, match.start() - 14) : match.start()]
    if _LESION_TAIL_ZH.match(flat, match.end()) or _LESION_HEAD_ZH.search(before):
        return None
    start = match.start()
    if match[0].startswith("回声"):
        head = _AREA_HEAD_ZH.search(before)
        if head is None:
            return None
        start -= len(head[0])
        return Mention("lesion", "area" if match[0] == "回声区" else "focus", start, match.end())
    if match[0] in _AREA_ZH:
        return Mention("lesion", "area", start, match.end())
    narrow = match[0] in _TYPES or _KIND_ZH.search(before)
    return Mention("lesion", "kind" if narrow else "lesion", start, match.end())


def _lesion_en(flat: str, match: re.Match[str]) -> Mention | None:
    before = flat[max(0, match.start() - 24) : match.start()]
    if _LESION_TAIL_EN.match(flat, match.end()) or _LESION_HEAD_EN.search(before):
        return None
    if " area" in match[0]:
        return Mention("lesion", "area", *match.span())
    if " foc" in match[0] or match[0].startswith("protrusion"):
        return Mention("lesion", "focus", *match.span())
    narrow = match[0].removesuffix("s") in _TYPES or _KIND_EN.search(before)
    return Mention("lesion", "kind" if narrow else "lesion", *match.span())


def _organs(flat: str, language: Language) -> Iterator[Mention]:
    pattern, meaning = _organ_words(language)
    for match in pattern.finditer(flat):
        yield Mention("anatomy", meaning[" ".join(match[0].split())], *match.span())


@cache
def _organ_words(language: Language) -> tuple[re.Pattern[str], dict[str, str]]:
    meaning = {
        word.lower(): str(organ)
        for organ in lexicon.attribute("anatomy").values
        for word in lexicon.group(f"organs.{organ}", language)
    }
    return re.compile(patterns.alternation(meaning, language)), meaning


def _abnormalities(flat: str, language: Language) -> Iterator[Mention]:
    for match in _NORMAL[language].finditer(flat):
        yield Mention("abnormality", "normal", *match.span())
    for match in _ABNORMAL[language].finditer(flat):
        yield Mention("abnormality", "abnormal", *match.span())
    if language is Language.ENGLISH:
        for match in _UNREMARKABLE.finditer(flat):
            yield Mention("abnormality", "normal", *match.span())


def _counts(flat: str, language: Language, lesions: list[Mention]) -> Iterator[Mention]:
    """Numbers of lesions: a number word, and the lesion it counts in the same sentence."""
    pattern, meaning = patterns.values("lesion_count", language)
    found = [(match.start(), match.end(), meaning[match[0]]) for match in pattern.finditer(flat)]
    article = _COUNT_ZH if language is Language.CHINESE else _ARTICLE_EN
    known = {start for start, _, _ in found}
    for match in article.finditer(flat):
        if match.start() not in known:
            found.append((match.start(), match.start() + 1, "article"))
    found.sort()
    place = 0
    for start, end, value in found:
        while place < len(lesions) and lesions[place].start < end:
            place += 1
        if _NO_TOTAL[language].search(flat[max(0, start - 14) : start]):
            continue
        counted = lesions[place] if place < len(lesions) else None
        if value == "article" and counted and counted.value == "focus":
            continue  # "a focus" answers what is seen, not how many
        counts = counted and _counts_it(flat, end, counted.start, value, language)
        if counts or (value != "article" and _stands_alone(flat, start, end, language)):
            yield Mention("lesion_count", _number(value), start, end)


def _number(value: str) -> int | str:
    """The count behind a word; an article is the weakest way to say one, and kept apart."""
    return value if value in ("multiple", "article") else int(value)


def _counts_it(flat: str, start: int, stop: int, value: str, language: Language) -> bool:
    """Whether the number at ``start`` counts the lesion at ``stop``."""
    reach = {Language.CHINESE: 18, Language.ENGLISH: 70}[language]
    between = flat[start:stop]
    if len(between) > (reach * 2 if value in ("article", "1") else reach):
        return False
    one = value in ("article", "1")
    marks = "。；;!?\n" if language is Language.CHINESE else "。；;!?."
    if not one and language is Language.CHINESE:
        marks += "，,"
    return not any(mark in between for mark in marks) and not _NOT_COUNTED[language].search(between)


_ALONE = {
    Language.CHINESE: (
        re.compile("(?:数目|数量|病灶|结节|肿块|囊肿|包块|斑块|^|[。\n])(?:为|：|:|共|呈|约)?$"),
        re.compile("[。，；,.\\s]|\\Z"),
    ),
    Language.ENGLISH: (
        re.compile(r"(?:\bnumber(?: of \w+)?(?: is|:)? |^|[.\n]\s?|lesions?(?: is| are|:) )$"),
        re.compile(r"\s*(?:[.,;]|\Z)"),
    ),
}


def _stands_alone(flat: str, start: int, end: int, language: Language) -> bool:
    """Whether it is "结节多发", "number of lesions: two", or an answer that is a number alone."""
    before, behind = _ALONE[language]
    return bool(before.search(flat[max(0, start - 28) : start]) and behind.match(flat, end))


def _longest(found: list[Mention]) -> list[Mention]:
    """Without mentions that lie inside a longer one of another name."""
    kept: list[Mention] = []
    cover: Mention | None = None
    for mention in found:
        inside = (
            cover is not None
            and mention.end <= cover.end
            and mention.end - mention.start < cover.end - cover.start
            and mention.name != cover.name
            and not (mention.name in _SHARED and cover.name in _SHARED)
            and mention.name not in ("anatomy", "lesion")
        )
        if inside:
            continue
        kept.append(mention)
        if mention.name not in ("anatomy", "lesion", "abnormality", "diagnosis", "structure") and (
            cover is None or mention.end > cover.end
        ):
            cover = mention
    return kept
