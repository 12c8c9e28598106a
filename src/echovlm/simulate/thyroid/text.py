"""What a report says about a simulated thyroid lobe, in Chinese and English.

One wording per fact; the lexicon is ACR TI-RADS 2017.
"""

from __future__ import annotations

from echovlm.simulate.question import Question
from echovlm.simulate.thyroid.features import ThyroidFeatures
from echovlm.terms import Language

_ZH = {
    "left": "左侧叶",
    "right": "右侧叶",
    "cystic": "囊性",
    "spongiform": "海绵状",
    "solid": "实性",
    "anechoic": "无回声",
    "isoechoic": "等回声",
    "hyperechoic": "高回声",
    "hypoechoic": "低回声",
    "very hypoechoic": "极低回声",
    "wider-than-tall": "呈水平位",
    "taller-than-wide": "呈垂直位",
    "smooth": "边缘光滑",
    "irregular": "边缘不规则",
    "none": "内部未见点状强回声",
    "comet-tail": "内部可见强回声伴彗星尾征",
    "punctate": "内部可见多发点状强回声",
}
_FOCI_EN = {
    "none": "no echogenic foci",
    "comet-tail": "echogenic foci with comet-tail artefacts",
    "punctate": "punctate echogenic foci",
}
_IMPRESSION = {
    "thyroid-normal": (
        "正常甲状腺，所示腺叶未见明确结节。",
        "Normal thyroid without a nodule in the lobe shown.",
    ),
    "thyroid-colloid-cyst": ("甲状腺胶质囊肿。", "Thyroid colloid cyst."),
    "thyroid-spongiform": (
        "甲状腺海绵状结节，考虑良性。",
        "Spongiform thyroid nodule, a benign pattern.",
    ),
    "thyroid-benign-solid": (
        "甲状腺良性实性结节可能性大。",
        "Most likely a benign solid thyroid nodule.",
    ),
    "thyroid-suspicious": (
        "甲状腺可疑恶性结节，建议结合大小考虑穿刺活检。",
        "Suspicious thyroid nodule; biopsy should be considered according to its size.",
    ),
}


def findings(features: ThyroidFeatures, language: Language) -> str:
    """Describe what the image shows, without diagnosis or measurement."""
    if language is Language.CHINESE:
        return _findings_zh(features)
    return _findings_en(features)


def _findings_zh(features: ThyroidFeatures) -> str:
    opening = f"横切面显示甲状腺{_ZH[features.side]}，气管位于其内侧，包膜光整。"
    vessels = f"其外侧{_vessels_zh(features)}。"
    if features.nodule_count == 0:
        return f"{opening}腺体实质回声均匀，未见明确结节、无回声区或点状强回声。{vessels}"
    counted = "两个" if features.nodule_count == 2 else "一个"
    halo = "周边可见低回声晕" if features.halo else "周边未见低回声晕"
    return (
        f"{opening}腺叶内可见{counted}{_substance_zh(features)}结节，{_ZH[features.shape]}，"
        f"{_ZH[features.margin]}，{halo}，{_ZH[features.foci]}。{vessels}"
    )


def _substance_zh(features: ThyroidFeatures) -> str:
    if features.composition == "spongiform":
        return "海绵状等回声"
    return f"{_ZH[features.composition]}{_ZH[features.echogenicity]}"


def _vessels_zh(features: ThyroidFeatures) -> str:
    if features.jugular_seen:
        return "可见颈总动脉及颈内静脉"
    return "可见颈总动脉，未见颈内静脉"


