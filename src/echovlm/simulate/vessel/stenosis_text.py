"""What a report says of a simulated internal carotid artery under Doppler, in both languages.

The words for the classes are those of the Chinese expert consensus: below 50 % 轻度, 50-69 % 中度,
70-99 % 重度, 100 % 闭塞.
"""

from __future__ import annotations

from echovlm.simulate.question import Question
from echovlm.simulate.vessel.stenosis import StenosisFeatures
from echovlm.terms import Language

_ECHO = {
    "hypoechoic": ("低回声", "hypoechoic"),
    "isoechoic": ("等回声", "isoechoic"),
    "calcified": ("强回声伴后方声影", "strongly echogenic with a posterior shadow"),
}
_LUMEN = {
    "normal": ("管腔未见变窄", "The lumen is not narrowed"),
    "<50 %": ("管腔轻度变窄", "The lumen is mildly narrowed"),
    "50-69 %": ("管腔中度变窄", "The lumen is moderately narrowed"),
    ">=70 %": ("管腔重度变窄", "The lumen is severely narrowed"),
    "near occlusion": ("管腔极度变窄", "The lumen is almost closed"),
    "occlusion": ("管腔内充满低回声", "The lumen is filled with hypoechoic material"),
}
_COLOUR = {
    "normal": ("血流充盈良好，色彩均匀", "colour fills it evenly"),
    "<50 %": ("血流充盈缺损，色彩尚均匀", "colour spares the protrusion and is even elsewhere"),
    "50-69 %": ("血流束变细，色彩明亮", "the colour stream is thin and bright there"),
    ">=70 %": (
        "血流束明显变细，呈五彩镶嵌状",
        "the colour stream is very thin and a mosaic of colours there",
    ),
    "near occlusion": ("仅见细线样血流信号", "only a thread of colour is seen"),
    "occlusion": ("未见血流信号", "no colour is seen"),
}
_SPECTRUM = {
    "normal": (
        "频窗清晰，峰值流速未见增高",
        "The spectral window is clear and the peak velocity is not raised",
    ),
    "<50 %": (
        "频窗少部分填充，峰值流速未见增高",
        "The spectral window is filled in a small part and the peak velocity is not raised",
    ),
    "50-69 %": (
        "频窗大部分填充，峰值流速增高",
        "The spectral window is mostly filled and the peak velocity is raised",
    ),
    ">=70 %": (
        "频窗消失，收缩期及舒张期流速均明显增高",
        "The spectral window is gone, and systolic and diastolic velocities are markedly raised",
    ),
    "near occlusion": (
        "收缩期上升缓慢，峰值流速减低",
        "The systolic upstroke is slow and the peak velocity is low",
    ),
    "occlusion": ("未引出血流频谱", "No flow spectrum is obtained"),
}
_CLASS = {
    "<50 %": ("颈内动脉轻度狭窄", "mild stenosis of the internal carotid artery"),
    "50-69 %": ("颈内动脉中度狭窄", "moderate stenosis of the internal carotid artery"),
    ">=70 %": ("颈内动脉重度狭窄", "severe stenosis of the internal carotid artery"),
    "near occlusion": ("颈内动脉次全闭塞", "near occlusion of the internal carotid artery"),
    "occlusion": ("颈内动脉闭塞", "occlusion of the internal carotid artery"),
}


def findings(features: StenosisFeatures, language: Language) -> str:
    """Describe what the pictures show, without diagnosis or measurement."""
    lumen, colour = _LUMEN[features.stenosis], _COLOUR[features.stenosis]
    spectrum = _SPECTRUM[features.stenosis]
    if language is Language.CHINESE:
        aliased = "，峰顶出现混叠" if features.is_spectrum_aliased else ""
        return (
            f"颈内动脉起始段长轴切面：{_wall_zh(features)}{lumen[0]}。彩色多普勒：{colour[0]}。"
            f"频谱多普勒：{spectrum[0]}{aliased}。"
        )
    aliased = ", and the peaks are aliased" if features.is_spectrum_aliased else ""
    return (
        f"Longitudinal view of the proximal internal carotid artery. {_wall_en(features)}"
        f"{lumen[1]}; {colour[1]}. {spectrum[1]}{aliased}."
    )


