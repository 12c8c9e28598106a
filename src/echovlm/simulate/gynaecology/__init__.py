"""Simulated gynaecological ultrasound: ovary and uterus.

The two organs share the pelvis around them but no feature, so each has its own modules; the five
doors here pass on to them.
"""

from __future__ import annotations

import numpy as np

from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.gynaecology import ovary, ovary_text, uterus, uterus_text
from echovlm.simulate.gynaecology.ovary import OvaryFeatures
from echovlm.simulate.gynaecology.ovary_image import draw_ovary
from echovlm.simulate.gynaecology.uterus import UterusFeatures
from echovlm.simulate.gynaecology.uterus_image import draw_uterus
from echovlm.simulate.question import Question
from echovlm.terms import Language

LABELS: tuple[str, ...] = (*ovary.LABELS, *uterus.LABELS)
"""Keys of ``prompts/labels.json`` for this anatomy."""

GynaecologyFeatures = OvaryFeatures | UterusFeatures
"""What is sampled first; the single source of images and texts."""


def sample(label: str, rng: np.random.Generator) -> GynaecologyFeatures:
    """Sample a patient with the given diagnosis label.

    Args:
        label: one of ``LABELS``.
        rng: source of every choice.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    if label not in LABELS:
        raise ValueError(f"unknown gynaecology label {label!r}; choose one of {', '.join(LABELS)}")
    return ovary.sample(label, rng) if label in ovary.LABELS else uterus.sample(label, rng)


def draw(features: GynaecologyFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the patient once; another call gives another view."""
    if isinstance(features, OvaryFeatures):
        return draw_ovary(features, rng)
    return draw_uterus(features, rng)


def findings(features: GynaecologyFeatures, language: Language) -> str:
    """Return the true findings: descriptors only, no diagnosis, no measurement."""
    if isinstance(features, OvaryFeatures):
        return ovary_text.findings(features, language)
    return uterus_text.findings(features, language)


def impression(features: GynaecologyFeatures, language: Language) -> str:
    """Return the true impression."""
    if isinstance(features, OvaryFeatures):
        return ovary_text.impression(features, language)
    return uterus_text.impression(features, language)


def questions(features: GynaecologyFeatures, language: Language) -> list[Question]:
    """Return questions whose answers the image shows."""
    if isinstance(features, OvaryFeatures):
        return ovary_text.questions(features, language)
    return uterus_text.questions(features, language)


def measurements(features: GynaecologyFeatures) -> dict[str, float]:
    """Return the true sizes; the unit is the last word of each name."""
    if isinstance(features, OvaryFeatures):
        return ovary.measurements(features)
    return uterus.measurements(features)
