"""What a reader says of a simulated uterus, in Chinese and English."""

from __future__ import annotations

from echovlm.simulate.gynaecology.uterus import UterusFeatures
from echovlm.simulate.question import Question
from echovlm.terms import Language

_POSITION = {"anteverted": ("前位", "anteverted"), "retroverted": ("后位", "retroverted")}
_ENDOMETRIUM = {
    "thin": ("呈细线状高回声", "a thin echogenic line"),
    "triple-line": ("呈三线征", "a triple-line pattern"),
    "thick": ("增厚，呈均匀高回声", "thick and homogeneously echogenic"),
}
_LOCATION = {
    "intramural": ("肌壁间", "intramural"),
    "subserosal": ("浆膜下", "subserosal"),
    "submucosal": ("黏膜下", "submucosal"),
}
_SITE = {"fundus": ("宫底", "fundus"), "body": ("宫体", "body")}
_RELATION = {
    "intramural": (
        "位于肌层内，未突向宫腔或浆膜外",
        "It lies within the myometrium and reaches neither cavity nor outer contour.",
    ),
    "subserosal": (
        "向子宫轮廓外突出",
        "It bulges beyond the outer contour of the uterus.",
    ),
    "submucosal": (
        "突向宫腔，内膜受压移位",
        "It bulges into the cavity and displaces the endometrium.",
    ),
}


def _is_chinese(language: Language) -> bool:
    return language is Language.CHINESE


def findings(features: UterusFeatures, language: Language) -> str:
    """Return the true findings: descriptors only, no diagnosis, no measurement."""
    return _findings_zh(features) if _is_chinese(language) else _findings_en(features)


def _findings_zh(features: UterusFeatures) -> str:
    uterus = f"子宫呈{_POSITION[features.position][0]}，"
    endometrium = f"子宫内膜{_ENDOMETRIUM[features.endometrium][0]}。"
    seen = "可见" if features.has_free_fluid else "未见"
    fluid = f"子宫直肠陷凹{seen}游离液性暗区。"
    if not features.location:
        myometrium = "形态规则，轮廓光整，肌层回声均匀，未见局灶性结节。"
        return f"{uterus}{myometrium}{endometrium}宫腔内未见占位。{fluid}"
    myometrium = (
        f"{_SITE[features.site][0]}可见一个圆形低回声结节，边界清晰，内部呈漩涡状回声，"
        f"伴侧方声影及后方回声衰减，{_RELATION[features.location][0]}。"
    )
    return f"{uterus}{myometrium}{endometrium}{fluid}"


def _findings_en(features: UterusFeatures) -> str:
    position = _POSITION[features.position][1]
    endometrium = f"The endometrium is {_ENDOMETRIUM[features.endometrium][1]}."
    seen = "Free fluid is" if features.has_free_fluid else "No free fluid is"
    fluid = f"{seen} seen behind the uterus."
    if not features.location:
        return (
            f"The uterus is {position} with a regular shape, smooth contour and homogeneous "
            f"myometrium. No focal nodule is seen. {endometrium} No mass is seen in the cavity. "
            f"{fluid}"
        )
    return (
        f"The uterus is {position}. A round, circumscribed, hypoechoic nodule with whorled "
        f"texture, edge shadows and posterior attenuation is seen at the "
        f"{_SITE[features.site][1]}. {_RELATION[features.location][1]} {endometrium} {fluid}"
    )


def impression(features: UterusFeatures, language: Language) -> str:
    """Return the true impression."""
    if not features.location:
        return "正常子宫。" if _is_chinese(language) else "Normal uterus."
    zh, en = _LOCATION[features.location]
    if _is_chinese(language):
        return f"子宫肌瘤，{zh}。"
    return f"Uterine fibroid, {en}."


_Row = tuple[str, tuple[str, str], tuple[str, str]]


def questions(features: UterusFeatures, language: Language) -> list[Question]:
    """Return questions whose answers the image shows."""
    pair = 0 if _is_chinese(language) else 1
    rows = [_organ_row(), _lesion_row(features)]
    rows += _fibroid_rows(features) if features.location else [_myometrium_row()]
    rows += [_position_row(features), _endometrium_row(features), _fluid_row(features)]
    return [Question(topic, text[pair], answer[pair]) for topic, text, answer in rows]


def _organ_row() -> _Row:
    return (
        "organ",
        ("图像显示的是哪个器官？", "Which organ is shown?"),
        ("图像显示子宫。", "The image shows the uterus."),
    )


def _lesion_row(features: UterusFeatures) -> _Row:
    text = ("子宫有局灶性结节吗？", "Is there a focal nodule in the uterus?")
    if features.location:
        return "lesion", text, ("有，可见一个低回声结节。", "Yes, there is one hypoechoic nodule.")
    return "lesion", text, ("没有，未见局灶性结节。", "No, there is no focal nodule.")


def _myometrium_row() -> _Row:
    return (
        "echotexture",
        ("肌层回声是否均匀？", "Is the myometrium homogeneous?"),
        ("肌层回声均匀。", "Yes, the myometrium is homogeneous."),
    )


def _fibroid_rows(features: UterusFeatures) -> list[_Row]:
    location, site = _LOCATION[features.location], _SITE[features.site]
    return [
        (
            "location",
            (
                "结节与子宫壁的关系如何？",
                "Is the nodule intramural, subserosal or submucosal?",
            ),
            (f"结节位于{location[0]}。", f"It is {location[1]}."),
        ),
        (
            "site",
            ("结节位于宫底还是宫体？", "Does the nodule lie at the fundus or in the body?"),
            (f"结节位于{site[0]}。", f"It lies at the {site[1]}."),
        ),
    ]


def _position_row(features: UterusFeatures) -> _Row:
    zh, en = _POSITION[features.position]
    return (
        "position",
        ("子宫是前位还是后位？", "Is the uterus anteverted or retroverted?"),
        (f"子宫呈{zh}。", f"It is {en}."),
    )


def _endometrium_row(features: UterusFeatures) -> _Row:
    answers = {
        "thin": ("内膜薄，呈线状高回声。", "It is a thin echogenic line."),
        "triple-line": ("内膜呈三线征。", "It shows a triple-line pattern."),
        "thick": ("内膜厚，呈高回声。", "It is thick and echogenic."),
    }
    return (
        "endometrium",
        ("子宫内膜表现如何？", "What does the endometrium look like?"),
        answers[features.endometrium],
    )


def _fluid_row(features: UterusFeatures) -> _Row:
    seen = ("有，子宫后方可见游离液体。", "Yes, there is free fluid behind the uterus.")
    none = ("没有，子宫后方未见游离液体。", "No, there is no free fluid behind the uterus.")
    return (
        "free-fluid",
        ("子宫后方有游离液体吗？", "Is there free fluid behind the uterus?"),
        seen if features.has_free_fluid else none,
    )
