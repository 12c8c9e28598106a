"""What a report says about a simulated breast, in Chinese and English.

One wording per fact; the lexicon is ACR BI-RADS ultrasound, 5th edition (2013).
"""

from __future__ import annotations

from echovlm.simulate.breast.features import BreastFeatures
from echovlm.simulate.question import Question
from echovlm.terms import Language

_ZH = {
    "homogeneous fat": "乳腺以脂肪组织为主，腺体层较薄",
    "homogeneous fibroglandular": "乳腺腺体层较厚，回声均匀",
    "heterogeneous": "乳腺腺体与脂肪混杂，腺体层回声不均匀",
    "oval": "椭圆形",
    "round": "圆形",
    "irregular": "不规则形",
    "parallel": "与皮肤平行",
    "not parallel": "与皮肤不平行",
    "circumscribed": "边缘光整",
    "indistinct": "边缘模糊",
    "angular": "边缘成角",
    "microlobulated": "边缘呈微分叶状",
    "spiculated": "边缘可见毛刺",
    "anechoic": "无回声",
    "hypoechoic": "低回声",
    "mixed echo": "不均匀低回声",
    "none": "后方回声无明显改变",
    "enhancement": "后方回声增强",
    "shadowing": "后方可见声影",
}
_EN = {
    "homogeneous fat": "The breast is predominantly fatty with a thin fibroglandular layer",
    "homogeneous fibroglandular": "The fibroglandular layer is thick and of even echotexture",
    "heterogeneous": "The breast shows a heterogeneous mixture of fat and fibroglandular tissue",
    "not parallel": "not parallel to the skin",
    "parallel": "parallel to the skin",
    "mixed echo": "heterogeneously hypoechoic",
    "none": "no posterior acoustic change",
    "enhancement": "posterior acoustic enhancement",
    "shadowing": "posterior acoustic shadowing",
}
_IMPRESSION = {
    "breast-normal": ("正常乳腺，未见明确占位性病变。", "Normal breast without a focal lesion."),
    "breast-cyst": ("乳腺囊肿。", "Breast cyst."),
    "breast-fibroadenoma": (
        "乳腺实性结节，考虑乳腺纤维腺瘤。",
        "Solid breast nodule, most likely a breast fibroadenoma.",
    ),
    "breast-malignant": (
        "乳腺实性肿块，考虑乳腺恶性肿瘤，建议穿刺活检。",
        "Solid breast lesion suspicious for a malignant breast mass; biopsy is advised.",
    ),
}


def findings(features: BreastFeatures, language: Language) -> str:
    """Describe what the image shows, without diagnosis or measurement."""
    if language is Language.CHINESE:
        return _findings_zh(features)
    return _findings_en(features)


def _findings_zh(features: BreastFeatures) -> str:
    tissue = f"皮肤及皮下脂肪层清晰，{_ZH[features.composition]}。"
    if features.lesion_count == 0:
        return (
            f"{tissue}腺体内未见明确结节、肿块或囊性无回声区，未见异常强回声点及声影。"
            "后方胸肌层结构清晰、连续。"
        )
    counted = "两个" if features.lesion_count == 2 else "一个"
    kind = "囊性病灶" if features.echo_pattern == "anechoic" else "实性病灶"
    dots = "内部可见点状强回声" if features.calcifications else "内部未见点状强回声"
    return (
        f"{tissue}乳腺内可见{counted}{_ZH[_echo_key(features)]}{kind}，呈{_ZH[features.shape]}，"
        f"{_ZH[features.orientation]}，{_ZH[features.margin]}，{dots}，"
        f"{_ZH[features.posterior]}。其余乳腺组织未见明确肿块。"
    )


