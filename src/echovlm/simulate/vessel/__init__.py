"""Simulated common carotid artery, longitudinal view: normal and with plaque."""

from echovlm.simulate.vessel.features import (
    LABELS,
    Plaque,
    VesselFeatures,
    measurements,
    sample,
)
from echovlm.simulate.vessel.image import draw
from echovlm.simulate.vessel.text import findings, impression, questions

__all__ = [
    "LABELS",
    "Plaque",
    "VesselFeatures",
    "draw",
    "findings",
    "impression",
    "measurements",
    "questions",
    "sample",
]
