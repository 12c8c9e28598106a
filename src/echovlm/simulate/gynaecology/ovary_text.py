"""What a reader says of a simulated ovary, in Chinese and English."""

from __future__ import annotations

from echovlm.simulate.gynaecology.ovary import OvaryFeatures
from echovlm.simulate.question import Question
from echovlm.terms import Language

_SHAPE = {"round": ("圆形", "round"), "oval": ("椭圆形", "oval")}

_CONTENTS_FINDING = {
    "anechoic": ("内部呈无回声，透声好，未见分隔", "It is unilocular and purely anechoic."),
    "septated": (
        "内部呈无回声，可见一条完整的细分隔",
        "It is anechoic with one complete thin septum (bilocular).",
    ),
    "reticular": (
        "内部可见纤细的网状回声，未见分隔",
        "It is unilocular and holds fine reticular echoes.",
    ),
    "low-level": (
        "内部充满均匀密集的细点状低回声，未见分隔",
        "It is unilocular and filled with homogeneous low-level echoes.",
    ),
}

_CONTENTS_ANSWER = {
    "anechoic": ("内部呈无回声，透声好。", "It is purely anechoic."),
    "septated": ("内部呈无回声，并有一条分隔。", "It is anechoic with one septum."),
    "reticular": ("内部为网状回声。", "It holds a reticular pattern of fine echoes."),
    "low-level": ("内部为均匀的细点状低回声。", "It holds homogeneous low-level echoes."),
}

_IMPRESSION = {
    "": ("正常卵巢，可见卵泡，O-RADS 1类。", "Normal ovary with follicles, O-RADS 1."),
    "anechoic": ("卵巢囊肿，单纯性，O-RADS 2类。", "Ovarian cyst, simple, O-RADS 2."),
    "septated": ("卵巢囊肿，双房，O-RADS 2类。", "Ovarian cyst, bilocular, O-RADS 2."),
    "reticular": (
        "卵巢囊肿，符合出血性囊肿，O-RADS 2类。",
        "Ovarian cyst, typical of a haemorrhagic cyst, O-RADS 2.",
    ),
    "low-level": (
        "卵巢囊肿，符合子宫内膜异位囊肿，O-RADS 2类。",
        "Ovarian cyst, typical of an endometrioma, O-RADS 2.",
    ),
}


def _is_chinese(language: Language) -> bool:
    return language is Language.CHINESE


def findings(features: OvaryFeatures, language: Language) -> str:
    """Return the true findings: descriptors only, no diagnosis, no measurement."""
    if _is_chinese(language):
        body = _cyst_zh(features) if features.contents else _follicles_zh(features)
        fluid = (
            "盆腔内可见游离液性暗区。" if features.has_free_fluid else "盆腔内未见游离液性暗区。"
        )
        return body + fluid
    body = _cyst_en(features) if features.contents else _follicles_en(features)
    fluid = "Free fluid is seen" if features.has_free_fluid else "No free fluid is seen"
    return f"{body} {fluid} in the pelvis."


def _follicles_zh(features: OvaryFeatures) -> str:
    count = "多个" if features.has_many_follicles else "少数几个"
    larger = "，其中一个明显较大" if features.has_dominant_follicle else "，大小相近"
    return (
        "卵巢呈椭圆形，轮廓清晰，间质回声均匀。"
        f"卵巢内可见{count}圆形无回声区，壁薄光滑{larger}。"
        "未见分隔、内部回声或实性成分。"
    )


def _follicles_en(features: OvaryFeatures) -> str:
    count = "many" if features.has_many_follicles else "a few"
    larger = (
        "one of them clearly larger than the others"
        if features.has_dominant_follicle
        else "similar in size"
    )
    return (
        "The ovary is oval with a clear contour and homogeneous stroma. "
        f"It holds {count} round anechoic follicles with thin smooth walls, {larger}. "
        "No septum, internal echo or solid component is seen."
    )


def _cyst_zh(features: OvaryFeatures) -> str:
    return (
        f"卵巢内可见一个{_SHAPE[features.cyst_shape][0]}囊性包块，壁薄光滑，"
        f"{_CONTENTS_FINDING[features.contents][0]}，后方回声增强。"
        "未见乳头状突起或实性成分。包块旁可见残余卵巢组织及小卵泡。"
    )