def _findings_en(features: ThyroidFeatures) -> str:
    opening = (
        f"Transverse view of the {features.side} thyroid lobe with the trachea on its medial side. "
        "The capsule is smooth."
    )
    vessels = f"Lateral to the lobe {_vessels_en(features)}."
    if features.nodule_count == 0:
        return (
            f"{opening} The parenchyma is of even echotexture without a nodule, anechoic area or "
            f"echogenic focus. {vessels}"
        )
    one = features.nodule_count == 1
    counted = "There is one" if one else "There are two"
    halo = "with" if features.halo else "without"
    margin = f"{_article(features.margin)} margin" if one else f"{features.margin} margins"
    shape = features.shape.replace("-", " ")
    return (
        f"{opening} {counted} {_substance_en(features)} nodule{'' if one else 's'}, {shape}, with "
        f"{margin}, {halo} a hypoechoic halo, and with {_FOCI_EN[features.foci]}. {vessels}"
    )


def _substance_en(features: ThyroidFeatures) -> str:
    return f"{features.echogenicity} {features.composition}"


def _vessels_en(features: ThyroidFeatures) -> str:
    if features.jugular_seen:
        return "the common carotid artery and the internal jugular vein are seen"
    return "the common carotid artery is seen, the internal jugular vein is not"


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def impression(features: ThyroidFeatures, language: Language) -> str:
    """Name the diagnosis that the findings support."""
    return _IMPRESSION[features.label][0 if language is Language.CHINESE else 1]


def questions(features: ThyroidFeatures, language: Language) -> list[Question]:
    """Ask what a reader can see, with the true answers."""
    chinese = language is Language.CHINESE
    asked = _questions_zh(features) if chinese else _questions_en(features)
    return [Question(topic, text, answer) for topic, text, answer in asked]


def _questions_zh(features: ThyroidFeatures) -> list[tuple[str, str, str]]:
    found = features.nodule_count > 0
    count = {0: "没有结节。", 1: "一个。", 2: "两个。"}[features.nodule_count]
    jugular = "有，颈总动脉旁可见颈内静脉。" if features.jugular_seen else "没有，仅见颈总动脉。"
    asked = [
        ("lesion", "甲状腺内是否有结节？", "有，可见结节。" if found else "没有，未见结节。"),
        ("count", "可见几个结节？", count),
        ("side", "图像显示的是哪一侧甲状腺？", f"甲状腺{_ZH[features.side]}。"),
    ]
    if not found:
        asked.append(("jugular", "是否可见颈内静脉？", jugular))
    else:
        asked += [
            ("composition", "结节的成分和回声如何？", f"{_substance_zh(features)}结节。"),
            ("shape", "结节是水平位还是垂直位？", f"{_ZH[features.shape]}。"),
            ("margin", "结节边缘如何？", f"{_ZH[features.margin]}。"),
            ("foci", "结节内是否有强回声灶？", f"{_ZH[features.foci]}。"),
        ]
    return asked


def _questions_en(features: ThyroidFeatures) -> list[tuple[str, str, str]]:
    found = features.nodule_count > 0
    lesion = "Yes, there is a nodule." if found else "No, there is no nodule."
    count = {0: "There is no nodule.", 1: "One.", 2: "Two."}[features.nodule_count]
    jugular = "No, only the common carotid artery is seen."
    if features.jugular_seen:
        jugular = "Yes, it is seen beside the common carotid artery."
    asked = [
        ("lesion", "Is there a thyroid nodule?", lesion),
        ("count", "How many nodules are seen?", count),
        ("side", "Which thyroid lobe is shown?", f"The {features.side} lobe."),
    ]
    if not found:
        asked.append(("jugular", "Is the internal jugular vein seen?", jugular))
    else:
        substance = _article(_substance_en(features))
        shape = features.shape.replace("-", " ")
        asked += [
            ("composition", "What is the nodule made of?", f"It is {substance} nodule."),
            ("shape", "Is the nodule wider or taller?", f"It is {shape}."),
            ("margin", "What is the margin of the nodule?", f"The margin is {features.margin}."),
            (
                "foci",
                "Are there echogenic foci in the nodule?",
                f"There are {_FOCI_EN[features.foci]}.",
            ),
        ]
    return asked
