"""What a reader says of a simulated heart, in Chinese and English."""

from __future__ import annotations

from echovlm.simulate.heart.features import HeartFeatures
from echovlm.simulate.question import Question
from echovlm.terms import Language

_AMOUNT = {
    "small": ("少量", "small"),
    "moderate": ("中等量", "moderate"),
    "large": ("大量", "large"),
}
_VALVE = {"open": ("开放", "open"), "closed": ("关闭", "closed")}


def _is_chinese(language: Language) -> bool:
    return language is Language.CHINESE


def findings(features: HeartFeatures, language: Language) -> str:
    """Return the true findings: descriptors only, no diagnosis, no measurement."""
    return _findings_zh(features) if _is_chinese(language) else _findings_en(features)


def chambers(features: HeartFeatures, language: Language) -> str:
    """Return what is seen of the four chambers and the septum."""
    if _is_chinese(language):
        ventricle = (
            "左室腔明显增大，呈球形，室壁变薄。"
            if features.is_dilated
            else "左室腔未见增大，呈弹头形，室壁厚度适中。"
        )
        atrium = (
            "左房增大，右房、右室未见增大。"
            if features.is_left_atrium_large
            else "左房、右房及右室未见增大。"
        )
        return f"{ventricle}{atrium}室间隔连续。"
    ventricle = (
        "The left ventricle is clearly enlarged and spherical with a thin wall."
        if features.is_dilated
        else "The left ventricle is not enlarged and bullet-shaped with a wall of usual thickness."
    )
    atrium = (
        "The left atrium is enlarged; the right atrium and right ventricle are not."
        if features.is_left_atrium_large
        else "Both atria and the right ventricle are not enlarged."
    )
    return f"{ventricle} {atrium} The septum is continuous."


def fluid(features: HeartFeatures, language: Language) -> str:
    """Return what is seen around the heart."""
    if _is_chinese(language):
        if not features.effusion:
            return "心包腔内未见液性暗区。"
        dent = "，右房游离壁受压内陷。" if features.has_atrial_collapse else "，右房壁未见内陷。"
        return f"心包腔内可见{_AMOUNT[features.effusion][0]}液性暗区，环绕心脏{dent}"
    if not features.effusion:
        return "No fluid is seen around the heart."
    dent = (
        " and dents the free wall of the right atrium."
        if features.has_atrial_collapse
        else " without denting the right atrium."
    )
    return f"A {_AMOUNT[features.effusion][1]} anechoic rim of fluid surrounds the heart{dent}"


def _findings_zh(features: HeartFeatures) -> str:
    seen = chambers(features, Language.CHINESE)
    valve = f"二尖瓣处于{_VALVE[features.mitral_valve][0]}状态。"
    return f"心尖四腔心切面：{seen}{valve}{fluid(features, Language.CHINESE)}"


def _findings_en(features: HeartFeatures) -> str:
    seen = chambers(features, Language.ENGLISH)
    valve = f"The mitral valve is {_VALVE[features.mitral_valve][1]}."
    return f"Apical four-chamber view. {seen} {valve} {fluid(features, Language.ENGLISH)}"


def impression(features: HeartFeatures, language: Language) -> str:
    """Return the true impression."""
    pair = 0 if _is_chinese(language) else 1
    if features.effusion:
        amount = _AMOUNT[features.effusion][pair]
        texts = (f"心包积液（{amount}）", f"Pericardial effusion, {amount}")
        collapse = ("，右房受压。", ", compressing the right atrium.")
        return texts[pair] + (collapse[pair] if features.has_atrial_collapse else "。."[pair])
    if features.is_dilated:
        texts = ("左心室扩大", "Dilated left ventricle")
        atrium = ("伴左心房扩大。", " with a dilated left atrium.")
        return texts[pair] + (atrium[pair] if features.is_left_atrium_large else "。."[pair])
    return ("正常心脏。", "Normal heart.")[pair]


_Row = tuple[str, tuple[str, str], tuple[str, str]]


def questions(features: HeartFeatures, language: Language) -> list[Question]:
    """Return questions whose answers the image shows."""
    pair = 0 if _is_chinese(language) else 1
    rows = [_view_row(), _ventricle_row(features), _wall_row(features), _atrium_row(features)]
    rows += [_valve_row(features), _effusion_row(features)]
    if features.effusion:
        rows.append(_amount_row(features))
    return [Question(topic, text[pair], answer[pair]) for topic, text, answer in rows]


def _view_row() -> _Row:
    return (
        "view",
        ("这是哪个心脏切面？", "Which view of the heart is this?"),
        ("心尖四腔心切面。", "It is the apical four-chamber view."),
    )


def _ventricle_row(features: HeartFeatures) -> _Row:
    large = ("是，左室明显增大，呈球形。", "Yes, it is clearly enlarged and spherical.")
    usual = ("否，左室未见增大。", "No, it is not enlarged.")
    return (
        "left-ventricle",
        ("左室是否增大？", "Is the left ventricle enlarged?"),
        large if features.is_dilated else usual,
    )


def _wall_row(features: HeartFeatures) -> _Row:
    thin = ("左室壁变薄。", "The wall of the left ventricle is thin.")
    usual = ("左室壁厚度适中。", "The wall of the left ventricle has its usual thickness.")
    return (
        "wall",
        ("左室壁厚度如何？", "How thick is the wall of the left ventricle?"),
        thin if features.is_dilated else usual,
    )


def _atrium_row(features: HeartFeatures) -> _Row:
    large = ("是，左房增大。", "Yes, the left atrium is enlarged.")
    usual = ("否，左房未见增大。", "No, the left atrium is not enlarged.")
    return (
        "left-atrium",
        ("左房是否增大？", "Is the left atrium enlarged?"),
        large if features.is_left_atrium_large else usual,
    )


def _valve_row(features: HeartFeatures) -> _Row:
    zh, en = _VALVE[features.mitral_valve]
    return (
        "mitral-valve",
        ("二尖瓣是开放还是关闭？", "Is the mitral valve open or closed?"),
        (f"二尖瓣{zh}。", f"The mitral valve is {en}."),
    )


def _effusion_row(features: HeartFeatures) -> _Row:
    seen = ("有，心脏周围可见液性暗区。", "Yes, there is fluid around the heart.")
    none = ("没有，心包腔内未见积液。", "No, there is no fluid around the heart.")
    return (
        "effusion",
        ("有心包积液吗？", "Is there a pericardial effusion?"),
        seen if features.effusion else none,
    )


def _amount_row(features: HeartFeatures) -> _Row:
    zh, en = _AMOUNT[features.effusion]
    return (
        "amount",
        ("积液量如何？", "How large is the effusion?"),
        (f"{zh}积液。", f"It is {en}."),
    )
