"""What a report says about a simulated liver, in Chinese and English; one wording per fact."""

from __future__ import annotations

from echovlm.simulate.liver.features import LiverFeatures
from echovlm.simulate.question import Question
from echovlm.terms import Language

_PARENCHYMA = (
    ("肝实质回声均匀", "The parenchyma is of even, normal echogenicity"),
    ("肝实质回声弥漫性轻度增强", "The parenchyma shows a mild diffuse increase in echogenicity"),
    (
        "肝实质回声弥漫性中度增强",
        "The parenchyma shows a moderate diffuse increase in echogenicity",
    ),
    ("肝实质回声弥漫性明显增强", "The parenchyma shows a marked diffuse increase in echogenicity"),
)
_FAR_FIELD = (
    ("后方回声无衰减", "no far-field attenuation"),
    ("后方回声轻度衰减", "mild far-field attenuation"),
    ("后方回声中度衰减", "moderate far-field attenuation"),
    ("后方回声明显衰减", "marked far-field attenuation"),
)
_VESSELS = (
    ("肝内血管壁显示清楚", "clearly seen"),
    ("肝内血管壁显示清楚", "clearly seen"),
    ("肝内血管壁显示模糊", "blurred"),
    ("肝内血管壁未能显示", "not seen"),
)
_DIAPHRAGM = (
    ("膈肌显示清楚", "clearly seen"),
    ("膈肌显示清楚", "clearly seen"),
    ("膈肌显示欠清", "only partly seen"),
    ("膈肌未能显示", "not seen"),
)
_KIDNEY = (
    ("肝实质回声与右肾皮质相近", "Liver and right renal cortex are of similar echogenicity"),
    ("肝实质回声高于右肾皮质", "The liver is brighter than the right renal cortex"),
)
_GRADE = (
    ("没有脂肪肝。", "There is no steatosis."),
    ("轻度脂肪肝。", "Mild hepatic steatosis."),
    ("中度脂肪肝。", "Moderate hepatic steatosis."),
    ("重度脂肪肝。", "Severe hepatic steatosis."),
)
_LESION = {
    "round": ("圆形", "round"),
    "oval": ("椭圆形", "oval"),
    "lobulated": ("分叶状", "lobulated"),
    "anechoic": ("无回声", "anechoic"),
    "hyperechoic": ("高回声", "hyperechoic"),
    "none": ("后方回声无明显改变", "no posterior acoustic change"),
    "enhancement": ("后方回声增强", "posterior acoustic enhancement"),
    "superficial": ("肝脏浅部", "superficial part"),
    "central": ("肝脏中部", "central part"),
    "deep": ("肝脏深部", "deep part"),
}


def findings(features: LiverFeatures, language: Language) -> str:
    """Describe what the image shows, without diagnosis or measurement."""
    if language is Language.CHINESE:
        return _findings_zh(features)
    return _findings_en(features)


def _findings_zh(features: LiverFeatures) -> str:
    grade = features.grade
    kidney = f"{_KIDNEY[min(grade, 1)][0]}。" if features.kidney_shown else ""
    organ = (
        f"肝脏包膜光整，{_PARENCHYMA[grade][0]}，{_FAR_FIELD[grade][0]}，"
        f"{_VESSELS[grade][0]}，{_DIAPHRAGM[grade][0]}。{kidney}"
    )
    if features.lesion_count == 0:
        return f"{organ}肝内未见明确局灶性病灶，未见囊性无回声区及异常高回声结节。"
    counted = "一个" if features.lesion_count == 1 else "两个"
    inside = "壁薄光滑" if features.echo_pattern == "anechoic" else "内部回声均匀"
    return (
        f"{organ}{_LESION[features.site][0]}可见{counted}{_LESION[features.echo_pattern][0]}病灶，"
        f"呈{_LESION[features.shape][0]}，边界清晰，{inside}，{_LESION[features.posterior][0]}。"
    )


