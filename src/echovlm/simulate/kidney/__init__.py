"""Simulated kidney, longitudinal view: normal, hydronephrosis, stone and cyst."""

from echovlm.simulate.kidney.features import LABELS, KidneyFeatures, measurements, sample
from echovlm.simulate.kidney.image import draw
from echovlm.simulate.kidney.text import findings, impression, questions

__all__ = [
    "LABELS",
    "KidneyFeatures",
    "draw",
    "findings",
    "impression",
    "measurements",
    "questions",
    "sample",
]
