"""Simulated common carotid artery, longitudinal view: normal and with plaque."""

from echovlm.simulate.vessel.features import (
    LABELS,
    Plaque,
    VesselFeatures,
    measurements,
    sample,
)
from echovlm.simulate.vessel.image import Lumen, draw, draw_with_lumen
from echovlm.simulate.vessel.text import findings, impression, questions

__all__ = [
    "LABELS",
    "Lumen",
    "Plaque",
    "VesselFeatures",
    "draw",
    "draw_with_lumen",
    "findings",
    "impression",
    "measurements",
    "questions",
    "sample",
]
