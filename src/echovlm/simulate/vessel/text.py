"""What a report says about a simulated carotid artery, in Chinese and English.

One wording per fact. Findings describe a plaque as a focal protrusion; its name is the diagnosis.
"""

from __future__ import annotations

from echovlm.simulate.question import Question
from echovlm.simulate.vessel.features import Plaque, VesselFeatures
from echovlm.terms import Language

_ZH = {
    "straight": "走行平直",
    "curved": "走行弯曲",
    "near": "前壁",
    "far": "后壁",
    "hypoechoic": "低回声",
    "isoechoic": "等回声",
    "calcified": "强回声伴后方声影",
    "mild": "轻度变窄",
    "marked": "明显变窄",
}
_ECHO_EN = {
    "hypoechoic": "hypoechoic",
    "isoechoic": "isoechoic",
    "calcified": "strongly echogenic with a posterior shadow",
}


def findings(features: VesselFeatures, language: Language) -> str:
    """Describe what the image shows, without diagnosis or measurement."""
    if language is Language.CHINESE:
        return _findings_zh(features)
    return _findings_en(features)


def _findings_zh(features: VesselFeatures) -> str:
    vein = "其浅侧可见颈内静脉" if features.jugular_seen else "其浅侧未见颈内静脉"
    layer = "内中膜增厚" if features.imt_thickened else "内中膜不厚，呈双线样回声"
    opening = f"颈总动脉长轴切面{_ZH[features.course]}，{vein}，管壁{layer}。"
    if not features.plaques:
        return (
            f"{opening}管腔内透声良好，呈无回声，管壁未见局限性增厚及突起，管腔未见变窄，未见声影。"
        )
    narrowing = _ZH[features.narrowing]
    return f"{opening}{_protrusions_zh(features)}。管腔{narrowing}，其余管腔透声良好。"


def _protrusions_zh(features: VesselFeatures) -> str:
    if len(features.plaques) == 1:
        plaque = features.plaques[0]
        return f"{_ZH[plaque.wall]}可见一处局限性突起，突入管腔，呈{_ZH[plaque.echo]}"
    first, second = features.plaques
    return (
        "管壁可见两处局限性突起，突入管腔，"
        f"左侧一处位于{_ZH[first.wall]}，呈{_ZH[first.echo]}，"
        f"右侧一处位于{_ZH[second.wall]}，呈{_ZH[second.echo]}"
    )


def _findings_en(features: VesselFeatures) -> str:
    vein = "with" if features.jugular_seen else "without"
    layer = "is thickened" if features.imt_thickened else "is thin and shows as a double line"
    opening = (
        f"Longitudinal view of the common carotid artery, {features.course} in its course, {vein} "
        f"the internal jugular vein in front of it. The intima-media layer {layer}."
    )
    if not features.plaques:
        return (
            f"{opening} The lumen is anechoic. The walls show no focal thickening or protrusion, "
            "the lumen is not narrowed and there is no shadow."
        )
    narrowed = {"mild": "mildly", "marked": "markedly"}[features.narrowing]
    return (
        f"{opening} {_protrusions_en(features)}. The lumen is {narrowed} narrowed and elsewhere "
        "anechoic."
    )


def _protrusions_en(features: VesselFeatures) -> str:
    if len(features.plaques) == 1:
        plaque = features.plaques[0]
        return (
            f"There is one focal protrusion into the lumen from the {plaque.wall} wall, "
            f"{_ECHO_EN[plaque.echo]}"
        )
    left, right = (f"on the {p.wall} wall, {_ECHO_EN[p.echo]}" for p in features.plaques)
    return f"There are two focal protrusions into the lumen: left, {left}; right, {right}"