def _cyst_en(features: OvaryFeatures) -> str:
    return (
        f"The ovary holds one {_SHAPE[features.cyst_shape][1]} fluid-filled lesion with a thin "
        f"smooth wall. {_CONTENTS_FINDING[features.contents][1]} Posterior enhancement is "
        "present; no papillary projection or solid component is seen. Remaining ovarian tissue "
        "with small follicles lies beside it."
    )


def impression(features: OvaryFeatures, language: Language) -> str:
    """Return the true impression with its O-RADS US category."""
    return _IMPRESSION[features.contents][0 if _is_chinese(language) else 1]


def questions(features: OvaryFeatures, language: Language) -> list[Question]:
    """Return questions whose answers the image shows."""
    pair = 0 if _is_chinese(language) else 1
    rows = [_organ_row(), _lesion_row(features)]
    rows += _cyst_rows(features) if features.contents else _follicle_rows(features)
    rows += [_fluid_row(features), _grade_row(features)]
    return [Question(topic, text[pair], answer[pair]) for topic, text, answer in rows]


_Row = tuple[str, tuple[str, str], tuple[str, str]]


def _organ_row() -> _Row:
    return (
        "organ",
        ("图像显示的是哪个器官？", "Which organ is shown?"),
        ("图像显示卵巢。", "The image shows an ovary."),
    )


def _lesion_row(features: OvaryFeatures) -> _Row:
    text = ("卵巢内有囊肿吗？", "Is there a cyst in the ovary?")
    if features.contents:
        return "lesion", text, ("有，卵巢内可见一个囊肿。", "Yes, there is one cyst in the ovary.")
    return (
        "lesion",
        text,
        ("没有，卵巢内的无回声区为卵泡。", "No, the anechoic spaces are follicles."),
    )


def _follicle_rows(features: OvaryFeatures) -> list[_Row]:
    many = ("卵巢内可见多个卵泡。", "There are many follicles.")
    few = ("卵巢内可见少数几个卵泡。", "There are a few follicles.")
    dominant = ("有，其中一个卵泡明显较大。", "Yes, one follicle is clearly larger.")
    even = ("没有，各卵泡大小相近。", "No, the follicles are similar in size.")
    return [
        (
            "count",
            ("卵泡数目多还是少？", "Are the follicles few or many?"),
            many if features.has_many_follicles else few,
        ),
        (
            "dominant-follicle",
            ("有明显较大的卵泡吗？", "Is one follicle clearly larger than the others?"),
            dominant if features.has_dominant_follicle else even,
        ),
    ]


def _cyst_rows(features: OvaryFeatures) -> list[_Row]:
    shape = _SHAPE[features.cyst_shape]
    septum = ("有，可见一条完整分隔。", "Yes, there is one complete septum.")
    no_septum = ("没有，未见分隔。", "No, there is no septum.")
    return [
        (
            "contents",
            ("囊肿内部回声如何？", "What does the cyst hold?"),
            _CONTENTS_ANSWER[features.contents],
        ),
        (
            "septum",
            ("囊肿内有分隔吗？", "Is there a septum in the cyst?"),
            septum if features.contents == "septated" else no_septum,
        ),
        (
            "shape",
            ("囊肿是什么形状？", "What is the shape of the cyst?"),
            (f"囊肿呈{shape[0]}。", f"The cyst is {shape[1]}."),
        ),
    ]


def _fluid_row(features: OvaryFeatures) -> _Row:
    seen = ("有，盆腔内可见游离液体。", "Yes, there is free fluid in the pelvis.")
    none = ("没有，盆腔内未见游离液体。", "No, there is no free fluid in the pelvis.")
    return (
        "free-fluid",
        ("盆腔内有游离液体吗？", "Is there free fluid in the pelvis?"),
        seen if features.has_free_fluid else none,
    )


def _grade_row(features: OvaryFeatures) -> _Row:
    grade = 2 if features.contents else 1
    return (
        "grade",
        ("O-RADS 分类是几类？", "Which O-RADS category applies?"),
        (f"O-RADS {grade}类。", f"O-RADS category {grade}."),
    )
