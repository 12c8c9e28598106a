"""The simulated heart: one apical four-chamber view, as a still or as a cine loop of one beat.

Ranges follow the ASE/EACVI chamber quantification (2015, DOI 10.1016/j.echo.2014.10.003); the
depth of a pericardial effusion at end-diastole is small below 10 mm, moderate from 10 to 20 mm and
large above. The ejection fraction is exact for the drawn ventricle (a solid of revolution) but only
a cine loop shows it, so no text speaks of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.heart_drawing import HeartCine, draw_heart, draw_heart_cine
from echovlm.simulate.heart_shape import fill_factor
from echovlm.simulate.question import Question
from echovlm.terms import Language

LABELS: tuple[str, ...] = ("heart-normal", "heart-dilated-ventricle", "heart-pericardial-effusion")

EFFUSIONS: tuple[str, ...] = ("small", "moderate", "large")


@dataclass(frozen=True)
class HeartFeatures:
    """One heart.

    Attributes:
        label: key of the diagnosis label.
        is_dilated: True where the left ventricle is large and round.
        left_ventricle_diastolic_mm: inner diameter at end-diastole.
        left_ventricle_length_mm: inner length from apex to mitral ring at end-diastole.
        wall_mm: thickness of the left ventricular wall at end-diastole.
        is_left_atrium_large: True where the left atrium exceeds the right one plainly.
        ejection_fraction_percent: stroke volume over end-diastolic volume.
        mitral_valve: "open" or "closed" in the still.
        effusion: one of ``EFFUSIONS``; "" without fluid around the heart.
        effusion_mm: greatest depth of the fluid at end-diastole, 0 without.
        has_atrial_collapse: True where the fluid dents the free wall of the right atrium.
    """

    label: str
    is_dilated: bool
    left_ventricle_diastolic_mm: float
    left_ventricle_length_mm: float
    wall_mm: float
    is_left_atrium_large: bool
    ejection_fraction_percent: float
    mitral_valve: str
    effusion: str
    effusion_mm: float
    has_atrial_collapse: bool

    @property
    def end_diastolic_volume_ml(self) -> float:
        """Volume of the drawn ventricle, turned about its long axis."""
        area_mm2 = np.pi / 4 * self.left_ventricle_diastolic_mm**2
        cylinder_ml = area_mm2 * self.left_ventricle_length_mm / 1000
        return float(fill_factor(self.is_dilated) * cylinder_ml)


def sample(label: str, rng: np.random.Generator) -> HeartFeatures:
    """Sample a heart with the given label."""
    is_dilated = label == "heart-dilated-ventricle"
    diameter = float(rng.uniform(61, 73) if is_dilated else rng.uniform(42, 50))
    ratio = float(rng.uniform(1.25, 1.4) if is_dilated else rng.uniform(1.72, 1.9))
    has_effusion = label == "heart-pericardial-effusion"
    effusion = str(rng.choice(EFFUSIONS)) if has_effusion else ""
    depth = {"": (0, 0), "small": (6, 8), "moderate": (12, 16), "large": (22, 28)}[effusion]
    fraction = rng.uniform(18, 38) if is_dilated else rng.uniform(55, 70)
    return HeartFeatures(
        label=label,
        is_dilated=is_dilated,
        left_ventricle_diastolic_mm=round(diameter, 1),
        left_ventricle_length_mm=round(diameter * ratio, 1),
        wall_mm=round(float(rng.uniform(5.0, 6.5) if is_dilated else rng.uniform(8.5, 10)), 1),
        is_left_atrium_large=is_dilated and bool(rng.random() < 0.5),
        ejection_fraction_percent=round(float(fraction), 1),
        mitral_valve=str(rng.choice(["open", "closed"])),
        effusion=effusion,
        effusion_mm=round(float(rng.uniform(*depth)), 1),
        has_atrial_collapse=effusion == "large" and bool(rng.random() < 0.5),
    )


def draw(features: HeartFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the heart once; another call gives another view."""
    return draw_heart(features, rng)


def draw_cine(features: HeartFeatures, rng: np.random.Generator, frames: int = 20) -> HeartCine:
    """Scan one whole beat.

    Args:
        features: what was sampled.
        rng: source of the view and the speckle.
        frames: number of frames; frame 0 is end-diastole and the loop closes.
    """
    return draw_heart_cine(features, rng, frames)


def measurements(features: HeartFeatures) -> dict[str, float]:
    """Return the true sizes and indices; the unit is the last word of each name."""
    diastolic = features.end_diastolic_volume_ml
    systolic = diastolic * (1 - features.ejection_fraction_percent / 100)
    values = {
        "left_ventricle_diastolic_mm": features.left_ventricle_diastolic_mm,
        "left_ventricle_length_mm": features.left_ventricle_length_mm,
        "left_ventricle_wall_mm": features.wall_mm,
        "end_diastolic_volume_ml": round(diastolic, 1),
        "end_systolic_volume_ml": round(systolic, 1),
        "ejection_fraction_percent": features.ejection_fraction_percent,
    }
    return values | ({"effusion_depth_mm": features.effusion_mm} if features.effusion else {})


# --- text -------------------------------------------------------------------------------------

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


def _findings_zh(features: HeartFeatures) -> str:
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
    valve = f"二尖瓣处于{_VALVE[features.mitral_valve][0]}状态。"
    if not features.effusion:
        fluid = "心包腔内未见液性暗区。"
    else:
        fluid = f"心包腔内可见{_AMOUNT[features.effusion][0]}液性暗区，环绕心脏"
        fluid += "，右房游离壁受压内陷。" if features.has_atrial_collapse else "，右房壁未见内陷。"
    return f"心尖四腔心切面：{ventricle}{atrium}室间隔连续。{valve}{fluid}"


def _findings_en(features: HeartFeatures) -> str:
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
    valve = f"The mitral valve is {_VALVE[features.mitral_valve][1]}."
    if not features.effusion:
        fluid = "No fluid is seen around the heart."
    else:
        fluid = f"A {_AMOUNT[features.effusion][1]} anechoic rim of fluid surrounds the heart"
        fluid += (
            " and dents the free wall of the right atrium."
            if features.has_atrial_collapse
            else " without denting the right atrium."
        )
    return (
        f"Apical four-chamber view. {ventricle} {atrium} The septum is continuous. {valve} {fluid}"
    )


def impression(features: HeartFeatures, language: Language) -> str:
    """Return the true impression."""
    pair = 0 if _is_chinese(language) else 1
    if features.effusion:
        amount = _AMOUNT[features.effusion][pair]
        texts = (f"心包积液({amount})", f"Pericardial effusion, {amount}")
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
