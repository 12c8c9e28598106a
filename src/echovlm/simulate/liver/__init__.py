"""Simulated liver: normal, steatosis of three grades, cyst and haemangioma."""

from echovlm.simulate.liver.features import LABELS, LiverFeatures, measurements, sample
from echovlm.simulate.liver.image import draw
from echovlm.simulate.liver.text import findings, impression, questions

__all__ = [
    "LABELS",
    "LiverFeatures",
    "draw",
    "findings",
    "impression",
    "measurements",
    "questions",
    "sample",
]