def impression(features: VesselFeatures, language: Language) -> str:
    """Name the diagnosis that the findings support."""
    chinese = language is Language.CHINESE
    if not features.plaques:
        return "正常颈动脉。" if chinese else "Normal carotid artery."
    if features.imt_thickened:
        if chinese:
            return "颈动脉斑块，颈动脉内中膜增厚。"
        return "Carotid plaque with a thickened intima-media layer."
    return "颈动脉斑块。" if chinese else "Carotid plaque."


def questions(features: VesselFeatures, language: Language) -> list[Question]:
    """Ask what a reader can see, with the true answers."""
    chinese = language is Language.CHINESE
    asked = _questions_zh(features) if chinese else _questions_en(features)
    return [Question(topic, text, answer) for topic, text, answer in asked]


def _shadowed(plaques: tuple[Plaque, ...]) -> bool:
    return any(plaque.echo == "calcified" for plaque in plaques)


def _questions_zh(features: VesselFeatures) -> list[tuple[str, str, str]]:
    plaques = features.plaques
    layer = "是，内中膜增厚。" if features.imt_thickened else "否，内中膜不厚。"
    vein = "有，可见颈内静脉。" if features.jugular_seen else "没有，未见颈内静脉。"
    asked = [
        (
            "plaque",
            "颈动脉内是否有斑块？",
            "有，可见突入管腔的斑块。" if plaques else "没有，未见斑块。",
        ),
        ("count", "可见几处斑块？", {0: "没有斑块。", 1: "一处。", 2: "两处。"}[len(plaques)]),
        ("intima-media", "内中膜是否增厚？", layer),
        ("course", "血管走行如何？", f"{_ZH[features.course]}。"),
    ]
    if len(plaques) != 1:
        asked.append(("jugular", "是否可见颈内静脉？", vein))
    if plaques:
        asked.append(("narrowing", "管腔变窄程度如何？", f"管腔{_ZH[features.narrowing]}。"))
    if len(plaques) == 2:
        shadow = "有，后方可见声影。" if _shadowed(plaques) else "没有，后方未见声影。"
        asked.append(("shadow", "斑块后方是否有声影？", shadow))
    if len(plaques) == 1:
        asked.append(("wall", "斑块位于前壁还是后壁？", f"位于{_ZH[plaques[0].wall]}。"))
        asked.append(("echogenicity", "斑块的回声如何？", f"呈{_ZH[plaques[0].echo]}。"))
    return asked


def _questions_en(features: VesselFeatures) -> list[tuple[str, str, str]]:
    plaques = features.plaques
    layer = "Yes, it is thickened." if features.imt_thickened else "No, it is not thickened."
    vein = "Yes, it is seen." if features.jugular_seen else "No, it is not seen."
    asked = [
        (
            "plaque",
            "Is there a plaque in the carotid artery?",
            "Yes, a plaque protrudes into the lumen." if plaques else "No, there is no plaque.",
        ),
        (
            "count",
            "How many plaques are seen?",
            {0: "There is no plaque.", 1: "One.", 2: "Two."}[len(plaques)],
        ),
        ("intima-media", "Is the intima-media layer thickened?", layer),
        ("course", "What is the course of the vessel?", f"It is {features.course}."),
    ]
    if len(plaques) != 1:
        asked.append(("jugular", "Is the internal jugular vein seen?", vein))
    if plaques:
        narrowed = {"mild": "mildly", "marked": "markedly"}[features.narrowing]
        asked.append(
            ("narrowing", "How much is the lumen narrowed?", f"It is {narrowed} narrowed.")
        )
    if len(plaques) == 2:
        shadow = "Yes, there is a posterior shadow." if _shadowed(plaques) else "No, there is none."
        asked.append(("shadow", "Is there a shadow behind a plaque?", shadow))
    if len(plaques) == 1:
        asked.append(("wall", "On which wall is the plaque?", f"On the {plaques[0].wall} wall."))
        echo = f"It is {_ECHO_EN[plaques[0].echo]}."
        asked.append(("echogenicity", "What is the echogenicity of the plaque?", echo))
    return asked
