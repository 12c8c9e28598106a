"""Simulated heart: the apical four-chamber view, as a still or as a cine loop of one beat."""

from echovlm.simulate.heart.cine import HeartCine, draw_cine
from echovlm.simulate.heart.features import EFFUSIONS, LABELS, HeartFeatures, measurements, sample
from echovlm.simulate.heart.image import draw
from echovlm.simulate.heart.text import findings, impression, questions

__all__ = [
    "EFFUSIONS",
    "LABELS",
    "HeartCine",
    "HeartFeatures",
    "draw",
    "draw_cine",
    "findings",
    "impression",
    "measurements",
    "questions",
    "sample",
]