def _findings_en(features: BreastFeatures) -> str:
    tissue = f"Skin and subcutaneous fat are well seen. {_EN[features.composition]}."
    if features.lesion_count == 0:
        return (
            f"{tissue} No nodule, mass or anechoic area is seen, and there are no abnormal "
            "echogenic foci or shadows. The pectoral muscle layer is continuous."
        )
    one = features.lesion_count == 1
    echo = _EN.get(_echo_key(features), features.echo_pattern)
    opening = _article(echo) if one else f"two {echo}"
    kind = "cystic" if features.echo_pattern == "anechoic" else "solid"
    margin = f"{_article(features.margin)} margin" if one else f"{features.margin} margins"
    dots = "with" if features.calcifications else "without"
    return (
        f"{tissue} There {'is' if one else 'are'} {opening} {kind} lesion{'' if one else 's'}, "
        f"{features.shape} in shape and {_EN[features.orientation]}, with {margin}, "
        f"{dots} punctate echogenic foci and with {_EN[features.posterior]}. "
        "The remaining breast tissue shows no mass."
    )


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _echo_key(features: BreastFeatures) -> str:
    """Return the table key of the echo pattern ("heterogeneous" also names a composition)."""
    return "mixed echo" if features.echo_pattern == "heterogeneous" else features.echo_pattern


def impression(features: BreastFeatures, language: Language) -> str:
    """Name the diagnosis that the findings support."""
    return _IMPRESSION[features.label][0 if language is Language.CHINESE else 1]


def questions(features: BreastFeatures, language: Language) -> list[Question]:
    """Ask what a reader can see, with the true answers."""
    chinese = language is Language.CHINESE
    asked = _questions_zh(features) if chinese else _questions_en(features)
    return [Question(topic, text, answer) for topic, text, answer in asked]


def _questions_zh(features: BreastFeatures) -> list[tuple[str, str, str]]:
    found = features.lesion_count > 0
    count = {0: "没有局灶性病灶。", 1: "一个。", 2: "两个。"}[features.lesion_count]
    dots = "有，内部可见点状强回声。" if features.calcifications else "没有，未见点状强回声。"
    asked = [
        ("lesion", "是否有局灶性病灶？", "有，可见局灶性病灶。" if found else "没有局灶性病灶。"),
        ("count", "可见几个病灶？", count),
        ("composition", "乳腺组织构成如何？", f"{_ZH[features.composition]}。"),
        ("calcifications", "是否有点状强回声？", dots),
    ]
    if found:
        outline = (_ZH[features.shape], _ZH[features.margin])
        asked += [
            ("echogenicity", "病灶的回声如何？", f"病灶呈{_ZH[_echo_key(features)]}。"),
            ("margin", "病灶的形状和边缘如何？", "，".join(outline) + "。"),
            ("posterior", "病灶后方回声有何改变？", f"{_ZH[features.posterior]}。"),
        ]
    return asked


def _questions_en(features: BreastFeatures) -> list[tuple[str, str, str]]:
    found = features.lesion_count > 0
    none = "No, there is no focal lesion."
    count = {0: "There is no focal lesion.", 1: "One.", 2: "Two."}[features.lesion_count]
    dots = "No, none are seen."
    if features.calcifications:
        dots = "Yes, there are punctate echogenic foci in the lesion."
    asked = [
        ("lesion", "Is there a focal lesion?", "Yes, there is a focal lesion." if found else none),
        ("count", "How many lesions are seen?", count),
        ("composition", "What is the tissue composition?", f"{_EN[features.composition]}."),
        ("calcifications", "Are there punctate echogenic foci?", dots),
    ]
    if found:
        echo = _EN.get(_echo_key(features), features.echo_pattern)
        outline = f"It is {features.shape} with a margin that is {features.margin}."
        behind = f"There is {_EN[features.posterior]}."
        asked += [
            ("echogenicity", "What is the echogenicity of the lesion?", f"It is {echo}."),
            ("margin", "What are the shape and margin of the lesion?", outline),
            ("posterior", "What are the posterior features of the lesion?", behind),
        ]
    return asked
