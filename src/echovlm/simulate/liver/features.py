"""What can be true of a simulated liver, drawn before any picture or text.

Steatosis is graded 0 to 3 in the conventional way: brightness of the parenchyma, visibility of the
vessel walls, visibility of the diaphragm and the far field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS: tuple[str, ...] = (
    "liver-normal",
    "liver-steatosis",
    "liver-cyst",
    "liver-haemangioma",
)


@dataclass(frozen=True)
class LiverFeatures:
    """What is true of one simulated liver; ``""`` and 0 where there is no lesion.

    Attributes:
        label: key of the diagnosis.
        grade: steatosis, 0 none, 1 mild, 2 moderate, 3 severe.
        kidney_shown: True where the right kidney lies in the image for comparison.
        lesion_count: 0 to 2.
        shape: "round", "oval" or "lobulated".
        echo_pattern: "anechoic" or "hyperechoic".
        posterior: "none" or "enhancement".
        site: "superficial", "central" or "deep" part of the liver, of the (larger) lesion.
        lesion_long_mm: longest diameter of the (larger) lesion.
        lesion_ratio: its extent in depth over its lateral extent.
    """

    label: str
    grade: int = 0
    kidney_shown: bool = False
    lesion_count: int = 0
    shape: str = ""
    echo_pattern: str = ""
    posterior: str = ""
    site: str = ""
    lesion_long_mm: float = 0.0
    lesion_ratio: float = 0.0


def sample(label: str, rng: np.random.Generator) -> LiverFeatures:
    """Draw the features of a liver with the given diagnosis.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    if label not in LABELS:
        raise ValueError(f"unknown liver label {label!r}")
    kidney_shown = bool(rng.uniform() < 0.45)
    if label == "liver-normal":
        return LiverFeatures(label, kidney_shown=kidney_shown)
    if label == "liver-steatosis":
        return LiverFeatures(label, grade=int(rng.integers(1, 4)), kidney_shown=kidney_shown)
    cyst = label == "liver-cyst"
    # A kidney in the image takes the room of the deep part.
    sites = ["superficial", "central"] if kidney_shown else ["superficial", "central", "deep"]
    shape = str(rng.choice(["round", "oval"] if cyst else ["round", "oval", "lobulated"]))
    return LiverFeatures(
        label=label,
        kidney_shown=kidney_shown,
        lesion_count=int(rng.choice([1, 2], p=[0.7, 0.3])),
        shape=shape,
        echo_pattern="anechoic" if cyst else "hyperechoic",
        posterior="enhancement" if cyst else "none",
        site=str(rng.choice(sites)),
        lesion_long_mm=round(float(rng.uniform(20, 46) if cyst else rng.uniform(19, 34)), 2),
        lesion_ratio=round(float(rng.uniform(0.62, 0.78) if shape == "oval" else 0.97), 2),
    )


def measurements(features: LiverFeatures) -> dict[str, float]:
    """Return the true sizes; empty without a lesion."""
    if features.lesion_count == 0:
        return {}
    return {
        "lesion_long_mm": features.lesion_long_mm,
        "lesion_depth_extent_mm": round(features.lesion_long_mm * features.lesion_ratio, 2),
    }
