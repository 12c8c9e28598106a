"""What a reader says of a cine loop of a simulated heart, in Chinese and English."""

from __future__ import annotations

from echovlm.simulate.heart import text as still
from echovlm.simulate.heart.function import FunctionFeatures
from echovlm.simulate.question import Question
from echovlm.terms import Language

_MOTION = {
    "normal": ("正常", "to the usual degree"),
    "mild": ("轻度减弱", "slightly less than usual"),
    "moderate": ("中度减弱", "moderately less than usual"),
    "severe": ("明显减弱", "much less than usual"),
}
_FUNCTION = {
    "normal": ("正常", "normal"),
    "mild": ("轻度减低", "mildly reduced"),
    "moderate": ("中度减低", "moderately reduced"),
    "severe": ("重度减低", "severely reduced"),
}


def findings(features: FunctionFeatures, language: Language) -> str:
    """Return the true findings: descriptors only, no diagnosis, no measurement."""
    chambers = still.chambers(features.heart, language)
    fluid = still.fluid(features.heart, language)
    zh, en = _MOTION[features.grade]
    if language is Language.CHINESE:
        return (
            f"心尖四腔心切面动态图像：{chambers}收缩期左室壁增厚及向心运动幅度{zh}，"
            f"二尖瓣启闭自如。{fluid}"
        )
    return (
        f"Apical four-chamber cine loop. {chambers} In systole the left ventricular wall thickens "
        f"and moves inwards {en}. The mitral valve opens and closes freely. {fluid}"
    )


def impression(features: FunctionFeatures, language: Language) -> str:
    """Return the true impression: what a still shows, then the function."""
    zh, en = _FUNCTION[features.grade]
    shape = still.impression(features.heart, language)[:-1] if features.heart.label else ""
    if language is Language.CHINESE:
        return f"{shape}{'，' if shape else ''}左室收缩功能{zh}。"
    function = f"{en} left ventricular systolic function."
    return f"{shape}; {function}" if shape else f"{function[0].upper()}{function[1:]}"


def questions(features: FunctionFeatures, language: Language) -> list[Question]:
    """Return questions whose answers the cine loop shows."""
    asked = still.questions(features.heart, language)
    kept = [question for question in asked if question.topic != "mitral-valve"]
    motion, function = _MOTION[features.grade], _FUNCTION[features.grade]
    if language is Language.CHINESE:
        return [
            *kept,
            Question("wall-motion", "左室壁运动幅度如何？", f"左室壁运动幅度{motion[0]}。"),
            Question("function", "左室收缩功能如何？", f"左室收缩功能{function[0]}。"),
        ]
    return [
        *kept,
        Question(
            "wall-motion",
            "How does the wall of the left ventricle move?",
            f"It thickens and moves inwards {motion[1]}.",
        ),
        Question(
            "function",
            "How is the systolic function of the left ventricle?",
            f"It is {function[1]}.",
        ),
    ]
