"""What a report says about a simulated kidney, in Chinese and English; one wording per fact."""

from __future__ import annotations

from echovlm.simulate.kidney.features import KidneyFeatures
from echovlm.simulate.question import Question
from echovlm.terms import Language

_SITE_ZH = {"upper pole": "上极", "middle third": "中部", "lower pole": "下极"}
_DILATION_ZH = {
    1: "集合系统仅见肾盂分离，呈无回声区，肾盏未见扩张",
    2: "集合系统分离，肾盂及肾大盏扩张，呈相互连通的无回声区，肾小盏未见扩张",
    3: "集合系统明显分离，肾盂、肾大盏及肾小盏均扩张，呈相互连通的无回声区",
    4: "集合系统重度分离，肾盂、肾大盏及肾小盏均明显扩张，呈相互连通的无回声区",
}
_DILATION_EN = {
    1: "The renal pelvis alone is split by an anechoic space; the calyces are not dilated",
    2: (
        "The renal pelvis and the major calyces are dilated and form connected anechoic spaces; "
        "the minor calyces are not dilated"
    ),
    3: (
        "The renal pelvis and both major and minor calyces are dilated, as connected anechoic "
        "spaces"
    ),
    4: (
        "The renal pelvis and both major and minor calyces are severely dilated, as connected "
        "anechoic spaces"
    ),
}
_IMPRESSION = {
    "kidney-normal": ("正常肾脏，未见明显异常。", "Normal kidney."),
    "kidney-stone": ("肾结石。", "Renal calculus."),
    "kidney-cyst": ("肾囊肿。", "Simple renal cyst."),
}
_COUNTED_ZH = {1: "一个", 2: "两个"}


def findings(features: KidneyFeatures, language: Language) -> str:
    """Describe what the image shows, without diagnosis or measurement."""
    if language is Language.CHINESE:
        return f"肾脏长轴切面形态清晰，{_parenchyma_zh(features)}。{_focus_zh(features)}"
    return (
        "Longitudinal view of the kidney with a clear outline. "
        f"{_parenchyma_en(features)}. {_focus_en(features)}"
    )


def _parenchyma_zh(features: KidneyFeatures) -> str:
    if features.sfu_grade == 4:
        return "肾实质明显变薄，肾锥体显示不清"
    if features.pyramids_distinct:
        return "肾实质厚度正常，皮髓质分界清晰，可见低回声肾锥体"
    return "肾实质厚度正常，皮髓质分界不明显"


def _focus_zh(features: KidneyFeatures) -> str:
    calm = "集合系统未见分离"
    if features.sfu_grade:
        return f"{_DILATION_ZH[features.sfu_grade]}。肾内未见强回声团及声影。"
    if features.stone_count:
        return (
            f"肾窦内可见{_COUNTED_ZH[features.stone_count]}强回声团，{_which_zh(features)}"
            f"位于{_SITE_ZH[features.site]}，后方伴声影，{calm}。肾实质内未见无回声区。"
        )
    if features.cyst_count:
        place = "并向肾轮廓外突出" if features.exophytic else "未突出肾轮廓"
        return (
            f"肾实质内可见{_COUNTED_ZH[features.cyst_count]}圆形无回声区，"
            f"{_which_zh(features)}位于{_SITE_ZH[features.site]}，{place}，边界光滑，后方回声增强。"
            f"{calm}，未见强回声团及声影。"
        )
    return f"肾窦回声集中，{calm}。肾内未见强回声团、声影或无回声区。"


def _which_zh(features: KidneyFeatures) -> str:
    return "其中较大者" if _count(features) == 2 else ""


def _count(features: KidneyFeatures) -> int:
    return features.stone_count or features.cyst_count


def _parenchyma_en(features: KidneyFeatures) -> str:
    if features.sfu_grade == 4:
        return "The parenchyma is markedly thinned and the pyramids are not seen"
    if features.pyramids_distinct:
        return "The parenchyma is of normal thickness with distinct hypoechoic pyramids"
    return "The parenchyma is of normal thickness with indistinct pyramids"


