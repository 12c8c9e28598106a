"""Simulated gynaecological ultrasound: ovary and uterus.

The five doors of an anatomy; :mod:`echovlm.simulate.ovary` and :mod:`echovlm.simulate.uterus` do
the work, since the two organs share the pelvis around them but no feature.
"""

from __future__ import annotations

import numpy as np

from echovlm.simulate import ovary, uterus
from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.ovary import OvaryFeatures
from echovlm.simulate.question import Question
from echovlm.simulate.uterus import UterusFeatures
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
    """
    return ovary.sample(label, rng) if label in ovary.LABELS else uterus.sample(label, rng)


def draw(features: GynaecologyFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the patient once; another call gives another view."""
    if isinstance(features, OvaryFeatures):
        return ovary.draw(features, rng)
    return uterus.draw(features, rng)


def findings(features: GynaecologyFeatures, language: Language) -> str:
    """Return the true findings: descriptors only, no diagnosis, no measurement."""
    if isinstance(features, OvaryFeatures):
        return ovary.findings(features, language)
    return uterus.findings(features, language)


def impression(features: GynaecologyFeatures, language: Language) -> str:
    """Return the true impression."""
    if isinstance(features, OvaryFeatures):
        return ovary.impression(features, language)
    return uterus.impression(features, language)


def questions(features: GynaecologyFeatures, language: Language) -> list[Question]:
    """Return questions whose answers the image shows."""
    if isinstance(features, OvaryFeatures):
        return ovary.questions(features, language)
    return uterus.questions(features, language)


def measurements(features: GynaecologyFeatures) -> dict[str, float]:
    """Return the true sizes; the unit is the last word of each name."""
    if isinstance(features, OvaryFeatures):
        return ovary.measurements(features)
    return uterus.measurements(features)
