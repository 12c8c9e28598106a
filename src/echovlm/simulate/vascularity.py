"""Vessels of a nodule under colour Doppler: none, inside it, or along its rim.

The three patterns are those of ACR BI-RADS ultrasound, 5th edition (2013). Cysts have no vessels;
how often the others have which pattern is a choice that makes pictures varied, not an epidemiology.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from scipy.spatial import KDTree

from echovlm.simulate import breast, thyroid
from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.breast import BreastFeatures
from echovlm.simulate.doppler import ColourBox, ColourImage, Flow, colour_image, pixel_positions
from echovlm.simulate.places import Place
from echovlm.simulate.thyroid import ThyroidFeatures

PATTERNS: tuple[str, ...] = ("absent", "internal", "rim")

_SHARES: dict[str, tuple[float, float, float]] = {
    "breast-cyst": (1.0, 0.0, 0.0),
    "breast-fibroadenoma": (0.4, 0.25, 0.35),
    "breast-malignant": (0.1, 0.7, 0.2),
    "thyroid-colloid-cyst": (1.0, 0.0, 0.0),
    "thyroid-spongiform": (0.7, 0.3, 0.0),
    "thyroid-benign-solid": (0.15, 0.25, 0.6),
    "thyroid-suspicious": (0.2, 0.6, 0.2),
}
LABELS: tuple[str, ...] = tuple(_SHARES)
"""Labels with a nodule, in the order of the patterns' shares."""

_MARGIN_MM = 1.3  # of the colour box around the nodules
_POINTS = 80  # of one vessel's course
_REACH_MM = 1.5  # farther from a vessel nothing flows


@dataclass(frozen=True)
class NoduleFeatures:
    """A nodule and its vessels.

    Attributes:
        nodule: what is true of it in B-mode.
        vascularity: one of ``PATTERNS``.
    """

    nodule: BreastFeatures | ThyroidFeatures
    vascularity: str

    @property
    def module(self) -> ModuleType:
        """The anatomy that draws and describes it."""
        return breast if isinstance(self.nodule, BreastFeatures) else thyroid

    @property
    def count(self) -> int:
        """Number of nodules, 1 or 2."""
        return (
            self.nodule.lesion_count
            if isinstance(self.nodule, BreastFeatures)
            else self.nodule.nodule_count
        )


def sample(rng: np.random.Generator, label: str | None = None) -> NoduleFeatures:
    """Sample one nodule, or two without vessels.

    Args:
        rng: source of every choice.
        label: one of ``LABELS``; drawn evenly where None.

    Raises:
        ValueError: for a label that is not one of ``LABELS``.
    """
    drawn = str(rng.choice(LABELS))
    label = drawn if label is None else label
    if label not in LABELS:
        raise ValueError(f"no nodule belongs to {label!r}; choose one of {', '.join(LABELS)}")
    module = breast if label.startswith("breast") else thyroid
    pattern = str(rng.choice(PATTERNS, p=_SHARES[label]))
    features = NoduleFeatures(module.sample(label, rng), pattern)
    return features if features.count == 1 else NoduleFeatures(features.nodule, "absent")


def draw(features: NoduleFeatures, rng: np.random.Generator) -> tuple[BModeImage, ColourImage]:
    """Scan the nodule and lay a colour box over it."""
    image = features.module.draw(features.nodule, rng)
    box = _box(image, rng)
    flow = nodule_flow(image, image.places[0], features.vascularity, rng)
    return image, colour_image(image, flow, box, rng)


def _box(image: BModeImage, rng: np.random.Generator) -> ColourBox:
    """Return a box around all nodules, set for slow flow."""
    corners = np.array([place.box_mm for place in image.places])
    left, top = corners[:, :2].min(axis=0) - _MARGIN_MM
    right, bottom = corners[:, 2:].max(axis=0) + _MARGIN_MM
    steering = float(rng.choice([-12.0, 12.0]))
    top = max(float(top), 1.0)
    bottom = min(float(bottom), image.top_mm + (image.pixels.shape[0] - 3) * image.spacing_mm)
    # Its corners may miss the nodule, which is round; neighbouring vessels stay outside.
    shift = float(np.tan(np.deg2rad(steering))) * (bottom - top) / 2
    return ColourBox(
        left_mm=float(left) - shift,
        right_mm=float(right) - shift,
        top_mm=top,
        bottom_mm=bottom,
        steering_deg=steering,
        nyquist_cm_per_s=float(np.round(rng.uniform(5, 8))),
        wall_filter_cm_per_s=0.5,
    )


def nodule_flow(image: BModeImage, place: Place, pattern: str, rng: np.random.Generator) -> Flow:
    """Return the flow in a nodule's vessels on the pixels of a picture.

    Args:
        image: the picture.
        place: the nodule in it.
        pattern: one of ``PATTERNS``.
        rng: source of the vessels.
    """
    shape = image.pixels.shape
    x_speed, z_speed, blood = (np.zeros(shape) for _ in range(3))
    x_mm, z_mm = pixel_positions(image)
    spots = np.stack([x_mm.ravel(), z_mm.ravel()], axis=1)
    for course in _courses(place, pattern, rng):
        radius = float(rng.uniform(0.45, 0.75))
        speed = float(rng.uniform(4, 11)) * (1 if rng.random() < 0.5 else -1)
        away, nearest = KDTree(course).query(spots, distance_upper_bound=_REACH_MM)
        along = np.gradient(course, axis=0)
        along /= np.hypot(along[:, 0], along[:, 1])[:, None]
        inside = (away < radius).reshape(shape)
        profile = speed * (1 - (away.reshape(shape)[inside] / radius) ** 2)
        direction = along[nearest.reshape(shape)[inside]]
        x_speed[inside], z_speed[inside] = profile * direction[:, 0], profile * direction[:, 1]
        share = np.clip((radius - away) / image.spacing_mm + 0.5, 0, 1).reshape(shape)
        blood = np.maximum(blood, share)
    return Flow(x_speed, z_speed, blood, 0.1 * np.hypot(x_speed, z_speed))


def _courses(place: Place, pattern: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the course of each vessel as points (x, z) in mm."""
    if pattern == "absent":
        return []
    part = np.linspace(0, 1, _POINTS)
    count = int(rng.integers(3, 6))
    turns = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
    courses = []
    for turn in turns:
        if pattern == "rim":
            angle = turn + 2 * np.pi / count * float(rng.uniform(0.65, 0.9)) * part
            reach = 1 + 0.03 * np.sin(2 * np.pi * part + rng.uniform(0, 6))
        else:
            angle = turn + rng.uniform(-0.9, 0.9) * part + 0.15 * np.sin(7 * part)
            reach = 0.92 - rng.uniform(0.4, 0.75) * part
        courses.append(_placed(place, angle, reach))
    return courses


def _placed(place: Place, angle: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Return positions given as angle and part of the way from a nodule's middle to its border."""
    u = place.long_mm / 2 * reach * np.cos(angle)
    v = place.short_mm / 2 * reach * np.sin(angle)
    cos, sin = np.cos(place.angle_rad), np.sin(place.angle_rad)
    return np.stack([place.x_mm + u * cos - v * sin, place.z_mm + u * sin + v * cos], axis=1)