def _focus_en(features: KidneyFeatures) -> str:
    calm = "The collecting system is not dilated"
    if features.sfu_grade:
        return f"{_DILATION_EN[features.sfu_grade]}. No echogenic focus with shadow is seen."
    if features.stone_count:
        one = features.stone_count == 1
        what = "There is one" if one else "There are two"
        which = "lying" if one else "the larger lying"
        return (
            f"{what} strongly echogenic {'focus' if one else 'foci'} in the renal sinus, {which} "
            f"in the {features.site}, with posterior shadowing. {calm}. No anechoic area is seen "
            "in the parenchyma."
        )
    if features.cyst_count:
        one = features.cyst_count == 1
        what = "There is one round anechoic area" if one else "There are two round anechoic areas"
        which = "lying" if one else "the larger lying"
        place = "bulging beyond the renal outline" if features.exophytic else "within the outline"
        return (
            f"{what} in the parenchyma, {which} in the {features.site} and {place}, with a "
            f"smooth wall and posterior enhancement. {calm}. No echogenic focus with shadow is "
            "seen."
        )
    return (
        f"The central sinus echoes are compact. {calm}. No echogenic focus, shadow or anechoic "
        "area is seen."
    )


def impression(features: KidneyFeatures, language: Language) -> str:
    """Name the diagnosis that the findings support, with the SFU grade of a dilatation."""
    chinese = language is Language.CHINESE
    if features.sfu_grade:
        grade = features.sfu_grade
        return f"肾积水（SFU {grade}级）。" if chinese else f"Hydronephrosis, SFU grade {grade}."
    return _IMPRESSION[features.label][0 if chinese else 1]


def questions(features: KidneyFeatures, language: Language) -> list[Question]:
    """Ask what a reader can see, with the true answers."""
    chinese = language is Language.CHINESE
    asked = _questions_zh(features) if chinese else _questions_en(features)
    return [Question(topic, text, answer) for topic, text, answer in asked]


def _questions_zh(features: KidneyFeatures) -> list[tuple[str, str, str]]:
    grade = features.sfu_grade
    dilated = "有，集合系统扩张。" if grade else "没有，集合系统未见分离。"
    stone = "有，可见强回声团伴声影。" if features.stone_count else "没有，未见强回声团伴声影。"
    cyst = "有，可见圆形无回声区。" if features.cyst_count else "没有，未见圆形无回声区。"
    asked = [
        ("dilatation", "集合系统是否扩张？", dilated),
        ("shadow", "肾内是否有伴声影的强回声团？", stone),
        ("cyst", "肾实质内是否有圆形无回声区？", cyst),
        ("parenchyma", "肾实质有何表现？", f"{_parenchyma_zh(features)}。"),
    ]
    if grade:
        asked.append(("grade", "肾盂肾盏扩张为SFU几级？", f"SFU {grade}级。"))
    count = _count(features)
    if count:
        asked.append(("count", "可见几个病灶？", f"{_COUNTED_ZH[count]}。"))
        which = "较大病灶" if count == 2 else "病灶"
        asked.append(("site", f"{which}位于何处？", f"位于{_SITE_ZH[features.site]}。"))
    if features.cyst_count:
        bulge = "是，向肾轮廓外突出。" if features.exophytic else "否，未突出肾轮廓。"
        asked.append(("outline", "病灶是否突出肾轮廓？", bulge))
    return asked


def _questions_en(features: KidneyFeatures) -> list[tuple[str, str, str]]:
    grade = features.sfu_grade
    dilated = "Yes, it is dilated." if grade else "No, it is not dilated."
    stone = "No, none is seen."
    if features.stone_count:
        stone = "Yes, there is a strongly echogenic focus with a shadow."
    cyst = "No, none is seen."
    if features.cyst_count:
        cyst = "Yes, there is a round anechoic area."
    asked = [
        ("dilatation", "Is the collecting system dilated?", dilated),
        ("shadow", "Is there an echogenic focus with a shadow?", stone),
        ("cyst", "Is there a round anechoic area in the parenchyma?", cyst),
        ("parenchyma", "How does the parenchyma look?", f"{_parenchyma_en(features)}."),
    ]
    if grade:
        asked.append(("grade", "What is the SFU grade of dilatation?", f"SFU grade {grade}."))
    count = _count(features)
    if count:
        asked.append(("count", "How many lesions are seen?", {1: "One.", 2: "Two."}[count]))
        which = "larger lesion" if count == 2 else "lesion"
        asked.append(("site", f"Where is the {which}?", f"In the {features.site}."))
    if features.cyst_count:
        bulge = "Yes, it bulges." if features.exophytic else "No, it stays within the outline."
        asked.append(("outline", "Does the lesion bulge beyond the renal outline?", bulge))
    return asked