def _wall_zh(features: StenosisFeatures) -> str:
    plaques = features.vessel.plaques
    if features.stenosis == "occlusion":
        return ""
    if not plaques:
        return "管壁未见局限性增厚及突起，"
    if len(plaques) == 1:
        plaque = plaques[0]
        wall = {"near": "前壁", "far": "后壁"}[plaque.wall]
        return f"{wall}可见一处局限性突起，呈{_ECHO[plaque.echo][0]}，突入管腔，"
    near, far = (_ECHO[plaque.echo][0] for plaque in plaques)
    return f"前壁及后壁相对可见局限性突起，前壁呈{near}，后壁呈{far}，突入管腔，"


def _wall_en(features: StenosisFeatures) -> str:
    plaques = features.vessel.plaques
    if features.stenosis == "occlusion":
        return ""
    if not plaques:
        return "The walls show no focal thickening or protrusion. "
    if len(plaques) == 1:
        plaque = plaques[0]
        return (
            f"There is one focal protrusion into the lumen from the {plaque.wall} wall, "
            f"{_ECHO[plaque.echo][1]}. "
        )
    near, far = (_ECHO[plaque.echo][1] for plaque in plaques)
    return (
        "Focal protrusions into the lumen face each other, that of the near wall "
        f"{near}, that of the far wall {far}. "
    )


def impression(features: StenosisFeatures, language: Language) -> str:
    """Name the diagnosis that the findings support."""
    if features.stenosis == "normal":
        if language is Language.CHINESE:
            return "正常颈动脉，血流速度正常。"
        return "Normal carotid artery with normal flow velocities."
    zh, en = _CLASS[features.stenosis]
    return f"颈动脉斑块，{zh}。" if language is Language.CHINESE else f"Carotid plaque with {en}."


def questions(features: StenosisFeatures, language: Language) -> list[Question]:
    """Ask what a reader can see, with the true answers."""
    column = 0 if language is Language.CHINESE else 1
    rows = [
        _stenosis_row(features),
        (
            "colour",
            ("管腔内彩色血流如何？", "How does colour fill the lumen?"),
            _sentences(_COLOUR[features.stenosis]),
        ),
        (
            "spectrum",
            ("频谱多普勒有何表现？", "What does the spectral Doppler show?"),
            _sentences(_SPECTRUM[features.stenosis]),
        ),
        (
            "lumen",
            ("管腔变窄程度如何？", "How much is the lumen narrowed?"),
            _sentences(_LUMEN[features.stenosis]),
        ),
    ]
    if features.has_flow:
        rows.append(_aliasing_row(features))
    return [Question(topic, text[column], answer[column]) for topic, text, answer in rows]


def _sentences(pair: tuple[str, str]) -> tuple[str, str]:
    zh, en = pair
    return f"{zh}。", f"{en[0].upper()}{en[1:]}."


def _stenosis_row(features: StenosisFeatures) -> tuple[str, tuple[str, str], tuple[str, str]]:
    none = ("没有狭窄。", "There is no stenosis.")
    answer = none if features.stenosis == "normal" else _sentences(_CLASS[features.stenosis])
    return ("stenosis", ("颈内动脉狭窄程度如何？", "How severe is the stenosis?"), answer)


def _aliasing_row(features: StenosisFeatures) -> tuple[str, tuple[str, str], tuple[str, str]]:
    answer = ("没有，频谱未见混叠。", "No, the spectrum is not aliased.")
    if features.is_spectrum_aliased:
        answer = ("有，峰顶出现混叠。", "Yes, the peaks are aliased.")
    return ("aliasing", ("频谱是否出现混叠？", "Is the spectrum aliased?"), answer)
