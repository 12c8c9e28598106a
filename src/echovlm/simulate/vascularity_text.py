"""What a report says of a nodule with colour Doppler: the B-mode report and one sentence more."""

from __future__ import annotations

from echovlm.simulate.question import Question
from echovlm.simulate.vascularity import NoduleFeatures
from echovlm.terms import Anatomy, Language

_COLOUR_ZH = {
    "absent": "内部及周边未见血流信号",
    "internal": "内部可见血流信号",
    "rim": "周边可见环状血流信号",
}
_COLOUR_EN = {
    "absent": "no vascularity",
    "internal": "internal vascularity",
    "rim": "vascularity in the rim",
}


def _noun(features: NoduleFeatures, language: Language) -> str:
    is_breast = features.nodule.label.startswith(Anatomy.BREAST.value)
    if language is Language.CHINESE:
        return "病灶" if is_breast else "结节"
    return ("lesion" if is_breast else "nodule") + ("" if features.count == 1 else "s")


def findings(features: NoduleFeatures, language: Language) -> str:
    """Describe what the picture shows, without diagnosis or measurement."""
    seen = features.module.findings(features.nodule, language)
    noun = _noun(features, language)
    if language is Language.CHINESE:
        return f"{seen}彩色多普勒：{noun}{_COLOUR_ZH[features.vascularity]}。"
    return f"{seen} Colour Doppler of the {noun} shows {_COLOUR_EN[features.vascularity]}."


def impression(features: NoduleFeatures, language: Language) -> str:
    """Name the diagnosis that the findings support."""
    return features.module.impression(features.nodule, language)


def questions(features: NoduleFeatures, language: Language) -> list[Question]:
    """Ask what a reader can see, with the true answers."""
    asked = features.module.questions(features.nodule, language)
    noun = _noun(features, language)
    if language is Language.CHINESE:
        answer = f"{noun}{_COLOUR_ZH[features.vascularity]}。"
        return [*asked, Question("vascularity", f"{noun}的血流情况如何？", answer)]
    answer = f"There is {_COLOUR_EN[features.vascularity]}."
    return [*asked, Question("vascularity", f"What is the vascularity of the {noun}?", answer)]
