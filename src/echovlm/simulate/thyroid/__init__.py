"""Simulated thyroid, transverse view: normal lobe, colloid cyst, and three kinds of nodule."""

from echovlm.simulate.thyroid.features import LABELS, ThyroidFeatures, measurements, sample
from echovlm.simulate.thyroid.image import draw
from echovlm.simulate.thyroid.text import findings, impression, questions

__all__ = [
    "LABELS",
    "ThyroidFeatures",
    "draw",
    "findings",
    "impression",
    "measurements",
    "questions",
    "sample",
]