def _findings_en(features: LiverFeatures) -> str:
    grade = features.grade
    vessels, diaphragm = _VESSELS[grade][1], _DIAPHRAGM[grade][1]
    also = f" and the diaphragm is {diaphragm}"
    seen = f"Vessel walls are {vessels}{also}."
    kidney = f" {_KIDNEY[min(grade, 1)][1]}." if features.kidney_shown else ""
    organ = (
        f"The liver surface is smooth. {_PARENCHYMA[grade][1]} with {_FAR_FIELD[grade][1]}. "
        f"{seen}{kidney}"
    )
    if features.lesion_count == 0:
        return f"{organ} No focal lesion, anechoic area or hyperechoic nodule is seen in the liver."
    one = features.lesion_count == 1
    echo = _LESION[features.echo_pattern][1]
    article = "an" if echo[0] == "a" else "a"
    opening = f"is {article} {echo} lesion" if one else f"are two {echo} lesions"
    inside = "with a thin, smooth wall" if echo == "anechoic" else "of even echotexture"
    return (
        f"{organ} In the {_LESION[features.site][1]} of the liver there {opening}, "
        f"{_LESION[features.shape][1]}, well defined, {inside} and with "
        f"{_LESION[features.posterior][1]}."
    )


def impression(features: LiverFeatures, language: Language) -> str:
    """Name the diagnosis that the findings support."""
    chinese, english = {
        "liver-normal": ("正常肝脏，未见明显异常。", "Normal liver without a focal lesion."),
        "liver-steatosis": _GRADE[features.grade],
        "liver-cyst": ("肝囊肿。", "Hepatic cyst."),
        "liver-haemangioma": (
            "肝内高回声病灶，考虑肝血管瘤。",
            "Hyperechoic liver lesion, most likely a hepatic haemangioma.",
        ),
    }[features.label]
    return chinese if language is Language.CHINESE else english


def questions(features: LiverFeatures, language: Language) -> list[Question]:
    """Ask what a reader can see, with the true answers."""
    asked = _asked(features)
    chosen = 0 if language is Language.CHINESE else 1
    return [Question(topic, text[chosen], answer[chosen]) for topic, text, answer in asked]


def _asked(features: LiverFeatures) -> list[tuple[str, tuple[str, str], tuple[str, str]]]:
    """Return (topic, (zh, en) question, (zh, en) answer)."""
    grade, count = features.grade, features.lesion_count
    counted = (("没有病灶。", "There is none."), ("一个。", "One."), ("两个。", "Two."))[count]
    found = ("有，可见局灶性病灶。", "Yes, there is a focal lesion.")
    absent = ("没有局灶性病灶。", "No, there is no focal lesion.")
    asked = [
        (
            "lesion",
            ("肝内是否有局灶性病灶？", "Is there a focal lesion in the liver?"),
            found if count else absent,
        ),
        ("count", ("肝内有几个病灶？", "How many focal lesions are in the liver?"), counted),
        ("grade", ("脂肪肝程度如何？", "What is the grade of steatosis?"), _GRADE[grade]),
        (
            "diaphragm",
            ("膈肌显示如何？", "How well is the diaphragm seen?"),
            (f"{_DIAPHRAGM[grade][0]}。", f"The diaphragm is {_DIAPHRAGM[grade][1]}."),
        ),
    ]
    if features.kidney_shown:
        text = (
            "肝脏与右肾皮质的回声相比如何？",
            "How does the liver compare with the renal cortex?",
        )
        zh, en = _KIDNEY[min(grade, 1)]
        asked.append(("kidney", text, (f"{zh}。", f"{en}.")))
    if count:
        echo, shape = _LESION[features.echo_pattern], _LESION[features.shape]
        site = _LESION[features.site]
        asked += [
            (
                "echogenicity",
                ("病灶的回声和形状如何？", "What are the echogenicity and shape of the lesion?"),
                (f"{echo[0]}，{shape[0]}。", f"It is {echo[1]} and {shape[1]}."),
            ),
            (
                "site",
                ("病灶位于何处？", "Where is the lesion?"),
                (f"位于{site[0]}。", f"It lies in the {site[1]} of the liver."),
            ),
        ]
    return asked
