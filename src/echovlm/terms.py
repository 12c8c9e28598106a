"""The field's words, as enumerations every other room shares.

Values are the canonical lower-case English words that stand in code, JSON and on the command line.
"""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """Language of a report or answer."""

    CHINESE = "zh"
    ENGLISH = "en"


class Anatomy(StrEnum):
    """The seven anatomical regions of the published system (paper, section 4.1)."""

    BREAST = "breast"
    THYROID = "thyroid"
    LIVER = "liver"
    KIDNEY = "kidney"
    HEART = "heart"
    VESSEL = "vessel"
    GYNAECOLOGY = "gynaecology"


class Laterality(StrEnum):
    """Side of a paired organ (DICOM PS3.3 C.7.3.1.1, Laterality)."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"
    MIDLINE = "midline"


class Mode(StrEnum):
    """What the pixels of a clip or region show (DICOM PS3.3 C.8.5.5.1.2, Region Data Type)."""

    B_MODE = "b-mode"
    COLOUR_DOPPLER = "colour-doppler"
    SPECTRAL_DOPPLER = "spectral-doppler"
    M_MODE = "m-mode"
    WAVEFORM = "waveform"
    GRAPHICS = "graphics"
    UNKNOWN = "unknown"


class Transducer(StrEnum):
    """Shape of the transducer; it decides the shape of the sector."""

    LINEAR = "linear"
    CURVILINEAR = "curvilinear"
    PHASED = "phased"
    ENDOCAVITARY = "endocavitary"
