"""Simulated breast: normal tissue, cyst, fibroadenoma and malignant mass."""

from echovlm.simulate.breast.features import LABELS, BreastFeatures, measurements, sample
from echovlm.simulate.breast.image import draw
from echovlm.simulate.breast.text import findings, impression, questions

__all__ = [
    "LABELS",
    "BreastFeatures",
    "draw",
    "findings",
    "impression",
    "measurements",
    "questions",
    "sample",
]
